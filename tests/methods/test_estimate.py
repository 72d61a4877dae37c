import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from methods import estimate
from methods.errors import FrameMismatch, GuidelineMissing

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
                    "verdict": verdict, "loan_paid_rial": int(chance.integers(1, 10**10)),
                    "registered_job_count": int(chance.integers(1, 5)),
                    "realised_job_count": int(chance.integers(0, 5)) if decided else 0,
                    "bank_code": chance.choice(["B01", ""]), "budget_note": "15", "programme_code": "",
                    "activity_section": chance.choice(["A", "C"]), "plan_kind": "enterprise",
                    "sex": chance.choice(["female", "male"]), "age": int(chance.integers(18, 70)),
                    "settlement": None, "is_disabled": bool(chance.random() < 0.1),
                }
            )  # fmt: skip
    plans = under_simple_sampling(pd.DataFrame(rows))
    frame = pd.concat([plans.assign(plan_id=plans["plan_id"] + f"-{copy}") for copy in range(8)], ignore_index=True)
    listed = frame["agency_code"] == "P02"
    amounts = {name: np.where(listed, 2.0, np.nan) for name in JOB_AMOUNTS}
    return plans, frame.assign(
        has_job_list=listed, has_job=listed, payment_to_job_days=30, job_commitment_count=3, **amounts
    )


JOB_AMOUNTS = [
    f"job_{what}_{months}_months_count" for what in ("seen", "lasted", "too_recent") for months in (6, 12, 24)
]
DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "reference" / "indicators.yaml").read_text(encoding="utf-8"))
DEFINED = estimate.definitions_in_force(DOCUMENT, "1403-01-01")


def figures_of(plans, frame):
    return estimate.figures(plans, frame, DEFINED, RULES)


@cache
def figures_of_seed(seed):
    return figures_of(*sampled(seed))


ADDITIVE = [one.code for one in DEFINED.indicators if one.kind in ("count", "total")]


@pytest.mark.parametrize("seed", range(5))
def test_totals_add_up_to_the_last_bit(seed):
    figures = figures_of_seed(seed).query("domain == 'all'")
    for (_, _), part in figures[figures["indicator"].isin(ADDITIVE)].groupby(["indicator", "basis"]):
        by_level = part.set_index("unit_code").groupby("level")["estimate"]
        county, province = by_level.get_group("county"), by_level.get_group("province")
        for code, total in province.items():
            inside = [unit for unit in county.index if f"{int(unit) % 3:02d}" == code]
            assert county[inside].sum() == total
        assert province.sum() == by_level.get_group("nation").item()


@pytest.mark.parametrize("dimension", [one.code for one in DEFINED.dimensions])
def test_the_domains_of_a_dimension_make_up_the_whole(dimension):
    figures = figures_of_seed(1).query("level == 'nation' and indicator in @ADDITIVE")
    own = figures[figures["domain"].str.startswith(f"{dimension}=")]
    summed = own.groupby(["indicator", "basis"])["estimate"].sum()
    whole = figures.query("domain == 'all'").set_index(["indicator", "basis"])["estimate"]
    # Estimated totals are rounded county by county, so a sum of them may be off by that much.
    pd.testing.assert_series_equal(summed, whole.sort_index(), check_names=False, rtol=1e-7)
    counted = summed.xs("counted", level="basis")
    assert (counted == whole.xs("counted", level="basis")[counted.index]).all()


def test_what_is_not_known_of_a_plan_is_a_domain_of_its_own():
    figures = figures_of_seed(1)
    assert {"bank=B01", "bank=unknown", "settlement=unknown", "age_group=aged_25_34"} <= set(figures["domain"])
    assert "settlement=None" not in set(figures["domain"])


def test_a_figure_says_what_its_denominator_leaves_out():
    plans, frame = sampled(2)
    rate = figures_of(plans, frame).query(
        "indicator == 'accuracy_rate' and level == 'nation' and domain == 'all' and basis == 'counted'"
    )
    out = json.loads(rate["exclusions"].item())
    assert out == {
        "not_attempted": 0,
        "non_contact": int((plans["verdict"] == "non_contact").sum()),
        "pending": int((plans["verdict"] == "pending").sum()),
    }
    assert sum(out.values()) + rate["denominator"].item() == len(plans)


def test_a_rate_by_loan_weighs_each_plan_by_its_loan():
    plans, frame = sampled(3)
    rate = figures_of(plans, frame).query(
        "indicator == 'accuracy_rate_by_loan' and level == 'nation' and domain == 'all' and basis == 'counted'"
    )
    loan = plans["loan_paid_rial"]
    expected = loan[plans["is_confirmed"]].sum() / loan[plans["is_decided"]].sum()
    assert rate["estimate"].item() == pytest.approx(expected, rel=1e-12)
    assert (rate["weight"].item(), rate["n"].item()) == ("loan", plans["is_decided"].sum())


def test_jobs_that_nobody_listed_are_left_out_and_said_to_be():
    plans, frame = sampled(3)
    rate = (
        figures_of(plans, frame)
        .query("indicator == 'sustained_12_month_rate' and level == 'nation'")
        .set_index("domain")
    )
    assert rate.loc["all", "estimate"] == 1
    assert json.loads(rate.loc["all", "exclusions"])["job_unlisted"] == (frame["agency_code"] == "P01").sum()
    assert rate.loc["agency=P01", "quality"] == "undefined"


def test_a_later_definition_takes_the_place_of_an_earlier_one():
    document = {
        "variables": [{"code": "a"}, {"code": "b", "where": {"x": ["1"]}}],
        "dimensions": [],
        "indicators": [
            entry | {"numerator": "b", "observed": "a"}
            for entry in (
                {"code": "rate", "from": "1403-01-01", "kind": "proportion", "denominator": "a"},
                {"code": "rate", "from": "1404-01-01", "kind": "count"},
                {"code": "gone", "from": "1401-01-01", "until": "1402-01-01", "kind": "count"},
            )
        ],
    }
    kinds = [[(one.code, one.kind) for one in estimate.definitions_in_force(document, f"{year}-01-01").indicators]
             for year in (1401, 1403, 1404)]  # fmt: skip
    assert kinds == [[("gone", "count")], [("rate", "proportion")], [("rate", "count")]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"numerator": "nobody"}, "a variable nobody"),
        ({"kind": "share"}, "kind share"),
        ({"kind": "count"}, "kind count"),
        ({"bases": ["guessed"]}, "bases guessed"),
        ({"denominator": "eligible"}, "bases counted, estimated"),
    ],
)
def test_a_definition_that_cannot_be_estimated_is_refused_by_name(change, told):
    entry = next(entry for entry in DOCUMENT["indicators"] if entry["code"] == "accuracy_rate") | change
    with pytest.raises(GuidelineMissing, match=f"accuracy_rate.*{told}"):
        estimate.definitions_in_force(DOCUMENT | {"indicators": [entry]}, "1403-01-01")


def test_activities_fall_into_the_sections_of_isic():
    isic = pd.read_csv(Path(__file__).parents[2] / "reference" / "isic4_fa.csv", dtype=str)
    found = estimate.activity_sections(pd.Series(["0111", "C", "4711", "", None, "0499"]), isic)
    assert found[:3].tolist() == ["A", "C", "G"]
    assert found[3:].isna().all()


def test_rows_in_another_order_give_the_same_figures():
    plans, frame = sampled(1)
    once = figures_of(plans, frame)
    again = figures_of(plans.sample(frac=1, random_state=3), frame.iloc[::-1])
    pd.testing.assert_frame_equal(once, again, check_exact=True)


def test_both_rates_stand_side_by_side_with_their_parts():
    plans, frame = sampled(2)
    figures = figures_of(plans, frame).query("level == 'nation' and domain == 'all' and basis == 'counted'")
    rows = figures.set_index("indicator")
    assert rows.loc["crude_confirmation_rate", "denominator"] == len(plans)
    assert rows.loc["accuracy_rate", "denominator"] == plans["is_decided"].sum()
    assert rows.loc["accuracy_rate", "numerator"] == rows.loc["crude_confirmation_rate", "numerator"]


def test_agencies_are_domains_of_nation_and_province():
    figures = figures_of_seed(3)
    for level in ("nation", "province"):
        assert {"all", "agency=P01", "agency=P02"} <= set(figures[figures["level"] == level]["domain"])
    assert set(figures.query("level == 'county'")["domain"]) == {"all"}


def test_nothing_decided_gives_an_undefined_rate_not_a_number():
    plans, frame = sampled(4)
    plans = plans.assign(verdict="pending", is_decided=False, is_confirmed=False, realised_job_count=0)
    rates = figures_of(plans, frame).query("indicator == 'accuracy_rate'")
    assert rates["estimate"].isna().all()
    assert set(rates["quality"]) == {"undefined"}


def test_a_figure_too_weak_to_print_is_marked_withheld():
    plans, frame = sampled(0)
    county = figures_of(plans, frame).query(
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


def test_every_indicator_has_figures_of_each_of_its_bases():
    found = figures_of_seed(0)[["indicator", "basis"]].drop_duplicates()
    assert set(found.itertuples(index=False, name=None)) == {
        (one.code, basis) for one in DEFINED.indicators for basis in one.bases
    }


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
