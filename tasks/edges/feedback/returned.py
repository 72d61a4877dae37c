"""The workbook of rows to correct, as an agency sends it back."""

from __future__ import annotations

import datetime
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

from methods.errors import DeliveryRefused, HeaderMismatch, Refusal, SourceUnreadable
from tasks.edges.feedback.content import Patch
from tasks.edges.feedback.layout import (
    REASON_HEADER,
    ROW_NUMBER_HEADER,
    ROWS_SHEET,
    TICKET_LAYOUT,
    TICKET_SHEET,
    Ticket,
)

LARGEST_UNPACKED_BYTES = 1024**3
# Excel keeps fifteen digits of a number.
LARGEST_EXACT_NUMBER = 10**15


def is_feedback(path: Path) -> bool:
    """Say whether a file is a workbook of rows given back, rather than a delivery."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with path.open("rb") as content, CalamineWorkbook.from_filelike(content) as book:
            # Where one of the two is gone, its reader says so; taken for a delivery it would only baffle.
            return TICKET_SHEET in book.sheet_names or ROWS_SHEET in book.sheet_names
    except CalamineError:
        return False


def read_workbook(
    place: str,
    path: Path,
    *,
    source_code: str | None = None,
    form: str | None = None,
    key: Callable[[str], str] = str.strip,
) -> Patch:
    """Read the corrected rows an agency sends back.

    Columns in another order, rows left out and empty rows are fine; a row left out stays given back.

    Args:
        place: where the workbook was met, for refusals.
        path: the workbook.
        source_code: source it must belong to, where that is known.
        form: form it must belong to, where that is known.
        key: brings a header to the form in which headers are compared.

    Returns:
        The corrected rows, in the order they stand in the workbook.

    Raises:
        SourceUnreadable: no whole workbook, or its hidden sheet or its sheet of rows is gone.
        HeaderMismatch: a header was renamed, removed or doubled.
        DeliveryRefused: of another source or form, or a row number unknown, repeated or no number.
    """
    with _opened(place, path) as book:
        ticket = _read_ticket(place, book)
        _refuse_another(place, ticket, source_code, form)
        table = _table(place, book, ROWS_SHEET)
    where = f"{place}, sheet {ROWS_SHEET}"
    header = [key(_cell_text(cell)) for cell in table[0]] if table else []
    places, notes = _header_places(where, header, ticket, key)
    rows = _patch_rows(where, table[1:], places, ticket, notes)
    columns = [name for name, _ in ticket.columns]
    return Patch(ticket.delivery_id, ticket.source_code, ticket.form, columns, iter(rows), notes)


def _opened(place: str, path: Path) -> CalamineWorkbook:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_UNPACKED_BYTES:
            raise _unreadable(place, f"a workbook that unpacks to {unpacked} bytes", "a workbook of plausible size")
        # By its content: a spooled or archived file does not end in .xlsx.
        with path.open("rb") as content:
            return CalamineWorkbook.from_filelike(content)
    except (zipfile.BadZipFile, CalamineError) as error:
        raise _unreadable(place, str(error), "a whole workbook (xlsx)") from error


def _table(place: str, book: CalamineWorkbook, name: str) -> list[list[Any]]:
    try:
        return book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except WorksheetNotFound as error:
        raise _unreadable(place, f"no sheet {name!r}", "the sheets the workbook was sent out with") from error
    except CalamineError as error:
        raise _unreadable(f"{place}, sheet {name}", str(error), "a whole sheet") from error


def _read_ticket(place: str, book: CalamineWorkbook) -> Ticket:
    lines = [[_cell_text(cell) for cell in row] + ["", ""] for row in _table(place, book, TICKET_SHEET)]
    said = {line[0]: line[1] for line in lines}
    try:
        ticket = Ticket(
            said["delivery_id"],
            said["source_code"],
            said["form"],
            [(line[1], line[2]) for line in lines if line[0] == "column"],
            [int(line[1]) for line in lines if line[0] == "row"],
        )
        is_whole = (said["layout"], said["digest"]) == (TICKET_LAYOUT, ticket.digest)
    except (KeyError, ValueError):
        is_whole = False
    if not is_whole:
        raise _unreadable(f"{place}, sheet {TICKET_SHEET}", "a hidden sheet that was altered", "it as it was sent out")
    return ticket


def _unreadable(place: str, found: str, wanted: str) -> SourceUnreadable:
    return SourceUnreadable(
        place=place,
        found=found,
        wanted=wanted,
        remedy="Ask the agency to correct the workbook it was sent and to send back that very file, all sheets in it.",
    )


def _refuse_another(place: str, ticket: Ticket, source_code: str | None, form: str | None) -> None:
    for what, found, wanted in (("source", ticket.source_code, source_code), ("form", ticket.form, form)):
        if wanted is not None and found != wanted:
            raise DeliveryRefused(
                place=place,
                found=f"rows given back of the {what} {found} (delivery {ticket.delivery_id})",
                wanted=f"those of the {what} {wanted}",
                remedy="The workbook went to the wrong place: put it where its own deliveries arrive.",
            )


def _header_places(
    place: str, header: Sequence[str], ticket: Ticket, key: Callable[[str], str]
) -> tuple[list[int], list[str]]:
    wanted = {key(text): text for text in (ROW_NUMBER_HEADER, *(header for _, header in ticket.columns))}
    counts = Counter(text for text in header if text)
    missing = [text for name, text in wanted.items() if name not in counts]
    doubled = [name for name, count in counts.items() if count > 1 and name in wanted]
    unknown = [name for name in counts if name not in wanted and name != key(REASON_HEADER)]
    if missing or doubled:
        parts = [f"no header {', '.join(map(repr, missing))}"] if missing else []
        parts += [f"the header {', '.join(map(repr, doubled))} more than once"] if doubled else []
        parts += [f"unknown header {', '.join(map(repr, unknown))}"] if unknown else []
        raise HeaderMismatch(
            place=f"{place}, row 1",
            found="; ".join(parts),
            wanted="each header as it was sent out, in any order",
            remedy="Ask the agency to restore the headers of row 1 and to send the workbook back again.",
        )
    notes = [f"column {name!r} is not of the form and was left out" for name in unknown]
    return [header.index(name) for name in wanted], notes


def _patch_rows(
    place: str, table: Sequence[Sequence[Any]], places: Sequence[int], ticket: Ticket, notes: list[str]
) -> list[tuple[int, list[str]]]:
    known, rows = set(ticket.row_numbers), dict[int, list[str]]()
    empty = cleared = rounded = 0
    for line, cells in enumerate(table, 2):
        number_text, *texts = [_cell_text(cells[index]) for index in places]
        if not number_text and not any(texts):
            empty += 1
            continue
        number = _row_number(f"{place}, row {line}", number_text, known, rows)
        if not any(texts):
            cleared += 1
            continue
        rounded += sum(_is_rounded(cells[index]) for index in places[1:])
        rows[number] = texts
    left_out = len(known) - len(rows)
    counted = (
        (left_out, f"{left_out} of {len(known)} rows were not sent back and stay given back"),
        (cleared, f"{cleared} rows hold nothing but their number"),
        (empty, f"{empty} empty rows were skipped"),
        (rounded, f"{rounded} cells hold numbers of more than 15 digits, which a spreadsheet rounds"),
    )
    notes += [text for count, text in counted if count]
    return list(rows.items())


def _row_number(place: str, text: str, known: set[int], seen: Mapping[int, object]) -> int:
    if not text.strip().isdecimal():
        raise _bad_row(place, f"the row number {text!r}", "the number the row was sent out with")
    number = int(text)
    if number not in known:
        raise _bad_row(place, f"the row number {number}, which was not given back", "a row of this workbook")
    if number in seen:
        raise _bad_row(place, f"the row number {number} a second time", "each row once")
    return number


def _bad_row(place: str, found: str, wanted: str) -> Refusal:
    return DeliveryRefused(
        place=place,
        found=found,
        wanted=wanted,
        remedy=f"Ask the agency to restore the column «{ROW_NUMBER_HEADER}»; new rows belong into its next delivery.",
    )


def _is_rounded(value: object) -> bool:
    return isinstance(value, float) and abs(value) >= LARGEST_EXACT_NUMBER


def _cell_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return "" if value is None else str(value)
