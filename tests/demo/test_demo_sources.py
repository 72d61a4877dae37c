"""The rehearsal delivers what its source YAML says, read by the code that reads real agencies."""

import json
import zipfile

import pandas as pd
import pytest

from demo import ministry, population, scenario, service
from methods.period import Period
from methods.persian import conform
from tasks.edges import deliveries, sources

PERIOD = Period(1403)
UNIT_RIAL = {"rial": 1, "toman": 10, "million_rial": 1_000_000}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    ministry.stage(folder, 1403, "small")
    return folder


@pytest.fixture(scope="module")
def plans():
    return population.plans(scenario.load("small"), 1403)


@pytest.fixture
def read(home, monkeypatch):
    monkeypatch.setenv("PAYESH_HOME", str(home))
    monkeypatch.setenv("PAYESH_P05_URL", f"sqlite:///{ministry.p05_file(home)}")
    monkeypatch.delenv("PAYESH_SOURCES", raising=False)

    def rows_of(code):
        source = sources.in_force(code, PERIOD)
        if source.pull.kind != "api":
            with deliveries.received(source, PERIOD) as fetched:
                return source, frame(source, fetched.path, fetched.file_name)
        lines = ministry.p04_file(home, 1403).read_bytes().splitlines()
        page = json.dumps({"items": [json.loads(line) for line in lines], "pages": 1})
        with zipfile.ZipFile(home / "pages.zip", "w") as pages:
            pages.writestr("page-00001.json", page)
        return source, frame(source, home / "pages.zip", "P04.zip")

    def frame(source, path, name):
        with deliveries.opened(source, path, name, conform) as table:
            return pd.DataFrame(list(table.rows), columns=["row_fault", *table.columns])

    return rows_of


@pytest.mark.parametrize("code", ["P01", "P02", "P03", "P04", "P05", "P06"])
def test_an_agency_is_read_back_as_it_was_invented(code, read, plans):
    source, found = read(code)
    mine = plans[plans["agency_code"] == code].reset_index(drop=True)
    assert source.is_rehearsal
    assert (found["row_fault"] == "").all()
    for column in ("plan_number", "national_id", "budget_note", "job_commitment_count"):
        assert found[column].map(conform).tolist() == mine[column].astype(str).tolist(), column
    for column in ("loan_paid_rial", "loan_approved_rial"):
        unit = UNIT_RIAL[source.units.get(column, "rial")]
        assert (found[column].map(conform).astype("int64") * unit).tolist() == mine[column].tolist()
    kinds = {conform(key): kind for key, kind in source.codes["plan_kind"].items()}
    assert found["plan_kind"].map(conform).map(kinds).fillna("unknown").tolist() == mine["plan_kind"].tolist()
    assert found["applicant_name"].map(conform).tolist() == mine["applicant_name"].map(conform).tolist()


@pytest.mark.parametrize("code", ["P01", "P02", "P06"])
def test_names_of_places_are_those_of_the_reference_lists(code, read, plans):
    known = population.counties()
    names = {
        (province, conform(name)): county
        for column in ("county_name", "county_other_name")
        for province, name, county in zip(
            known["province_name"].map(conform), known[column], known["county_code"], strict=True
        )
    }
    _, found = read(code)
    mine = plans[plans["agency_code"] == code].reset_index(drop=True)
    pairs = zip(found["province"].map(conform), found["county"].map(conform), strict=True)
    county = pd.Series([names.get(pair) for pair in pairs])
    misplaced = mine["role"] == "county_not_in_province"
    assert county[misplaced].isna().all()
    assert county[~misplaced].tolist() == mine.loc[~misplaced, "county"].tolist()


def test_the_registry_of_firms_is_read_back(read):
    _, found = read("FIRMS")
    firms = population.firms(scenario.load("small"), 1403)
    assert found["firm_code"].tolist() == firms["firm_code"].tolist()
    assert found["capacity_count"].astype(int).tolist() == firms["capacity_count"].tolist()


@pytest.mark.parametrize("code", ["P04", "P05"])
def test_coordinates_are_read_back(code, read, plans):
    _, found = read(code)
    mine = plans[plans["agency_code"] == code]
    for column in ("latitude", "longitude"):
        assert found[column].astype(float).tolist() == mine[column].tolist()


@pytest.mark.parametrize(("code", "by_county"), [("P01", True), ("P03", False)])
def test_declared_totals_are_read_back(code, by_county, read, plans):
    _, found = read(f"{code}_TOTAL")
    wanted = population.totals(plans, code, by_county)
    for column in ("plan_count", "loan_paid_rial"):
        assert found[column].astype("int64").tolist() == wanted[column].tolist()


def test_desk_contacts_are_read_back(read, plans):
    source, found = read("DESK")
    wanted = population.desk_contacts(plans, scenario.load("small"), 1403)
    assert found["outcome"].tolist() == wanted["outcome"].tolist()
    assert found["channel"].map(source.codes["channel"]).tolist() == wanted["channel"].tolist()


def test_the_words_of_the_inspectors_are_mapped():
    source = sources.load_all()["FIELD"]
    words = {code: word for word, code in source.codes["contact_outcome"].items()}
    assert words == service.CONTACT_OUTCOMES
    assert {code: word for word, code in source.codes["loan_use"].items()} == service.LOAN_USES


def test_every_rehearsal_source_says_it_is_one():
    found = sources.load_all()
    assert {"P01", "P02", "P03", "P04", "P05", "P06", "FIRMS", "FIELD"} <= set(found)
    for source in found.values():
        assert source.is_rehearsal == ("نمایشی" in source.agency_name)
