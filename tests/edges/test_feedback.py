"""The workbook of rows given back: what an agency sees, corrects and sends back, and what is not taken from it."""

import dataclasses
import shutil
import zipfile

import openpyxl
import pandas as pd
import pytest
import xlsxwriter

from methods import persian
from methods.errors import DeliveryRefused, HeaderMismatch, SourceUnreadable
from tasks.edges import feedback
from tasks.edges.feedback import FeedbackColumn, FeedbackSheet, returned, workbook
from tasks.edges.feedback.book import CREATED_AT
from tasks.edges.feedback.layout import ROWS_SHEET, TICKET_SHEET

NAMES = ["plan_number", "national_id", "county", "plan_kind"]
HEADERS = ["شماره طرح", "کد ملی", "شهرستان", "نوع طرح"]
KINDS = {"خوداشتغالی": "خوداشتغالی", "۲": "کارفرمایی"}


def rows(*cells):
    return pd.DataFrame(cells, columns=["row_number", *NAMES])


def faults(*cells):
    names = ["row_number", "column_name", "reason_code", "reason_fa", "remedy_fa", "found", "candidates"]
    return pd.DataFrame(cells, columns=names)


NATIONAL_ID = ("national_id_invalid", "کد ملی درست نیست.", "آن را از روی مدرک وارد کنید.")
COUNTY = ("county_unknown", "شهرستان شناخته نشد.", "نام رسمی آن را وارد کنید.")


@pytest.fixture
def sheet():
    allowed = [None, None, None, KINDS]
    columns = [
        FeedbackColumn(name, header, f"معنای {header}", codes, kind)
        for name, header, codes, kind in zip(
            NAMES, HEADERS, allowed, ["code", "national_id", "county", "choice"], strict=True
        )
    ]
    return FeedbackSheet(
        agency_name="دستگاه نمایشی ۱", source_code="P01", delivery_id="P01-1403-1-v1-0a1b2c3d", form="loan_plan",
        period_text="سال ۱۴۰۳، دورهٔ ۱", is_rehearsal=True, row_count=500, given_back_count=3, columns=columns,
        rows=rows(
            (31, "=1+1", "0012345678", "تهران", "خوداشتغالی"),
            (7, "0007", "00123", "تهرون", "۲"),
            (450, "+98", "0012345679", None, "سه"),
        ),
        faults=faults(
            (7, "county", *COUNTY, "تهرون", "تهران، تنکابن"),
            (7, "national_id", *NATIONAL_ID, "00123", None),
            (31, "national_id", *NATIONAL_ID, "0012345678", None),
            (450, "row", "row_width", "شمار خانه‌ها درست نیست.", "جداکننده را اصلاح کنید.", "row_width", None),
        ),
    )  # fmt: skip


@pytest.fixture
def path(sheet, tmp_path):
    return feedback.write_workbook(tmp_path / "rows.xlsx", sheet)


def corrected(path, change):
    """Open the workbook as an agency does, change it, and save it."""
    book = openpyxl.load_workbook(path)
    change(book)
    book.save(path)
    return path


def in_rows(change):
    return lambda book: change(book[ROWS_SHEET])


def set_cell(place, value):
    return in_rows(lambda page: page.__setitem__(place, value))


def read(path, **asked):
    patch = feedback.read_workbook("source P01", path, **asked)
    return patch, dict(patch.rows)


# what the agency sees


def test_rows_stand_by_number_under_the_agencys_own_headers(path):
    page = openpyxl.load_workbook(path)[ROWS_SHEET]
    assert [cell.value for cell in page[1]] == ["شماره ردیف", *HEADERS, "دلیل"]
    assert [row[0] for row in page.iter_rows(min_row=2, values_only=True)] == [7, 31, 450]
    assert page.freeze_panes == "B2"


def test_every_sheet_reads_right_to_left_and_the_ticket_is_very_hidden(path):
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["راهنما", ROWS_SHEET, "فهرست‌ها", TICKET_SHEET]
    assert all(page.sheet_view.rightToLeft for page in book)
    assert [page.sheet_state for page in book] == ["visible", "visible", "visible", "veryHidden"]


def test_cells_are_text_as_delivered_and_never_formulas(path):
    page = openpyxl.load_workbook(path)[ROWS_SHEET]
    assert [page["B2"].value, page["C2"].value, page["B3"].value, page["B4"].value] == ["0007", "00123", "=1+1", "+98"]
    for row in page.iter_rows(min_row=2, min_col=2, max_col=5):
        assert {cell.number_format for cell in row} == {"@"}
        assert {cell.data_type for cell in row if cell.value is not None} == {"s"}
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if b"<f>" in archive.read(name)]


def test_a_faulty_cell_is_filled_and_says_why_in_a_comment(path):
    page = openpyxl.load_workbook(path)[ROWS_SHEET]
    fills = {
        cell.coordinate for row in page.iter_rows(min_row=2) for cell in row if cell.fill.fgColor.rgb == "FFFFE0B2"
    }
    comments = {cell.coordinate: cell.comment.text for row in page.iter_rows() for cell in row if cell.comment}
    # Of row 7 the national ID and the county, of row 31 the national ID, and row 450 as a whole.
    assert fills == set(comments) == {"C2", "D2", "C3", "A4"}
    assert comments["D2"] == "شهرستان شناخته نشد؛ نام رسمی آن را وارد کنید. نزدیک‌ترین: تهران، تنکابن"


def test_the_last_column_holds_all_reasons_of_a_row(path):
    reasons = openpyxl.load_workbook(path)[ROWS_SHEET]["F"]
    assert reasons[1].value == (
        "شهرستان: شهرستان شناخته نشد؛ نام رسمی آن را وارد کنید. نزدیک‌ترین: تهران، تنکابن\n"
        "کد ملی: کد ملی درست نیست؛ آن را از روی مدرک وارد کنید."
    )
    assert reasons[3].value.startswith("همهٔ ردیف: ")


def test_a_column_with_codes_offers_them_in_a_drop_down(path):
    (rule,) = openpyxl.load_workbook(path)[ROWS_SHEET].data_validations.dataValidation
    assert (str(rule.sqref), rule.formula1) == ("E2:E4", '"خوداشتغالی,۲"')
    assert rule.prompt == "۲ = کارفرمایی"


@pytest.mark.parametrize("choices", [[f"گزینهٔ شمارهٔ {n}" for n in range(40)], ["یک,دو", "سه"]])
def test_a_list_too_long_for_a_rule_or_with_a_comma_stands_on_the_lists_sheet(sheet, tmp_path, choices):
    codes = dataclasses.replace(sheet.columns[3], allowed={choice: choice for choice in choices})
    path = feedback.write_workbook(
        tmp_path / "long.xlsx", dataclasses.replace(sheet, columns=[*sheet.columns[:3], codes])
    )
    book = openpyxl.load_workbook(path)
    (rule,) = book[ROWS_SHEET].data_validations.dataValidation
    assert rule.formula1 == f"'فهرست‌ها'!$A$2:$A${len(choices) + 1}"
    assert [row[0] for row in book["فهرست‌ها"].iter_rows(min_row=2, values_only=True)] == choices


def test_the_guide_says_how_many_of_how_many_and_how_to_send_them_back(path):
    lines = list(openpyxl.load_workbook(path)["راهنما"].iter_rows(values_only=True))
    facts = {line[0]: line[1] for line in lines}
    assert (facts["ردیف‌های رسیده"], facts["ردیف‌های برگشتی"], facts["از آن‌ها در این فایل"]) == (500, 3, 3)
    assert "در این فایل جا نشده است و پس از اصلاح این‌ها می‌آید" not in facts
    text = "\n".join(str(cell) for line in lines for cell in line if cell)
    for wanted in ("ساختگی", "برگشتی می‌ماند", "بازفرستید", "معنای کد ملی", "خوداشتغالی، ۲"):
        assert wanted in text


def test_rows_beyond_the_most_are_counted_in_the_guide(sheet, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "LARGEST_ROW_COUNT", 2)
    book = openpyxl.load_workbook(feedback.write_workbook(tmp_path / "cut.xlsx", sheet))
    facts = {line[0]: line[1] for line in book["راهنما"].iter_rows(values_only=True)}
    assert facts["در این فایل جا نشده است و پس از اصلاح این‌ها می‌آید"] == 1
    assert [row[0] for row in book[ROWS_SHEET].iter_rows(min_row=2, values_only=True)] == [7, 31]


def test_real_rows_are_not_called_made_up(sheet, tmp_path):
    path = feedback.write_workbook(tmp_path / "real.xlsx", dataclasses.replace(sheet, is_rehearsal=False))
    assert "ساختگی" not in str([list(page.values) for page in openpyxl.load_workbook(path)])


def test_the_same_rows_in_any_order_give_the_same_bytes(sheet, tmp_path):
    shuffled = dataclasses.replace(sheet, rows=sheet.rows.iloc[::-1], faults=sheet.faults.iloc[::-1])
    first, second = tmp_path / "a" / "rows.xlsx", tmp_path / "b" / "rows.xlsx"
    assert feedback.write_workbook(first, sheet).read_bytes() == feedback.write_workbook(second, shuffled).read_bytes()


def test_a_workbook_carries_no_time_of_writing(path):
    assert openpyxl.load_workbook(path).properties.created == CREATED_AT


def test_a_failure_leaves_no_half_written_workbook(sheet, tmp_path):
    broken = dataclasses.replace(sheet, faults=sheet.faults.drop(columns="reason_fa"))
    with pytest.raises(KeyError):
        feedback.write_workbook(tmp_path / "rows.xlsx", broken)
    assert list(tmp_path.iterdir()) == []


# what the agency sends back


def test_what_was_sent_out_comes_back_as_it_was(path):
    patch, found = read(path, source_code="P01", form="loan_plan")
    assert (patch.delivery_id, patch.source_code, patch.form) == ("P01-1403-1-v1-0a1b2c3d", "P01", "loan_plan")
    assert patch.columns == NAMES
    assert found == {
        7: ["0007", "00123", "تهرون", "۲"],
        31: ["=1+1", "0012345678", "تهران", "خوداشتغالی"],
        450: ["+98", "0012345679", "", "سه"],
    }
    assert patch.notes == []


def test_a_corrected_cell_comes_back(path):
    _, found = read(corrected(path, set_cell("D2", "تهران")))
    assert found[7] == ["0007", "00123", "تهران", "۲"]


def test_columns_in_another_order_and_without_the_reasons_are_the_same(path):
    def reorder(page):
        page.delete_cols(6)
        page.move_range("B1:B4", cols=5)
        page.delete_cols(2)

    before = read(path)[1]
    patch, after = read(corrected(path, in_rows(reorder)))
    assert [cell.value for cell in openpyxl.load_workbook(path)[ROWS_SHEET][1]][-1] == "شماره طرح"
    assert after == before
    assert patch.columns == NAMES


def test_a_row_left_out_stays_given_back_and_an_empty_one_is_skipped(path):
    def leave_out(page):
        page.delete_rows(3)
        page.insert_rows(2)

    patch, found = read(corrected(path, in_rows(leave_out)))
    assert sorted(found) == [7, 450]
    assert patch.notes == ["1 of 3 rows were not sent back and stay given back", "1 empty rows were skipped"]


def test_a_row_emptied_but_for_its_number_corrects_nothing(path):
    def empty(page):
        for place in ("B2", "C2", "D2", "E2"):
            page[place] = None

    patch, found = read(corrected(path, in_rows(empty)))
    assert sorted(found) == [31, 450]
    assert "1 rows hold nothing but their number" in patch.notes


@pytest.mark.parametrize(("typed", "text"), [(12, "12"), (12.0, "12"), (1.5, "1.5"), (True, "1"), ("۱۲", "۱۲")])
def test_a_number_typed_over_a_text_is_read_as_it_is_written(path, typed, text):
    assert read(corrected(path, set_cell("C2", typed)))[1][7][1] == text


def test_a_number_a_spreadsheet_has_rounded_is_noted(path):
    patch, _ = read(corrected(path, set_cell("C2", 6219861012345678.0)))
    assert patch.notes == ["1 cells hold numbers of more than 15 digits, which a spreadsheet rounds"]


def test_row_numbers_retyped_in_persian_digits_are_numbers(path):
    assert sorted(read(corrected(path, set_cell("A2", "۷")))[1]) == [7, 31, 450]


def test_a_column_of_the_agencys_own_is_left_out_with_a_note(path):
    patch, found = read(corrected(path, set_cell("G1", "توضیح")))
    assert patch.notes == ["column 'توضیح' is not of the form and was left out"]
    assert len(found[7]) == 4


def test_headers_are_compared_by_the_key_given(path):
    corrected(path, set_cell("C1", "كد  ملي"))
    assert len(read(path, key=persian.conform)[1]) == 3
    with pytest.raises(HeaderMismatch):
        read(path)


def test_an_agencys_header_like_one_of_ours_is_told_apart(sheet, tmp_path):
    reason = dataclasses.replace(sheet.columns[2], header="دلیل")
    path = feedback.write_workbook(
        tmp_path / "own.xlsx", dataclasses.replace(sheet, columns=[*sheet.columns[:2], reason, sheet.columns[3]])
    )
    assert openpyxl.load_workbook(path)[ROWS_SHEET]["D1"].value == "دلیل (دستگاه)"
    assert read(path)[1][7] == ["0007", "00123", "تهرون", "۲"]


@pytest.mark.parametrize(
    "text", ["<r><t>x</t></r>", "_x0041_", " a\u200c ", "line\nbreak", "a\tb", "<&>\"'", "http://a.ir"]
)
def test_text_that_a_spreadsheet_could_take_for_its_own_comes_back_as_text(sheet, tmp_path, text):
    given = dataclasses.replace(sheet, rows=rows((7, text, text, text, text)), faults=sheet.faults.head(0))
    path = feedback.write_workbook(tmp_path / "odd.xlsx", given)
    assert [cell.strip() for cell in read(path)[1][7]] == [text.strip()] * 4
    cell = openpyxl.load_workbook(path)[ROWS_SHEET]["B2"]
    assert (cell.data_type, cell.hyperlink) == ("s", None)


# what is not taken


def refusal(kind, path, **asked):
    with pytest.raises(kind) as refused:
        read(path, **asked)
    assert refused.value.place.startswith("source P01")
    assert refused.value.wanted
    assert refused.value.remedy
    return refused.value


@pytest.mark.parametrize("name", [TICKET_SHEET, ROWS_SHEET])
def test_a_workbook_without_one_of_its_sheets_is_refused(path, name):
    found = refusal(SourceUnreadable, corrected(path, lambda book: book.remove(book[name]))).found
    assert found == f"no sheet {name!r}"


@pytest.mark.parametrize("change", [("B2", "P02-1403-1-v1-ffffffff"), ("B1", "2"), ("B12", "9"), ("A5", "sum")])
def test_an_altered_hidden_sheet_is_refused(path, change):
    place, value = change
    corrected(path, lambda book: book[TICKET_SHEET].__setitem__(place, value))
    assert TICKET_SHEET in refusal(SourceUnreadable, path).place


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (8, "the row number 8, which was not given back"),
        (31, "the row number 31 a second time"),
        ("هفت", "the row number 'هفت'"),
        (7.5, "the row number '7.5'"),
        (-7, "the row number '-7'"),
        (None, "the row number ''"),
    ],
)
def test_a_row_number_unknown_repeated_or_none_is_refused_with_its_place(path, typed, found):
    refused = refusal(DeliveryRefused, corrected(path, set_cell("A2", typed)))
    assert refused.found == found
    # A repeated number is met at its second row.
    assert refused.place == f"source P01, sheet {ROWS_SHEET}, row {3 if typed == 31 else 2}"


@pytest.mark.parametrize("place", ["A1", "C1"])
def test_a_renamed_header_is_refused_by_both_names(path, place):
    before = openpyxl.load_workbook(path)[ROWS_SHEET][place].value
    found = refusal(HeaderMismatch, corrected(path, set_cell(place, "سرستون دیگر"))).found
    assert found == f"no header '{before}'; unknown header 'سرستون دیگر'"


def test_a_header_that_stands_twice_is_refused(path):
    assert (
        refusal(HeaderMismatch, corrected(path, set_cell("G1", "کد ملی"))).found == "the header 'کد ملی' more than once"
    )


def test_an_empty_sheet_of_rows_is_refused_for_its_headers(path):
    corrected(path, in_rows(lambda page: page.delete_rows(1, page.max_row)))
    refusal(HeaderMismatch, path)


@pytest.mark.parametrize(
    ("asked", "found"), [({"form": "visit"}, "form loan_plan"), ({"source_code": "P02"}, "source P01")]
)
def test_a_workbook_of_another_form_or_source_is_refused(path, asked, found):
    assert found in refusal(DeliveryRefused, path, **asked).found


def test_a_broken_off_workbook_is_refused(path):
    path.write_bytes(path.read_bytes()[:-200])
    refusal(SourceUnreadable, path)


def test_a_workbook_that_unpacks_to_too_much_is_refused(path, monkeypatch):
    monkeypatch.setattr(returned, "LARGEST_UNPACKED_BYTES", 10_000)
    assert "unpacks to" in refusal(SourceUnreadable, path).found


# which files are such workbooks


def test_a_workbook_of_rows_given_back_is_told_from_a_delivery(path, tmp_path):
    assert feedback.is_feedback(path)
    # Without its hidden sheet it is still one, so that its refusal says what is wrong with it.
    assert feedback.is_feedback(corrected(path, lambda book: book.remove(book[TICKET_SHEET])))
    delivery, archive, text = tmp_path / "plans.xlsx", tmp_path / "plans.zip", tmp_path / "plans.csv"
    with xlsxwriter.Workbook(str(delivery)) as book:
        book.add_worksheet("Sheet1").write_string("A1", "کد ملی")
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("plans.csv", "a,b")
    text.write_text("payesh", encoding="utf-8")
    assert [feedback.is_feedback(one) for one in (delivery, archive, text)] == [False] * 3


def test_a_copy_under_another_name_is_still_one(path, tmp_path):
    copy = tmp_path / "نسخه نهایی.gz"
    shutil.copy(path, copy)
    assert feedback.is_feedback(copy)
    assert len(read(copy)[1]) == 3
