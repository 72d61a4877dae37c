import numpy as np
import pandas as pd
import pytest

from demo import chance, field, population, scenario, truth

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
    # As many plans an inspector as the guideline gives one, all in his province.
    place = drawn.groupby("province_code").cumcount() // 60
    return drawn.assign(
        firm_code="F" + drawn["province_code"], inspector_code=drawn["province_code"] + "-" + place.astype(str)
    )


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


def test_an_honest_day_lies_in_working_hours_and_leaves_time_for_the_way(rehearsal, eligible):
    issued = issue(eligible, rehearsal.year(1403).supervised_plan_count)
    seen = truth.visits(issued, rehearsal, 1403, 1)
    assert seen["started_minute"].min() >= field.DAY_STARTS
    assert seen["ended_minute"].max() <= field.DAY_ENDS + 1
    assert (seen["ended_minute"] > seen["started_minute"]).all()
    day = seen.sort_values(["inspector_code", "visited_on", "started_minute"])
    same = (day[["inspector_code", "visited_on"]] == day[["inspector_code", "visited_on"]].shift()).all(axis=1)
    before = day.shift()
    way = field.distance_km(
        *(frame[axis].astype(float).to_numpy() for frame in (day, before) for axis in ("latitude", "longitude"))
    )
    hours = (day["started_minute"] - before["ended_minute"]).astype(float) / 60
    assert same.sum() > 100
    assert (way[same] / hours[same] < 80).all()


def test_the_days_of_visits_are_those_that_chance_gave_or_soon_after(rehearsal, eligible):
    # An inspector whose day does not fit goes on the next one: few do, where the plans of a county lie together.
    issued = issue(eligible, rehearsal.year(1403).supervised_plan_count)
    seen = truth.visits(issued, rehearsal, 1403, 1)
    when = chance.of_codes(f"{rehearsal.seed}|1403-1", "visited", seen["plan_id"])
    day = 31 + np.floor(when * 120).astype(np.int64)
    given, last = population.jalali_text(1404, day), population.jalali_text(1404, day + 3)
    assert (seen["visited_on"] == given).mean() > 0.99
    assert ((seen["visited_on"] >= given) & (seen["visited_on"] <= last)).all()


def test_a_day_that_does_not_fit_goes_over_to_the_next():
    plans = pd.DataFrame({"visit_id": [f"V{n}" for n in range(40)], "inspector_code": "I", "day": 0,
                          "latitude": 35.0, "longitude": np.arange(40) / 10, "is_contacted": True})  # fmt: skip
    laid = field.schedule(plans, "s")
    assert laid["day"].max() > 1
    assert laid["ended_minute"].max() <= field.DAY_ENDS + 1
    assert laid.groupby("day").size().max() < 15


def test_plans_stand_where_their_list_says_and_else_near_their_county():
    plans = pd.DataFrame({"plan_id": ["a", "b", "c", "d"], "province_code": "00", "county_code": ["1", "1", "1", "2"],
                          "latitude": ["35.5", "", "35.7", ""], "longitude": ["51.0", "", "51.2", ""]})  # fmt: skip
    found = field.places(plans, "s")
    assert found["latitude"].tolist()[:3] == pytest.approx([35.5, 35.6, 35.7])
    invented = field.places(plans.drop(columns=["latitude", "longitude"]), "s")
    assert found.loc[3].tolist() == invented.loc[3].tolist()
    ends = invented.iloc[[0]].to_numpy().repeat(4, axis=0)
    ways = field.distance_km(ends[:, 0], ends[:, 1], invented["latitude"].to_numpy(), invented["longitude"].to_numpy())
    assert ways.max() < 2 * (field.COUNTY_REACH_KM + field.PLAN_REACH_KM)


def test_no_two_photographs_are_the_same(rehearsal, eligible):
    photo = truth.visits(issue(eligible, 2000), rehearsal, 1403, 1)["photo_sha256"].dropna()
    assert photo.is_unique
    assert photo.str.fullmatch("[0-9a-f]{64}").all()


def test_repeats_agree_but_for_the_errors_of_first_visits():
    rehearsal = scenario.load("full")
    eligible = population.plans(rehearsal, 1403).query("role == 'eligible'").rename(columns=PLACES)
    issued = issue(eligible, 48004)
    again = issued.iloc[:20000].assign(level="provincial", inspector_code="P1", firm_code="")[
        ["plan_id", "level", "firm_code", "inspector_code"]
    ]
    again["inspector_code"] = "P" + (np.arange(len(again)) // 60).astype(str)
    alone = truth.visits(issued, rehearsal, 1403, 1)
    both = truth.visits(issued, rehearsal, 1403, 1, again)
    pd.testing.assert_frame_equal(both.iloc[:48004], alone)
    repeats = both.iloc[48004:].reset_index(drop=True)
    assert (repeats["visit_id"].is_unique, set(repeats["level"])) == (True, {"provincial"})
    first = pd.Series(verdict(alone, issued).to_numpy(), index=alone["plan_id"]).reindex(repeats["plan_id"]).to_numpy()
    now = verdict(repeats, issued).to_numpy()
    refused = np.isin(first, ["violation", "deviation", "discrepancy"])
    errors = rehearsal.first_visit_errors
    assert np.mean(now[first == "confirmed"] != "confirmed") == pytest.approx(errors["confirmed_wrongly"], abs=0.006)
    assert np.mean(now[refused] == "confirmed") == pytest.approx(errors["refused_wrongly"], abs=0.01)
    undecided = ~refused & (first != "confirmed")
    assert (now[undecided] == first[undecided]).all()
    later = both.set_index("visit_id")["visited_on"]
    assert (repeats["visited_on"].to_numpy() > later["V" + repeats["visit_id"].str[2:]].to_numpy()).all()
