import datetime as dt
import io
import zipfile

import openpyxl
import pytest

from methods.errors import HeaderMismatch, SourceUnreadable
from tasks.edges.reading import sheets

HEADERS = ["کد", "نام", "مبلغ"]


def test_cells_of_every_type_are_text(read, workbook):
    def fill(book):
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        clock = book.add_format({"num_format": "hh:mm"})
        hours = book.add_format({"num_format": "[h]:mm:ss"})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        sheet.write_row(1, 0, [10, 1.5, 1e-7])
        sheet.write_row(2, 0, [123456789012345, -0.0, 1e20])
        sheet.write_row(3, 0, [True, False, "007"])
        sheet.write_datetime(4, 0, dt.date(2024, 3, 1), day)
        sheet.write_datetime(4, 1, dt.datetime(2024, 3, 1, 5, 6), moment)
        sheet.write_datetime(4, 2, dt.time(5, 6), clock)
        sheet.write_number(5, 0, 1.5, hours)
        sheet.write_datetime(5, 1, dt.datetime(2024, 3, 1), moment)
        sheet.write_formula(5, 2, "=1+1", None, 2)

    assert read(workbook(fill=fill)).rows == [
        ["10", "1.5", "0.0000001"],
        ["123456789012345", "0", "100000000000000000000"],
        ["1", "0", "007"],
        ["2024-03-01", "2024-03-01 05:06:00", "05:06:00"],
        ["36:00:00", "2024-03-01", "2"],
    ]


def test_columns_of_one_type_and_of_many_read_alike(read, workbook):
    rows = [["a", 1, 0.5], ["b", 2, 1.5], ["c", 3, 2]]
    assert read(workbook(HEADERS, *rows)).rows == [["a", "1", "0.5"], ["b", "2", "1.5"], ["c", "3", "2"]]
    assert read(workbook(HEADERS, *rows, ["", "x", ""])).rows[3] == ["", "x", ""]


def test_more_rows_than_a_block_keep_their_order(read, workbook):
    rows = [[f"F{number}", "x", number] for number in range(2500)]
    assert read(workbook(HEADERS, *rows)).rows == [[code, name, str(number)] for code, name, number in rows]


def test_a_cell_in_error_is_given_as_its_text(read):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["", *HEADERS], ["", "F1", "x #1", "#REF!"], ["", "F2", "#N/A", 3]):
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    found = read(stream.getvalue())
    assert [row[-3:] for row in found.rows] == [["F1", "x #1", "#REF!"], ["F2", "#N/A", "3"]]
    assert "2 cells hold an error such as #REF!" in found.notes


def test_a_formula_in_error_is_given_as_its_text(read, workbook):
    def fill(book):
        sheet = book.add_worksheet()
        sheet.write_row(3, 2, HEADERS)
        sheet.write_row(4, 2, ["F1", "x"])
        sheet.write_formula(4, 4, "=1/0", None, "#DIV/0!")

    assert read(workbook(fill=fill)).rows == [["F1", "x", "#DIV/0!"]]


def test_a_formula_nobody_has_computed_is_noted(read, workbook):
    book = openpyxl.Workbook()
    book.active.append(HEADERS)
    book.active.append(["F1", "a", "=1+1"])
    stream = io.BytesIO()
    book.save(stream)
    found = read(stream.getvalue())
    assert found.rows == [["F1", "a", ""]]
    assert "formulas without a computed value, whose cells are empty" in found.notes
    assert not any("formulas" in note for note in read(workbook(HEADERS, ["F1", "a", 2])).notes)


@pytest.mark.parametrize("block", [1, 2, 256])
def test_text_that_looks_like_a_formula_stays_text_and_is_counted(read, workbook, monkeypatch, block):
    monkeypatch.setattr(sheets, "_BLOCK_ROWS", block)
    rows = [["=cmd()", "+98", 1], ["-5", "@x", "=A1"], ["a=b", "x\n=y", 3]]
    found = read(workbook(HEADERS, *rows))
    assert found.rows == [["=cmd()", "+98", "1"], ["-5", "@x", "=A1"], ["a=b", "x\n=y", "3"]]
    assert "2 cells look like formulas" in found.notes


def test_the_header_is_found_below_titles_and_blank_rows(read, workbook):
    found = read(
        workbook(["فهرست شرکت‌ها"], [], ["سال", 1403], ["كد ", "نام", "مبلغ"], ["F1", "a", 1], [], ["F2", "b", 2])
    )
    assert (found.header, found.rows) == (["كد", "نام", "مبلغ"], [["F1", "a", "1"], ["F2", "b", "2"]])
    assert "header in row 4" in found.notes


def test_a_header_of_two_lines_is_joined_where_that_is_what_is_expected(read, workbook):
    def fill(book):
        sheet = book.add_worksheet()
        sheet.merge_range(1, 1, 2, 1, "کد")
        sheet.merge_range(1, 2, 1, 3, "مبلغ")
        sheet.write_row(2, 2, ["مصوب", "پرداختی"])
        sheet.write(1, 4, "نام")
        sheet.write_row(3, 1, ["F1", 10, 5, "x"])

    expected = ["کد", "مبلغ مصوب", "مبلغ پرداختی", "نام"]
    found = read(workbook(fill=fill), headers=expected)
    assert (found.header, found.rows) == (expected, [["F1", "10", "5", "x"]])
    assert "header in rows 2 and 3" in found.notes
    assert read(workbook(fill=fill), headers=["مصوب", "پرداختی"]).header == ["", "مصوب", "پرداختی", ""]


def test_a_group_above_a_header_that_fits_alone_is_a_title(read, workbook):
    def fill(book):
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 2, "فهرست")
        sheet.write_row(1, 0, HEADERS)
        sheet.write_row(2, 0, ["F1", "a", 1])

    found = read(workbook(fill=fill))
    assert (found.header, found.rows) == (HEADERS, [["F1", "a", "1"]])


def test_two_headers_alike_name_both_columns(read, workbook):
    with pytest.raises(HeaderMismatch, match="'نام' over column 2 and 'نام' over column 4"):
        read(workbook([*HEADERS, "نام"], ["F1", "a", 1, "b"]))


def test_a_total_at_the_foot_is_left_out_and_noted(read, workbook):
    found = read(workbook(HEADERS, ["F1", "a", 1], ["", "جمع کل", 1]))
    assert found.rows == [["F1", "a", "1"]]
    assert "1 total row at the foot left out" in found.notes


def two_sheets(book):
    book.add_worksheet("راهنما").hide()
    book.add_worksheet("خالی")
    for name in ("اول", "دوم"):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, HEADERS)
        sheet.write_row(1, 0, [name, "x", 1])
    book.worksheets()[0].write(0, 0, "x")
    book.worksheets()[1].activate()


@pytest.mark.parametrize(("sheet", "code"), [(None, "اول"), (4, "دوم"), ("دوم", "دوم"), ("اول ", "اول")])
def test_the_sheet_is_the_first_filled_visible_one_or_that_which_is_named(read, workbook, sheet, code):
    found = read(workbook(fill=two_sheets), sheet=sheet)
    assert found.rows == [[code, "x", "1"]]
    assert ("sheet اول (found)" in found.notes) == (sheet is None)


def test_a_sheet_that_is_not_there_lists_those_that_are(read, workbook):
    with pytest.raises(SourceUnreadable, match="found the sheets راهنما, خالی, اول, دوم; wanted the sheet سوم"):
        read(workbook(fill=two_sheets), sheet="سوم")


def test_a_workbook_without_a_filled_sheet_is_an_empty_file(read, workbook):
    with pytest.raises(SourceUnreadable, match="an empty file"):
        read(workbook())


def test_a_header_alone_is_a_table_without_rows(read, workbook):
    assert read(workbook(HEADERS)).rows == []


def test_an_encrypted_workbook_says_so(read):
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 1000
    with pytest.raises(SourceUnreadable, match="found an encrypted workbook; .* without a password"):
        read(content)


def test_a_broken_old_workbook_is_refused(read):
    with pytest.raises(SourceUnreadable, match="wanted a whole workbook"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 3000)


def test_one_cell_far_out_is_refused_before_it_fills_the_memory(read, workbook):
    def fill(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        sheet.write(1_048_575, 16_383, "x")

    with pytest.raises(SourceUnreadable, match="cells that reach over 1048576 rows and 16384 columns"):
        read(workbook(fill=fill))


def test_one_cell_far_out_is_refused_where_the_sheet_does_not_say_its_reach(read, workbook, zipped, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_CELLS", 100)
    with zipfile.ZipFile(io.BytesIO(workbook(HEADERS, *[["F1", "x", 1]] * 40))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b"<dimension", b"<x")
    with pytest.raises(SourceUnreadable, match="41 rows and 3 columns"):
        read(zipped(parts))


def test_cells_that_are_only_dressed_do_not_count(read, workbook, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_CELLS", 100)

    def fill(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        sheet.write_row(1, 0, ["F1", "a", 1])
        sheet.write_blank(500, 50, None, book.add_format({"bold": True}))

    assert read(workbook(fill=fill)).rows == [["F1", "a", "1"]]


@pytest.mark.parametrize("cell", [b'<c r="ZZZ60000">', b"<c\ts='0'\nr='zzz60000'>"], ids=["plain", "odd"])
def test_a_sheet_that_states_less_than_it_holds_is_not_believed(read, workbook, zipped, cell):
    with zipfile.ZipFile(io.BytesIO(workbook(HEADERS, ["F1", "x", 1]))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part = "xl/worksheets/sheet1.xml"
    far = b'<row r="60000">' + cell + b"<v>1</v></c></row></sheetData>"
    parts[part] = parts[part].replace(b"</sheetData>", far)
    assert b'ref="A1:C2"' in parts[part]
    with pytest.raises(SourceUnreadable, match="60000 rows and 18278 columns"):
        read(zipped(parts))


def ods_row(*cells, said=""):
    return f"<table:table-row{said}>" + "".join(cells) + "</table:table-row>"


def ods_cell(text, said=""):
    return f'<table:table-cell office:value-type="string"{said}><text:p>{text}</text:p></table:table-cell>'


@pytest.fixture
def ods(zipped):
    """Make an ODS file of the rows of its one sheet."""
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )

    def made(*rows):
        content = (
            f'<?xml version="1.0"?><office:document-content{spaces}><office:body><office:spreadsheet>'
            f'<table:table table:name="s">{"".join(rows)}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>"
        )
        manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
        mime = "application/vnd.oasis.opendocument.spreadsheet"
        return zipped({"mimetype": mime, "content.xml": content, "META-INF/manifest.xml": manifest})

    return made


def test_an_open_document_sheet_is_read(read, ods):
    number = '<table:table-cell office:value-type="float" office:value="10"><text:p>10</text:p></table:table-cell>'
    empty = '<table:table-cell table:number-columns-repeated="16000"/>'
    last = ods_row(empty, said=' table:number-rows-repeated="1048000"')
    book = ods(ods_row(*map(ods_cell, HEADERS)), ods_row(ods_cell("F1"), ods_cell("شرکت"), number, empty), last)
    assert read(book).rows == [["F1", "شرکت", "10"]]


def test_a_cell_that_stands_for_millions_is_refused_before_it_fills_the_memory(read, ods):
    wide = ods_cell("x", ' table:number-columns-repeated="1000"')
    many = ods_row(wide, said=' table:number-rows-repeated="9000"')
    with pytest.raises(SourceUnreadable, match="cells that stand for more than 1,000,000 others"):
        read(ods(ods_row(*map(ods_cell, HEADERS)), many))


# single cells ------------------------------------------------------------------------------------

CELLS = [{"measure": "active", "label": "فعال", "column": 2}, {"measure": "idle", "label": "بیکار", "column": 3}]


def census(name="قم2501", rows=(("عنوان",), (), ("فعال", 7, 8), ("فعال", 1, 1), ("بيكار", 9, 10))):
    def fill(book):
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    return fill


def test_cells_of_every_sheet_of_every_workbook(read, workbook, zipped):
    content = zipped({"b.xlsx": workbook(fill=census("ري2301")), "a.xlsx": workbook(fill=census())})
    found = read(content, cells=CELLS, sheet_code="([0-9]{4})$")
    assert found.header == ["county", "measure", "person_count"]
    assert found.rows == [
        ["2501", "active", "7"],
        ["2501", "idle", "10"],
        ["2301", "active", "7"],
        ["2301", "idle", "10"],
    ]


def test_cells_of_one_workbook_without_a_zip(read, workbook):
    assert read(workbook(fill=census()), cells=CELLS).rows[0] == ["قم2501", "active", "7"]


def test_a_header_row_beyond_the_sheet_is_refused(read, workbook):
    def fill(book):
        book.add_worksheet("طرح").write_row(0, 0, ["a", "b"])

    with pytest.raises(SourceUnreadable, match="sheet طرح: found no row 9"):
        read(workbook(fill=fill), header_row=9)


@pytest.mark.parametrize(
    ("fill", "found"),
    [
        (census("قم"), r"a\.xlsx, sheet قم: found no code in its name"),
        (census(rows=[("فعال", 1, 2)]), "found no such row; wanted بیکار"),
        (census(rows=[("فعال", 1), ("بیکار", 2)]), "found 2 columns; wanted a column 3"),
    ],
)
def test_a_sheet_of_another_layout_is_named(read, workbook, zipped, fill, found):
    with pytest.raises(HeaderMismatch, match=found):
        read(zipped({"a.xlsx": workbook(fill=fill)}), cells=CELLS, sheet_code="([0-9]{4})$")


def test_the_census_as_it_was_published(read, real):
    content = (real / "sci" / "unemployment2016census.zip").read_bytes()
    cells = [{"measure": "active_15plus", "label": "فعال", "column": 3}]
    found = read(content, cells=cells, sheet_code="([0-9]{4})$", format="xls", container="zip")
    assert len(found.rows) == len({row[0] for row in found.rows}) == 429
    assert all(int(row[2]) > 0 for row in found.rows)
