from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from methods import estimate, sample
from methods.errors import BadPeriod, FrameMismatch, GuidelineMissing
from methods.estimate import change
from methods.estimate.decomposition import decompose
from methods.period import Period

ROOT = Path(__file__).parents[2]
RULES = {"confidence_level": "0.95", "loan_band_limits_rial": ["1000000000"]}
DRAWN_BY = {
    "design": {"method": "srs"}, "allocation": "proportional", "planning_share": {"default": "0.7"},
    "largest_province_workload": {"default": "1000000"}, "minimum_plans_per_county": "1",
    "minimum_plans_per_agency": "0", "required_province_codes": [],
}  # fmt: skip


def issued(marks, stratum="s", population=None, first=0, **columns):
    """Plans of one stratum: 1 confirmed, 0 a deviation, None not decided."""
    n = len(marks)
    size = population or n
    decided = [mark is not None for mark in marks]
    rows = pd.DataFrame(
        {
            "plan_id": [f"{stratum}-{first + place}" for place in range(n)],
            "province_code": "00", "agency_code": "P01", "plan_kind": "enterprise", "stratum_code": stratum,
            "stratum_population_count": size, "stratum_sample_count": n, "inclusion_probability": n / size,
            "is_supervised": True, "is_decided": decided, "is_confirmed": [mark == 1 for mark in marks],
            "verdict": [{1: "confirmed", 0: "deviation", None: "pending"}[mark] for mark in marks],
            "loan_paid_rial": 100, "realised_job_count": [int(mark or 0) for mark in marks],
        }
    )  # fmt: skip
    return rows.assign(**columns)


def persisting(count, before="s", after="s"):
    return pd.DataFrame({"before_stratum": [before], "after_stratum": [after], "plan_count": [count]})


def national(table, indicator, domain="all"):
    rows = table[(table["level"] == "nation") & (table["domain"] == domain) & (table["indicator"] == indicator)]
    return rows.iloc[0]


# worked by hand ----------------------------------------------------------------------------------


def test_independent_samples_add_their_variances():
    # 4 of 8 drawn of 40: V = 40^2 (1 - 8/40) s2 / 8 = 160 s2, s2 = 8/7 * 1/4 = 2/7; 6 of 8: s2 = 8/7 * 3/16 = 3/14.
    found = change.compare(
        issued([1, 1, 1, 1, 0, 0, 0, 0], population=40), issued([1] * 6 + [0, 0], population=40), RULES
    )
    total = national(found, "confirmed_plan_count")
    assert (total["before"], total["after"], total["change"]) == (20, 30, 10)
    assert total["standard_error"] == pytest.approx(np.sqrt(160 * 2 / 7 + 160 * 3 / 14), rel=1e-12)
    rate = national(found, "accuracy_rate")
    assert rate["standard_error"] == pytest.approx(np.sqrt(80) / 40, rel=1e-12)
    assert (rate["change"], rate["direction"], rate["method"]) == (0.25, "no_clear_change", "independent draws")


def test_the_covariance_of_one_frame_worked_by_hand():
    # Plans 0 to 3 and 2 to 5 of 12; those in both have marks 1, 0 before (mean 1/2) and 1, 0 after (mean 1/4).
    # Sum of e f = 1/2 * 3/4 + 1/2 * 1/4 = 1/2; u = 1 - 1/4 - 1/4 + 2/16 = 5/8;
    # C = (1 / (1/3 * 1/3) - 12/2) / (5/8) * 1/2 = 3 * 8/5 * 1/2 = 2.4.
    # V = 12^2 (1 - 4/12) s2 / 4 = 24 s2: 24 * 1/3 = 8 and 24 * 1/4 = 6. In all 8 + 6 - 4.8 = 9.2.
    before, after = issued([1, 0, 1, 0], population=12), issued([1, 0, 0, 0], population=12, first=2)
    total = national(change.compare(before, after, RULES, persisting(12)), "confirmed_plan_count")
    assert total["standard_error"] == pytest.approx(np.sqrt(9.2), rel=1e-12)
    assert (total["overlap_plan_count"], total["method"]) == (2, "coordinated draws")


def test_the_same_plans_that_fare_the_same_have_not_changed_at_all():
    plans = issued([1, 1, 0, 1, None, 0, 1, 0], population=50)
    found = change.compare(plans, plans, RULES, persisting(50))
    tested = [national(found, name) for name in change.INDICATORS]
    tested = [row for row in tested if row["direction"] != "not_tested"]
    assert len(tested) > 5
    for row in tested:
        assert (row["change"], row["standard_error"], row["p_value"]) == (0, 0, 1)
        assert (row["lower"], row["upper"], row["direction"]) == (0, 0, "no_clear_change")


def test_a_covariance_is_no_larger_than_full_correlation_would_make_it():
    # Plan 1 of 20 in both samples of two: V of each 20^2 * 0.9 * 1/2 / 2 = 90. The factor would be
    # (10 * 10 - 20) / (1 - 1/2 - 1/2 + 1/4) = 320; at most 0.9 * 2 * 100 = 180, by e f = 1/4: C = 45, in all 180 - 90.
    before, after = issued([1, 0], population=20), issued([0, 1], population=20, first=1)
    total = national(change.compare(before, after, RULES, persisting(20)), "confirmed_plan_count")
    assert total["standard_error"] == pytest.approx(np.sqrt(90), rel=1e-12)


def test_where_no_plan_came_again_the_worst_covariance_is_taken():
    # V of each: 20^2 (1 - 4/20) 1/3 / 4 = 80/3; the lowest covariance: -20 * s_e * s_f = -20/3. In all 200/3.
    before, after = issued([1, 0, 1, 0], population=20), issued([1, 0, 1, 0], population=20, first=4)
    total = national(change.compare(before, after, RULES, persisting(20)), "confirmed_plan_count")
    assert total["standard_error"] == pytest.approx(np.sqrt(200 / 3), rel=1e-12)


def test_a_census_before_and_after_changes_without_error():
    found = change.compare(issued([1, 1, 0, 0]), issued([1, 1, 1, 0]), RULES)
    rate = national(found, "accuracy_rate")
    assert (rate["change"], rate["standard_error"], rate["p_value"], rate["direction"]) == (0.25, 0, 0, "more")
    covered = national(change.compare(issued([1, 1, 0]), issued([1, 0, 0]), RULES, persisting(3)), "accuracy_rate")
    assert (covered["standard_error"], covered["direction"]) == (0, "less")


def test_a_sample_without_spread_is_not_tested():
    found = change.compare(issued([1] * 6, population=60), issued([1, 1, 0, 0, 0, 0], population=60), RULES)
    rate = national(found, "accuracy_rate")
    assert (rate["change"], rate["direction"]) == (pytest.approx(-2 / 3), "not_tested")
    assert np.isnan([rate["standard_error"], rate["lower"], rate["p_value"]]).all()


def test_a_round_without_such_a_figure_is_undefined():
    before = pd.concat([issued([1, 0, 1], population=9), issued([1, 0], "t", 8, agency_code="P02")])
    after = issued([1, 0, None], population=9)
    found = change.compare(before, after, RULES)
    gone = national(found, "accuracy_rate", "agency=P02")
    assert (gone["direction"], gone["before"]) == ("undefined", 0.5)
    assert np.isnan([gone["after"], gone["change"], gone["standard_error"]]).all()
    nothing = national(change.compare(issued([None] * 3, population=9), after, RULES), "accuracy_rate")
    assert nothing["direction"] == "undefined"


def test_a_large_change_says_its_direction():
    found = change.compare(issued([1, 0] * 40, population=800), issued([1] * 76 + [0] * 4, population=800), RULES)
    assert national(found, "accuracy_rate")["direction"] == "more"
    assert national(found, "deviation_plan_count")["direction"] == "less"


def test_more_plans_in_both_samples_than_in_both_frames_are_refused():
    plans = issued([1, 0, 1], population=9)
    with pytest.raises(FrameMismatch, match="3 in both samples"):
        change.compare(plans, plans, RULES, persisting(2))
    with pytest.raises(FrameMismatch, match="stratum s then s"):
        change.compare(plans, plans, RULES, persisting(2, "other", "other"))


def test_earlier_rounds_are_the_phase_before_and_the_year_before():
    assert change.compared_with(Period(1403)) == [Period(1402, 2), Period(1402)]
    assert change.compared_with(Period(1403, 2)) == [Period(1403), Period(1402, 2)]
    assert change.compared_with(Period(1390)) == []
    assert change.compared_with(Period(1390, 2)) == [Period(1390)]


@pytest.mark.parametrize("against", [Period(1403), Period(1403, 2)])
def test_a_round_is_not_held_against_itself_or_a_later_one(against):
    with pytest.raises(BadPeriod, match="wanted an earlier round"):
        change.refuse_same_round(Period(1403), against)


def certificate(seed, method="srs", root=None):
    coordination = {"root_seed": root, "moved_on": {}} if root else None
    return {"seed": seed, "coordination": coordination, "guideline": {"values": {"design": {"method": method}}}}


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (certificate("a"), certificate("b"), False),
        (certificate("a"), certificate("b", root="a"), True),
        (certificate("a", root="z"), certificate("b", root="z"), True),
        (certificate("a"), certificate("a"), True),
        (certificate("a"), certificate("b", "pps_systematic", "a"), False),
    ],
)
def test_rounds_depend_on_each_other_by_their_random_numbers(before, after, wanted):
    assert change.are_coordinated(before, after) is wanted


# both samples at once ----------------------------------------------------------------------------


def mixed(seed, n=240, chance=0.3, shift=0.0):
    """Plans of two provinces, two agencies, two kinds, in eight strata."""
    draw = np.random.default_rng(seed)
    stratum = np.arange(n) % 8
    agency, kind = draw.integers(0, 2, n), draw.integers(0, 2, n)
    confirmed = draw.random(n) < 0.5 + 0.2 * agency - 0.2 * kind + shift
    decided = (draw.random(n) < 0.9) | confirmed
    rows = issued([1] * n).assign(
        plan_id=[f"p{place:04d}" for place in range(n)],
        province_code=pd.Series(stratum // 4).astype(str), stratum_code=pd.Series(stratum).astype(str),
        agency_code=pd.Series(agency).map({0: "P01", 1: "P02"}), plan_kind=pd.Series(kind).map({0: "a", 1: "b"}),
        loan_paid_rial=draw.integers(1, 2000, n) * 10**6, is_decided=decided, is_confirmed=confirmed,
        verdict=np.where(confirmed, "confirmed", np.where(decided, "deviation", "pending")),
        stratum_sample_count=n // 8, stratum_population_count=int(n / 8 / chance), inclusion_probability=chance,
    )  # fmt: skip
    return rows.assign(inclusion_probability=rows["stratum_sample_count"] / rows["stratum_population_count"])


def figures_of(plans):
    """The figures that changes are of, as a round publishes them."""
    document = yaml.safe_load((ROOT / "reference" / "indicators.yaml").read_text(encoding="utf-8"))
    kept = {
        "variables": [one for one in document["variables"] if one.get("of") != "frame"],
        "dimensions": [one for one in document["dimensions"] if one["code"] == "agency"],
        "indicators": [one for one in document["indicators"] if one["code"] in change.INDICATORS],
    }
    rules = RULES | {
        "minimum_effective_n": "30", "narrow_interval_width": "0.05", "wide_interval_width": "0.30",
        "relative_interval_width": "1.30", "largest_variation_share": {"A": "0.05"},
        "largest_interval_width": {"A": "0.05"},
    }  # fmt: skip
    plans = plans.assign(county_code=plans["stratum_code"], registered_job_count=1)
    defined = estimate.definitions_in_force(kept, "1403-01-01")
    found = estimate.figures(plans, plans, defined, rules).query("basis == 'estimated'")
    return found.set_index(["indicator", "level", "unit_code", "domain"])[["estimate", "standard_error"]]


def test_before_and_after_are_the_figures_of_their_rounds():
    rounds = mixed(1), mixed(2, shift=0.1)
    table = change.compare(*rounds, RULES).set_index(["indicator", "level", "unit_code", "domain"])
    published = [figures_of(one).reindex(table.index) for one in rounds]
    for side, figures in zip(("before", "after"), published, strict=True):
        np.testing.assert_allclose(table[side], figures["estimate"], rtol=1e-6)
    # Independent draws: the variances add up. Figures are rounded to 2**-20 plans, changes are not.
    tested = table["direction"] != "not_tested"
    assert tested.sum() > 80
    both = np.hypot(*(one["standard_error"] for one in published))
    np.testing.assert_allclose(table["standard_error"][tested], both[tested], rtol=1e-7)


def test_loan_bands_are_those_of_the_figures():
    document = yaml.safe_load((ROOT / "reference" / "indicators.yaml").read_text(encoding="utf-8"))
    assert change.loan_band_limits(estimate.definitions_in_force(document, "1403-01-01")) == [1e9, 2e9, 5e9]
    with pytest.raises(GuidelineMissing, match="no bands of loan_band"):
        change.loan_band_limits(estimate.definitions_in_force(document | {"dimensions": []}, "1403-01-01"))


def test_rows_in_another_order_give_the_same_changes():
    before, after = mixed(3), mixed(4)
    frame = persisting(100, "0", "0")
    every = pd.concat([frame.assign(before_stratum=str(one), after_stratum=str(one)) for one in range(8)])
    once = change.compare(before, after, RULES, every)
    again = change.compare(before.iloc[::-1], after.sample(frac=1, random_state=1), RULES, every.iloc[::-1])
    pd.testing.assert_frame_equal(once, again, check_exact=True)


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.floats(-0.2, 0.2))
def test_parts_add_up_to_the_change(seed, shift):
    found = change.compare(mixed(seed), mixed(seed + 1, shift=shift), RULES)
    borne = found[found["composition_part"].notna()]
    assert set(borne["indicator"]) == set(change.PARTED) and set(borne["domain"]) == {"all"}
    np.testing.assert_allclose(borne["composition_part"] + borne["rate_part"], borne["change"], atol=1e-12)
    factors = borne[["agency_part", "plan_kind_part", "loan_band_part", "province_part"]].fillna(0).sum(axis=1)
    np.testing.assert_allclose(factors, borne["composition_part"], atol=1e-9)
    assert borne["composition_standard_error"].gt(0).all() and borne["rate_standard_error"].gt(0).all()


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.integers(0, 30))
def test_an_error_is_never_negative_and_plans_that_came_again_lower_it(seed, kept):
    before = mixed(seed)
    other = mixed(seed + 1).assign(plan_id=lambda rows: "q" + rows["plan_id"])
    # Some plans of each stratum come again, as they were.
    again = pd.concat([before.groupby("stratum_code").head(kept), other.groupby("stratum_code").tail(30 - kept)])
    every = pd.DataFrame({"before_stratum": map(str, range(8)), "after_stratum": map(str, range(8)), "plan_count": 100})
    found = change.compare(before, again, RULES, every)
    apart = change.compare(before, again, RULES)
    assert (found["standard_error"].dropna() >= 0).all()
    total = [national(one, "confirmed_plan_count")["standard_error"] for one in (found, apart)]
    assert total[0] <= total[1] * (1 + 1e-9) or kept < 12
    if kept == 30:
        assert total[0] == 0


# who was inspected, how they fared ---------------------------------------------------------------


def kitagawa(mass, hits):
    share = [one / one.sum() for one in mass]
    rate = [one / own for one, own in zip(hits, mass, strict=True)]
    return ((share[1] - share[0]) * (rate[0] + rate[1]) / 2).sum()


def table(mass, hits):
    return pd.DataFrame({"mass": np.array(mass, float), "hits": np.array(hits, float), "n": 100})


def parts_of(cells, before, after):
    return decompose(pd.DataFrame(cells), list(cells), np.zeros(len(before), dtype=np.intp), before, after)


def test_one_factor_is_kitagawas_decomposition_worked_by_hand():
    # Shares 1/2, 1/2 then 3/4, 1/4; rates 0.8, 0.4 then 0.8, 0.6: 1/4 * 0.8 - 1/4 * 0.5 = 0.075 of 0.6 -> 0.75.
    found = parts_of({"agency": ["a", "b"]}, table([50, 50], [40, 20]), table([75, 25], [60, 15]))
    assert found.composition[0] == pytest.approx(0.075, abs=1e-12)
    assert found.by_factor[0] == pytest.approx([0.075], abs=1e-12)


@given(st.lists(st.tuples(*[st.integers(1, 90)] * 2, *[st.floats(0, 1)] * 2), min_size=2, max_size=6))
def test_one_factor_is_kitagawas_decomposition(rows):
    mass = [np.array([row[side] for row in rows], dtype=float) for side in (0, 1)]
    hits = [np.array([row[side + 2] for row in rows]) * mass[side] for side in (0, 1)]
    found = parts_of({"agency": range(len(rows))}, table(mass[0], hits[0]), table(mass[1], hits[1]))
    assert found.composition[0] == pytest.approx(kitagawa(mass, hits), abs=1e-9)


def test_a_level_that_only_one_round_has_differs_from_the_others_as_it_does_there():
    # b comes new, with half of the plans; there it is 0.4 below a. Nothing else changes, so all of it is composition.
    found = parts_of({"agency": ["a", "b"]}, table([100, 0], [80, 0]), table([50, 50], [40, 20]))
    assert found.composition[0] == pytest.approx(-0.2, abs=1e-9)
    # a itself falls by 0.1 as well: half of the 100 plans moved to a level 0.4 lower, and rates are the rest.
    found = parts_of({"agency": ["a", "b"]}, table([100, 0], [80, 0]), table([50, 50], [35, 15]))
    assert found.composition[0] == pytest.approx(-0.2, abs=1e-9)


def test_two_factors_share_the_composition():
    # Rates 0.5 + 0.2 of agency b + 0.1 of kind y, the same in both rounds: agency b from 1/2 to 3/4, kind y not at all.
    cells = {"agency": ["a", "a", "b", "b"], "kind": ["x", "y", "x", "y"]}
    rates = np.array([0.5, 0.6, 0.7, 0.8])
    mass = [np.array([25.0] * 4), np.array([12.5, 12.5, 37.5, 37.5])]
    found = parts_of(cells, *(table(one, one * rates) for one in mass))
    assert found.by_factor[0] == pytest.approx([0.05, 0], abs=1e-9)


def test_too_few_plans_bear_no_parts():
    few = table([50, 50], [40, 20]).assign(n=4)
    assert np.isnan(parts_of({"agency": ["a", "b"]}, few, table([75, 25], [60, 15])).composition[0])


# a thousand rounds -------------------------------------------------------------------------------

ROUNDS_AT_ONCE, TIMES = 125, 8


def population():
    """Plans of four counties; a seventh of each round's is not in the other, a twentieth moves to another county."""
    draw = np.random.default_rng(3)
    sizes = [60, 80, 100, 90]
    n = sum(sizes)
    county = np.repeat(np.arange(4), sizes)
    agency, stays = draw.choice(["P01", "P02"], n), draw.random(n) < 0.75
    base = 0.6 + 0.15 * (agency == "P01") - 0.1 * (county % 2)
    first = draw.random(n)
    second = np.where(stays, first, draw.random(n))
    decided = [draw.random(n) < 0.92, draw.random(n) < 0.92]
    return pd.DataFrame(
        {
            "agency_code": agency, "plan_kind": "a", "loan_paid_rial": draw.integers(500, 1500, n) * 10**6,
            "county_before": county, "county_after": np.where(draw.random(n) < 0.05, (county + 1) % 4, county),
            "confirmed_before": (first < base) & decided[0], "confirmed_after": (second < base + 0.05) & decided[1],
            "decided_before": decided[0], "decided_after": decided[1],
            "in_before": draw.random(n) > 0.15, "in_after": draw.random(n) > 0.15,
        }
    )  # fmt: skip


def repeated(plans, side):
    """The frame of a round many times over: each province is a world of its own."""
    own = plans[plans[f"in_{side}"]]
    world = pd.Series(np.repeat(np.arange(ROUNDS_AT_ONCE), len(own))).astype(str).str.zfill(3)
    rows = pd.concat([own] * ROUNDS_AT_ONCE)
    plan = pd.Series(rows.index.astype(str))
    rows = rows.reset_index(drop=True)
    return rows.assign(
        province_code=world, plan_id=world + "-" + plan, county_code=world + "-" + rows[f"county_{side}"].astype(str)
    )


def visited(frame, drawn, side):
    rows = drawn.drop(columns=["province_code", "county_code"]).merge(frame, on="plan_id")
    confirmed, decided = rows[f"confirmed_{side}"], rows[f"decided_{side}"]
    return rows.assign(
        is_supervised=True, is_decided=decided, is_confirmed=confirmed, realised_job_count=confirmed.astype(int),
        verdict=np.where(confirmed, "confirmed", np.where(decided, "deviation", "pending")),
    )  # fmt: skip


def compared(frames, seed, share):
    rules = [DRAWN_BY | {"issued_plan_count": str(len(frame) // 5)} for frame in frames]
    first = sample.draw_plans(frames[0], rules[0], seed).drawn
    rules[1] |= {"design": {"method": "srs", "overlap_share": str(share)}}
    second = sample.draw_plans(frames[1], rules[1], "", sample.moved_on(first, share), seed).drawn
    both = change.persisting_plans(*frames, *rules)
    rounds = (visited(*one) for one in zip(frames, (first, second), ("before", "after"), strict=True))
    return change.compare(*rounds, RULES, both)


def test_nineteen_of_twenty_intervals_hold_the_true_change():
    plans = population()
    frames = [repeated(plans, side) for side in ("before", "after")]
    found = pd.concat([compared(frames, f"round {number}", 0.5) for number in range(TIMES)])
    found = found[(found["level"] == "province") & (found["domain"] == "all")]
    assert len(found) == ROUNDS_AT_ONCE * TIMES * len(change.INDICATORS)
    before, after = (plans[plans[f"in_{side}"]] for side in ("before", "after"))
    truth = {
        "accuracy_rate": after["confirmed_after"].sum() / after["decided_after"].sum()
        - before["confirmed_before"].sum() / before["decided_before"].sum(),
        "confirmed_plan_count": after["confirmed_after"].sum() - before["confirmed_before"].sum(),
        "loan_paid_rial": (after["loan_paid_rial"] * after["decided_after"]).sum()
        - (before["loan_paid_rial"] * before["decided_before"]).sum(),
    }
    for indicator, true in truth.items():
        own = found[found["indicator"] == indicator]
        assert 0.93 <= ((own["lower"] <= true) & (true <= own["upper"])).mean() <= 0.97
        # The error is that of the draws themselves, within what a thousand of them can tell.
        assert np.sqrt((own["standard_error"] ** 2).mean()) == pytest.approx(own["change"].std(), rel=0.08)
