import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import estimate
from methods.errors import AreaModelRefused, BenchmarkImpossible
from methods.estimate.area_covariates import chosen_covariates
from methods.estimate.small_area import smoothed_variances

RULES = {
    "confidence_level": "0.95",
    "largest_interval_width": {"A": "0.05", "B": "0.15", "C": "0.30"},
    "fitting_method": "REML",
    "area_covariates": ["province", "self_employment"],
    "counties_per_covariate": "4",
    "smallest_pooled_n": "5",
    "model_interval": "beta",
    "direct_minimum_n": "30",
    "direct_widest_interval": "0.10",
    "model_minimum_n": "3",
}


# the model of Fay and Herriot -------------------------------------------------------------------


def milk(oracle):
    rows = pd.read_csv(oracle / "milk.csv")
    dummies = {f"as.factor(MajorArea){area}": (rows["MajorArea"] == area).astype(float) for area in (2, 3, 4)}
    return rows["yi"], rows["SD"] ** 2, pd.DataFrame({"(Intercept)": 1.0, **dummies})


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_areas_and_parameters_agree_with_the_oracle(oracle, method):
    fit = estimate.fay_herriot(*milk(oracle), method=method)
    areas = pd.read_csv(oracle / "fayherriot_milk_areas.csv").query("method == @method")
    for column in ("eblup", "mse", "gamma", "g1", "g2", "g3"):
        np.testing.assert_allclose(fit.areas[column], areas[column], rtol=1e-9)
    stated = pd.read_csv(oracle / "fayherriot_milk_params.csv").query("method == @method").set_index("param")
    assert fit.sigma2_u == pytest.approx(stated.loc["sigma2_u", "own"], rel=1e-9)
    for name, value in fit.beta.items():
        assert value == pytest.approx(stated.loc[name, "own"], rel=1e-9)
        assert fit.beta_standard_error[name] == pytest.approx(stated.loc[name, "own_se"], rel=1e-9)


def test_equal_variances_worked_by_hand():
    # 1, 2, 6, 7 of variance 1: the mean is 4, the sum of squares 26; REML: 26/3 = sigma2 + 1, so sigma2 = 23/3 and
    # gamma = 23/26. V(sigma2) = 2 (26/3)^2 / 4, so g1 = 23/26, g2 = (3/26)^2 (26/3) / 4 = 3/104,
    # g3 = V(sigma2) / (26/3)^3 = 3/52; mse = 23/26 + 3/104 + 6/52 = 107/104. ML: 26/4 = sigma2 + 1.
    fit = estimate.fay_herriot([1, 2, 6, 7], [1, 1, 1, 1], np.ones((4, 1)))
    assert fit.sigma2_u == pytest.approx(23 / 3, rel=1e-12)
    assert fit.areas["eblup"].tolist() == pytest.approx([4 + 23 / 26 * (y - 4) for y in (1, 2, 6, 7)], rel=1e-12)
    assert fit.areas["mse"].tolist() == pytest.approx([107 / 104] * 4, rel=1e-12)
    assert estimate.fay_herriot([1, 2, 6, 7], [1] * 4, np.ones((4, 1)), "ML").sigma2_u == pytest.approx(5.5, rel=1e-12)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_areas_that_differ_less_than_they_should_by_chance_have_no_variance_between_them(method):
    # All weigh 1/4: beta = 10, g1 = 0, g2 = 4/4 = 1, V(sigma2) = 2 * 16 / 4 = 8, g3 = 8 / 4 = 2; under ML the bias
    # is -tr(A X'W2X) / (2 I) = -(1 * 4/16) / (4/16) = -1, taken off with its sign.
    fit = estimate.fay_herriot([9.9, 10.1, 10, 10], [4] * 4, np.ones((4, 1)), method)
    assert fit.sigma2_u == 0
    assert fit.areas["eblup"].tolist() == pytest.approx([10] * 4, rel=1e-12)
    assert fit.areas["mse"].tolist() == pytest.approx([1 + 2 * 2 + (method == "ML")] * 4, rel=1e-12)


def test_the_maximum_found_is_the_highest_there_is():
    chance = np.random.default_rng(5)
    x = np.column_stack([np.ones(30), chance.normal(size=30)])
    psi = chance.uniform(0.1, 5, 30)
    y = x @ [2, 1] + chance.normal(size=30) * np.sqrt(psi + 0.7)
    fit = estimate.fay_herriot(y, psi, x, "ML")

    def height(sigma2):
        weight = 1 / (sigma2 + psi)
        beta = np.linalg.solve((x * weight[:, None]).T @ x, x.T @ (weight * y))
        return (np.log(weight).sum() - (weight * (y - x @ beta) ** 2).sum()) / 2

    assert height(fit.sigma2_u) >= max(height(value) for value in np.linspace(0, 20, 2001))


estimates = st.lists(st.floats(-100, 100), min_size=8, max_size=8)
variances = st.lists(st.floats(0.01, 100), min_size=8, max_size=8)


@given(estimates, variances, st.floats(-50, 50), st.floats(0.01, 100))
def test_another_unit_moves_the_estimates_and_nothing_else(y, psi, shift, scale):
    x = np.column_stack([np.ones(8), np.arange(8)])
    once = estimate.fay_herriot(y, psi, x).areas
    again = estimate.fay_herriot(shift + scale * np.array(y), scale**2 * np.array(psi), x).areas
    size = 1 + np.abs(y).max() + np.sqrt(max(psi))
    np.testing.assert_allclose(again["eblup"], shift + scale * once["eblup"], atol=1e-6 * scale * (size + abs(shift)))
    np.testing.assert_allclose(again["gamma"], once["gamma"], atol=1e-6)


@given(estimates, variances)
def test_an_estimate_lies_between_the_area_and_its_likes(y, psi):
    fit = estimate.fay_herriot(y, psi, np.ones((8, 1)))
    low, high = np.minimum(y, fit.areas["synthetic"]), np.maximum(y, fit.areas["synthetic"])
    assert ((low - 1e-9 <= fit.areas["eblup"]) & (fit.areas["eblup"] <= high + 1e-9)).all()
    assert (fit.areas["mse"] > 0).all() and fit.areas["gamma"].between(0, 1).all()


def test_an_area_that_is_known_keeps_its_estimate_and_has_no_part_in_the_fit():
    x = np.column_stack([np.ones(6), [1, 2, 3, 4, 5, 6]])
    fit = estimate.fay_herriot([1, 3, 2, 5, 4, 90], [1, 1, 1, 1, 1, 0], x)
    assert fit.areas.loc[5, ["eblup", "gamma", "mse"]].tolist() == [90, 1, 0]
    alone = estimate.fay_herriot([1, 3, 2, 5, 4], [1] * 5, x[:5])
    assert fit.beta.tolist() == alone.beta.tolist() and fit.sigma2_u == alone.sigma2_u


def test_an_area_nobody_visited_is_the_limit_of_one_hardly_known():
    x = np.column_stack([np.ones(7), [1, 2, 3, 4, 5, 6, 7]])
    y, psi = [1, 4, 2, 6, 4, 9, 50], [1.0] * 6
    for method in ("REML", "ML"):
        hardly = estimate.fay_herriot(y, [*psi, 1e9], x, method).areas.iloc[6]
        never = estimate.fay_herriot(y[:6], psi, x[:6], method).synthetic(x[6:]).iloc[0]
        # The seventh area is a millionth of the fit, and its gamma no more than that.
        assert never["eblup"] == pytest.approx(hardly["eblup"], rel=1e-5)
        assert never["mse"] == pytest.approx(hardly["mse"], rel=1e-5)
        assert never["gamma"] == 0


@pytest.mark.parametrize(
    ("direct", "variance", "found"),
    [
        ([1, np.nan, 3, 4], [1, 1, 1, 1], "area b, direct estimate: found nan"),
        ([1, 2, 3, 4], [1, 1, -2, 1], r"area c, sampling variance: found -2\.0"),
        ([1, 2, 3, 4], [1, np.nan, 1, 1], "area b, sampling variance: found nan"),
        ([1, 2, 3, 4], [1, np.inf, 1, 1], "area b, sampling variance: found inf"),
        ([1, 2, 3, 4], [1, 0, 0, 0], "1 of a sampling variance above 0, and 2 covariates"),
    ],
)
def test_what_no_model_can_use_is_refused_by_area(direct, variance, found):
    x = pd.DataFrame({"intercept": 1.0, "t": [1.0, 2, 3, 5]})
    with pytest.raises(AreaModelRefused, match=found):
        estimate.fay_herriot(pd.Series(direct, index=list("abcd")), variance, x)


def test_covariates_that_say_the_same_are_refused_by_name():
    x = pd.DataFrame({"intercept": 1.0, "a": [1.0, 2, 3, 5], "twice": [3.0, 5, 7, 11]})
    with pytest.raises(AreaModelRefused, match="covariate twice"):
        estimate.fay_herriot([1, 2, 3, 4], [1] * 4, x)
    with pytest.raises(AreaModelRefused, match="area 2, covariate a: found nan"):
        estimate.fay_herriot([1, 2, 3, 4], [1] * 4, x[["intercept", "a"]].replace(3.0, np.nan))


def test_shapes_and_methods_nobody_knows_are_refused():
    with pytest.raises(AreaModelRefused, match="shapes"):
        estimate.fay_herriot([1, 2, 3], [1, 1], np.ones((3, 1)))
    with pytest.raises(AreaModelRefused, match="REML or ML"):
        estimate.fay_herriot([1, 2, 3], [1, 1, 1], np.ones((3, 1)), "EM")
    with pytest.raises(AreaModelRefused, match="1 finite columns"):
        estimate.fay_herriot([1, 2, 3], [1, 1, 1], np.ones((3, 1))).synthetic([[1.0, 2.0]])


# adding up --------------------------------------------------------------------------------------


def test_shares_move_by_their_mse_worked_by_hand():
    # (0.5 + 0.6) / 2 = 0.55 for 0.61: twice 0.06 to give out, two parts of three to the first; the third is known
    # but of another province, the fourth weighs nothing.
    found = estimate.benchmark([0.5, 0.6, 0.9, 0.2], [0.02, 0.01, 0, 0.5], [1, 1, 3, 0], [0, 0, 1, 0], [0.61, 0.9])
    assert found.tolist() == pytest.approx([0.58, 0.64, 0.9, 0.2], rel=1e-12)


def test_a_share_that_would_leave_stops_at_the_bound_and_others_take_the_rest():
    # A mean of 0.95 for 0.85: to give out 0.2, by halves 1.0 and 0.9; the first stops at 1, the second goes to 0.9.
    assert estimate.benchmark([0.95, 0.75], [1, 1], [1, 1], [0, 0], [0.95]).tolist() == pytest.approx([1.0, 0.9])


areas = st.lists(
    st.tuples(st.floats(0, 1), st.floats(1e-6, 1), st.floats(0.1, 1000), st.integers(0, 2)), min_size=3, max_size=30
)


@given(areas, st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_any_target_is_met_and_no_share_leaves(rows, target):
    share, mse, weight, group = (np.array(column) for column in zip(*rows, strict=True))
    found = estimate.benchmark(share, mse, weight, group, target)
    assert ((found >= 0) & (found <= 1)).all()
    whole = np.bincount(group, weight, 3)
    np.testing.assert_allclose(np.bincount(group, weight * found, 3), whole * target, atol=1e-9 * whole.max())


def test_a_target_that_known_shares_exclude_is_refused():
    with pytest.raises(BenchmarkImpossible, match="group 07.*mean of 0.9"):
        estimate.benchmark([0.2, 0.3], [0, 0], [1, 1], [0, 0], [0.9], names=pd.Index(["07"]))


# counties ---------------------------------------------------------------------------------------


def world(seed=0, provinces=3, counties=8, drawn=None, plans=None):
    """Draw counties of a made-up frame, and rate them as figures do."""
    chance = np.random.default_rng(seed)
    count = provinces * counties
    plans = chance.integers(60, 400, count) if plans is None else np.full(count, plans)
    n = chance.integers(1, 50, count) if drawn is None else np.broadcast_to(drawn, count)
    rate = np.clip(0.7 + 0.08 * chance.normal(size=count), 0.05, 0.95)
    hits = chance.binomial(n, rate)
    table = pd.DataFrame(
        {
            "county_code": [f"{i // counties:02d}{i % counties:02d}" for i in range(count)],
            "province_code": [f"{i // counties:02d}" for i in range(count)],
            "eligible_plan_count": plans, "n": n, "numerator": hits * plans / np.maximum(n, 1),
            "denominator": np.where(n > 0, plans, 0).astype(float), "weighted_n": n.astype(float),
            "degrees_of_freedom": np.maximum(n - 1, 1),
        }
    )  # fmt: skip
    p = table["numerator"] / table["denominator"].where(n > 0)
    table["estimate"] = p
    table["standard_error"] = np.sqrt(p * (1 - p) * (1 - n / plans) / np.maximum(n - 1, 1))
    size = estimate.effective_size(p, table["standard_error"], n, table["degrees_of_freedom"])
    table["lower"], table["upper"] = estimate.proportion_interval(p, size)
    facts = table[["county_code", "province_code", "eligible_plan_count"]].assign(
        self_employment_plan_count=chance.integers(10, 60, count), loan_paid_rial=plans * 10**9,
        registered_job_count=plans * 2, population_count=chance.integers(10**4, 10**6, count).astype(float),
        active_person_count=4000.0, unemployed_person_count=500.0,
    )  # fmt: skip
    agencies = facts[["county_code", "eligible_plan_count"]].assign(agency_code="P01")
    return table, estimate.area_covariates(facts, agencies)


def test_counties_reproduce_their_province_and_stay_within_bounds():
    for seed in range(5):
        table, covariates = world(seed)
        found = estimate.small_areas(table, covariates, RULES).counties
        by = found.assign(whole=found["benchmarked"] * found["denominator"]).groupby("province_code")
        direct = table.groupby("province_code")["numerator"].sum() / table.groupby("province_code")["denominator"].sum()
        np.testing.assert_allclose(by["whole"].sum() / by["denominator"].sum(), direct, rtol=1e-12)
        assert found["benchmarked"].between(0, 1).all()
        assert ((found["model_lower"] <= found["benchmarked"]) & (found["benchmarked"] <= found["model_upper"])).all()


def test_a_county_that_stands_alone_keeps_its_share_and_the_others_add_up_to_the_rest():
    table, covariates = world(10, drawn=[900, *[10] * 23], plans=4000)
    found = estimate.small_areas(table, covariates, RULES).counties
    first = found.iloc[0]
    assert (first["published_method"], first["reason_code"]) == ("direct", "direct_precise")
    assert first["published"] == first["benchmarked"] == first["direct"] != first["model"]
    assert first["benchmarked_standard_error"] == first["smoothed_standard_error"]
    rest = found[:8]
    direct = table["numerator"][:8].sum() / table["denominator"][:8].sum()
    whole = (rest["benchmarked"] * rest["denominator"]).sum() / rest["denominator"].sum()
    assert whole == pytest.approx(direct, rel=1e-12)
    assert (rest["benchmarked"] - rest["model"])[1:].abs().max() > 1e-6


def test_a_county_nobody_met_has_the_models_share_and_is_not_printed():
    table, covariates = world(1, drawn=[0, *[20] * 23])
    first = estimate.small_areas(table, covariates, RULES).counties.iloc[0]
    assert np.isnan(first["direct"]) and 0 < first["model"] < 1
    assert (first["direct_share"], first["n_effective"]) == (0, 0)
    stated = first[["published_method", "reason_code", "quality"]].tolist()
    assert stated == ["withheld", "n_too_small", "withheld"]
    others = estimate.small_areas(table.iloc[1:], {k: v.iloc[1:] for k, v in covariates.items()}, RULES).counties
    assert first["model_standard_error"] > others["model_standard_error"].max()


def test_a_province_nobody_visited_has_no_model_and_moves_no_other():
    table, covariates = world(2, drawn=[0] * 8 + [20] * 16)
    found = estimate.small_areas(table, covariates, RULES).counties
    assert found.loc[:7, ["model", "benchmarked", "model_lower", "published"]].isna().all().all()
    assert set(found.loc[:7, "published_method"]) == {"withheld"}
    assert found.loc[8:, "model"].notna().all()


def test_a_county_that_was_seen_whole_is_known():
    table, covariates = world(3)
    whole = table["county_code"] == "0000"
    seen = {"n": 40, "eligible_plan_count": 40, "denominator": 40.0, "weighted_n": 40.0, "numerator": 31.0,
            "estimate": 31 / 40, "standard_error": 0.0, "lower": 31 / 40, "upper": 31 / 40}  # fmt: skip
    table.loc[whole, list(seen)] = list(seen.values())
    first = estimate.small_areas(table, covariates, RULES).counties.iloc[0]
    assert first["benchmarked"] == pytest.approx(31 / 40, rel=1e-12)
    assert (first["published_method"], first["lower"], first["upper"]) == ("direct", 31 / 40, 31 / 40)
    assert first["n_effective"] == np.inf and first["direct_share"] == 1


def test_too_few_counties_have_no_model_but_may_stand_alone():
    table, covariates = world(4, provinces=1, counties=2, drawn=[200, 4], plans=4000)
    rules = RULES | {"area_covariates": [], "counties_per_covariate": "1"}
    found = estimate.small_areas(table.iloc[:1], {k: v.iloc[:1] for k, v in covariates.items()}, rules)
    assert found.counties["model"].isna().all()
    assert found.terms["term"].tolist() == ["design_effect"]
    first = found.counties.iloc[0]
    assert (first["published_method"], first["reason_code"]) == ("direct", "direct_without_model")
    assert (first["published"], first["lower"]) == (first["direct"], first["direct_lower"])
    # Four plans are too few to stand alone.
    small = estimate.small_areas(table.iloc[1:], {k: v.iloc[1:] for k, v in covariates.items()}, rules).counties.iloc[0]
    assert (small["published_method"], small["reason_code"]) == ("withheld", "no_model")


def test_all_confirmed_is_a_result():
    table, covariates = world(5)
    table["numerator"], table["estimate"], table["standard_error"] = table["denominator"], 1.0, 0.0
    table["lower"], table["upper"] = 0.05 ** (1 / table["n"]), 1.0
    found = estimate.small_areas(table, covariates, RULES).counties
    assert found["benchmarked"].tolist() == pytest.approx([1] * 24, rel=1e-12)
    # Nobody refused is not that nobody would be.
    assert (found["model_upper"] > 1 - 1e-9).all() and found["model_lower"].between(0.5, 0.999).all()


def test_the_choice_does_not_look_at_how_the_county_fared():
    table, covariates = world(6, drawn=[40] * 24, plans=4000)
    # A county where each of forty was confirmed has a narrow interval, by luck.
    lucky = {"estimate": 1.0, "numerator": 4000.0, "standard_error": 0.0, "lower": 0.93, "upper": 1.0}
    table.loc[0, list(lucky)] = list(lucky.values())
    found = estimate.small_areas(table, covariates, RULES).counties
    assert found.loc[0, "direct_upper"] - found.loc[0, "direct_lower"] < 0.10
    assert found.loc[0, "published_method"] == "model"


@pytest.mark.parametrize(("column", "value"), [("standard_error", np.nan), ("weighted_n", np.inf), ("lower", -0.1)])
def test_a_county_whose_rate_is_half_known_is_refused_by_name(column, value):
    table, covariates = world(7)
    table.loc[3, column] = value
    with pytest.raises(AreaModelRefused, match=f"county 0003, {column}: found {value}"):
        estimate.small_areas(table, covariates, RULES)


def test_letters_follow_the_interval_and_the_last_is_the_end():
    table, covariates = world(7)
    found = estimate.small_areas(table, covariates, RULES).counties
    width = found["upper"] - found["lower"]
    printed = found["published_method"] != "withheld"
    assert printed.any() and (~printed).any()
    expected = np.select([width <= 0.05, width <= 0.15, width <= 0.30], ["A", "B", "C"], "withheld")
    assert (found["quality"] == expected).all()
    assert found.loc[~printed, ["published", "lower", "upper"]].isna().all().all()


def test_rows_in_another_order_give_the_same_counties():
    table, covariates = world(8)
    once = estimate.small_areas(table, covariates, RULES).counties
    again = estimate.small_areas(table.sample(frac=1, random_state=1), covariates, RULES).counties
    pd.testing.assert_frame_equal(once, again, check_exact=True)


def test_half_seen_counties_worked_by_hand():
    # Four counties, two of four plans confirmed in each, of eight: a plan's variance 1/4, design 1/4 * 1/2 / 4 = 1/32,
    # around 1/4 / 8 = 1/32, so half of each share has been seen. The model for variance 1/16: sigma2 = 0,
    # g2 = 1/64, g3 = 1/2 * 1/16, mse = 1/64 + 1/16 = 5/64. In all 1/4 * 5/64 + 1/2 * 1/32 = 9/256.
    codes = ["0000", "0001", "0002", "0003"]
    table = pd.DataFrame(
        {
            "county_code": codes, "province_code": "00", "eligible_plan_count": 8, "n": 4, "numerator": 4.0,
            "denominator": 8.0, "weighted_n": 4.0, "estimate": 0.5, "standard_error": np.sqrt(1 / 32), "lower": 0.1,
            "upper": 0.9, "degrees_of_freedom": 3,
        }
    )  # fmt: skip
    covariates = {"none": pd.DataFrame(index=pd.Index(codes))}
    rules = RULES | {"area_covariates": [], "smallest_pooled_n": "4"}
    found = estimate.small_areas(table, covariates, rules).counties
    assert found["model"].tolist() == pytest.approx([0.5] * 4, rel=1e-12)
    assert found["model_standard_error"].tolist() == pytest.approx([3 / 16] * 4, rel=1e-12)
    assert found["direct_share"].tolist() == pytest.approx([0.5] * 4, rel=1e-12)
    assert found["benchmarked_standard_error"].tolist() == pytest.approx([3 / 16] * 4, rel=1e-12)


def test_smoothed_variances_worked_by_hand():
    # P = (10 * 0.5 + 0.5) / 11 = 0.5, a plan's variance 1/4. Of four in 8: 1/4 * 1/2 / 4 = 1/32; of six in 24:
    # 1/4 * 3/4 / 6 = 1/32. Own variances 1/20 and 3/40 add up to twice theirs.
    table = pd.DataFrame(
        {
            "province_code": "01", "n": [4, 6], "numerator": [4.0, 12.0], "denominator": [8.0, 24.0],
            "weighted_n": [4.0, 6.0], "standard_error": np.sqrt([1 / 20, 3 / 40]), "eligible_plan_count": [9, 25],
        }
    )  # fmt: skip
    found = smoothed_variances(table, 1)
    assert found.design_effect == pytest.approx(2, rel=1e-12)
    assert found.design.tolist() == pytest.approx([1 / 16, 1 / 16], rel=1e-12)
    assert found.around.tolist() == pytest.approx([1 / 32, 1 / 96], rel=1e-12)
    # The smaller one may not speak for the design: 3/40 over 1/32.
    assert smoothed_variances(table, 5).design_effect == pytest.approx(2.4, rel=1e-12)


@pytest.mark.parametrize("kind", ["beta", "logit", "normal"])
@given(share=st.floats(0, 1), mse=st.floats(0, 0.2))
def test_an_interval_of_the_model_holds_its_share(kind, share, mse):
    lower, upper = estimate.model_interval([share], [mse], [0.2], 0.95, kind)
    assert 0 <= lower[0] <= share + 1e-9 and share - 1e-9 <= upper[0] <= 1


def test_an_interval_nobody_knows_is_refused():
    with pytest.raises(AreaModelRefused, match="model_interval"):
        estimate.model_interval([0.5], [0.1], [0.2], 0.95, "wald")


def test_the_model_is_nearer_the_truth_than_counties_alone():
    chance = np.random.default_rng(9)
    table, covariates = world(9, provinces=6, counties=10)
    rate = np.clip(0.7 + 0.05 * chance.normal(size=60), 0, 1)
    plans = table["eligible_plan_count"].to_numpy()
    good, far = chance.binomial(plans, rate), []
    true = good / plans
    for _ in range(40):
        n = np.full(60, 15)
        p = chance.hypergeometric(good, plans - good, n) / n
        drawn = table.assign(
            n=n, weighted_n=15.0, estimate=p, numerator=p * plans, denominator=plans.astype(float), lower=0.0,
            upper=1.0, degrees_of_freedom=14, standard_error=np.sqrt(p * (1 - p) * (1 - n / plans) / (n - 1)),
        )  # fmt: skip
        found = estimate.small_areas(drawn, covariates, RULES).counties
        held = (found["model_lower"] <= true) & (true <= found["model_upper"])
        errors = [((found[name] - true) ** 2).mean() for name in ("direct", "benchmarked")]
        far.append([*errors, (found["benchmarked_standard_error"] ** 2).mean(), held.mean()])
    direct, moved, stated, held_share = np.mean(far, axis=0)
    assert moved < 0.5 * direct
    assert 0.75 * moved < stated < 1.33 * moved
    assert 0.93 < held_share < 0.985


# covariates -------------------------------------------------------------------------------------


def facts_of(**columns):
    base = {
        "county_code": ["0001", "0002", "0101", "0201"], "province_code": ["00", "00", "01", "02"],
        "eligible_plan_count": [10, 20, 30, 40], "self_employment_plan_count": [5, 5, 15, 10],
        "loan_paid_rial": [100, 200, 300, 400], "registered_job_count": [10, 40, 30, 80],
        "population_count": [1000.0, np.nan, 500.0, np.nan], "active_person_count": [400.0, np.nan, 100.0, np.nan],
        "unemployed_person_count": [40.0, np.nan, 20.0, np.nan],
    }  # fmt: skip
    return pd.DataFrame(base | columns)


AGENCIES = pd.DataFrame(
    {"county_code": ["0001", "0001", "0002"], "agency_code": ["P1", "P2", "P2"], "eligible_plan_count": [4, 6, 20]}
)


def test_a_county_the_census_did_not_count_takes_its_provinces_mean_or_the_nations():
    groups = estimate.area_covariates(facts_of(), AGENCIES)
    assert groups["participation"]["participation_share"].tolist() == pytest.approx([0.4, 0.4, 0.2, 0.3])
    assert groups["unemployment"]["unemployment_share"].tolist() == pytest.approx([0.1, 0.1, 0.2, 0.15])
    assert groups["uncounted"]["uncounted"].tolist() == [0, 1, 0, 1]
    assert groups["self_employment"]["self_employment_share"].tolist() == [0.5, 0.25, 0.5, 0.25]
    assert groups["agency"].loc["0001"].tolist() == [0.4, 0.6]
    other = facts_of(population_count=[1000.0, 2000.0, np.nan, 1.0], active_person_count=[400.0, 400.0, np.nan, 1.0],
                     province_code=["00", "00", "00", "02"])  # fmt: skip
    assert estimate.area_covariates(other, AGENCIES)["participation"].loc["0101"].item() == pytest.approx(0.3)


def test_no_census_at_all_is_no_covariate():
    nothing = dict.fromkeys(["population_count", "active_person_count", "unemployed_person_count"], [None] * 4)
    groups = estimate.area_covariates(facts_of(**nothing), AGENCIES)
    kept = chosen_covariates(groups, ["population", "uncounted"], groups["population"].index, 1)
    assert kept.columns.tolist() == ["intercept"]


def test_columns_that_follow_and_groups_too_wide_are_left_out():
    groups = estimate.area_covariates(facts_of(), AGENCIES)
    every = groups["province"].index
    kept = chosen_covariates(groups, ["province", "self_employment"], every, 1)
    # With the intercept, the last province follows from the others.
    assert kept.columns.tolist() == ["intercept", "province=00", "province=01", "self_employment_share"]
    assert chosen_covariates(groups, ["province", "self_employment"], every, 2).columns.tolist() == [
        "intercept",
        "self_employment_share",
    ]
    # Seen from two counties of one province, provinces tell nothing apart.
    assert "province=00" not in chosen_covariates(groups, ["province"], every[:2], 1)


def test_a_group_nobody_knows_is_refused():
    groups = estimate.area_covariates(facts_of(), AGENCIES)
    with pytest.raises(AreaModelRefused, match="found weather"):
        chosen_covariates(groups, ["weather"], groups["province"].index, 1)
