from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from methods import estimate
from methods.errors import FrameMismatch

RULES = {
    "confidence_level": "0.95",
    "minimum_effective_n": "30",
    "narrow_interval_width": "0.05",
    "wide_interval_width": "0.30",
    "relative_interval_width": "1.30",
    "largest_variation_share": {"A": "0.05", "B": "0.15", "C": "0.30"},
    "largest_interval_width": {"A": "0.05", "B": "0.15", "C": "0.30"},
}


def under_simple_sampling(plans):
    """Add the probability a stratified simple random sample gives each plan."""
    return plans.assign(inclusion_probability=plans["stratum_sample_count"] / plans["stratum_population_count"])


def strata(**values):
    """Name a stratum with its population and its drawn values."""
    rows = [
        {"stratum_code": name, "stratum_population_count": size, "stratum_sample_count": len(drawn), "y": y, "x": 1}
        for name, (size, drawn) in values.items()
        for y in drawn
    ]
    return under_simple_sampling(pd.DataFrame(rows))


def total_of(plans):
    table = estimate.stratum_totals(plans, ["y", "x"], [("y", "x")], [])
    return table["y_total"].sum(), table["y_variance"].sum()


def test_two_strata_worked_by_hand():
    # Plains: 10 * 3 = 30, variance 10^2 * (1 - 2/10) * 2 / 2 = 80. Hills: census, 5 + 7.
    assert total_of(strata(plains=(10, [2, 4]), hills=(2, [5, 7]))) == (42, 80)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_a_census_has_no_sampling_error(everyone):
    total, variance = total_of(strata(all=(len(everyone), everyone)))
    assert total == pytest.approx(sum(everyone), abs=1e-6)
    assert variance == 0


def test_totals_and_means_agree_with_the_oracle_where_a_lonely_unit_is_certain(oracle):
    rows = pd.read_csv(oracle / "lonely_psu.csv")
    size = rows.groupby("h")["y"].transform("size")
    plans = pd.DataFrame(
        {"stratum_code": rows["h"], "stratum_population_count": rows["fpc"], "stratum_sample_count": size}
    ).assign(y=rows["y"], x=1.0)
    # Its weights are those of the population counts, so that expansion and weights agree.
    assert (rows["fpc"] / size == rows["w"]).all()
    expected = pd.read_csv(oracle / "lonely_psu_expected.csv").query("option == 'certainty' and fpc").set_index("stat")
    plans = under_simple_sampling(plans)
    table = estimate.stratum_totals(plans, ["y", "x"], [("y", "x")], []).sum()
    assert table["y_total"] == pytest.approx(expected.loc["total", "estimate"], rel=1e-9)
    assert np.sqrt(table["y_variance"]) == pytest.approx(expected.loc["total", "se"], rel=1e-9)
    mean, error = estimate.ratio(
        table["y_total"], table["x_total"], table["y_variance"], table["x_variance"], table["y_x_covariance"]
    )
    assert mean == pytest.approx(expected.loc["mean", "estimate"], rel=1e-9)
    assert error == pytest.approx(expected.loc["mean", "se"], rel=1e-9)


def test_a_ratio_whose_denominator_varies_worked_by_hand():
    # Three of six drawn: R = 6/6 = 1, residuals 0, 1, -1, so s2 = 1 and the variance of their total is
    # 36 * (1 - 3/6) * 1 / 3 = 6; the total of x is 12.
    plans = strata(all=(6, [1, 2, 3])).assign(x=[1, 1, 4])
    table = estimate.stratum_totals(plans, ["y", "x"], [("y", "x")], []).iloc[0]
    share, error = estimate.ratio(
        table["y_total"], table["x_total"], table["y_variance"], table["x_variance"], table["y_x_covariance"]
    )
    assert (float(share), float(error)) == pytest.approx((1, np.sqrt(6) / 12))


def test_a_domain_is_a_part_of_the_whole_design():
    # One of four drawn plans of ten lies in the domain: total 10/4 * 6 = 15;
    # values 6, 0, 0, 0: s2 = 9, variance 100 * .6 * 9 / 4 = 135.
    plans = strata(all=(10, [6, 1, 2, 3])).assign(agency=["a", "b", "b", "b"])
    table = estimate.stratum_totals(plans, ["y"], [], ["agency"]).xs("a", level="agency")
    assert (table["y_total"].item(), table["y_variance"].item()) == pytest.approx((15, 135))


def test_the_interval_of_nothing_seen_is_clopper_pearson():
    # 1 - (0.025)^(1/30): thirty misses in thirty.
    lower, upper = estimate.proportion_interval([0.0], [30.0])
    assert (lower[0], upper[0]) == pytest.approx((0, 1 - 0.025 ** (1 / 30)))


def test_a_census_has_no_interval():
    assert [float(bound[0]) for bound in estimate.proportion_interval([0.4], [np.inf])] == [0.4, 0.4]


@given(st.floats(0, 1), st.floats(1, 1e6))
def test_an_interval_holds_its_share(share, size):
    lower, upper = estimate.proportion_interval([share], [size])
    assert 0 <= lower[0] <= share <= upper[0] <= 1


def sampled(seed, counties=9):
    chance = np.random.default_rng(seed)
    rows = []
    for county in range(counties):
        drawn = int(chance.integers(12, 60))
        for i in range(drawn):
            verdict = chance.choice(["confirmed", "deviation", "violation", "discrepancy", "non_contact", "pending"])
            decided = verdict not in ("non_contact", "pending")
            rows.append(
                {
                    "plan_id": f"{county}-{i}", "province_code": f"{county % 3:02d}", "county_code": f"{county:04d}",
                    "agency_code": chance.choice(["P01", "P02"]), "stratum_code": f"{county:04d}",
                    "stratum_population_count": drawn * 7 + county, "stratum_sample_count": drawn,
                    "is_supervised": True, "is_decided": decided, "is_confirmed": verdict == "confirmed",
                    "verdict": verdict, "loan_paid_rial": int(chance.integers(1, 10**9)),
                    "realised_job_count": int(chance.integers(0, 5)) if decided else 0,
                }
            )  # fmt: skip
    plans = under_simple_sampling(pd.DataFrame(rows))
    frame = plans.groupby(["county_code", "province_code", "agency_code"], as_index=False).agg(
        eligible_plan_count=("plan_id", "size"), loan_paid_rial=("loan_paid_rial", "sum")
    )
    frame["eligible_plan_count"] *= 8
    return plans, frame


ADDITIVE = [
    "confirmed_plan_count",
    "decided_plan_count",
    "realised_job_count",
    "loan_paid_rial",
    "deviation_plan_count",
]


@pytest.mark.parametrize("seed", range(5))
def test_totals_add_up_to_the_last_bit(seed):
    plans, frame = sampled(seed)
    figures = estimate.figures(plans, frame, RULES).query("domain == 'all'")
    for (_, _), part in figures[figures["indicator"].isin(ADDITIVE)].groupby(["indicator", "basis"]):
        by_level = part.set_index("unit_code").groupby("level")["estimate"]
        county, province = by_level.get_group("county"), by_level.get_group("province")
        for code, total in province.items():
            inside = [unit for unit in county.index if f"{int(unit) % 3:02d}" == code]
            assert county[inside].sum() == total
        assert province.sum() == by_level.get_group("nation").item()


def test_rows_in_another_order_give_the_same_figures():
    plans, frame = sampled(1)
    once = estimate.figures(plans, frame, RULES)
    again = estimate.figures(plans.sample(frac=1, random_state=3), frame.iloc[::-1], RULES)
    pd.testing.assert_frame_equal(once, again, check_exact=True)


def test_both_rates_stand_side_by_side_with_their_parts():
    plans, frame = sampled(2)
    figures = estimate.figures(plans, frame, RULES).query(
        "level == 'nation' and domain == 'all' and basis == 'counted'"
    )
    rows = figures.set_index("indicator")
    assert rows.loc["crude_confirmation_rate", "denominator"] == len(plans)
    assert rows.loc["accuracy_rate", "denominator"] == plans["is_decided"].sum()
    assert rows.loc["accuracy_rate", "numerator"] == rows.loc["crude_confirmation_rate", "numerator"]


def test_agencies_are_domains_of_nation_and_province():
    figures = estimate.figures(*sampled(3), RULES)
    assert set(figures.query("level == 'nation'")["domain"]) == {"all", "agency=P01", "agency=P02"}
    assert set(figures.query("level == 'county'")["domain"]) == {"all"}


def test_nothing_decided_gives_an_undefined_rate_not_a_number():
    plans, frame = sampled(4)
    plans = plans.assign(verdict="pending", is_decided=False, is_confirmed=False, realised_job_count=0)
    rates = estimate.figures(plans, frame, RULES).query("indicator == 'accuracy_rate'")
    assert rates["estimate"].isna().all()
    assert set(rates["quality"]) == {"undefined"}


def test_a_figure_too_weak_to_print_is_marked_withheld():
    plans, frame = sampled(0)
    county = estimate.figures(plans, frame, RULES).query(
        "level == 'county' and basis == 'estimated' and indicator == 'accuracy_rate' and n < 30"
    )
    assert len(county)
    assert set(county["quality"]) == {"withheld"}


def test_a_stratum_larger_in_the_sample_than_in_the_frame_is_refused():
    with pytest.raises(FrameMismatch, match="stratum all"):
        total_of(strata(all=(2, [1, 2, 3])))


def test_a_missing_row_of_a_stratum_is_refused():
    with pytest.raises(FrameMismatch, match="1 rows for 2 drawn"):
        total_of(strata(all=(9, [1, 2])).head(1))


def test_the_truth_lies_in_nineteen_of_twenty_intervals():
    chance = np.random.default_rng(7)
    truth = {"a": chance.random(400) < 0.7, "b": chance.random(900) < 0.8}
    rounds, parts = 1000, []
    for name, n in (("a", 60), ("b", 90)):
        size = len(truth[name])
        drawn = chance.random((rounds, size)).argsort(axis=1)[:, :n]
        parts.append(
            pd.DataFrame(
                {
                    "round": np.repeat(np.arange(rounds), n),
                    "stratum_population_count": size,
                    "stratum_sample_count": n,
                    "y": truth[name][drawn].ravel().astype(float),
                    "x": 1.0,
                }
            ).assign(stratum_code=lambda rows, name=name: name + rows["round"].astype(str))
        )
    plans = under_simple_sampling(pd.concat(parts, ignore_index=True))
    table = estimate.stratum_totals(plans, ["y", "x"], [("y", "x")], ["round"]).groupby("round").sum()
    share, error = estimate.ratio(
        table["y_total"], table["x_total"], table["y_variance"], table["x_variance"], table["y_x_covariance"]
    )
    lower, upper = estimate.proportion_interval(share, estimate.effective_size(share, error, 150, 148))
    everyone = np.concatenate(list(truth.values())).mean()
    # Four standard errors of 950 are 28; the interval is on the safe side, hence more room above.
    assert 925 <= ((lower <= everyone) & (everyone <= upper)).sum() <= 990


def test_every_indicator_is_defined_and_every_definition_has_figures():
    path = Path(__file__).parents[2] / "reference" / "indicators.yaml"
    defined = [entry["code"] for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["indicators"]]
    assert sorted(defined) == sorted(set(estimate.figures(*sampled(0), RULES)["indicator"]))


def test_unequal_probabilities_worked_by_hand():
    # pi of 1/2 and 1/4: expanded 2 * 3 = 6 and 4 * 2 = 8, in all 14; weights (1 - pi) * 2/1 = 1 and 3/2;
    # mean (6 + 12) / 2.5 = 7.2; variance 1 * 1.2^2 + 1.5 * 0.8^2 = 2.4. The plan taken for sure adds 5 and no variance.
    plans = pd.DataFrame(
        {
            "stratum_code": "a", "stratum_population_count": 7, "stratum_sample_count": 3,
            "inclusion_probability": [0.5, 0.25, 1.0], "y": [3.0, 2.0, 5.0], "x": 1.0,
        }
    )  # fmt: skip
    total, variance = total_of(plans)
    assert (total, variance) == (19, pytest.approx(2.4, rel=1e-12))


@pytest.mark.parametrize("chance", [0.0, -0.1, 1.1, float("nan")])
def test_a_probability_that_none_can_be_is_refused(chance):
    with pytest.raises(FrameMismatch, match="inclusion probability"):
        total_of(strata(a=(4, [1, 2])).assign(inclusion_probability=[0.5, chance]))
