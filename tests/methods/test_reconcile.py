import csv
import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.errors import FrameMismatch, SettingWrong
from methods.estimate import reconcile
from methods.estimate.reconcile import Claim

REFERENCE = Path(__file__).parents[2] / "reference"


def claims(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def claim_of(row):
    """Read a published claim as reference/claims.csv writes it."""
    counts = [int(row[name]) if row[name] else None for name in ("numerator", "denominator")]
    parts = tuple(int(part) for part in row["parts"].split("+") if part)
    if not row["claimed_percent"]:
        return Claim(None, numerator=counts[0], denominator=counts[1], parts=parts)
    read = Claim.of(row["claimed_percent"], numerator=counts[0], denominator=counts[1])
    return dataclasses.replace(read, parts=parts, is_derived=row["is_derived"] == "1")


ROWS = claims(REFERENCE / "claims.csv")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["claim_id"])
def test_published_claims_are_judged(row):
    assert reconcile.check_arithmetic(claim_of(row)).verdict == row["verdict"]


def test_the_claims_are_those_that_were_gathered(oracle):
    gathered = {row["id"]: row for row in claims(oracle.parent / "facts" / "claims_check.csv")}
    assert list(gathered) == [row["claim_id"] for row in ROWS]
    for row in ROWS:
        stated = gathered[row["claim_id"]]
        found = reconcile.check_arithmetic(claim_of(row))
        assert found.verdict == stated["verdict"]
        assert [row[name] for name in ("numerator", "denominator", "claimed_percent")] == [
            stated[name] for name in ("numerator", "denominator", "stated_percent")
        ]
        shown = "" if found.rate is None else reconcile.printed(found.rate, 2, "half-up")
        assert shown == stated["computed_percent"]


def test_the_announcement_worked_by_hand():
    # 32,668 / 0.745 = 43,849.7 and / 0.735 = 44,446.3; / 0.75 = 43,557.3 and / 0.74 = 44,145.9.
    found = reconcile.check_arithmetic(Claim.of("74", numerator=32668, denominator=48004))
    assert found.statement == "32,668 / 48,004 = 68.05 %: does not reconcile"
    assert {name: str(span) for name, span in found.denominators.items()} == {
        "half-up": "43,850 to 44,446",
        "truncated": "43,558 to 44,145",
    }
    # 48,004 * 0.735 = 35,282.9 and * 0.745 = 35,763.0 (not reached); * 0.74 = 35,522.96 and * 0.75 = 36,003.
    assert {name: str(span) for name, span in found.numerators.items()} == {
        "half-up": "35,283 to 35,762",
        "truncated": "35,523 to 36,002",
    }


def test_the_reading_that_fits_rounded_does_not_fit_truncated():
    assert Claim.of("74", rounding="half-up").is_met_by(Fraction(32668, 44146))
    # 73.9999 %: a denominator worked out as 32,668 / 0.74 is one too many.
    assert not Claim.of("74", rounding="truncated").is_met_by(Fraction(32668, 44146))


@pytest.mark.parametrize(
    ("rate", "half_up", "truncated"),
    [("0.735", True, False), ("0.74", True, True), ("0.745", False, True), ("0.75", False, False)],
)
def test_the_edges_of_74_percent(rate, half_up, truncated):
    for rounding, wanted in (("half-up", half_up), ("truncated", truncated), ("either", half_up or truncated)):
        assert Claim.of("74", rounding=rounding).is_met_by(Fraction(rate)) is wanted


def test_a_rate_without_its_parts_is_said_to_be_one():
    found = reconcile.check_arithmetic(Claim.of("16.5"))
    assert (found.verdict, found.rate, found.denominators) == ("rate_only", None, {})
    assert "no denominator can be checked" in found.statement


def test_less_than_three_percent_of_4000_are_fewer_than_120():
    found = reconcile.check_arithmetic(Claim.of("<3", denominator=4000))
    assert {name: (span.lower, span.upper) for name, span in found.numerators.items()} == {"below": (0, 119)}


def test_parts_that_do_not_add_up_are_said():
    claim = Claim(None, numerator=10, parts=(4, 5))
    assert reconcile.check_arithmetic(claim).verdict == "sum_does_not_add_up"


def test_a_zero_rate_and_a_zero_numerator_have_their_spans():
    assert str(reconcile.check_arithmetic(Claim.of("0", rounding="half-up", numerator=0)).denominators["half-up"]) == (
        "1 or more"
    )
    assert reconcile.check_arithmetic(Claim.of("5", numerator=0)).denominators["half-up"].is_empty
    assert reconcile.check_arithmetic(Claim.of("<0", numerator=1)).denominators["below"].is_empty


@pytest.mark.parametrize("text", ["۷۴", "74 %", "٪۷۴", "74.0", "۷۴٫۰٪"])
def test_a_rate_is_read_as_it_was_printed(text):
    assert Claim.of(text).percent == 74


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"claimed": "174"}, "--claimed"),
        ({"claimed": "-1"}, "--claimed"),
        ({"claimed": "many"}, "--claimed"),
        ({"claimed": "7/4"}, "--claimed"),
        ({"claimed": "1e1"}, "--claimed"),
        ({"claimed": "nan"}, "--claimed"),
        ({"claimed": ""}, "--claimed"),
        ({"claimed": "<"}, "--claimed"),
        ({"claimed": "16.5", "decimals": 0}, "--decimals"),
        ({"claimed": "16", "decimals": 99}, "--decimals"),
        ({"claimed": "74", "rounding": "up"}, "--rounding"),
        ({"claimed": "74", "denominator": 0}, "--denominator"),
        ({"claimed": "74", "numerator": -1}, "--numerator"),
        ({"claimed": "74", "numerator": 3, "denominator": 2}, "--numerator"),
    ],
)
def test_what_no_claim_can_be_is_refused(arguments, place):
    with pytest.raises(SettingWrong) as refusal:
        Claim.of(**arguments)
    assert refusal.value.place == place


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(0, 100), st.sampled_from(reconcile.ROUNDINGS))
def test_a_denominator_is_needed_just_when_it_prints_as_claimed(numerator, denominator, percent, rounding):
    claim = Claim.of(str(percent), rounding=rounding)
    rate = Fraction(numerator, denominator)
    prints = reconcile.printed(rate, 0, rounding) == str(percent)
    assert claim.is_met_by(rate) == prints
    if numerator > denominator:
        return
    needed = reconcile.check_arithmetic(Claim.of(str(percent), rounding=rounding, numerator=numerator))
    span = needed.denominators[rounding]
    assert (span.lower <= denominator <= (span.upper if span.upper is not None else denominator)) == prints
    meeting = reconcile.check_arithmetic(Claim.of(str(percent), rounding=rounding, denominator=denominator))
    span = meeting.numerators[rounding]
    assert (span.lower <= numerator <= span.upper) == prints


@given(st.fractions(0, 1), st.integers(0, 4))
def test_what_is_printed_is_within_one_place_of_the_rate(rate, decimals):
    unit = Fraction(1, 10**decimals)
    assert abs(Fraction(reconcile.printed(rate, decimals, "half-up")) - rate * 100) <= unit / 2
    assert 0 <= rate * 100 - Fraction(reconcile.printed(rate, decimals, "truncated")) < unit


# the store ---------------------------------------------------------------------------------------

STATES = {
    # outcome: eligible, issued, supervised, decided, confirmed
    "excluded": (0, 0, 0, 0, 0), "not_issued": (1, 0, 0, 0, 0), "not_attempted": (1, 1, 0, 0, 0),
    "non_contact": (1, 1, 1, 0, 0), "refused": (1, 1, 1, 0, 0), "moved": (1, 1, 1, 0, 0), "pending": (1, 1, 1, 0, 0),
    "deviation": (1, 1, 1, 1, 0), "confirmed": (1, 1, 1, 1, 1),
}  # fmt: skip
MARKS = ["is_eligible", "is_issued", "is_supervised", "is_decided", "is_confirmed"]


def cell(outcome, count, province="00", agency="P01", kind="enterprise", chance=0.5, loan=1, jobs=1, found=0, **desk):
    marks = dict(zip(MARKS, map(bool, STATES[outcome]), strict=True))
    return {
        "province_code": province, "county_code": province + "01", "agency_code": agency, "plan_kind": kind,
        "outcome": outcome, "phone_outcome": desk.get("phone"), "sms_outcome": desk.get("sms"),
        "inclusion_probability": chance if marks["is_issued"] else None, "plan_count": count,
        "loan_paid_rial": loan * count, "registered_job_count": jobs * count, "jobs_found_count": found, **marks,
    }  # fmt: skip


REPEAT = [
    "level", "is_decided", "is_confirmed", "verdict", "first_is_decided", "first_is_confirmed", "first_verdict",
]  # fmt: skip
NO_REPEATS = pd.DataFrame(columns=REPEAT)
# Twelve plans registered, ten of them eligible, nine issued, eight attempted, six found, five decided, three confirmed.
STORE = [
    cell("excluded", 2), cell("not_issued", 1), cell("not_attempted", 1), cell("non_contact", 1), cell("moved", 1),
    cell("pending", 1), cell("deviation", 2, loan=10, jobs=3, found=2), cell("confirmed", 3, jobs=2, found=6),
]  # fmt: skip


def tallied(*cells, repeats=NO_REPEATS):
    return reconcile.tally(pd.DataFrame([*cells]), repeats)


def value(tallies, numerator, denominator, weight="plan", exclusion="none"):
    row = tallies[
        (tallies["numerator"] == numerator)
        & (tallies["denominator"] == denominator)
        & (tallies["weight"] == weight)
        & (tallies["exclusion"] == exclusion)
    ]
    assert len(row) == 1
    return row["numerator_value"].item(), row["denominator_value"].item()


def test_each_denominator_is_counted_as_its_name_says():
    found = tallied(*STORE)
    names = ["registered", "eligible", "issued", "supervised", "contacted", "decided"]
    assert [value(found, "confirmed", name) for name in names] == [(3, 12), (3, 10), (3, 9), (3, 8), (3, 6), (3, 5)]
    assert value(found, "not_refused", "supervised") == (6, 8)
    assert value(found, "confirmed", "supervised", exclusion="moved, pending") == (3, 6)


def test_weights_add_up_what_they_say():
    found = tallied(*STORE)
    assert value(found, "confirmed", "decided", "loan") == (3, 23)
    assert value(found, "confirmed", "decided", "registered_job") == (6, 12)
    assert value(found, "jobs_found", "decided", "registered_job") == (8, 12)
    # Each of the issued stands for two.
    assert value(found, "confirmed", "decided", "estimated_loan") == (6, 46)
    assert [number / reconcile.WEIGHT_UNIT for number in value(found, "confirmed", "decided", "estimated_plan")] == [
        6,
        10,
    ]
    # Nobody estimates what was counted in full.
    assert not ((found["denominator"] == "eligible") & found["weight"].str.startswith("estimated")).any()


def test_the_mean_of_rates_is_not_the_rate_of_sums():
    # Two provinces: 9 of 10 and 1 of 2; in all 10 of 12, in the mean (0.9 + 0.5) / 2 = 0.7.
    cells = [cell("confirmed", 9), cell("deviation", 1), cell("confirmed", 1, "01"), cell("deviation", 1, "01")]
    found = tallied(*cells)
    assert value(found, "confirmed", "decided") == (10, 12)
    assert value(found, "confirmed", "decided", "mean_of_provinces") == (Fraction(14, 10), 2)
    assert value(found, "confirmed", "decided", "mean_of_agencies") == (Fraction(10, 12), 1)
    readings = reconcile.list_readings(found, Claim.of("70"))
    fitting = readings[readings["yields"]]
    assert set(fitting["weight"]) == {"mean_of_provinces", "mean_of_counties"}
    assert "plan" in reconcile.never_yielding(readings)["weight"]


def test_leaving_out_an_agency_a_kind_or_small_provinces():
    cells = [
        cell("confirmed", 30), cell("deviation", 10, agency="P02"),
        cell("deviation", 4, kind="self_employment"), cell("deviation", 1, "01"),
    ]  # fmt: skip
    found = tallied(*cells)
    assert value(found, "confirmed", "decided", exclusion="agency P02") == (30, 35)
    assert value(found, "confirmed", "decided", exclusion="plan kind self_employment") == (30, 41)
    # Province 01 has 1 of 45 plans, less than half of 22.5.
    assert value(found, "confirmed", "decided", exclusion="1 small provinces") == (30, 44)


def test_plans_reached_by_phone_are_a_denominator():
    cells = [
        cell("not_issued", 5, phone="no_answer"), cell("not_issued", 4, phone="confirms"),
        cell("deviation", 2, phone="reached"), cell("confirmed", 3, sms="confirms"),
    ]  # fmt: skip
    found = tallied(*cells)
    assert value(found, "confirmed_by_phone", "reached_by_phone") == (4, 6)
    assert value(found, "confirmed_by_phone", "phoned") == (4, 11)
    assert value(found, "confirmed_by_desk", "reached_by_desk") == (7, 9)
    assert value(found, "confirmed", "reached_by_phone_and_decided") == (0, 2)


def test_agreement_of_repeats_is_a_reading():
    repeats = pd.DataFrame(
        [
            ("provincial", True, True, "confirmed", True, True, "confirmed"),
            ("provincial", True, False, "deviation", True, False, "violation"),
            ("provincial", True, False, "deviation", True, True, "confirmed"),
            ("national", False, False, "pending", True, True, "confirmed"),
        ],
        columns=REPEAT,
    )
    found = tallied(*STORE, repeats=repeats)
    assert value(found, "repeat_of_same_verdict", "repeated_and_decided") == (1, 3)
    assert value(found, "repeat_agrees_on_confirmation", "repeated_and_decided") == (2, 3)
    assert value(found, "confirmed_again", "confirmed_first_and_repeated") == (1, 2)
    assert value(found, "confirmed_by_repeat", "repeat_decided", exclusion="level provincial") == (0, 0)


def test_what_fits_comes_first_and_of_it_what_has_the_claimed_numerator():
    found = reconcile.list_readings(tallied(*STORE), Claim.of("60", numerator=3))
    assert found["yields"].is_monotonic_decreasing
    first = found.iloc[0]
    assert (first["numerator"], first["denominator"], first["weight"], first["exclusion"]) == (
        "confirmed", "decided", "plan", "none",
    )  # fmt: skip
    assert (first["rate"], first["half_up"], first["yields"]) == (Fraction(3, 5), "60", True)
    assert (found["denominator_value"] > 0).all()


def test_the_announcement_is_the_rate_of_decided_plans():
    cells = [cell("confirmed", 32668), cell("deviation", 44146 - 32668), cell("non_contact", 48004 - 44146)]
    found = reconcile.list_readings(tallied(*cells), Claim.of("74", numerator=32668, denominator=48004))
    plain = found[(found["exclusion"] == "none") & (found["weight"] == "plan")].set_index(["numerator", "denominator"])
    assert plain["yields"][("confirmed", "decided")] and not plain["yields"][("confirmed", "supervised")]
    assert reconcile.printed(plain["rate"][("confirmed", "decided")], 2, "half-up") == "74.00"
    assert reconcile.printed(plain["rate"][("confirmed", "supervised")], 2, "half-up") == "68.05"
    assert set(reconcile.never_yielding(found)["denominator"]) >= {"supervised", "issued", "eligible", "registered"}


def test_where_none_fits_every_name_is_listed():
    readings = reconcile.list_readings(tallied(*STORE), Claim.of("97", rounding="half-up"))
    assert not readings["yields"].any()
    never = reconcile.never_yielding(readings)
    assert {"decided", "supervised"} <= set(never["denominator"])
    assert {"plan", "loan", "mean_of_provinces"} <= set(never["weight"])


def test_sums_that_would_not_be_exact_are_refused():
    with pytest.raises(FrameMismatch, match="sums below"):
        tallied(cell("confirmed", 1, loan=2**62))


counts = st.lists(
    st.tuples(st.sampled_from(list(STATES)), st.integers(1, 50), st.sampled_from(["00", "01", "02"])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25)
@given(counts)
def test_no_part_is_larger_than_its_whole_and_order_does_not_matter(rows):
    cells = [cell(outcome, count, province) for outcome, count, province in rows]
    found = tallied(*cells)
    assert all(0 <= top <= bottom for top, bottom in zip(found["numerator_value"], found["denominator_value"],
                                                         strict=True))  # fmt: skip
    again = tallied(*reversed(cells))
    pd.testing.assert_frame_equal(found, again)
    keys = ["numerator", "denominator", "exclusion", "weight"]
    assert not found.duplicated(keys).any()
    assert found["departure_count"].map(type).isin([int, np.int64]).all()
