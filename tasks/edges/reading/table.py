"""A delivered table: its header, its rows of text and what was found out on the way."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa

from methods.errors import HeaderMismatch, SourceUnreadable
from tasks.edges.readings import Reading

Key = Callable[[str], str]
Row = list[str | None]

# Titles, dates and addressees stand above a header; nobody writes thirty lines of them.
HEAD_ROWS = 30
FOOT_WORDS = frozenset({"جمع", "مجموع", "کل", "total", "sum"})
FOOT_PHRASES = ("grand total",)
# Total rows, and who signed below them, are sought among so many rows at the foot.
FOOT_ROWS = 4
_FIRST_WORD = re.compile(r"\w+")


@dataclass
class Table:
    """A delivery as text.

    Args:
        header: as delivered, white space trimmed.
        rows: cells as text, any width; None and "" both mean empty.
        notes: what was found out, for the receipt; complete once the rows are exhausted.
        blocks: the same rows as columns of text, each as wide as the header, where that can be had; they may turn
            out not to be (`blocks.NotPlain`), and then the rows say what is there.
    """

    header: list[str]
    rows: Iterator[Row]
    notes: list[str] = field(default_factory=list)
    blocks: Iterator[pa.RecordBatch] | None = None


@dataclass(frozen=True)
class Header:
    """Where the header of a table was found.

    Args:
        cells: its texts, trimmed.
        row: its last row, from 1.
        score: how many of the expected headers it holds.
        lines: 2 if each column is headed by a group and by its own name below.
    """

    cells: list[str]
    row: int
    score: int
    lines: int = 1

    @property
    def note(self) -> str:
        """Where it stands, for the receipt."""
        return f"header in row {self.row}" if self.lines == 1 else f"header in rows {self.row - 1} and {self.row}"


def find_header(
    rows: Sequence[Sequence[str]],
    reading: Reading,
    key: Key,
    headers: Collection[str],
    joined: Callable[[int], list[str] | None] = lambda _: None,
) -> Header | None:
    """Find the row that holds most of the expected headers; the uppermost of equals.

    Args:
        rows: the first rows of the table.
        reading: may say the row.
        key: brings text to the form in which headers are compared.
        headers: the expected ones; none means the first row of more than one filled cell.
        joined: for a row's index, the header it makes with the row below it, if they belong together.

    Returns:
        The header, or None if no row is filled.
    """
    if reading.header_row != "auto":
        return (
            Header(_trimmed(rows[reading.header_row - 1]), reading.header_row, 0) if _reaches(rows, reading) else None
        )
    wanted = {key(name) for name in headers}
    found: list[Header] = []
    for index, row in enumerate(rows[:HEAD_ROWS]):
        found.append(_scored(row, index + 1, wanted, key))
        two_lines = joined(index)
        if two_lines is not None:
            found.append(_scored(two_lines, index + 2, wanted, key, lines=2))
    best = max(found, key=lambda header: header.score, default=None)
    return best if best is not None and best.score else _first_filled(rows)


def no_such_row(place: str, row: int | str) -> SourceUnreadable:
    """Say that the row of the header is not there: one that was said, or any (`auto`)."""
    return unreadable(
        place,
        "no filled row at its top" if row == "auto" else f"no row {row}",
        "a header",
        "Correct `header_row` in its YAML, or ask the agency for the agreed layout.",
    )


def check_alike(place: str, header: Sequence[str], key: Key) -> None:
    """Refuse a header that stands over two columns.

    Raises:
        HeaderMismatch: naming both columns.
    """
    seen: dict[str, int] = {}
    for column, text in enumerate(header, start=1):
        name = key(text)
        if name and name in seen:
            first = seen[name]
            raise HeaderMismatch(
                place=f"{place}, header row",
                found=f"the header {header[first - 1]!r} over column {first} and {text!r} over column {column}",
                wanted="each header once",
                remedy="Ask the agency which of the two columns is meant, and to name the other one differently.",
            )
        seen[name] = column


def without_foot(rows: Iterable[Row], key: Key, notes: list[str]) -> Iterator[Row]:
    """Pass rows on but for totals at the foot, which are noted: they are no records."""
    held: deque[Row] = deque()
    for row in rows:
        held.append(row)
        if len(held) > FOOT_ROWS:
            yield held.popleft()
    last = list(held)
    yield from last[: above_foot(last, key, notes)]


def above_foot(last: Sequence[Sequence[str | None]], key: Key, notes: list[str]) -> int:
    """Count the rows above the totals at the foot of a table; below these only lines of one cell may stand.

    Args:
        last: the last rows, as many as FOOT_ROWS if there are so many.
        key: brings text to the form in which a total is known.
        notes: what was found out, for the receipt.
    """
    foot = len(last)
    # In a narrow table a line of one cell may be a record.
    most_beside = 1 if max(map(len, last), default=0) > 2 else 0
    for place in range(len(last) - 1, -1, -1):
        if is_total(last[place], key):
            foot = place
        elif sum(bool(cell and key(cell)) for cell in last[place]) > most_beside:
            break
    totals = sum(is_total(row, key) for row in last[foot:])
    if totals:
        below = len(last) - foot - totals
        beside = f" and {below} of one cell below" if below else ""
        notes.append(f"{totals} total row{'s' if totals > 1 else ''} at the foot{beside} left out")
    return foot


def is_total(row: Iterable[str | None], key: Key) -> bool:
    """Say whether a row is headed as a total. By whole words: کلات is a county, کل is a total."""
    keys = (key(cell).casefold() for cell in row if cell)
    first = next(filter(None, keys), "")
    word = _FIRST_WORD.match(first)
    return word is not None and (word.group() in FOOT_WORDS or first.startswith(FOOT_PHRASES))


def as_text(value: Any) -> str:
    """Write a cell of any type as text: no exponent, no idle .0, dates as ISO, truth as 1 and 0."""
    return writer(type(value))(value)


def writer(kind: type) -> Callable[[Any], str]:
    """Give the function that writes cells of one type as text."""
    return _WRITTEN.get(kind, str)


def number_text(value: float) -> str:
    """Write a number as its digits: 10 for 10.0, 0.00001 for 1e-05."""
    if value.is_integer():
        return str(int(value))
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def unreadable(place: str, found: str, wanted: str, remedy: str = "") -> SourceUnreadable:
    """Name what cannot be read."""
    again = "Ask the agency to deliver it again; a transfer may have broken off."
    return SourceUnreadable(place=place, found=found, wanted=wanted, remedy=remedy or again)


def empty(place: str) -> SourceUnreadable:
    """Name a file that holds nothing."""
    return unreadable(place, "an empty file", "a header and rows", "Ask the agency to export it again.")


def _decimal_text(value: Decimal) -> str:
    return format(value, "f")


def _moment_text(value: dt.datetime) -> str:
    # A sheet keeps a day as its midnight: whoever entered a day delivers a day.
    return value.date().isoformat() if value.timetz() == dt.time() else value.isoformat(" ")


def _duration_text(value: dt.timedelta) -> str:
    seconds = round(value.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=as_text)


_WRITTEN: dict[type, Callable[[Any], str]] = {
    str: str,
    type(None): lambda _: "",
    bool: lambda value: "1" if value else "0",
    float: number_text,
    Decimal: _decimal_text,
    dt.date: dt.date.isoformat,
    dt.datetime: _moment_text,
    dt.time: dt.time.isoformat,
    dt.timedelta: _duration_text,
    list: _json_text,
    dict: _json_text,
}


def _reaches(rows: Sequence[Sequence[str]], reading: Reading) -> bool:
    return reading.header_row != "auto" and reading.header_row <= len(rows)


def _scored(row: Sequence[str], number: int, wanted: Collection[str], key: Key, lines: int = 1) -> Header:
    return Header(_trimmed(row), number, len({key(cell) for cell in row if cell}.intersection(wanted)), lines)


def _first_filled(rows: Sequence[Sequence[str]]) -> Header | None:
    filled = [(index, sum(1 for cell in row if cell and cell.strip())) for index, row in enumerate(rows)]
    tables = [index for index, count in filled if count > 1] or [index for index, count in filled if count]
    return Header(_trimmed(rows[tables[0]]), tables[0] + 1, 0) if tables else None


def _trimmed(row: Sequence[str]) -> list[str]:
    return [cell.strip().strip("\ufeff") for cell in row]
