"""Files nobody here made, taken in by forms and sources written for them, against an independent reading."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa

from flows.pull import pull
from tasks.edges import gate, warehouse
from tasks.edges.settings import ROOT

HERE = Path(__file__).resolve().parents[1] / "sources_real"
YEAR = 1411
FORMS = ("activity", "city", "bank_loan")
# The letters in which an Arabic keyboard differs, and what a name may be written with or without.
ARABIC = {"ي": "ی", "ك": "ک", "ى": "ی", "ئ": "ی", "أ": "ا", "ة": "ه", "ؤ": "و", " ": "", "\u200c": "", "\u00a0": ""}


@pytest.fixture(scope="module")
def pulled(stack, real, tmp_path_factory):
    suites = tmp_path_factory.mktemp("expectations")
    (suites / "gate").symlink_to(ROOT / "expectations" / "gate")
    (suites / "form").symlink_to(HERE / "expectations" / "form")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAYESH_REAL", str(real))
        patch.setenv("PAYESH_SOURCES", str(HERE))
        patch.setenv("PAYESH_FORMS", str(HERE / "forms"))
        patch.setattr(gate, "SUITES", suites)
        pull(YEAR)
        yield real


def rows(table):
    with warehouse.transaction() as connection:
        return pd.read_sql(sa.text(f"select * from staging.{table} where year = {YEAR}"), connection)


def rejected(source_code):
    """Rows given back, by reason, column and what stood there."""
    statement = sa.text(
        "select reason_code, column_name, row_number, found from staging.rejected_row where delivery_id like :those"
    )
    with warehouse.transaction() as connection:
        return pd.read_sql(statement, connection, params={"those": f"{source_code}-{YEAR}-%"})


def outcome(source_code):
    statement = sa.text(
        "select status, row_count, rejected_row_count from staging.delivery_outcome where delivery_id like :those"
    )
    with warehouse.transaction() as connection:
        return tuple(connection.execute(statement, {"those": f"{source_code}-{YEAR}-%"}).one())


def test_the_classification_of_activities_below_its_title_rows(pulled):
    sheet = openpyxl.load_workbook(pulled / "ISIC-4_1399.xlsx", read_only=True)["isic 4"]
    lines = pd.DataFrame(sheet.iter_rows(min_row=6, values_only=True), columns=["code", "text"])
    lines = lines.apply(lambda column: column.str.strip(" "))
    # Section letters are Persian; codes of four levels keep their leading zeros.
    lines["code"] = lines["code"].replace({"ك": "ک", "ي": "ی"}, regex=True)
    kept = lines.drop_duplicates()
    found = rows("activity")
    assert outcome("ACTIVITY") == ("accepted", len(lines), len(lines) - len(kept))
    assert set(zip(found["activity_code"], found["description"], strict=True)) == set(kept.itertuples(index=False))
    by_level = kept["code"].str.len().value_counts()
    # ISIC revision 4 has 21 sections.
    assert by_level[1] == 21
    assert found["activity_code"].str.len().value_counts().to_dict() == by_level.to_dict()
    # A line that stands in the file twice is given back once, under its code.
    assert set(rejected("ACTIVITY")["reason_code"]) == {"repeated"}


def test_the_cities_by_the_provinces_codes_of_our_own(pulled):
    cities = pd.read_csv(pulled / "odoo_res.city.csv", dtype=str)
    cities["key"] = cities["name"].replace(ARABIC, regex=True)
    again = cities.duplicated(["state_id:id", "key"])
    found = rows("city")
    assert outcome("CITY") == ("accepted", len(cities), again.sum())
    assert set(found["city_code"]) == set(cities.loc[~again, "id"])
    assert set(rejected("CITY")["row_number"]) == set(cities.index[again] + 1)
    # As many a province as a state has, by a capital that says which is which.
    capital = {"تبريز": "03", "اصفهان": "10", "زاهدان": "11", "کرج": "30", "بيرجند": "29", "سنندج": "12", "ياسوج": "17"}
    for name, code in capital.items():
        state = cities.loc[cities["name"] == name, "state_id:id"].item()
        assert (found["province_code"] == code).sum() == ((cities["state_id:id"] == state) & ~again).sum()
    provinces = pd.read_csv(ROOT / "reference" / "provinces.csv", dtype=str)
    assert set(found["province_code"]) == set(provinces["code"])


def test_every_capital_of_the_cities_lies_in_its_province(pulled):
    # Most provinces hold a county of the name of one of their cities: a wrong pairing of codes would leave few.
    found = rows("city")
    with warehouse.transaction() as connection:
        counties = pd.read_sql(
            sa.text("select province_code, reference.name_key(name_fa) as key from reference.county"), connection
        )
    both = found.merge(counties, left_on=["province_code", "city_name_key"], right_on=["province_code", "key"])
    assert (both.groupby("province_code")["city_code"].nunique() >= 3).sum() >= 29


def test_the_loans_of_a_bank(pulled):
    loans = pd.read_csv(pulled / "SBAcase.11.13.17.csv", dtype=str, encoding="utf-8-sig")
    faults = {
        ("missing", "disbursed_day_count"): loans["DisbursementDate"].isna(),
        ("missing", "business_age"): loans["NewExist"].isna(),
        ("choice_unknown", "business_age"): loans["NewExist"] == "0",
        ("choice_unknown", "is_revolving"): loans["RevLineCr"] == "T",
        ("choice_unknown", "is_low_document"): loans["LowDoc"].isin(["S", "A"]),
    }
    bad = pd.DataFrame(faults).any(axis=1)
    given_back = rejected("BANK_LOAN").groupby(["reason_code", "column_name"])["row_number"].agg(set).to_dict()
    assert given_back == {place: set(loans.index[where] + 1) for place, where in faults.items()}
    assert outcome("BANK_LOAN") == ("accepted", 2101, bad.sum())

    kept, found = loans[~bad], rows("bank_loan")
    for column, header in {
        "disbursed_usd": "DisbursementGross",
        "approved_usd": "GrAppv",
        "employee_count": "NoEmp",
    }.items():
        assert found[column].sum() == kept[header].astype(int).sum()
    assert (found["outcome"] == "charged_off").sum() == (kept["MIS_Status"] == "CHGOFF").sum()
    assert found["is_revolving"].sum() == (kept["RevLineCr"] == "Y").sum()
    # The day a loan was approved is a SAS date, in the fiscal year of the same row: October to September.
    days = found.set_index("loan_number")["approved_day_count"]
    on = pd.Timestamp("1960-01-01") + pd.to_timedelta(days, unit="D")
    year = kept.set_index("LoanNr_ChkDgt")["ApprovalFY"].astype(int)
    assert ((on + pd.DateOffset(months=3)).dt.year == year.reindex(on.index)).all()
