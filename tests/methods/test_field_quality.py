import datetime
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from demo import round as rehearsed
from demo import scenario
from methods import distance, field_quality, guideline

LAW = Path(__file__).parents[2] / "guidelines" / "field_quality.yaml"
RULES = guideline.section(
    "field_quality",
    [yaml.load(LAW.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)],  # noqa: S506
    "1403-01-01",
)
DAY = datetime.date(2024, 5, 1)
QUIET = {
    "visit_id": "V1",
    "plan_id": "A",
    "level": "county",
    "firm_code": "F1",
    "inspector_code": "I1",
    "visited_on": DAY,
    "received_on": datetime.date(2024, 9, 1),
    "started_minute": 600,
    "ended_minute": 630,
    "latitude": 35.0,
    "longitude": 51.0,
    "plan_latitude": None,
    "plan_longitude": None,
    "photo_sha256": "p1",
    "contact_outcome": "contacted",
    "is_final": True,
    "has_rule_breach": False,
    "loan_use": "approved_purpose",
    "is_running": True,
    "jobs_found_count": 2,
    "registered_job_count": 2,
    "sales_rial": 123_000_000,
    "asset_rial": 456_000_000,
    "agency_code": "P01",
    "plan_kind": "self_employment",
    "province_code": "00",
    "county_code": "0001",
    "is_decided": True,
    "is_confirmed": True,
}


def visits(*changes):
    """One quiet visit a change, each to a plan of its own with a photograph of its own."""
    own = ({"visit_id": f"V{n}", "plan_id": f"P{n}", "photo_sha256": f"p{n}"} for n in range(len(changes)))
    return pd.DataFrame([QUIET | name | change for name, change in zip(own, changes, strict=True)])


def flagged(*changes):
    found = field_quality.flags(visits(*changes), RULES)
    return set(zip(found["subject_code"], found["flag"], strict=True))


def at(start, east_km=0.0, **changed):
    # A degree of longitude at 35 degrees north is 111.195 km times the cosine.
    return {"started_minute": start, "ended_minute": start + 30, "longitude": 51 + east_km / 91.086} | changed


def test_a_quarter_of_a_meridian_is_ten_thousand_kilometres():
    way = distance.haversine_km(*(np.array([one]) for one in (0.0, 51.0, 90.0, 51.0)))
    assert way.item() == pytest.approx(math.pi * 6371.0088 / 2)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([at(600), at(640, 20)], set()),  # 19.5 km in 11 minutes: 106 km an hour
        ([at(600), at(637, 20)], {("V1", "too_fast")}),  # in 8 minutes: 146
        ([at(600), at(620, 20)], {("V1", "two_places")}),
        # A short visit within a long one hides nothing: 8:00 to 12:00 here, 9:00 here again, 11:00 far off.
        ([at(480) | {"ended_minute": 720}, at(540), at(660, 20)], {("V2", "two_places")}),
        ([at(600), at(620, 1.2)], set()),  # within the devices' error and a kilometre
        ([at(600), at(620, 20, inspector_code="I2")], set()),
        ([at(600), at(620, 20, visited_on=datetime.date(2024, 5, 2))], set()),
        ([at(640, 20), at(600)], set()),  # the order of rows is not that of the day
        ([at(359)], {("V0", "at_night")}),
        ([at(1240)], {("V0", "at_night")}),
        ([at(360), at(1230)], set()),
        ([{"ended_minute": 599}], {("V0", "ends_before_it_starts")}),
        ([{"received_on": datetime.date(2024, 4, 30)}], {("V0", "visited_after_received")}),
        ([{"received_on": DAY}], set()),
        ([{"is_running": False}], {("V0", "jobs_without_running")}),
        ([{"is_running": False, "jobs_found_count": 0}, {"is_running": None}], set()),
        ([{"started_minute": None, "latitude": None, "photo_sha256": None, "sales_rial": None}], set()),
        ([{"plan_latitude": 35.0, "plan_longitude": 51.0, "latitude": 35.05}], {("V0", "outside_county")}),  # 5.6 km
        ([{"plan_latitude": 35.0, "plan_longitude": 51.0, "latitude": 35.04}], set()),  # 4.4 km
    ],
)
def test_visits_that_cannot_have_been(changes, found):
    # Each on a day of its own inspector unless the case says otherwise.
    assert flagged(*changes) == found


def test_a_visit_far_from_the_middle_of_its_county_is_flagged_where_the_middle_is_known():
    days = [{"visited_on": DAY + datetime.timedelta(days=n)} for n in range(4)]
    far = [*days[:3], days[3] | {"latitude": 37.0}]
    assert flagged(*far) == {("V3", "outside_county")}
    assert flagged(*far[2:]) == set()


def test_a_photograph_of_two_plans_flags_both_and_a_replaced_visit_neither():
    days = [{"visited_on": DAY + datetime.timedelta(days=n)} for n in range(3)]
    same = [day | {"photo_sha256": "same"} for day in days]
    assert flagged(same[0], same[1], days[2]) == {("V0", "photo_reused"), ("V1", "photo_reused")}
    assert flagged(same[0] | {"plan_id": "A"}, same[1] | {"plan_id": "A"}) == set()
    # A repeat that sends the first inspector's photograph was no repeat.
    repeat = same[1] | {"plan_id": "A", "level": "national", "inspector_code": "N1"}
    assert len(flagged(same[0] | {"plan_id": "A"}, repeat)) == 2


def test_a_flag_shows_what_it_saw():
    found = field_quality.flags(visits(at(600), at(620, 20)), RULES).iloc[0]
    assert json.loads(found["evidence"]) == {"other_visit_id": "V0", "distance_km": pytest.approx(20, abs=0.01),
                                             "gap_minutes": -10.0}  # fmt: skip
    assert (found["statistic"], found["limit_value"]) == (pytest.approx(19.5, abs=0.01), 1)


def test_no_visits_are_no_flags():
    assert field_quality.flags(visits(), RULES).empty
    assert list(field_quality.flags(visits(), RULES).columns) == field_quality.COLUMNS


# Inspectors and firms ------------------------------------------------------------------------


@pytest.mark.parametrize("count", [4, 7])
def test_the_exact_tail_is_that_of_counting_every_way_to_write_the_digits(count):
    share = np.array([0.5, 0.3, 0.2])
    ways = [way for way in itertools.product(range(count + 1), repeat=3) if sum(way) == count]
    weight = [
        math.factorial(count) * math.prod(s**k / math.factorial(k) for s, k in zip(share, way, strict=True))
        for way in ways
    ]
    far = [float(((np.array(way) - count * share) ** 2 / (count * share)).sum()) for way in ways]
    for place in np.argsort(far)[-6:]:
        exact = sum(one for one, distance in zip(weight, far, strict=True) if distance >= far[place] - 1e-9)
        # Steps of a 400th may take in a way that lies just below.
        assert field_quality._exact_tail(far[place], count, share) == pytest.approx(exact, rel=0.02)


def test_the_chance_of_the_same_answer_is_that_of_independent_ones_without_correlation():
    found = field_quality._chance_all_same(np.array([10]), np.array([0.7]), 1e-7)
    assert found.item() == pytest.approx(0.7**10, rel=1e-4)
    # Polya's urn by hand: 7/10 then 8/11, at a correlation of 1/11.
    assert field_quality._chance_all_same(np.array([2]), np.array([0.7]), 1 / 11).item() == pytest.approx(0.7 * 8 / 11)


def test_holm_worked_by_hand():
    # 3 * 0.01, 2 * 0.02, 1 * 0.03 raised to the one before.
    assert field_quality._holm(np.array([0.03, 0.01, 0.02])).tolist() == pytest.approx([0.04, 0.03, 0.04])
    assert field_quality._holm(np.array([0.9, 0.8])).tolist() == [1, 1]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_never_lowers(p_values):
    raw = np.array(p_values)
    adjusted = field_quality._holm(raw)
    assert (adjusted >= raw).all()
    assert (np.diff(adjusted[np.argsort(raw, kind="stable")]) >= 0).all()


def test_plain_chance_is_not_overdispersed_and_twice_its_variance_is_found():
    from scipy import stats

    z = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    assert field_quality._overdispersion(z, 0.1) == pytest.approx(1, abs=0.01)
    assert field_quality._overdispersion(z * np.sqrt(2), 0.1) == pytest.approx(2, abs=0.02)
    # The guilty few at the ends do not hide themselves.
    z[-20:] = 50
    assert field_quality._overdispersion(z, 0.1) == pytest.approx(1, abs=0.05)


# Honest rounds -------------------------------------------------------------------------------

SMALL = scenario.load("small")
HONEST_ROUNDS = 25


@pytest.fixture(scope="module")
def issued():
    return rehearsed.issued_plans(SMALL, 1403)


def test_honest_rounds_raise_no_visit_flag_and_hardly_any_other(issued):
    counts = pd.Series(0, index=[*field_quality.VISIT_FLAGS, *field_quality.INSPECTOR_FLAGS, *field_quality.FIRM_FLAGS])
    for number in range(HONEST_ROUNDS):
        found = field_quality.flags(rehearsed.honest_visits(issued, SMALL, 1403, number), RULES)
        counts[list(set(found["flag"]))] += 1
    assert counts[list(field_quality.VISIT_FLAGS)].sum() == 0
    # Each test alarms in one round of a hundred: three in twenty-five happens to an honest test in 1 of 500.
    assert (counts < 3).all()


def planted(issued, number, change):
    honest = rehearsed.honest_visits(issued, SMALL, 1403, number)
    # The small rehearsal gives an inspector twenty plans: three of them work as one.
    honest["inspector_code"] = (
        honest["province_code"] + "-" + (honest.groupby("province_code").cumcount() // 60).astype(str)
    )
    guilty = honest["inspector_code"].value_counts().index[0]
    change(honest, honest["inspector_code"] == guilty)
    return guilty, field_quality.inspector_flags(honest, RULES)


def test_an_inspector_who_confirms_all_is_flagged(issued):
    def confirm(rows, own):
        said = {"contact_outcome": "contacted", "is_final": True, "has_rule_breach": False,
                "loan_use": "approved_purpose", "is_running": True}  # fmt: skip
        for answer, value in said.items():
            rows.loc[own, answer] = value
        rows.loc[own, "jobs_found_count"] = rows.loc[own, "registered_job_count"]

    guilty, found = planted(issued, 100, confirm)
    assert found.loc[found["flag"] == "answers_all_same", "subject_code"].tolist() == [guilty]


def test_an_inspector_who_makes_up_his_amounts_is_flagged(issued):
    def make_up(rows, own):
        digit = np.arange(own.sum()) % 2 * 4 + 3
        rows.loc[own, "sales_rial"] = (rows.loc[own, "sales_rial"].fillna(0) // 10**7 * 10 + 10 + digit) * 10**6

    guilty, found = planted(issued, 101, make_up)
    assert found.loc[found["flag"] == "digit_preference", "subject_code"].tolist() == [guilty]


def firm_round(shares, size=150):
    """Firms of two counties, one good and one bad, each with a share of its own that it confirms of either."""
    rows = []
    for number, (firm, extra) in enumerate(shares.items()):
        for county, base in (("0001", 0.9), ("0002", 0.5)):
            # A firm works mostly in one of the two.
            many = size if (number % 2 == 0) == (county == "0001") else size // 5
            yes = round(min(base + extra, 1) * many)
            rows += [{"firm_code": firm, "county_code": county, "is_confirmed": place < yes} for place in range(many)]
    return pd.DataFrame([QUIET | row | {"visit_id": f"V{place}"} for place, row in enumerate(rows)])


def test_a_firm_is_held_against_its_peers_given_its_plans():
    honest = {f"F{n}": 0.0 for n in range(20)}
    assert field_quality.firm_flags(firm_round(honest), RULES).empty
    found = field_quality.firm_flags(firm_round(honest | {"F7": 0.35}), RULES)
    assert found["subject_code"].tolist() == ["F7"]
    evidence = json.loads(found["evidence"].item())
    assert evidence["confirmed"] > evidence["expected"]
    # The other way round too: a firm that refuses what others confirm.
    assert field_quality.firm_flags(firm_round(honest | {"F6": -0.35}), RULES)["subject_code"].tolist() == ["F6"]


def test_the_order_of_visits_changes_nothing(issued):
    honest = rehearsed.honest_visits(issued, SMALL, 1403, 1)
    honest.loc[::40, "started_minute"] = 60
    once = field_quality.flags(honest, RULES)
    assert len(once) > 50
    assert field_quality.flags(honest[::-1], RULES).equals(once)
