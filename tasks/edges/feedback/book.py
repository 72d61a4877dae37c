"""The spreadsheet both workbooks are written into: right to left, text as text, under its name only when whole."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

# Excel takes 32,767 UTF-16 units a cell.
LONGEST_CELL = 16_000
CREATED_AT = datetime.datetime(2000, 1, 1)
REHEARSAL_NOTICE = "داده‌های این فایل ساختگی است و تنها برای تمرین سامانه ساخته شده است."


class Book:
    """A workbook that reads right to left, keeps text as text, and appears under its name only when whole."""

    def __init__(self, path: Path, is_rehearsal: bool) -> None:
        self._path, self._half = path, path.with_name(path.name + ".part")
        self._is_rehearsal = is_rehearsal
        path.parent.mkdir(parents=True, exist_ok=True)
        font = {"font_name": "Tahoma", "font_size": 10}
        self._book = xlsxwriter.Workbook(
            str(self._half), {"constant_memory": True, "default_format_properties": font, "strings_to_formulas": False}
        )
        self._book.set_properties({"title": path.stem, "created": CREATED_AT})
        self.text = self._book.add_format({"num_format": "@"})
        self.fault = self._book.add_format(
            {"num_format": "@", "bg_color": "#FFE0B2", "border": 2, "border_color": "#8A3B00"}
        )
        self.wrapped = self._book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        self.header = self._book.add_format(
            {"bold": True, "bg_color": "#D9E6E6", "bottom": 2, "text_wrap": True, "valign": "top"}
        )
        self.title = self._book.add_format({"bold": True, "font_size": 14, "font_color": "#0B6E6E"})
        self.notice = self._book.add_format({"bold": True, "font_color": "#8A3B00", "bg_color": "#FFF3E0"})
        self.number = self._book.add_format({"num_format": "#,##0", "align": "right"})
        self.share = self._book.add_format({"num_format": "0.00%", "align": "right"})
        self.row_number = self._book.add_format({"bg_color": "#ECEFF1", "font_color": "#455A64", "num_format": "0"})
        self.row_fault = self._book.add_format(
            {"bg_color": "#FFE0B2", "border": 2, "border_color": "#8A3B00", "num_format": "0"}
        )

    def __enter__(self) -> Book:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Closing also after a failure is what removes xlsxwriter's temporary files.
        self._book.close()
        if kind is None:
            self._half.rename(self._path)
        else:
            self._half.unlink()

    def add_sheet(self, name: str) -> Any:
        """Add a sheet for A4, which says on paper whether the data are made up."""
        sheet = self._book.add_worksheet(name)
        sheet.right_to_left()
        sheet.set_paper(9)
        if self._is_rehearsal:
            sheet.set_header(f"&C{REHEARSAL_NOTICE}")
        return sheet

    def add_table(self, name: str, headers: Sequence[str], widths: Sequence[int]) -> Any:
        """Add a sheet that begins with one row of headers, which stays in sight."""
        sheet = self.add_sheet(name)
        for place, (header, width) in enumerate(zip(headers, widths, strict=True)):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, cell(header), self.header)
        sheet.freeze_panes(1, 0)
        return sheet


def cell(text: str) -> str:
    """Give a text the form in which a cell holds it as it is."""
    cut = text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"
    # xlsxwriter takes text between these marks for XML of its own and would put it in as it stands.
    return cut + " " if cut.startswith("<r>") and cut.endswith("</r>") else cut


def write_line(page: Any, place: int, cells: Sequence[Any], text_style: Any, number_style: Any) -> None:
    """Write a row of texts and whole numbers from the first column on."""
    for column, value in enumerate(cells):
        if isinstance(value, int):
            page.write_number(place, column, value, number_style)
        else:
            page.write_string(place, column, cell(value), text_style)
