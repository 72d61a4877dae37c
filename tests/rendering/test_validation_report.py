"""The validation report as an agency meets it: plain, honest about made-up data, and free of personal identifiers."""

import dataclasses
import re
import xml.etree.ElementTree as ElementTree

import openpyxl
import pandas as pd
import pytest

from methods import persian
from tasks.edges import feedback
from tasks.edges.feedback import Change, ValidationReport

FILTERS = {"fa": persian.digits, "number": persian.number, "percent": persian.percent}
XHTML = "{http://www.w3.org/1999/xhtml}"


def rules(*rows):
    return pd.DataFrame(rows, columns=["label_fa", "severity", "is_met", "row_count", "threshold_fa"])


def reasons(*rows):
    return pd.DataFrame(rows, columns=["reason_code", "reason_fa", "remedy_fa", "row_count"])


def examples(*rows):
    return pd.DataFrame(rows, columns=["reason_code", "row_number", "column_name", "kind", "label_fa", "found"])


def quality(*rows):
    return pd.DataFrame(rows, columns=["period_text", "dimension", "share"])


NATIONAL_ID = ("national_id_invalid", "کد ملی درست نیست.", "کد ملی را از روی مدرک وارد کنید.", 8)
COUNTY = ("county_unknown", "شهرستان شناخته نشد.", "نام رسمی شهرستان را وارد کنید.", 7)


@pytest.fixture
def report():
    return ValidationReport(
        agency_name="دستگاه نمایشی ۱", source_code="P01", delivery_id="P01-1403-1-v2-0a1b2c3d",
        form_fa="طرح دارای تسهیلات", period_text="سال 1403، دورهٔ 1", version=2, received_text="7 اردیبهشت 1403",
        is_rehearsal=True, contact="دبیرخانهٔ پایش", row_count=1200, accepted_row_count=1188, rejected_row_count=12,
        outcome="accepted_with_warnings", refusal=None, notes=("encoding cp1256 (found)",),
        rules=rules(
            ("حداکثر 20٪ ردیف‌ها برگشتی باشد", "critical", True, 12, "20٪"),
            ("حداکثر 0٫5٪ ردیف‌ها برگشتی باشد", "warning", False, 12, "0٫5٪"),
            ("شمار ردیف مانند دورهٔ پیش است", "info", True, None, None),
        ),
        reasons=reasons(COUNTY, NATIONAL_ID),
        examples=examples(
            ("national_id_invalid", 17, "national_id", "national_id", "کد ملی متقاضی", "0012345678"),
            *(("county_unknown", row, "county", "county", "شهرستان", f"ناکجا {row}") for row in range(9, 2, -1)),
        ),
        change=Change(1, 30, 4, 11, {"مبلغ مصوب": 9, "شهرستان": 2}),
        quality=quality(
            ("سال 1402، دورهٔ 1", "completeness", 0.91), ("سال 1402، دورهٔ 1", "validity", 0.962),
            ("سال 1403، دورهٔ 1", "completeness", 0.975), ("سال 1403، دورهٔ 1", "validity", 0.99),
        ),
    )  # fmt: skip


def page_of(report):
    return ElementTree.fromstring(feedback.report_html(report, FILTERS).removeprefix("<!doctype html>\n"))


def visible(report):
    texts = (re.sub(r"\s+", " ", text).strip() for text in page_of(report).find(f"{XHTML}body").itertext())
    return "\n".join(text for text in texts if text)


def table_rows(report, section):
    (found,) = (one for one in page_of(report).iter(f"{XHTML}section") if one.get("id") == section)
    return [["".join(cell.itertext()).strip() for cell in row] for row in found.iter(f"{XHTML}tr")]


def with_found(report, kind, found):
    rows = examples(("county_unknown", 1, "any", kind, "ستون", found))
    return dataclasses.replace(report, examples=rows)


def test_the_summary_says_what_became_of_the_delivery(report):
    text = visible(report)
    for wanted in (
        "گزارش اعتبارسنجی تحویل دستگاه نمایشی ۱",
        "طرح دارای تسهیلات · سال ۱۴۰۳، دورهٔ ۱ · نسخهٔ ۲ · دریافت: ۷ اردیبهشت ۱۴۰۳",
        "نتیجه: این تحویل با هشدار پذیرفته شد.",
        # 12 of 1200.
        "از ۱٬۲۰۰ ردیف رسیده، ۱٬۱۸۸ ردیف پذیرفته و ۱۲ ردیف (۱٫۰۰٪) برگشت داده شد.",
        "نسبت به نسخهٔ ۱، ۳۰ ردیف افزوده، ۴ ردیف حذف و ۱۱ ردیف تغییر کرده است.",
        "رمزگذاری متن cp1256 تشخیص داده شد",
    ):
        assert wanted in text


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("12 pages, resumed at page 7", "۱۲ صفحه، از صفحهٔ ۷ از سر گرفته شد"),
        ("2 of 30 rows were not sent back and stay given back", "۲ از ۳۰ ردیف بازنیامد و برگشتی ماند"),
        ("sheet 2, a (found)", "برگهٔ «2, a» خوانده شد"),
        ("12 pages, and more", "12 pages, and more"),
        ("something new", "something new"),
    ],
)
def test_a_note_is_said_in_persian_or_quoted_whole(report, note, shown):
    assert f"\n{shown}\n" in visible(dataclasses.replace(report, notes=(note,)))


def test_every_rule_stands_with_severity_result_and_limit(report):
    assert table_rows(report, "rules")[1:] == [
        ["حداکثر ۲۰٪ ردیف‌ها برگشتی باشد", "بحرانی", "برقرار", "۱۲", "۲۰٪"],
        ["حداکثر ۰٫۵٪ ردیف‌ها برگشتی باشد", "هشدار", "برقرار نیست", "۱۲", "۰٫۵٪"],
        ["شمار ردیف مانند دورهٔ پیش است", "اطلاع", "برقرار", "—", "—"],
    ]


def test_reasons_come_most_frequent_first_with_their_share(report):
    # 8 and 7 of 1200.
    assert [row[2:] for row in table_rows(report, "reasons")[1:3]] == [["۸", "۰٫۶۷٪"], ["۷", "۰٫۵۸٪"]]


def test_at_most_five_examples_of_a_reason_are_shown(report):
    shown = [row[0] for row in table_rows(report, "reasons") if "شهرستان" in row]
    assert shown == ["۳", "۴", "۵", "۶", "۷"]


@pytest.mark.parametrize(
    ("kind", "found", "shown"),
    [
        ("national_id", "0012345678", "*******678"),
        ("mobile", "09121234567", "********567"),
        ("iban", "IR062960000000100324200001", "***********************001"),
        ("name", "رضا احمدی", "******مدی"),
        ("name", "علی", "**ی"),
        # A fault of the whole row quotes cells of any kind.
        (None, "0012345678,رضا", "***********رضا"),
        ("county", "ناکجاآباد", "ناکجاآباد"),
    ],
)
def test_personal_identifiers_show_their_last_three_characters_alone(report, kind, found, shown):
    page = feedback.report_html(with_found(report, kind, found), FILTERS)
    assert f">{shown}</bdi>" in page
    assert found == shown or found not in page


def test_the_workbook_masks_them_as_the_page_does(report, tmp_path):
    path = feedback.write_report_workbook(tmp_path / "report.xlsx", report)
    cells = [cell.value for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
    assert "*******678" in cells
    assert not [value for value in cells if "0012345678" in str(value)]


def test_a_cell_of_an_agency_cannot_bring_a_script(report):
    attack = "<script>alert(1)</script>"
    page = feedback.report_html(dataclasses.replace(with_found(report, "county", attack), notes=(attack,)), FILTERS)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2


def test_a_control_character_leaves_the_page_well_formed(report):
    assert "a␀b␇" in visible(with_found(report, "county", "a\x00b\x07\uffff"))


def test_an_empty_cell_is_said_to_be_empty_and_a_long_one_is_cut(report):
    assert "(خالی)" in visible(with_found(report, "county", None))
    assert "x" * 57 + "..." in visible(with_found(report, "county", "x" * 61))


def test_the_page_is_persian_right_to_left_and_needs_no_other_file(report):
    page = feedback.report_html(report, FILTERS)
    root = page_of(report)
    assert (root.get("lang"), root.get("dir")) == ("fa", "rtl")
    assert "font/woff2;base64," in page
    assert not re.search(r'(?:src|href)="(?!#)', page)


def test_made_up_data_are_said_to_be_so_and_real_data_are_not(report):
    assert "داده‌های این گزارش ساختگی است" in visible(report)
    assert "ساختگی" not in visible(dataclasses.replace(report, is_rehearsal=False))


def test_the_text_has_no_latin_digits_but_in_machine_names_and_quotations(report):
    root = page_of(dataclasses.replace(report, notes=("header in row 3",)))
    for quotation in [one for one in root.iter(f"{XHTML}bdi") if one.get("dir") == "ltr"]:
        quotation.text = ""
    texts = [text for text in root.find(f"{XHTML}body").itertext() if re.search("[0-9]", text)]
    # What the agency delivered is quoted as it stands.
    assert [text for text in texts if not text.startswith("ناکجا")] == []


def test_the_chart_keeps_its_text_and_says_the_same_in_words(report):
    (chart,) = page_of(report).iter(f"{XHTML}svg")
    assert chart.get("direction") == "ltr"
    assert "کامل بودن از ۹۱٫۰٪ به ۹۷٫۵٪" in chart.get("aria-label")
    # Two measured dimensions in two periods; what was not measured draws no dot.
    assert len(list(chart.iter(f"{XHTML}circle"))) == 4
    assert "۹۶٫۲٪" in "".join(chart.itertext())


def test_a_better_share_stands_higher_in_the_chart(report):
    (chart,) = page_of(report).iter(f"{XHTML}svg")
    before, after = [float(dot.get("cy")) for dot in chart.iter(f"{XHTML}circle")][:2]
    assert after < before


def test_what_was_not_measured_is_a_dash_not_a_zero(report):
    assert table_rows(report, "quality")[1] == ["سال ۱۴۰۲، دورهٔ ۱", "۹۱٫۰٪", "—", "۹۶٫۲٪", "—", "—"]


def test_a_refused_first_delivery_of_nothing_still_makes_a_page(report):
    bare = dataclasses.replace(
        report, row_count=0, accepted_row_count=0, rejected_row_count=0, outcome="refused", notes=(), change=None,
        refusal="source P01: found …", rules=rules(), reasons=reasons(), examples=examples(), quality=quality(),
    )  # fmt: skip
    text = visible(bare)
    for wanted in ("این تحویل پذیرفته نشد.", "source P01: found …", "هیچ ردیفی برگشت داده نشد.", "این نخستین نسخه است"):
        assert wanted in text


def test_the_workbook_says_the_same_in_numbers(report, tmp_path):
    book = openpyxl.load_workbook(feedback.write_report_workbook(tmp_path / "report.xlsx", report))
    assert book.sheetnames == ["خلاصه", "قواعد", "دلایل", "نمونه‌ها", "کیفیت"]
    for sheet in book:
        assert sheet.sheet_view.rightToLeft
        assert not sheet.merged_cells.ranges
        assert sheet.freeze_panes == "A2"
    summary = {row[0]: row[1] for row in book["خلاصه"].iter_rows(values_only=True)}
    assert (summary["ردیف‌های رسیده"], summary["سهم ردیف‌های برگشتی"]) == (1200, 0.01)
    assert "ساختگی" in summary["هشدار"]
    rows = list(book["دلایل"].iter_rows(min_row=2, values_only=True))
    assert [row[2:] for row in rows] == [(8, 8 / 1200), (7, 7 / 1200)]
    assert [row[3] for row in book["قواعد"].iter_rows(min_row=2, values_only=True)] == [12, 12, None]
    assert list(book["کیفیت"].iter_rows(min_row=3, values_only=True)) == [
        ("سال 1403، دورهٔ 1", 0.975, None, 0.99, None, None)
    ]


def test_the_same_report_gives_the_same_bytes(report, tmp_path):
    written = [feedback.write_report_workbook(tmp_path / part / "report.xlsx", report) for part in ("a", "b")]
    assert written[0].read_bytes() == written[1].read_bytes()
    assert feedback.report_html(report, FILTERS) == feedback.report_html(report, FILTERS)
