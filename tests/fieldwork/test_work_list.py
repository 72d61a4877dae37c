"""A work list as an inspector meets it: on screen, with cells to fill; on paper, with a QR code a plan."""

import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pikepdf
import pytest
import segno

from methods.period import Period
from tasks import handout
from tasks.edges import forms
from tasks.edges.fieldwork import plan_list, qr, workbook

GOLDEN = Path(__file__).parents[1] / "golden"
FORM = forms.load_all()["visit"]


def plans(count=3):
    return pd.DataFrame(
        {
            "plan_id": [f"P01-000{number}" for number in range(1, count + 1)],
            "visit_id": [f"V14031-P01-000{number}" for number in range(1, count + 1)],
            "firm_code": "F001",
            "inspector_code": "F001-01",
            "level": "county",
            "province_code": "23",
            "province_name": "تهران",
            "county_code": "2301",
            "county_name": "شمیرانات",
            "applicant_name": "زهرا محمدی‌نژاد",
            "plan_kind": "خوداشتغالی",
            "registered_job_count": [1, 2, 30],
            "loan_paid_rial": [900_000_000, 1_250_000_000, 50],
            "address": [None, "خیابان ولی‌عصر، پلاک ۱", None],
            "latitude": [35.8, 35.81, np.nan],
            "longitude": [51.4, 51.42, np.nan],
            "leg_km": [0.0, 2.13, np.nan],
            "route_order": [1, 2, 3],
        }
    )


def work(is_rehearsal=True):
    return handout.Work(Period(1403), plans(), FORM, is_rehearsal)


@pytest.fixture(scope="module")
def own():
    ((_, own),) = work().lists()
    return own


@pytest.fixture(scope="module")
def sheet(own):
    return openpyxl.load_workbook(io.BytesIO(work().workbook(own))).active


def headers(sheet):
    return [cell.value for cell in sheet[workbook.HEADER_ROW + 1]]


def test_the_sheet_reads_from_right_to_left_under_a_header_that_stays(sheet):
    assert sheet.sheet_view.rightToLeft
    assert sheet.freeze_panes == f"E{workbook.HEADER_ROW + 2}"
    (table,) = sheet.tables.values()
    assert table.ref == f"A{workbook.HEADER_ROW + 1}:W{workbook.HEADER_ROW + 4}"
    assert [column.name for column in table.tableColumns] == headers(sheet)


def test_ids_are_text_and_numbers_are_numbers(sheet):
    row = dict(zip(headers(sheet), sheet[workbook.HEADER_ROW + 2], strict=True))
    assert row["شناسهٔ طرح"].value == "P01-0001" and row["شناسهٔ طرح"].number_format == "@"
    assert row["تسهیلات پرداختی (ریال)"].value == 900_000_000
    assert row["عرض جغرافیایی"].value == 35.8
    last = dict(zip(headers(sheet), sheet[workbook.HEADER_ROW + 4], strict=True))
    assert last["عرض جغرافیایی"].value is None


def test_what_he_notes_is_offered_as_the_form_takes_it(sheet):
    offered = {next(iter(rule.sqref.ranges)).min_col: rule for rule in sheet.data_validations.dataValidation}
    place = {header: number for number, header in enumerate(headers(sheet), start=1)}
    outcome = offered[place[FORM.columns["contact_outcome"].label_fa]]
    assert outcome.formula1.strip('"').split(",") == list(FORM.columns["contact_outcome"].choices.values())
    jobs = offered[place[FORM.columns["jobs_found_count"].label_fa]]
    assert (jobs.type, jobs.formula1, jobs.formula2) == ("whole", "0", "100000")
    assert offered[place[FORM.columns["is_running"].label_fa]].formula1 == '"بله,خیر"'
    assert place[FORM.columns["visited_on"].label_fa] not in offered


def test_the_same_plans_are_the_same_files(own):
    assert work().workbook(own) == work().workbook(own)
    assert work().pdf(own) == work().pdf(own)


def test_only_a_rehearsal_is_marked_as_one(own, sheet):
    assert sheet["A2"].value == "داده‌های این فهرست ساختگی است"
    assert "ساختگی" in work().page(own)
    assert "ساختگی" not in work(is_rehearsal=False).page(own)


def test_the_printed_page_is_the_golden_one(own):
    page = re.sub(r'<path d="[^"]*"', '<path d=""', work().page(own))
    ElementTree.fromstring(page)
    golden = GOLDEN / "work_list.html"
    assert page + "\n" == golden.read_text(encoding="utf-8"), f"look at the page, then write it to {golden.name}"


def test_the_pdf_is_tagged_and_says_whose_list_it_is(own):
    pdf = pikepdf.open(io.BytesIO(work().pdf(own)))
    assert bool(pdf.Root.MarkInfo.Marked) and str(pdf.Root.Lang) == "fa-IR"
    assert str(pdf.open_metadata()["dc:title"]) == "فهرست کار بازرس F001-01، دور ۱۴۰۳-۱"
    assert len(pdf.pages) == 1


def test_a_picture_shows_the_modules_of_its_code():
    picture = qr.picture("payesh:1403-1:P01-0001:V14031-P01-0001")
    code = segno.make_qr("payesh:1403-1:P01-0001:V14031-P01-0001", error="q", mask=4, boost_error=False)
    drawn = np.zeros((len(code.matrix),) * 2, dtype=int)
    for begin, row, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", picture.path):
        drawn[int(row), int(begin) : int(begin) + int(width)] = 1
    assert (drawn == np.array(code.matrix)).all()
    assert picture.view_box == f"-4 -4 {len(drawn) + 8} {len(drawn) + 8}"


def test_a_code_says_round_plan_and_visit():
    assert qr.content(Period(1403, 2), "P01-1", "V14032-P01-1") == "payesh:1403-2:P01-1:V14032-P01-1"


def test_each_level_has_lists_and_a_form_of_its_own():
    again = plans(3).assign(level="provincial", inspector_code="T23-01", firm_code="T23")
    both = handout.Work(Period(1403), pd.concat([plans(), again]), FORM, True)
    places = [str(place) for place, _ in both.lists()]
    assert places == ["work-lists/F001/F001-01", "work-lists/provincial/T23/T23-01"]


def test_the_list_of_phones_holds_what_is_shown_and_no_more():
    content = plan_list.write(handout._for_phones(Period(1403), plans())).decode()
    header, first, *_ = content.splitlines()
    assert tuple(header.split(",")) == plan_list.COLUMNS
    assert first.startswith("payesh:1403-1:P01-0001:V14031-P01-0001,V14031-P01-0001,V14031-P01-0001,P01-0001,county,")
    assert "۹۰۰٬۰۰۰٬۰۰۰" in first


def test_nothing_is_told_that_would_sway_him():
    told = Path(handout.__file__).parents[1] / "sql" / "sample" / "work_list.sql"
    body = re.sub(r"--.*", "", told.read_text(encoding="utf-8"))
    for word in ("inclusion_probability", "risk", "verdict", "random_number", "stratum", "national_id"):
        assert word not in body
