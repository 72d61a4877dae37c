"""Nearest names: what a text that means nothing may have meant, for a person to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rapidfuzz import fuzz, process

CANDIDATES = 3
# Below this two names have hardly a letter in common, and a hint would mislead.
LEAST_LIKENESS = 55


def finder(key: Callable[[str], str]) -> Callable[[str, Sequence[str]], str]:
    """Make the function that lists the names nearest to a text, nearest first.

    Args:
        key: brings a name to the form in which names are compared.
    """
    return partial(_nearest, key)


def _nearest(key: Callable[[str], str], text: str, names: Sequence[str]) -> str:
    found = process.extract(
        text, names, scorer=fuzz.ratio, processor=key, limit=CANDIDATES, score_cutoff=LEAST_LIKENESS
    )
    return "، ".join(name for name, _, _ in found)
