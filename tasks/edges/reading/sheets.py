"""Workbooks: a sheet as rows of text, whole columns at once, and single cells of many sheets."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from itertools import chain, islice
from typing import Any, cast

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from methods.errors import HeaderMismatch, SourceUnreadable
from tasks.edges.reading import containers
from tasks.edges.reading.containers import KIND_NAMES, Content
from tasks.edges.reading.table import (
    HEAD_ROWS,
    Key,
    Row,
    Table,
    as_text,
    check_alike,
    empty,
    find_header,
    no_such_row,
    unreadable,
    without_foot,
    writer,
)
from tasks.edges.readings import Reading, SheetCell

WORKBOOKS = ("xlsx", "ods", "xls")
CELL_HEADER = ("county", "measure", "person_count")
# The reader holds the whole rectangle around the filled cells: one cell far out would fill the memory.
MOST_CELLS = 60_000_000
# What a larger part says of its own reach is believed: to look costs as long as to read it.
LOOKED_THROUGH_BYTES = 8 * 1024**2
# A cell of an ODS file stands for as many as it says; so few bytes may hold millions.
MOST_REPEATED = 1_000_000

_BLOCK_ROWS = 256
_SHEET_PART = re.compile(r"xl/worksheets/[^/]+\.xml")
_DIMENSION = re.compile(rb'<(?:\w+:)?dimension\b[^>]*\bref="([A-Z]+[0-9]+)(?::([A-Z]+[0-9]+))?"')
_FILLED_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\sr=[\"']([A-Za-z]+[0-9]+)[\"'][^>]*(?<!/)>")
_ERROR_CELL = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]+[0-9]+)"[^>]*>(?:<(?:\w+:)?f\b.{0,8192}?)?<(?:\w+:)?v>(#[^<]*)<',
    re.DOTALL,
)
_UNCOMPUTED = re.compile(rb"</(?:\w+:)?f>(?:<(?:\w+:)?v ?/>|<(?:\w+:)?v></(?:\w+:)?v>|</(?:\w+:)?c>)")
_ODS_ROW = re.compile(rb"<table:table-row\b([^>]*)>(.*?)</table:table-row>", re.DOTALL)
_ODS_ROWS = re.compile(rb'\btable:number-rows-repeated="(\d+)"')
_ODS_FILLED = re.compile(rb"<table:table-cell\b[^>]*\boffice:value-type=[^>]*>")
_ODS_COLUMNS = re.compile(rb'\btable:number-columns-repeated="(\d+)"')
_SHEET_ELEMENT = re.compile(r"<(?:\w+:)?sheet\b[^>]*?\b\w+:id=\"([^\"]*)\"")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b([^>]*)>")
_ATTRIBUTE = re.compile(r"(\w+)=\"([^\"]*)\"")

Errors = dict[int, dict[int, str]]


@dataclass
class _Survey:
    """What the parts of an XLSX file say that its reader does not: how far a sheet reaches, where errors stand."""

    heads: dict[str, bytes] = field(default_factory=dict)
    suspects: set[str] = field(default_factory=set)


@dataclass
class _Tally:
    formula_like: int = 0
    errors: int = 0


@contextmanager
def read_table(content: Content, reading: Reading, key: Key, headers: Collection[str]) -> Iterator[Table]:
    """Read one sheet of a workbook.

    Raises:
        SourceUnreadable: not a workbook, encrypted, broken, or without the sheet that is named.
        HeaderMismatch: one header stands over two columns.
    """
    survey = _surveyed(content)
    with _book(content) as book:
        index, sheet = _chosen(content, book, survey, reading, key)
        notes = [f"sheet {sheet.name} (found)"] if reading.sheet is None and len(book.sheet_names) > 1 else []
        tally = _Tally()
        if _has_uncomputed(content, survey, index):
            notes.append("formulas without a computed value, whose cells are empty")
        rows = _text_rows(sheet, _errors(content, survey, index), tally)
        top = list(islice(rows, HEAD_ROWS if reading.header_row == "auto" else reading.header_row))
        header = find_header(top, reading, key, headers, partial(_joined, top, _merges(sheet)))
        if header is None and top and reading.header_row != "auto":
            raise no_such_row(f"{content.place}, sheet {sheet.name}", reading.header_row)
        if header is None:
            raise empty(f"{content.place}, sheet {sheet.name}")
        check_alike(f"{content.place}, sheet {sheet.name}", header.cells, key)
        if header.row > 1:
            notes.append(header.note)
        # Rows that hold nothing are an artefact of the sheet, not a delivery.
        body = cast("Iterator[Row]", filter(any, chain(top[header.row :], rows)))
        kept = body if reading.foot == "keep" else without_foot(body, key, notes)
        yield Table(header.cells, _tallied(kept, tally, notes), notes)


@contextmanager
def read_cells(content: Content, reading: Reading, key: Key) -> Iterator[Table]:
    """Read single cells of every sheet of every workbook: a row a sheet and measure.

    Raises:
        SourceUnreadable: not workbooks.
        HeaderMismatch: a sheet whose name holds no code, or that lacks a label or a column.
    """
    yield Table(list(CELL_HEADER), _cell_rows(content, reading, key))


# workbooks ---------------------------------------------------------------------------------------


@contextmanager
def _book(content: Content) -> Iterator[CalamineWorkbook]:
    try:
        with CalamineWorkbook.from_path(content.path) as book:
            yield book
    except PasswordError as error:
        raise _locked(content) from error
    except CalamineError as error:
        raise unreadable(content.place, str(error), "a whole workbook") from error
    except BaseException as error:
        # What its reader did not foresee; Rust's panics are no Exceptions, and their class has no name to import.
        if type(error).__name__ != "PanicException":
            raise
        raise unreadable(content.place, "a workbook that is broken inside", "a whole workbook") from error


def _locked(content: Content) -> SourceUnreadable:
    return unreadable(
        content.place,
        KIND_NAMES["locked"],
        "a workbook without a password",
        "Ask the agency to deliver it without a password.",
    )


def _surveyed(content: Content) -> _Survey:
    """Go once through the parts of an XLSX or ODS file, so that none unpacks to more than is allowed."""
    if content.kind == "locked":
        raise _locked(content)
    if content.kind not in WORKBOOKS:
        raise unreadable(
            content.place,
            KIND_NAMES[content.kind],
            "a workbook",
            "Ask the agency for a workbook saved by a spreadsheet program, or correct `format` in its YAML.",
        )
    if content.kind == "ods":
        _check_repeats(content)
    survey = _Survey()
    for name, block in containers.blocks(content) if content.kind != "xls" else ():
        if _SHEET_PART.fullmatch(name):
            survey.heads.setdefault(name, block)
            # The one sign that every error begins with and that the rest of a sheet's part hardly ever has.
            if b"#" in block:
                survey.suspects.add(name)
    return survey


def _chosen(
    content: Content, book: CalamineWorkbook, survey: _Survey, reading: Reading, key: Key
) -> tuple[int, CalamineSheet]:
    sheets = [
        (index, sheet) for index, sheet in enumerate(book.sheets_metadata) if _is_wanted(index, sheet, reading, key)
    ]
    for index, _ in sheets:
        _check_reach(content, survey, index)
        sheet = book.get_sheet_by_index(index)
        if sheet.height:
            return index, sheet
    if sheets or reading.sheet is None:
        raise empty(content.place)
    raise unreadable(
        content.place,
        f"the sheets {', '.join(book.sheet_names)}",
        f"the sheet {reading.sheet}",
        "Correct `sheet` in its YAML, or ask the agency for the agreed layout.",
    )


def _is_wanted(index: int, sheet: SheetMetadata, reading: Reading, key: Key) -> bool:
    if reading.sheet is None:
        return sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    if isinstance(reading.sheet, int):
        return index + 1 == reading.sheet
    return key(sheet.name) == key(reading.sheet)


# what the parts of an XLSX file say --------------------------------------------------------------


def _check_reach(content: Content, survey: _Survey, index: int) -> None:
    part = _part(content, survey, index)
    if part is None:
        return
    said = _DIMENSION.search(survey.heads[part])
    with zipfile.ZipFile(content.path) as archive:
        is_large = archive.getinfo(part).file_size > LOOKED_THROUGH_BYTES
    if is_large and said is not None and _area(said.group(1, 2)) <= MOST_CELLS:
        return
    # Cells that are only dressed count in what is said, but not in what is held.
    cells = [0, 0]
    for window in _windows(content, part):
        for match in _FILLED_CELL.finditer(window):
            row, column = _position(match[1])
            cells = [max(cells[0], row + 1), max(cells[1], column + 1)]
    if cells[0] * cells[1] > MOST_CELLS:
        raise unreadable(
            f"{content.place}, {part}",
            f"cells that reach over {cells[0]} rows and {cells[1]} columns",
            f"a sheet of at most {MOST_CELLS} cells",
            "Ask the agency to clear what stands far below or beside the table.",
        )


def _check_repeats(content: Content) -> None:
    repeated = 0
    for window in _windows(content, "content.xml"):
        for row in _ODS_ROW.finditer(window) if b"-repeated=" in window else ():
            rows = int(found[1]) if (found := _ODS_ROWS.search(row[1])) else 1
            filled = _ODS_FILLED.findall(row[2])
            columns = [int(found[1]) if (found := _ODS_COLUMNS.search(cell)) else 1 for cell in filled]
            repeated += rows * sum(columns) - len(columns)
        if repeated > MOST_REPEATED:
            raise unreadable(
                f"{content.place}, content.xml",
                f"cells that stand for more than {MOST_REPEATED:,} others",
                "a sheet whose cells stand in it one by one",
                "Ask the agency to clear what was filled far below or beside the table.",
            )


def _errors(content: Content, survey: _Survey, index: int) -> Errors:
    part = _part(content, survey, index)
    found: Errors = {}
    for window in _windows(content, part) if part in survey.suspects else ():
        for match in _ERROR_CELL.finditer(window):
            row, column = _position(match[1])
            found.setdefault(row, {})[column] = unescape(match[2].decode())
    return found


def _has_uncomputed(content: Content, survey: _Survey, index: int) -> bool:
    """Look into the top of a sheet for formulas that a program wrote and no spreadsheet has computed yet."""
    part = _part(content, survey, index)
    return part is not None and _UNCOMPUTED.search(survey.heads[part]) is not None


def _part(content: Content, survey: _Survey, index: int) -> str | None:
    if not survey.heads:
        return None
    with zipfile.ZipFile(content.path) as archive:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    attributes = [dict(_ATTRIBUTE.findall(element)) for element in _RELATION.findall(relations)]
    targets = {each.get("Id"): posixpath.join("/xl", each.get("Target", "")).lstrip("/") for each in attributes}
    sheets = _SHEET_ELEMENT.findall(book)
    part = targets.get(sheets[index]) if index < len(sheets) else None
    return part if part in survey.heads else None


def _windows(content: Content, part: str | None) -> Iterator[bytes]:
    """Read a part in pieces that end with a row."""
    kept = b""
    for name, block in containers.blocks(content):
        if name == part:
            window = kept + block
            end = window.rfind(b"row>")
            cut = end + len(b"row>") if end >= 0 else 0
            yield window[:cut]
            kept = window[cut:]
    yield kept


def _area(corners: Iterable[bytes | None]) -> int:
    places = [_position(corner) for corner in corners if corner]
    return (places[-1][0] + 1) * (places[-1][1] + 1)


def _position(reference: bytes) -> tuple[int, int]:
    letters = reference.rstrip(b"0123456789")
    column = 0
    for letter in letters.upper():
        column = column * 26 + letter - 64
    return int(reference[len(letters) :]) - 1, column - 1


# header ------------------------------------------------------------------------------------------


def _merges(sheet: CalamineSheet) -> list[tuple[tuple[int, int], tuple[int, int]]] | None:
    ranges = sheet.merged_cell_ranges
    if ranges is None or sheet.start is None:
        return None
    left = sheet.start[1]
    return [((top, first - left), (bottom, last - left)) for (top, first), (bottom, last) in ranges]


def _joined(
    top: Sequence[Sequence[str]], merges: list[tuple[tuple[int, int], tuple[int, int]]] | None, index: int
) -> list[str] | None:
    """Join a row of groups with the row of names below it; a name alone, or a group alone, stands by itself."""
    if index + 1 >= len(top):
        return None
    upper = _spread(top[index]) if merges is None else _over_merged(top[index], merges, index)
    return [" ".join(filter(None, map(str.strip, pair))) for pair in zip(upper, top[index + 1], strict=False)]


def _over_merged(row: Sequence[str], merges: list[tuple[tuple[int, int], tuple[int, int]]], index: int) -> list[str]:
    cells = list(row)
    for (first_row, first), (_, last) in merges:
        if first_row == index and 0 <= first < len(cells):
            for column in range(first, min(last + 1, len(cells))):
                cells[column] = row[first]
    return cells


def _spread(row: Sequence[str]) -> list[str]:
    cells, group = [], ""
    for cell in row:
        group = cell or group
        cells.append(group)
    return cells


# cells -------------------------------------------------------------------------------------------


def _text_rows(sheet: CalamineSheet, errors: Errors, tally: _Tally) -> Iterator[list[str]]:
    rows = sheet.iter_rows()
    left = sheet.start[1] if sheet.start else 0
    number = 0
    while block := list(islice(rows, _BLOCK_ROWS)):
        if errors:
            _put_errors(block, errors, number, left, tally)
        number += len(block)
        yield from map(list, zip(*[_column_text(column, tally) for column in zip(*block, strict=True)], strict=True))


def _put_errors(block: list[list[Any]], errors: Errors, number: int, left: int, tally: _Tally) -> None:
    for row, cells in enumerate(block, start=number):
        for column, text in errors.get(row, {}).items():
            cells[column - left] = text
            tally.errors += 1


def _column_text(column: tuple[Any, ...], tally: _Tally) -> Iterable[str]:
    kinds = set(map(type, column))
    if str not in kinds and len(kinds) == 1:
        if kinds == {float} and all(map(float.is_integer, column)):
            return map(str, map(int, column))
        return map(writer(kinds.pop()), column)
    texts = column if len(kinds) == 1 else [cell if cell.__class__ is str else as_text(cell) for cell in column]
    # No cell holds the sign that joins them, so that one count finds every cell that begins with =.
    tally.formula_like += "\x00".join(("", *texts)).count("\x00=")
    return texts


def _tallied(rows: Iterable[Row], tally: _Tally, notes: list[str]) -> Iterator[Row]:
    yield from rows
    if tally.formula_like:
        notes.append(f"{tally.formula_like} cells look like formulas")
    if tally.errors:
        notes.append(f"{tally.errors} cells hold an error such as #REF!")


# single cells ------------------------------------------------------------------------------------


def _cell_rows(content: Content, reading: Reading, key: Key) -> Iterator[Row]:
    files = containers.each_file(content) if content.kind == "zip" else iter((content,))
    for file in files:
        survey = _surveyed(file)
        with _book(file) as book:
            for index, name in enumerate(book.sheet_names):
                _check_reach(file, survey, index)
                yield from _sheet_cells(f"{file.place}, sheet {name}", book.get_sheet_by_index(index), reading, key)


def _sheet_cells(place: str, sheet: CalamineSheet, reading: Reading, key: Key) -> Iterator[Row]:
    code = re.search(reading.sheet_code or r"(.*)", key(sheet.name))
    if code is None:
        raise _layout_mismatch(place, "no code in its name", f"{reading.sheet_code}")
    table = sheet.to_python()
    labels = [key(as_text(row[0])) if row else "" for row in table]
    for cell in reading.cells:
        yield [code.group(1), cell.measure, _cell_value(place, table, labels, cell, key)]


def _cell_value(place: str, table: list[list[Any]], labels: list[str], cell: SheetCell, key: Key) -> str:
    label = key(cell.label)
    if label not in labels:
        raise _layout_mismatch(place, "no such row", cell.label)
    row = table[labels.index(label)]
    if cell.column > len(row):
        raise _layout_mismatch(place, f"{len(row)} columns", f"a column {cell.column}")
    return as_text(row[cell.column - 1])


def _layout_mismatch(place: str, found: str, wanted: str) -> HeaderMismatch:
    return HeaderMismatch(place=place, found=found, wanted=wanted)
