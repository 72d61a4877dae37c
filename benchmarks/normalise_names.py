"""Time conforming a million names against translating each of them: `python -m benchmarks.normalise_names`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from methods import persian

COUNT = 1_000_000
ROUNDS = 5
# As deliveries mix them: Arabic and Persian letters, half-spaces, a vowel sign, doubled spaces.
GIVEN = ("محمد", "علي", "فاطمه", "زهرا", "پروین", "سكينه", "محمد رضا", "علی\u200cرضا", "مهدّی", "لیلا", "امیرحسین")
FAMILY = (
    "احمدي",
    "صادقی",
    "کریمی",
    "رضائي",
    "موسوی\u200cنژاد",
    "نوری",
    "حسيني  فرد",
    "قاسمی",
    "ملكی",
    "باقری ",
    "یزدی",
    "رستمی",
    "جعفری",
)
TABLE = {code: letter for code, letter in persian.conforming_table().items() if code != letter}


def main() -> None:
    """Print the median seconds of both over alternating rounds of one run, and their ratio."""
    names = [f"{GIVEN[row % len(GIVEN)]} {FAMILY[row % len(FAMILY)]}" for row in range(COUNT)]
    translating, conforming = [], []
    for _ in range(ROUNDS):
        translating.append(_seconds(_translate_each, names))
        conforming.append(_seconds(persian.conform_all, names))
    base, ours = statistics.median(translating), statistics.median(conforming)
    print(f"{COUNT:,} names: translate {base:.3f} s, conform_all {ours:.3f} s, ratio {ours / base:.2f}")


def _translate_each(names: Sequence[str]) -> list[str]:
    return [name.translate(TABLE) for name in names]


def _seconds(work: Callable[[Sequence[str]], list[str]], names: Sequence[str]) -> float:
    start = time.perf_counter()
    work(names)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
