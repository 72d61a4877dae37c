"""Bulletins as their readers meet them: well-formed, right to left, tagged, honest about what is made up."""

import datetime
import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jinja2
import pandas as pd
import pikepdf
import pytest

from methods.errors import FigureMissing
from tasks.bulletin import FILTERS, Figures, printable_progress, withheld_counts
from tasks.edges import rendering

GOLDEN = Path(__file__).parents[1] / "golden"
DAY = datetime.date(2026, 10, 23)
PROVINCES = [("00", "مرکزی"), ("06", "خوزستان"), ("17", "کهگیلویه و بویراحمد")]
COUNTS = {
    "eligible": 1000, "issued": 400, "supervised": 400, "decided": 370, "confirmed": 280, "deviation": 40,
    "violation": 2, "discrepancy": 48, "non_contact": 20, "pending": 10,
}  # fmt: skip


def figure_rows(unit, quality="B"):
    rows = [
        {"indicator": f"{name}_plan_count", "basis": "counted", "estimate": value} for name, value in COUNTS.items()
    ]
    rates = {"crude_confirmation_rate": (280, 400), "accuracy_rate": (280, 370), "coverage_rate": (400, 1000)}
    for indicator, (numerator, denominator) in rates.items():
        parts = {"numerator": numerator, "denominator": denominator, "estimate": numerator / denominator}
        rows.append({"indicator": indicator, "basis": "counted"} | parts)
        bounds = {"lower": parts["estimate"] - 0.04, "upper": parts["estimate"] + 0.03, "quality": quality}
        rows.append({"indicator": indicator, "basis": "estimated"} | parts | bounds)
    for indicator, value in {"realised_job_count": 900, "cost_per_job_rial": 1.1e9}.items():
        rows.append({"indicator": indicator, "basis": "counted", "estimate": value})
        bounds = {"lower": value * 0.9, "upper": value * 1.1, "quality": "A"}
        rows.append({"indicator": indicator, "basis": "estimated", "estimate": value} | bounds)
    blank = dict.fromkeys(("numerator", "denominator", "standard_error", "lower", "upper"), None)
    fixed = {"n": 370, "quality": "exact", "method": "m", "unit_code": unit, "domain": "all"}
    return [blank | fixed | row for row in rows]


def context(unit_code="IR", is_rehearsal=True, agency_name="دستگاه نمایشی ۱", weak=("17",)):
    rows = [row for code in ("IR", *dict(PROVINCES)) for row in figure_rows(code, "withheld" if code in weak else "B")]
    agency = {
        "agency_code": "P01", "agency_name": agency_name, "n": 370, "confirmed_plan_count": 280,
        "decided_plan_count": 370, "estimate": 0.757, "lower": 0.71, "upper": 0.80, "rank_estimate": 1,
        "rank_lower": 1, "rank_upper": 2, "current_rial": 5 * 10**12, "recommended_rial": 4_800_000_000_000,
        "change_share": -0.04,
    }  # fmt: skip
    units = [
        {"code": code, "name": name, "tile_row": place + 1, "tile_column": 2}
        for place, (code, name) in enumerate(PROVINCES)
    ]
    figures = Figures(pd.DataFrame(rows), unit_code)
    return {
        "edition": {
            "year": 1403, "phase": 1, "cutoff": DAY, "released_on": DAY, "kind": "provisional", "contact": "دبیرخانه",
            "next_release_on": DAY + datetime.timedelta(days=30), "address": "/1403/1/2026-10-23/",
            "is_rehearsal": is_rehearsal, "guideline_version": "abc123", "assumed": ["کمینهٔ طرح هر شهرستان"],
        },
        "unit": {"level": "nation", "code": unit_code, "name": "خوزستان"},
        "figures": figures,
        "withheld": withheld_counts(figures, 3),
        "provinces": units,
        "counties": units,
        "agencies": [agency],
        "rejected": [{"agency_name": agency_name, "row_count": 1000, "rejected_count": 12}],
        "progress": [
            {
                "unit_name": name, "issued_plan_count": 400, "assigned_plan_count": 400, "attempted_plan_count": 380,
                "visited_plan_count": visited, "decided_plan_count": 350, "overdue_plan_count": 20,
                "reassigned_plan_count": 2,
            }
            for name, visited in (("خوزستان", 360), ("مرکزی", None))
        ],
        "not_covered": ["دستگاه نمایشی ۳"],
        "minimum_count": 3,
    }  # fmt: skip


def page_of(template="national.html.j2", **given):
    return rendering.render_page(template, context(**given), FILTERS)


@pytest.fixture(scope="module")
def rendered():
    return rendering.render("national.html.j2", context(), FILTERS, DAY)


def visible(page):
    root = ElementTree.fromstring(page)
    body = root.find("{http://www.w3.org/1999/xhtml}body")
    return re.sub(r"\s*\n\s*", "\n", "\n".join(text.strip() for text in body.itertext() if text.strip()))


@pytest.mark.parametrize("kind", ["national", "provincial"])
def test_the_text_of_a_bulletin_is_the_approved_one(kind):
    unit = "IR" if kind == "national" else "06"
    found = visible(page_of(f"{kind}.html.j2", unit_code=unit))
    golden = GOLDEN / f"{kind}.txt"
    assert found + "\n" == golden.read_text(encoding="utf-8")


def test_a_page_is_well_formed_persian_and_right_to_left():
    root = ElementTree.fromstring(page_of())
    assert (root.get("lang"), root.get("dir")) == ("fa", "rtl")


def test_persian_text_has_no_latin_digits():
    text = visible(page_of())
    # Machine names (dates, address, version, licence, marks) are Latin by design.
    text = re.sub(r"[A-Za-z0-9./+-]*[A-Za-z/-][A-Za-z0-9./+-]*( [0-9.]+)?", "", text)
    assert re.findall(r"[0-9٠-٩]", text) == []


def test_the_difference_of_the_rates_is_explained_with_its_bounds():
    text = visible(page_of())
    for wanted in ("۷۰٫۰۰٪", "۷۵٫۶۸٪", "۳۰ طرح هنوز حکمی ندارد", "۷۷٫۵۰٪"):
        assert wanted in text


def test_a_weak_figure_is_withheld_with_its_mark():
    row = next(line for line in page_of().splitlines() if "<th" in line and "کهگیلویه" in line)
    assert "[u]" in row
    assert "۷۵٫۷٪" not in row


def test_a_count_of_one_or_two_is_never_printed():
    chart = re.search(r"<svg.*?</svg>", page_of(), re.S).group()
    # Two violations, and with them the 40 deviations that would give them away.
    assert chart.count(">[c]<") == 2
    assert not re.search(r">\s*(۲|۴۰)\s*<", chart)


def test_visits_that_would_give_away_how_few_were_not_met_are_not_printed():
    counts = {"attempted_plan_count": [380, 380, 380], "decided_plan_count": [350, 350, 350]}
    # 378 met of 380 leave two unmet; 351 met of whom 350 are settled leave one.
    found = printable_progress(pd.DataFrame(counts | {"visited_plan_count": [360, 378, 351]}), 3)
    assert found["visited_plan_count"].isna().tolist() == [False, True, True]
    row = next(line for line in page_of().splitlines() if "مرکزی" in line and "۳۸۰" in line)
    # The visits, and the two plans that were handed over.
    assert row.count("[c]") == 2


def test_a_negative_number_stands_left_to_right_in_its_own_run():
    assert re.search(r'<bdi dir="ltr">−۴٫۰٪</bdi>', page_of())


def test_a_name_cannot_bring_a_script():
    page = page_of(agency_name="<script>alert(1)</script>")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_template_that_names_a_missing_figure_fails_with_its_code():
    given = context()
    given["figures"] = Figures(pd.DataFrame(figure_rows("IR")).query("indicator != 'accuracy_rate'"), "IR")
    with pytest.raises(FigureMissing, match="accuracy_rate"):
        rendering.render_page("national.html.j2", given, FILTERS)


def test_a_template_that_names_what_nobody_gives_fails():
    given = context()
    del given["agencies"]
    with pytest.raises(jinja2.UndefinedError, match="agencies"):
        rendering.render_page("national.html.j2", given, FILTERS)


def test_the_same_context_gives_the_same_bytes(rendered):
    assert rendering.render("national.html.j2", context(), FILTERS, DAY) == rendered


def test_the_page_needs_no_other_file(rendered):
    html = rendered[0].decode("utf-8")
    assert "font/woff2;base64," in html
    assert not re.search(r'(?:src|href)="(?!#)', html)
    assert len(rendered[0]) < 1_000_000


def test_the_pdf_is_tagged_persian_and_titled(rendered):
    with pikepdf.open(io.BytesIO(rendered[1])) as pdf:
        assert str(pdf.Root.Lang).startswith("fa")
        assert pdf.Root.MarkInfo.Marked
        assert "بولتن پایش اشتغال کشور" in str(pdf.docinfo["/Title"])
        metadata = pdf.Root.Metadata.read_bytes().decode("utf-8", "replace")
    assert "pdfuaid:part" in metadata
    assert "pdfaid:part" in metadata


def test_without_rehearsal_data_no_page_says_so():
    assert "ساختگی" not in page_of(is_rehearsal=False)
