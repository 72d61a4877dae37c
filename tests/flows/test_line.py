"""The whole line, from the files of the small rehearsal to its bulletins."""

import re
from pathlib import Path

import frictionless
import pandas as pd
import pytest
import sqlalchemy as sa

from demo import scenario
from flows.full_run import full_run
from tasks.edges import figures, warehouse

ROOT = Path(__file__).parents[2]
SMALL = scenario.load("small")


def scalar(statement, **values):
    with warehouse.transaction() as connection:
        return connection.execute(sa.text(statement), values).scalar_one()


@pytest.fixture(scope="module")
def nation(rehearsed):
    rows = figures.read(1403, level="nation")
    return rows[rows["domain"] == "all"].set_index(["indicator", "basis"])


def test_the_frame_holds_just_the_eligible_plans_of_the_rehearsal(rehearsed):
    eligible = SMALL.year(1403).eligible_plan_count
    assert scalar("select count(*) from frame.eligible_plan where year = 1403") == eligible
    assert scalar("select count(distinct county_code) from frame.eligible_plan where year = 1403") == 482
    assert scalar("select count(distinct province_code) from frame.eligible_plan where year = 1403") == 31


def test_the_counts_are_those_of_the_scenario(nation):
    year = SMALL.year(1403)
    counted = nation.xs("counted", level="basis")["estimate"]
    assert counted["supervised_plan_count"] == year.supervised_plan_count
    assert counted["decided_plan_count"] == year.decided_plan_count
    assert counted["confirmed_plan_count"] == year.confirmed_plan_count


def test_both_rates_carry_their_denominators(nation):
    crude, accuracy = nation.loc[("crude_confirmation_rate", "counted")], nation.loc[("accuracy_rate", "counted")]
    year = SMALL.year(1403)
    assert (crude["numerator"], crude["denominator"]) == (year.confirmed_plan_count, year.supervised_plan_count)
    assert (accuracy["numerator"], accuracy["denominator"]) == (year.confirmed_plan_count, year.decided_plan_count)
    assert accuracy["estimate"] == year.confirmed_plan_count / year.decided_plan_count


def test_every_estimate_has_an_interval(rehearsed):
    rows = figures.read(1403).query("basis == 'estimated' and estimate == estimate")
    assert len(rows) > 1000
    assert rows[["standard_error", "lower", "upper"]].notna().all().all()
    assert ((rows["lower"] <= rows["estimate"]) & (rows["estimate"] <= rows["upper"])).all()


@pytest.mark.parametrize("basis", ["counted", "estimated"])
@pytest.mark.parametrize("indicator", ["confirmed_plan_count", "decided_plan_count", "realised_job_count"])
def test_counties_add_up_to_provinces_and_nation_exactly(rehearsed, indicator, basis):
    rows = figures.read(1403, indicator=indicator).query("basis == @basis and domain == 'all'")
    counties = scalar_frame("select county_code, province_code from reference.county").set_index("county_code")
    county = rows[rows["level"] == "county"].set_index("unit_code")["estimate"]
    province = rows[rows["level"] == "province"].set_index("unit_code")["estimate"]
    assert county.groupby(counties["province_code"]).sum().to_dict() == province.to_dict()
    assert province.sum() == rows.loc[rows["level"] == "nation", "estimate"].item()


def scalar_frame(statement):
    with warehouse.transaction() as connection:
        result = connection.execute(sa.text(statement))
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def test_weights_expand_the_issued_plans_to_the_frame(rehearsed):
    expanded = scalar("select sum(1 / inclusion_probability) from sample.issued_plan where year = 1403")
    assert expanded == pytest.approx(SMALL.year(1403).eligible_plan_count, abs=1e-6)


def test_every_refused_plan_has_a_case_with_evidence(rehearsed):
    year = SMALL.year(1403)
    assert scalar("select count(*) from finding.case_file where year = 1403") == (
        year.decided_plan_count - year.confirmed_plan_count
    )
    assert scalar("select count(*) from finding.case_file where evidence = '{}'::jsonb") == 0


def test_rejected_rows_say_what_was_found_and_how_to_mend_it(rehearsed):
    rows = scalar_frame(
        "select rejected.reason_code, rejected.found, reason.wanted, reason.remedy_fa"
        " from staging.rejected_row as rejected"
        " inner join reference.reject_reason as reason on reason.reason_code = rejected.reason_code"
        " where rejected.year = 1403"
    )
    assert {
        "county_not_in_province",
        "date_impossible",
        "number_out_of_range",
        "choice_unknown",
        "missing",
        "repeated",
    } == set(rows["reason_code"])
    assert (rows["remedy_fa"].str.len() > 10).all()
    assert "13" in rows.loc[rows["reason_code"] == "date_impossible", "found"].iloc[0].translate(
        str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
    )


def test_one_person_under_two_agencies_is_one_plan(rehearsed):
    rows = scalar_frame("select reason_code, count(*) as n from frame.excluded_plan where year = 1403 group by 1")
    found = rows.set_index("reason_code")["n"]
    assert found["overlap"] == round(SMALL.extra_rows["repeated"] * SMALL.year(1403).eligible_plan_count)


def test_each_agency_is_told_of_the_plans_another_counts_too(rehearsed):
    (report,) = (rehearsed.home / "feedback" / "P01").glob("P01-1403-1-*/report.html")
    text = report.read_text(encoding="utf-8")
    assert "این تناقض دیده نشود: یک نفر از بیش از یک دستگاه تسهیلات گرفته است." in text
    assert "با هشدار" in text


def test_running_again_changes_nothing(rehearsed):
    tables = ["landing.delivery", "sample.issued_plan", "estimate.figure", "finding.case_event", "bulletin.file"]

    def state():
        return {
            table: scalar(f"select coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from {table} as t")
            for table in tables
        }

    before = state()
    full_run(1403)
    assert state() == before


def test_the_truth_lies_within_reach_of_the_estimate(nation, rehearsed):
    estimate = nation.loc[("confirmed_plan_count", "estimated")]
    issued = scalar_frame("select * from sample.issued_plan where year = 1403")
    plans = scalar_frame("select * from frame.eligible_plan where year = 1403")
    from demo import truth

    found = truth.truth(plans, SMALL, 1403, at=truth.cuts(issued, SMALL, 1403))
    assert abs(found["is_confirmed"].sum() - estimate["estimate"]) < 4 * estimate["standard_error"]


@pytest.mark.parametrize("folder", ["flows", "tasks", "methods", "sql", "report_templates", "expectations"])
def test_the_announced_counts_stand_in_no_code(folder):
    announced = re.compile(r"48[,_]?004|44[,_]?146|32[,_]?668|۴۸٬۰۰۴|۳۲٬۶۶۸")
    found = [path.name for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix not in (".pyc", ".ttf")
             and announced.search(path.read_text(encoding="utf-8"))]  # fmt: skip
    assert found == []


def test_every_bulletin_lies_there_and_says_that_its_data_are_made_up(rehearsed):
    parent = rehearsed.home / "bulletins" / "1403" / "1"
    (folder,) = parent.iterdir()
    pages = sorted(folder.glob("*.html"))
    # The nation, the report on methods, provinces, counties, agencies, and the nation and provinces in English;
    # each as a page and on paper.
    assert len(pages) == 1 + 1 + 31 + 482 + 6 + 1 + 31
    assert {path.stem for path in folder.glob("*.pdf")} == {path.stem for path in pages}
    # A workbook beside each in Persian but the report on methods; the one file more says what the edition is.
    books = {path.stem for path in folder.glob("*.xlsx")}
    assert books == {path.stem for path in pages if ".en" not in path.name} - {"methods-1403-1"}
    assert (folder / "edition.json").is_file()
    data = list((folder / "data").iterdir())
    assert scalar("select count(*) from bulletin.file where year = 1403") == (
        2 * len(pages) + len(books) + 1 + len(data)
    )
    assert scalar("select count(*) from bulletin.file where file_name like 'data/%'") == len(data) == 11
    for page in pages:
        notice = "The data in this bulletin are made up" if ".en" in page.name else "داده‌های این بولتن ساختگی است"
        assert notice in page.read_text(encoding="utf-8")


def test_the_open_data_hold_every_figure_and_no_number_that_is_withheld(rehearsed):
    (folder,) = (rehearsed.home / "bulletins" / "1403" / "1").iterdir()
    rows = pd.read_csv(folder / "data" / "figures.csv", dtype={"unit_code": str}, keep_default_na=False, na_values=[""])
    assert len(rows) == scalar("select count(*) from bulletin.printed_figure where year = 1403")
    withheld = rows[rows["mark"].isin(["c", "u"])]
    assert len(withheld) >= scalar(
        "select count(*) from bulletin.printed_figure where year = 1403 and (is_suppressed or quality = 'withheld')"
    )
    assert withheld[["estimate", "numerator", "denominator", "n", "lower", "upper", "exclusions"]].isna().all(axis=None)
    assert frictionless.validate(str(folder / "data" / "datapackage.json")).valid


def test_the_national_bulletin_shows_both_rates(rehearsed):
    (page,) = (rehearsed.home / "bulletins" / "1403" / "1").glob("*/national-1403-1.html")
    text = page.read_text(encoding="utf-8")
    year = SMALL.year(1403)
    from methods import persian

    for wanted in (
        persian.percent(year.confirmed_plan_count / year.supervised_plan_count),
        persian.percent(year.confirmed_plan_count / year.decided_plan_count),
        persian.number(year.decided_plan_count),
    ):
        assert wanted in text
