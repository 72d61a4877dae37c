"""The suites of expectations: what they hold a batch against is dated data, and every name of it is known."""

import json
import string
from pathlib import Path

import pytest

from methods.errors import SettingWrong
from methods.period import FIRST_YEAR, Period
from tasks.edges import gate, law
from tasks.edges.forms import load_all

ROOT = Path(__file__).parents[2]
EXPECTATIONS = [
    pytest.param(one, id=f"{file.parent.name}/{file.stem}: {one['meta']['label']}")
    for file in sorted((ROOT / "expectations").glob("*/*.json"))
    for one in json.loads(file.read_text(encoding="utf-8"))["expectations"]
]
# Not an opinion: the boxes that the country lies in, its 31 provinces, none, one, all; and what floats lose.
FACTS = {0, 1, 24, 31, 41, 43, 64, 1e-9, 0.01, 20_000_000}


def limits():
    return law.section("validation", Period(1403))["limits"]


def asked(one):
    names = ("min_value", "max_value", "mostly")
    return [one["kwargs"][name] for name in names if name in one["kwargs"]]


@pytest.mark.parametrize("one", EXPECTATIONS)
def test_a_threshold_is_a_dated_limit_or_a_fact(one):
    for value in asked(one):
        assert value["$PARAMETER"] in limits() if isinstance(value, dict) else value in FACTS


@pytest.mark.parametrize("one", EXPECTATIONS)
def test_what_people_read_names_limits_that_are_asked(one):
    told = [str(one["meta"][name]) for name in ("label", "label_fa", "threshold_fa") if name in one["meta"]]
    named = {field for text in told for _, field, _, _ in string.Formatter().parse(text) if field}
    assert named == {value["$PARAMETER"] for value in asked(one) if isinstance(value, dict)}


def test_limits_hold_in_every_year_there_may_be():
    assert law.section("validation", Period(FIRST_YEAR))["limits"].keys() == limits().keys()


def test_every_limit_is_asked_for_somewhere():
    used = {value["$PARAMETER"] for one in EXPECTATIONS for value in asked(one.values[0]) if isinstance(value, dict)}
    assert used == set(limits())


def test_a_form_without_a_suite_is_named():
    with pytest.raises(SettingWrong, match=r"suite form/odd: found no such file; wanted .*expectations/form/odd\.json"):
        gate.columns_of("form/odd")


def test_a_suite_says_which_columns_it_looks_at():
    found = gate.columns_of("form/loan_plan")
    assert (
        {"plan_id", "loan_paid_rial", "approved_on", "paid_on"} <= found <= set(load_all()["loan_plan"].staging_types)
    )


@pytest.mark.parametrize(
    "one",
    [
        {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "select 1"}},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a", "row_condition": "b = 1"}},
        {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}},
    ],
    ids=["any it likes", "those of a condition", "none by name"],
)
def test_a_suite_that_may_look_at_any_column_is_shown_all(one, tmp_path, monkeypatch):
    monkeypatch.setattr(gate, "SUITES", tmp_path)
    (tmp_path / "odd.json").write_text(json.dumps({"name": "odd", "expectations": [one]}))
    assert gate.columns_of("odd") is None
