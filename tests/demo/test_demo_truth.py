import numpy as np
import pandas as pd
import pytest

from demo import chance, population, scenario, truth

PLACES = {"province": "province_code", "county": "county_code"}


@pytest.fixture(scope="module", params=["small", "full"])
def rehearsal(request):
    return scenario.load(request.param)


@pytest.fixture(scope="module")
def eligible(rehearsal):
    plans = population.plans(rehearsal, 1403)
    return plans[plans["role"] == "eligible"].rename(columns=PLACES)


def issue(eligible, count):
    order = np.argsort(chance.of_codes("a draw", "plan", eligible["plan_id"]))
    drawn = eligible.iloc[order[:count]]
    return drawn.assign(firm_code="F001", inspector_code="F001-1")


def verdict(visits, issued):
    """The rules in their order, written once more by hand."""
    seen = visits.merge(issued[["plan_id", "registered_job_count"]], on="plan_id", validate="1:1")
    short = ~seen["is_running"].fillna(False).astype(bool) | (
        seen["jobs_found_count"].fillna(0) < seen["registered_job_count"]
    )
    rules = [
        (seen["contact_outcome"] != "contacted", "non_contact"),
        (~seen["is_final"], "pending"),
        (seen["has_rule_breach"], "violation"),
        (seen["loan_use"] == "other_purpose", "deviation"),
        (short, "discrepancy"),
    ]
    return pd.Series(np.select([rule for rule, _ in rules], [name for _, name in rules], "confirmed"))


def counts(visits, issued):
    found = verdict(visits, issued).value_counts()
    undecided = found["non_contact"] + found["pending"]
    return len(visits), len(visits) - undecided, found["confirmed"]


@pytest.mark.parametrize("year", [1403, 1404])
def test_visits_come_to_the_counts_of_the_scenario(rehearsal, eligible, year):
    size = rehearsal.year(year)
    issued = issue(eligible, size.supervised_plan_count)
    visits = truth.visits(issued, rehearsal, year, 1)
    wanted = (size.supervised_plan_count, size.decided_plan_count, size.confirmed_plan_count)
    assert counts(visits, issued) == wanted


def test_another_length_of_list_is_counted_in_proportion():
    rehearsal = scenario.load("small")
    eligible = population.plans(rehearsal, 1403).query("role == 'eligible'").rename(columns=PLACES)
    # 2,207 and 1,633 of 2,400 are 919.6 and 680.4 of 1,000.
    issued = issue(eligible, 1000)
    assert counts(truth.visits(issued, rehearsal, 1403, 1), issued) == (1000, 920, 680)


def test_the_order_of_the_list_changes_nothing(rehearsal, eligible):
    issued = issue(eligible, rehearsal.year(1403).supervised_plan_count)
    turned = truth.visits(issued[::-1], rehearsal, 1403, 1)
    assert turned.equals(truth.visits(issued, rehearsal, 1403, 1))


def test_what_visits_report_is_the_truth_of_their_plans(rehearsal, eligible):
    issued = issue(eligible, rehearsal.year(1403).supervised_plan_count)
    everywhere = truth.truth(eligible, rehearsal, 1403, truth.cuts(issued, rehearsal, 1403))
    here = truth.truth(issued, rehearsal, 1403)
    assert everywhere.loc[here.index].equals(here)
    # The whole population differs from its sample by the error of sampling alone.
    share = everywhere["is_confirmed"].sum() / everywhere["is_decided"].sum()
    of_sample = here["is_confirmed"].sum() / here["is_decided"].sum()
    assert abs(share - of_sample) < 4 * np.sqrt(share * (1 - share) / len(here))


def test_kinds_of_refusal_and_silence_divide_as_the_scenario_says():
    rehearsal = scenario.load("full")
    eligible = population.plans(rehearsal, 1403).query("role == 'eligible'").rename(columns=PLACES)
    issued = issue(eligible, 48004)
    visits = truth.visits(issued, rehearsal, 1403, 1)
    found = verdict(visits, issued).value_counts()
    refused = found[list(rehearsal.not_confirmed)]
    assert (refused / refused.sum()).to_dict() == pytest.approx(dict(rehearsal.not_confirmed), abs=0.02)
    silent = visits.loc[visits["contact_outcome"] != "contacted", "contact_outcome"].value_counts()
    assert silent["non_contact"] / 3858 == pytest.approx(rehearsal.undecided["non_contact"], abs=0.03)
    assert set(silent.index) == {"non_contact", "refused", "moved"}


def test_agencies_and_provinces_differ():
    rehearsal = scenario.load("full")
    eligible = population.plans(rehearsal, 1403).query("role == 'eligible'").rename(columns=PLACES)
    found = eligible.join(truth.truth(eligible, rehearsal, 1403)[["is_decided", "is_confirmed"]])
    decided = found[found["is_decided"]]
    agency = decided.groupby("agency_code")["is_confirmed"].mean()
    assert agency.idxmax() == "P01"
    assert agency.idxmin() == "P05"
    province = decided.groupby("province_code")["is_confirmed"].mean()
    assert province.max() - province.min() > 0.08


def test_visits_follow_the_year_and_the_second_phase_the_first():
    rehearsal = scenario.load("small")
    eligible = population.plans(rehearsal, 1403).query("role == 'eligible'").rename(columns=PLACES)
    issued = issue(eligible, 2400)
    first = truth.visits(issued, rehearsal, 1403, 1)["visited_on"]
    second = truth.visits(issued, rehearsal, 1403, 2)["visited_on"]
    assert "1404/02/01" <= first.min() <= first.max() <= "1404/05/31"
    assert first.max() < second.min()


def test_who_was_not_met_has_shown_nothing(rehearsal, eligible):
    issued = issue(eligible, 1000)
    visits = truth.visits(issued, rehearsal, 1403, 1)
    away = visits[visits["contact_outcome"] != "contacted"]
    assert away[["loan_use", "is_running", "jobs_found_count"]].isna().all(axis=None)
    met = visits[visits["contact_outcome"] == "contacted"]
    assert met.notna().all(axis=None)
