"""Workbook of plain tables, right to left, accessible, the same bytes each time."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import xlsxwriter
from xlsxwriter.core import Core
from xlsxwriter.packager import Packager
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

# A workbook says when it was made; it is the same file whenever it is.
DAY_ONE = datetime.datetime(2000, 1, 1)
LANGUAGE = "fa-IR"
FONT = {"font_name": "Tahoma", "font_size": 10, "valign": "top"}
STYLE = "Table Style Light 9"
TEXT, NUMBERS, LINK = "text", "numbers", "link"
A4 = 9
GENERAL = "General"
# XlsxWriter escapes them in cells, not in properties.
NOT_OF_XML = re.compile("[\x00-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        header: Persian header.
        width: in letters.
        kind: TEXT, NUMBERS, or LINK, names of sheets that are links to them.
        values: texts, of which an empty one leaves the cell empty; or numbers, of which NaN does.
        formats: number format of each row, of NUMBERS alone.
    """

    header: str
    width: int
    kind: str
    values: npt.NDArray[Any]
    formats: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class Sheet:
    """One sheet: a table from its first cell.

    Attributes:
        name: Persian name, under 31 characters.
        code: Latin name of the table.
        title: what stands in it, in words.
        columns: of one length.
    """

    name: str
    code: str
    title: str
    columns: Sequence[Column]

    @property
    def row_count(self) -> int:
        """Rows below the header."""
        return len(self.columns[0].values)


def write(sheets: Sequence[Sheet], title: str, author: str, notice: str) -> bytes:
    """Write a workbook; no text of it ever becomes a formula or a link.

    Args:
        sheets: in order, each with a row at least.
        title: title of the document.
        author: who answers for it.
        notice: what heads each printed page, or empty.
    """
    stream = io.BytesIO()
    book = _Book(stream, {"in_memory": True})
    book.set_properties({"title": NOT_OF_XML.sub("", title), "author": author, "comments": notice, "created": DAY_ONE})
    styles = _Styles(book)
    for sheet in sheets:
        _write_sheet(book.add_worksheet(sheet.name, _Table), sheet, styles, notice)
    book.close()
    return stream.getvalue()


def _write_sheet(page: _Table, sheet: Sheet, styles: _Styles, notice: str) -> None:
    page.right_to_left()
    page.freeze_panes(1, 0)
    headers = [{"header": column.header} for column in sheet.columns]
    options = {"name": sheet.code, "style": STYLE, "columns": headers, "title": sheet.title}
    page.add_table(0, 0, sheet.row_count, len(headers) - 1, options)
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, column.width)
        if column.kind == LINK:
            for row, name in enumerate(column.values, start=1):
                page.write_url(row, place, f"internal:'{name}'!A1", string=name)
    page.fill(sheet, styles)
    page.set_landscape()
    page.set_paper(A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    if notice:
        page.set_header(f"&C{notice}")


class _Styles:
    """Numbers of the cell styles of a workbook."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._numbers: dict[str, int] = {}
        self.header = self._made({"bold": True, "text_wrap": True})
        self.text = self._made({"text_wrap": True})
        self.link = self._made({"font_color": "#0B5394", "underline": 1})

    def number(self, code: str) -> int:
        """Give the style that shows a number so."""
        if code not in self._numbers:
            self._numbers[code] = self._made({"num_format": code})
        return self._numbers[code]

    def _made(self, properties: dict[str, Any]) -> int:
        return int(self._book.add_format(FONT | properties)._get_xf_index())


class _Table(Worksheet):  # type: ignore[misc]
    """A sheet whose cells are written column by column: XlsxWriter takes over three times as long a cell."""

    def fill(self, sheet: Sheet, styles: _Styles) -> None:
        """Write the header and every row."""
        # Otherwise the sheet says that it ends with its header.
        self.dim_rowmax = sheet.row_count
        columns = [self._cells(place, column, styles) for place, column in enumerate(sheet.columns)]
        rows = (f'<row r="{row}">{"".join(cells)}</row>' for row, cells in enumerate(zip(*columns, strict=True), 1))
        self._data = "".join(rows)

    def _write_sheet_data(self) -> None:
        self.fh.write(f"<sheetData>{self._data}</sheetData>")

    def _cells(self, place: int, column: Column, styles: _Styles) -> list[str]:
        name = xl_col_to_name(place)
        header = f'<c r="{name}1" s="{styles.header}" t="s"><v>{self._shared(column.header)}</v></c>'
        if column.kind == NUMBERS:
            return [header, *_number_cells(name, column, styles)]
        style = styles.link if column.kind == LINK else styles.text
        texts = column.values.tolist()
        # A text stands in the workbook once, and a cell points to it.
        ends = {text: f'" s="{style}" t="s"><v>{self._shared(text)}</v></c>' for text in dict.fromkeys(texts) if text}
        return [header, *[f'<c r="{name}{row}{ends[text]}' if text else "" for row, text in enumerate(texts, 2)]]

    def _shared(self, text: str) -> int:
        return int(self.str_table._get_shared_string_index(text))


def _number_cells(name: str, column: Column, styles: _Styles) -> list[str]:
    formats = column.formats.tolist() if column.formats is not None else [GENERAL] * len(column.values)
    starts = {code: f'" s="{styles.number(code)}"><v>' for code in dict.fromkeys(formats)}
    # NaN is the only number that is not itself.
    return [
        f'<c r="{name}{row}{starts[code]}{_plain(number)}</v></c>' if number == number else ""
        for row, (number, code) in enumerate(zip(column.values.tolist(), formats, strict=True), 2)
    ]


def _plain(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(number)


class _Book(xlsxwriter.Workbook):  # type: ignore[misc]
    """A workbook that states its language, which XlsxWriter has no property for."""

    def _get_packager(self) -> Packager:
        return _Packager()


class _Packager(Packager):  # type: ignore[misc]
    def _write_core_file(self) -> None:
        core = _Core()
        core._set_properties(self.workbook.doc_properties)
        core._set_xml_writer(self._filename("docProps/core.xml"))
        core._assemble_xml_file()


class _Core(Core):  # type: ignore[misc]
    def _write_cp_content_status(self) -> None:
        super()._write_cp_content_status()
        self._xml_data_element("dc:language", LANGUAGE)
