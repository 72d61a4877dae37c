"""A delivery written to disk and read back as a table."""

import io
import zipfile
from types import SimpleNamespace

import pytest
import xlsxwriter

from methods import persian
from tasks.edges.reading import open_table
from tasks.edges.readings import Reading

HEADERS = ("کد", "نام", "مبلغ")


@pytest.fixture
def read(tmp_path):
    """Read bytes as a delivery: header, rows and notes."""

    def reader(content, name="delivery", headers=HEADERS, **reading):
        path = tmp_path / "stored"
        path.write_bytes(content)
        with open_table("source X1", path, name, Reading(**reading), persian.conform, headers) as table:
            rows = list(table.rows)
        return SimpleNamespace(header=table.header, rows=rows, notes=table.notes)

    return reader


@pytest.fixture
def workbook():
    """Make a workbook: rows of its one sheet, or a function that fills it."""

    def maker(*rows, fill=None):
        stream = io.BytesIO()
        with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
            if fill is not None:
                fill(book)
            else:
                sheet = book.add_worksheet()
                for number, row in enumerate(rows):
                    sheet.write_row(number, 0, row)
        return stream.getvalue()

    return maker


@pytest.fixture
def zipped():
    """Make a zip of named contents."""

    def maker(files):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return stream.getvalue()

    return maker
