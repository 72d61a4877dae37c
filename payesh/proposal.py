"""Proposals for a new source: which header of a sample is which column of a form, and what cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from methods import amount, calendar, persian
from tasks.edges import sources
from tasks.edges.forms import Column, Form

# A header below this is nobody's; between the two it is shown as doubtful.
LEAST_SCORE, SURE_SCORE = 55, 80
NAME_WEIGHT = 0.7
# Loans are from a few million to some hundred billion rial; the unit that brings the median there is proposed.
USUAL_RIAL = (20_000_000, 200_000_000_000)

UNIT_WORDS: dict[str, sources.Unit] = {"تومان": "toman", "میلیونریال": "million_rial", "ریال": "rial"}


@dataclass(frozen=True)
class Match:
    """A header proposed for a column; score 0 to 100."""

    header: str
    score: float

    @property
    def is_sure(self) -> bool:
        """Say whether a person need not be asked."""
        return self.score >= SURE_SCORE


def match_headers(form: Form, header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> dict[str, Match]:
    """Propose a header for each column, each header once, the best pairs first.

    Args:
        form: what is wanted.
        header: headers of the sample.
        rows: some of its rows.
    """
    words = _known_words(form)
    cells = {name: [row[place] or "" for row in rows if place < len(row)] for place, name in enumerate(header)}
    scores = [
        (_score(words[column], name, spec, cells[name]), column, name)
        for column, spec in form.columns.items()
        for name in header
        if name
    ]
    found: dict[str, Match] = {}
    for score, column, name in sorted(scores, key=lambda one: -one[0]):
        taken = {match.header for match in found.values()}
        if score >= LEAST_SCORE and column not in found and name not in taken:
            found[column] = Match(name, round(score))
    return {column: found[column] for column in form.columns if column in found}


def propose_unit(header: str, cells: Sequence[str]) -> sources.Unit:
    """Propose the unit of a column of money by its header, else by its magnitude; only a person can tell for sure."""
    said = persian.name_key(header)
    for word, unit in UNIT_WORDS.items():
        if word in said:
            return unit
    read = [float(value) for value in amount.read_amounts(list(cells)) if value]
    median = float(np.median(read)) if read else 0.0
    units: tuple[sources.Unit, ...] = ("rial", "million_rial", "toman")
    return next((unit for unit in units if USUAL_RIAL[0] <= median * sources.RIAL[unit] <= USUAL_RIAL[1]), "rial")


def propose_codes(column: Column, cells: Sequence[str]) -> dict[str, str]:
    """Propose the code of each distinct value of a choice by its likeness to the labels."""
    codes = {}
    for text in sorted({cell.strip() for cell in cells if cell.strip()}):
        likeness = {code: _likeness(text, (code, label)) for code, label in column.choices.items()}
        best = max(likeness, key=likeness.__getitem__)
        if likeness[best] >= LEAST_SCORE:
            codes[text] = best
    return codes


def _known_words(form: Form) -> dict[str, set[str]]:
    words = {name: {name, column.label_fa} for name, column in form.columns.items()}
    # What other agencies call it is the best dictionary there is.
    for source in sources.load_all().values():
        if source.form == form.form:
            for name, header in source.columns.items():
                words[name].add(header)
    return words


def _score(words: set[str], header: str, column: Column, cells: Sequence[str]) -> float:
    name = _likeness(header, tuple(words))
    share = _share_read(column, [cell for cell in cells if cell.strip()])
    if share is None:
        return name
    # Content alone tells no name, but content that cannot be read speaks against the best one.
    return NAME_WEIGHT * name + (1 - NAME_WEIGHT) * 100 * share


def _likeness(text: str, words: Sequence[str]) -> float:
    key = persian.name_key(text).casefold()
    return max(fuzz.ratio(key, persian.name_key(word).casefold()) for word in words)


def _share_read(column: Column, cells: Sequence[str]) -> float | None:
    reader = _READERS.get(column.kind)
    if reader is None or not cells:
        return None
    return sum(reader(cells)) / len(cells)


def _each(read: Callable[[str], str | None]) -> Callable[[Sequence[str]], list[bool]]:
    return lambda cells: [read(cell) is not None for cell in cells]


_READERS: Mapping[str, Callable[[Sequence[str]], Sequence[bool]]] = {
    "national_id": _each(persian.national_id),
    "legal_id": _each(persian.legal_id),
    "iban": _each(persian.iban),
    "mobile": _each(persian.mobile),
    "postcode": _each(persian.postcode),
    "date": lambda cells: (~np.isnat(calendar.read_dates(cells)[0])).tolist(),
    "count": lambda cells: [value is not None for value in amount.read_whole_numbers(list(cells))],
    "money": lambda cells: [value is not None for value in amount.read_amounts(list(cells))],
}
