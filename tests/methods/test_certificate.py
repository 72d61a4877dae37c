import hashlib

import pandas as pd
import pytest

from methods import certificate, sample

RULES = {
    "issued_plan_count": "30", "minimum_plans_per_county": "2", "minimum_plans_per_agency": "0",
    "design": {"method": "srs", "reserve_share": "0.1"}, "allocation": "proportional",
    "planning_share": {"default": "0.5"}, "largest_province_workload": {"default": "99"},
    "required_province_codes": ["00"], "reinspection": {"provincial_share": "0.2", "national_share": "0.5"},
}  # fmt: skip


def frame():
    rows = [
        {
            "plan_id": f"P01-{number:04d}", "province_code": "00", "county_code": f"000{number % 4}",
            "agency_code": "P01", "plan_kind": "enterprise", "loan_paid_rial": 10**9 + number, "risk_score": None,
        }
        for number in range(120)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def certified():
    plans = frame()
    drawn = sample.draw_plans(plans, RULES, "open sesame")
    again = sample.draw_reinspections(drawn.drawn, RULES, "open sesame")
    return certificate.certify("1403-1", "open sesame", plans, {"version": "x", "values": RULES}, drawn, again), drawn


def test_a_draw_repeats_from_its_certificate_in_any_order_of_rows(certified):
    written, drawn = certified
    shuffled = frame().sample(frac=1, random_state=3)
    assert certificate.differences(written, shuffled, drawn.drawn) == []


def test_hashes_are_those_anyone_takes_of_the_bytes(certified):
    written, _ = certified
    assert written["seed_sha256"] == hashlib.sha256(b"open sesame").hexdigest()
    text = certificate.canonical_csv(frame(), certificate.FRAME_COLUMNS)
    assert text.startswith(b"plan_id,province_code,county_code,agency_code,plan_kind,loan_paid_rial,risk_score\n")
    assert written["frame"]["sha256"] == hashlib.sha256(text).hexdigest()


def places(written, plans, issued=None):
    return [difference.place for difference in certificate.differences(written, plans, issued)]


def test_a_plan_added_to_the_frame_shows_in_frame_and_allocation(certified):
    written, _ = certified
    more = frame()
    more.loc[len(more)] = {**more.iloc[0].to_dict(), "plan_id": "P01-9999"}
    found = places(written, more)
    assert "frame, SHA-256" in found
    assert "allocation, stratum 0000" in found


def test_a_loan_altered_shows_though_the_same_plans_are_drawn(certified):
    written, drawn = certified
    assert places(written, frame().assign(loan_paid_rial=1), drawn.drawn) == ["frame, SHA-256"]


def test_another_seed_draws_another_list(certified):
    written, drawn = certified
    found = places({**written, "seed": "another"}, frame(), drawn.drawn)
    assert {"list, SHA-256", "seed, SHA-256", "issued list, plans of the draw that are not on it"} <= set(found)


def test_a_round_that_moved_on_by_other_numbers_than_the_former_gives_is_named():
    former = {"root_seed": "first", "moved_on": {"0101": 0.25, "0102": 0.5}}
    assert (
        certificate.coordination_differences(former, former) == certificate.coordination_differences(None, None) == []
    )
    favoured = former | {"moved_on": {"0101": 0.25, "0102": 0.75}, "root_seed": "third"}
    assert [str(one) for one in certificate.coordination_differences(favoured, former)] == [
        "coordination, seed of the former round: certified third; found first",
        "coordination, strata that were moved on by another number than the former round gives:"
        " certified none; found 1: 0102",
    ]
    assert (
        str(*certificate.coordination_differences(None, former)) == "coordination: certified none; found a former round"
    )


def test_a_plan_released_before_its_turn_is_named():
    reserve = pd.DataFrame({"stratum_code": "0101", "release_order": [1, 2, 3], "plan_id": ["a", "b", "c"]})
    kept = reserve.assign(released_on=[None, None, None])
    assert certificate.reserve_differences(kept, reserve) == []
    assert certificate.reserve_differences(kept.assign(released_on=["2026-01-01"] * 2 + [None]), reserve) == []
    jumped = certificate.reserve_differences(kept.assign(released_on=["2026-01-01", None, "2026-01-02"]), reserve)
    assert [str(one) for one in jumped] == [
        "reserve, strata of which a plan was released before its turn: certified none; found 1: 0101"
    ]
    other = certificate.reserve_differences(kept.assign(plan_id=["b", "a", "c"]), reserve)
    assert [one.place for one in other] == ["reserve, SHA-256"]


def test_a_plan_slipped_into_the_issued_list_is_named(certified):
    written, drawn = certified
    undrawn = sorted(set(frame()["plan_id"]) - set(drawn.drawn["plan_id"]))[0]
    slipped = drawn.drawn.replace({"plan_id": {drawn.drawn["plan_id"].iloc[0]: undrawn}})
    text = "; ".join(str(one) for one in certificate.differences(written, frame(), slipped))
    assert undrawn in text
    assert drawn.drawn["plan_id"].iloc[0] in text


def test_a_probability_altered_on_the_issued_list_is_named(certified):
    written, drawn = certified
    altered = drawn.drawn.copy()
    altered.loc[0, "inclusion_probability"] *= 0.9
    assert places(written, frame(), altered) == ["issued list, plans of another probability"]


def test_a_seed_that_is_not_the_one_published_beforehand_shows(certified):
    written, _ = certified
    kept = certificate.differences(written, frame(), committed=certificate.seed_hash("open sesame"))
    other = certificate.differences(written, frame(), committed=certificate.seed_hash("the one that was promised"))
    assert kept == []
    assert [one.place for one in other] == ["seed, SHA-256 published before the frame closed"]


def test_a_guideline_that_is_not_the_one_in_force_shows_value_by_value(certified):
    written, _ = certified
    values = RULES | {"minimum_plans_per_county": "3", "allocation_power": "0.5"}
    found = certificate.differences(written, frame(), values=values)
    assert [one.place for one in found] == ["guideline, allocation_power", "guideline, minimum_plans_per_county"]


def test_a_version_of_the_guideline_that_the_list_was_not_issued_under_shows(certified):
    written, _ = certified
    assert certificate.differences(written, frame(), version="x") == []
    found = certificate.differences(written, frame(), version="y")
    assert [one.place for one in found] == ["guideline, version the list was issued under"]


def test_a_plan_listed_twice_or_in_another_stratum_is_named(certified):
    written, drawn = certified
    moved = drawn.drawn.assign(stratum_code=["9999", *drawn.drawn["stratum_code"][1:]])
    assert places(written, frame(), moved) == ["issued list, plans of another stratum"]
    twice = pd.concat([drawn.drawn, drawn.drawn.head(2)])
    assert places(written, frame(), twice) == ["issued list, plans that stand on it twice"]


@pytest.mark.parametrize("part", ["frame", "list", "reserve", "reinspection"])
def test_a_count_of_rows_that_is_not_theirs_shows(certified, part):
    written, _ = certified
    altered = written | {part: written[part] | {"rows": 1_000}}
    assert places(altered, frame()) == [f"{part}, rows"]
