import numpy as np
import pandas as pd
import pytest

from methods import estimate
from methods.errors import FrameMismatch, RepeatsMismatch
from methods.estimate.error_sources import COLUMNS

NONRESPONSE = {
    "treatment_by_outcome": {"non_contact": "nonresponse", "pending": "apart", "not_attempted": "apart"},
    "propensity_factors": ["agency_code"],
    "loan_band_bounds_rial": ["100"],
    "ridge_penalty": "1",
    "class_count": "5",
    "minimum_class_decided_count": "30",
    "minimum_class_response_share": "0.33",
}
MEASUREMENT = {
    "repeat_levels": ["national", "provincial"],
    "minimum_repeat_count": "30",
    "minimum_verdict_repeat_count": "10",
}
ANSWERS = {"P01": 0.95, "P02": 0.8, "P03": 0.6}
HOLDS = {"P01": 0.85, "P02": 0.7, "P03": 0.5}
# Of the plans that do not hold a first visit confirms this share, of those that hold it refuses that.
CONFIRMED_WRONGLY, REFUSED_WRONGLY = 0.04, 0.06


def frame_of(rng, provinces, strata=2, size=500):
    """Invent provinces, each a replicate of the same world, with what is true of their plans."""
    n = provinces * strata * size
    province = np.repeat([f"{code:02d}" for code in range(provinces)], strata * size)
    stratum = np.tile(np.repeat(np.arange(strata), size), provinces)
    frame = pd.DataFrame({"province_code": province, "agency_code": rng.choice(list(ANSWERS), n, p=[0.5, 0.3, 0.2])})
    frame["stratum_code"] = frame["province_code"] + "-" + stratum.astype(str)
    frame["holds"] = rng.random(n) < frame["agency_code"].map(HOLDS) + (stratum - 0.5) * 0.05
    return frame


def inspected(rng, frame, take=(60, 140)):
    """Draw so many plans of each stratum of a province, and visit them."""
    ranks = pd.Series(rng.random(len(frame))).groupby(frame["stratum_code"].to_numpy()).rank().to_numpy()
    wanted = np.array(take)[frame["stratum_code"].str[-1].astype(int)]
    size = frame.groupby("stratum_code")["holds"].transform("size").to_numpy()
    design = {"stratum_population_count": size, "stratum_sample_count": wanted, "inclusion_probability": wanted / size}
    plans = frame.assign(**design)[ranks <= wanted].reset_index(drop=True)
    decided = rng.random(len(plans)) < plans["agency_code"].map(ANSWERS)
    wrong = rng.random(len(plans)) < np.where(plans["holds"], REFUSED_WRONGLY, CONFIRMED_WRONGLY)
    confirmed = decided & (plans["holds"] ^ wrong)
    return plans.assign(
        plan_id=[f"P{place:06d}" for place in range(len(plans))],
        is_supervised=True,
        is_decided=decided,
        is_confirmed=confirmed,
        outcome=np.where(decided, "decided", "non_contact"),
        verdict=np.select([confirmed, decided], ["confirmed", "deviation"], "non_contact"),
        loan_paid_rial=150,
        realised_job_count=1,
        county_code=plans["stratum_code"],
        firm_code="F1",
    )


def repeated(plans, chosen, probability=1.0, level="provincial"):
    """Repeat visits, and find what is true; who was not met the first time is not met again."""
    again = plans[chosen]
    return pd.DataFrame(
        {
            "plan_id": again["plan_id"],
            "level": level,
            "inclusion_probability": np.broadcast_to(probability, len(plans))[chosen],
            "is_supervised": True,
            "is_decided": again["is_decided"],
            "is_confirmed": again["is_decided"] & again["holds"],
            "verdict": "as found",
        }
    )


def drawn_repeats(rng, plans, share):
    """Repeat a simple random sample of each province's visits."""
    ranks = pd.Series(rng.random(len(plans))).groupby(plans["province_code"].to_numpy()).rank().to_numpy()
    whole = plans.groupby("province_code")["plan_id"].transform("size").to_numpy()
    wanted = np.round(whole * share)
    return repeated(plans, ranks <= wanted, wanted / whole)


def sources(plans, repeats, **rules):
    return estimate.error_sources(plans, repeats, NONRESPONSE | rules, MEASUREMENT | rules)


def row_of(rows, indicator="accuracy_rate", unit=estimate.NATION):
    return rows[(rows["indicator"] == indicator) & (rows["unit_code"] == unit)].iloc[0]


NOTHING = {"plan_id": [], "level": [], "inclusion_probability": [], "is_supervised": [], "is_decided": [],
           "is_confirmed": [], "verdict": []}  # fmt: skip


def no_repeats():
    return pd.DataFrame(NOTHING)


@pytest.fixture(scope="module")
def a_round():
    rng = np.random.default_rng(11)
    plans = inspected(rng, frame_of(rng, 4))
    plans.loc[plans.index % 40 == 3, ["is_decided", "is_confirmed"]] = False
    plans.loc[plans.index % 40 == 3, ["outcome", "verdict"]] = "pending"
    return plans, drawn_repeats(rng, plans, 0.4)


def test_the_raw_rates_are_those_of_a_stratified_sample(a_round):
    plans, repeats = a_round
    rows = sources(plans, repeats).rows
    table = estimate.stratum_totals(
        plans.assign(c=plans["is_confirmed"], d=plans["is_decided"], s=1.0), ["c", "d", "s"], [("c", "d"), ("c", "s")],
        ["province_code"],
    )  # fmt: skip
    for level, totals in (("province", table.groupby("province_code").sum()), ("nation", table.sum().to_frame().T)):
        freedom = totals["unit_count"] - (2 if level == "province" else 8)
        for indicator, x in (("accuracy_rate", "d"), ("crude_confirmation_rate", "s")):
            names = ("c_total", f"{x}_total", "c_variance", f"{x}_variance", f"c_{x}_covariance")
            value, error = estimate.ratio(*(totals[name] for name in names))
            bounds = estimate.proportion_interval(value, estimate.effective_size(value, error, totals[x], freedom))
            own = rows[(rows["level"] == level) & (rows["indicator"] == indicator)]
            for name, expected in (("estimate", value), ("standard_error", error), ("lower", bounds[0])):
                assert own[name].to_numpy() == pytest.approx(expected, rel=1e-9)
            assert own["upper"].to_numpy() == pytest.approx(bounds[1], rel=1e-9)


def test_the_parts_add_up(a_round):
    rows = sources(*a_round).rows
    assert tuple(rows.columns) == COLUMNS
    parts = rows[["sampling_variance", "nonresponse_variance", "measurement_variance"]]
    assert (parts > 0).all(axis=None)
    assert parts.sum(axis=1).to_numpy() == pytest.approx((rows["combined_standard_error"] ** 2).to_numpy(), rel=1e-12)
    steps = rows["estimate"] - rows["nonresponse_bias"] - rows["measurement_bias"]
    assert steps.to_numpy() == pytest.approx(rows["combined_estimate"].to_numpy(), rel=1e-12)
    for name in ("", "adjusted_", "corrected_", "combined_"):
        assert rows[f"{name}estimate"].between(rows[f"{name}lower"], rows[f"{name}upper"]).all()
    for name in ("estimate", "adjusted_estimate"):
        assert (rows[name] > rows["lowest_estimate"] - 1e-12).all()
        assert (rows[name] < rows["highest_estimate"]).all()
    provinces = rows[rows["level"] == "province"].groupby("indicator")
    for name in ("issued", "attempted", "decided", "unanswered", "repeated"):
        assert provinces[f"{name}_plan_count"].sum().tolist() == [row_of(rows)[f"{name}_plan_count"]] * 2


def test_bounds_worked_by_hand():
    # Two strata of 2 drawn plans, of 4 and of 20: weights 2 and 10. Confirmed 2 + 10, decided 4 + 10, one unanswered.
    plans = pd.DataFrame(
        {
            "plan_id": ["a", "b", "c", "d"], "province_code": "00", "agency_code": "P01",
            "stratum_code": ["s", "s", "t", "t"], "stratum_population_count": [4, 4, 20, 20],
            "stratum_sample_count": 2, "inclusion_probability": [0.5, 0.5, 0.1, 0.1], "is_supervised": True,
            "is_decided": [True, True, True, False], "is_confirmed": [True, False, True, False],
            "outcome": ["decided", "decided", "decided", "non_contact"], "loan_paid_rial": 1,
        }
    )  # fmt: skip
    rows = sources(plans, no_repeats()).rows
    accuracy, crude = row_of(rows), row_of(rows, "crude_confirmation_rate")
    assert (accuracy["lowest_estimate"], accuracy["highest_estimate"]) == pytest.approx((12 / 24, 22 / 24))
    assert (accuracy["estimate"], crude["estimate"]) == pytest.approx((12 / 14, 12 / 24))
    # One class: the decided answer for all, so both rates are the share of the decided.
    assert (accuracy["adjusted_estimate"], crude["adjusted_estimate"]) == pytest.approx((12 / 14, 12 / 14))
    assert accuracy["nonresponse_quality"] == "one_class"


def visited(agencies, holds, decided, probability):
    """One stratum of one province, its plans as they were found."""
    n = len(holds)
    return pd.DataFrame(
        {
            "plan_id": [f"P{place:05d}" for place in range(n)], "province_code": "00", "agency_code": agencies,
            "stratum_code": "s", "stratum_population_count": round(n / probability), "stratum_sample_count": n,
            "inclusion_probability": probability, "is_supervised": True, "is_decided": decided,
            "is_confirmed": holds & decided, "outcome": np.where(decided, "decided", "non_contact"),
            "loan_paid_rial": 1, "holds": holds,
        }
    )  # fmt: skip


def test_in_a_census_response_is_a_sample_drawn_from_each_class():
    # P01: 40 of 100 answer, 30 hold; P02: 80 of 100, 40 hold. Adjusted (0.75 + 0.5) / 2; variance of stratified
    # sampling sum (100 / 200)^2 (1 - n / 100) s^2 / n, s^2 = n p q / (n - 1).
    place = np.arange(200) % 100
    first = np.arange(200) < 100
    plans = visited(
        np.where(first, "P01", "P02"), place < np.where(first, 30, 40), place < np.where(first, 40, 80), 1.0
    )
    row = row_of(sources(plans, no_repeats()).rows)
    assert row["estimate"] == pytest.approx(70 / 120)
    assert row["adjusted_estimate"] == pytest.approx(0.625)
    assert row["sampling_variance"] == pytest.approx(0, abs=1e-15)
    expected = 0.25 * (0.6 * 0.75 * 0.25 / 39 + 0.2 * 0.5 * 0.5 / 79)
    assert row["nonresponse_variance"] == pytest.approx(expected, rel=1e-9)


def test_answers_at_random_are_a_smaller_sample():
    # 300 of 500 drawn of 1,000 answer: as if 300 had been drawn.
    holds, decided = np.arange(500) % 3 > 0, np.arange(500) % 5 > 1
    row = row_of(sources(visited("P01", holds, decided, 0.5), no_repeats()).rows)
    share = holds[decided].mean()
    assert row["adjusted_estimate"] == pytest.approx(share)
    expected = (1 - 300 / 1000) * share * (1 - share) / 299
    assert row["adjusted_standard_error"] ** 2 == pytest.approx(expected, rel=5e-3)
    drawn = (1 - 500 / 1000) * share * (1 - share) / 499
    assert row["sampling_variance"] == pytest.approx(drawn, rel=5e-3)


def test_everything_decided_and_repeated_leaves_sampling_alone(a_round):
    plans = a_round[0]
    plans = plans.assign(
        is_decided=True, is_confirmed=np.where(plans["is_decided"], plans["is_confirmed"], ~plans["holds"])
    )
    rows = sources(plans, repeated(plans, np.ones(len(plans), dtype=bool))).rows
    row = row_of(rows)
    assert (row["nonresponse_quality"], row["measurement_quality"]) == ("all_decided", "measured")
    assert row["adjusted_estimate"] == row["estimate"]
    assert row["adjusted_standard_error"] == pytest.approx(row["standard_error"], rel=1e-12)
    # What all repeats found is what a round without error would have published.
    truth = row_of(sources(plans.assign(is_confirmed=plans["holds"]), no_repeats()).rows)
    assert row["combined_estimate"] == pytest.approx(truth["estimate"], rel=1e-12)
    assert (row["nonresponse_variance"], row["measurement_variance"]) == (0, 0)
    assert row["combined_standard_error"] == pytest.approx(truth["standard_error"], rel=0.02)


def test_a_simple_random_sample_is_tenenbeins():
    # Weights of a hundred thousand: a population without end, one stratum, everything decided.
    rng = np.random.default_rng(2)
    n, m = 4000, 800
    holds = rng.random(n) < 0.7
    confirmed = holds ^ (rng.random(n) < 0.1)
    plans = visited("P01", holds, np.ones(n, dtype=bool), 1e-5).assign(is_confirmed=confirmed)
    row = row_of(sources(plans, repeated(plans, np.arange(n) < m, m / n)).rows)
    one, rest = slice(0, m), slice(m, n)
    both = [[(truth & said).sum() for said in (confirmed[one], ~confirmed[one])] for truth in (holds[one], ~holds[one])]
    expected = estimate.double_sampled_prevalence(both, (confirmed[rest].sum(), (~confirmed[rest]).sum()))
    assert row["corrected_estimate"] == pytest.approx(expected.estimate, rel=1e-12)
    # n / (n - 1) of the smallest of the groups, and its share of all of them that repeats happen to hold.
    assert row["corrected_standard_error"] == pytest.approx(expected.standard_error, rel=5e-3)
    assert (row["corrected_lower"], row["corrected_upper"]) == pytest.approx((expected.lower, expected.upper), abs=5e-4)


def test_unequal_chances_of_a_repeat_enter():
    # Refusals of P02 are all wrong, of P01 none; of P02 one visit in ten is repeated, of P01 one in two.
    n = 200
    agency = np.repeat(["P01", "P02"], n)
    confirmed = np.tile(np.arange(n) % 2 == 0, 2)
    plans = visited(agency, confirmed | (agency == "P02"), np.ones(2 * n, dtype=bool), 0.5)
    plans = plans.assign(is_confirmed=confirmed)
    place = np.arange(2 * n) // 2
    chosen = np.where(agency == "P01", place % 2 == 0, place % 10 == 0)
    repeats = repeated(plans, chosen, np.where(agency == "P01", 0.5, 0.1))
    assert row_of(sources(plans, repeats).rows)["corrected_estimate"] == pytest.approx(0.75, rel=1e-12)
    # As if all had been as likely, the repeats of P01 would outweigh those of P02.
    careless = row_of(sources(plans, repeats.assign(inclusion_probability=0.3)).rows)["corrected_estimate"]
    assert careless == pytest.approx(0.5 + 0.5 * 10 / 60)


def test_the_order_of_rows_changes_nothing(a_round):
    plans, repeats = a_round
    shuffled = sources(plans.sample(frac=1, random_state=3), repeats.sample(frac=1, random_state=4)).rows
    pd.testing.assert_frame_equal(sources(plans, repeats).rows, shuffled, check_exact=True)


def test_a_round_without_repeats_is_not_measured(a_round):
    rows = sources(a_round[0], no_repeats()).rows
    assert set(rows["measurement_quality"]) == {"not_measured"}
    missing = [name for name in COLUMNS if name.startswith(("corrected_", "combined_"))]
    assert rows[[*missing, "measurement_bias", "measurement_variance"]].isna().all(axis=None)
    told = rows.drop(columns=[*missing, "measurement_bias", "measurement_variance"])
    assert told.notna().all(axis=None)
    variance = rows["sampling_variance"] + rows["nonresponse_variance"]
    assert variance.to_numpy() == pytest.approx((rows["adjusted_standard_error"] ** 2).to_numpy(), rel=1e-12)


def test_too_few_repeats_are_withheld_by_unit_and_by_verdict(a_round):
    plans, repeats = a_round
    some = repeats[repeats["plan_id"].isin(plans.loc[plans["province_code"].isin(["00", "01"]), "plan_id"])]
    few = some.iloc[:20]
    assert row_of(sources(plans, few).rows)["measurement_quality"] == "too_few_repeats"
    confirmed = plans.loc[plans["is_confirmed"], "plan_id"]
    lopsided = some[some["plan_id"].isin(confirmed)]
    assert row_of(sources(plans, lopsided).rows)["measurement_quality"] == "too_few_repeats"
    rows = sources(plans, some).rows
    said = [row_of(rows, unit=unit)["measurement_quality"] for unit in (estimate.NATION, "00", "01", "02", "03")]
    assert said == ["measured", "measured", "measured", "not_measured", "not_measured"]


def test_repeats_that_all_agree_are_stated_and_bound_what_they_may_have_missed(a_round):
    plans, _ = a_round
    honest = plans.assign(holds=plans["is_confirmed"])
    row = row_of(sources(honest, repeated(honest, np.arange(len(plans)) % 3 == 0, 1 / 3)).rows)
    assert row["measurement_quality"] == "all_repeats_agree"
    assert row["measurement_bias"] == pytest.approx(0, abs=1e-12)
    assert row["measurement_variance"] == 0
    assert row["combined_lower"] < row["adjusted_lower"] and row["combined_upper"] > row["adjusted_upper"]


def test_one_kind_of_verdict_is_enough():
    rng = np.random.default_rng(4)
    plans = inspected(rng, frame_of(rng, 1))
    plans = plans.assign(is_confirmed=plans["is_decided"])
    row = row_of(sources(plans, drawn_repeats(rng, plans, 0.5)).rows)
    assert (row["measurement_quality"], row["estimate"]) == ("measured", 1.0)
    assert 0.5 < row["combined_estimate"] < 0.9
    assert row["combined_lower"] < row["combined_estimate"] < row["combined_upper"]


def test_a_unit_or_a_round_without_decisions_says_so(a_round):
    plans, repeats = a_round
    in_one = plans["province_code"] == "02"
    silent = plans.assign(
        is_decided=plans["is_decided"] & ~in_one,
        is_confirmed=plans["is_confirmed"] & ~in_one,
        outcome=plans["outcome"].mask(in_one, "pending"),
    )
    rows = sources(silent, repeats[~repeats["plan_id"].isin(plans.loc[in_one, "plan_id"])]).rows
    row = row_of(rows, unit="02")
    assert (row["nonresponse_quality"], row["measurement_quality"]) == ("none_decided", "none_decided")
    assert row[["estimate", "adjusted_estimate", "combined_estimate", "sampling_variance"]].isna().all()
    assert (row["lowest_estimate"], row["highest_estimate"]) == (0, 1)
    assert row_of(rows)["combined_estimate"] > 0
    nobody = plans.assign(is_decided=False, is_confirmed=False, outcome="non_contact")
    assert set(sources(nobody, no_repeats()).rows["nonresponse_quality"]) == {"none_decided"}
    untried = nobody.assign(is_supervised=False, outcome="not_attempted")
    assert set(sources(untried, no_repeats()).rows["measurement_quality"]) == {"none_decided"}


def test_repeats_that_outnumber_visits_are_refused(a_round):
    plans, repeats = a_round
    more = pd.concat([repeats, repeats.assign(plan_id=repeats["plan_id"] + "x")] * 3, ignore_index=True)
    with pytest.raises(RepeatsMismatch, match=f"{len(more):,} of {len(plans):,} visits"):
        sources(plans, more)


def test_broken_samples_are_refused(a_round):
    plans, repeats = a_round
    with pytest.raises(FrameMismatch, match="stratum"):
        sources(plans.iloc[1:], no_repeats())
    with pytest.raises(FrameMismatch, match="no issued plan"):
        sources(plans.iloc[:0], no_repeats())


@pytest.fixture(scope="module")
def thousand():
    """Estimates of 1,000 simulated provinces with the truth of each: of all plans, and of those that would answer."""
    rng, parts = np.random.default_rng(1403), []
    for _ in range(50):
        frame = frame_of(rng, 20)
        plans = inspected(rng, frame)
        rows = sources(plans, drawn_repeats(rng, plans, 0.4)).rows
        answers = frame["agency_code"].map(ANSWERS)
        held = (answers * frame["holds"]).groupby(frame["province_code"]).sum()
        truth = {
            "truth": frame.groupby("province_code")["holds"].mean(),
            "truth_of_answers": held / answers.groupby(frame["province_code"]).sum(),
        }
        own = rows[(rows["level"] == "province") & (rows["indicator"] == "accuracy_rate")]
        parts.append(own.join(pd.DataFrame(truth), on="unit_code"))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(("name", "truth"), [("combined", "truth"), ("corrected", "truth_of_answers")])
def test_the_interval_holds_the_truth_as_often_as_it_says(thousand, name, truth):
    assert (thousand["measurement_quality"] == "measured").mean() > 0.95
    own = thousand.dropna(subset=[f"{name}_estimate"])
    covered = own[truth].between(own[f"{name}_lower"], own[f"{name}_upper"]).mean()
    assert 0.93 <= covered <= 0.97
    error = own[f"{name}_estimate"] - own[truth]
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(len(own))
    assert np.sqrt((own[f"{name}_standard_error"] ** 2).mean()) == pytest.approx(error.std(), rel=0.08)


def test_each_error_is_seen_where_the_sum_hides_it(thousand):
    # Unanswered plans make the raw rate too high, wrong verdicts too low.
    assert thousand["nonresponse_bias"].mean() == pytest.approx(0.02, abs=0.01)
    assert thousand["measurement_bias"].mean() == pytest.approx(-0.034, abs=0.01)
