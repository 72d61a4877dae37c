"""Design-based estimates: against R survey, a slow reference, hand-worked cases, and what must hold of any."""

from itertools import combinations, product
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from methods import estimate
from methods.errors import DesignMismatch, SettingWrong, SingleUnit, WeightWrong

VARIABLES = ["b0", "b1", "b2", "b3", "b4", "x0", "x1", "x2", "x3", "x4"]
COLUMNS = ["variable", "estimate", "standard_error", "n", "degrees_of_freedom", "design_effect"]


@pytest.mark.parametrize(("population", "stages"), [((), "ultimate"), (("N1", "M2"), "2stagefpc")])
def test_county_means_agree_with_r(oracle: Path, population, stages):
    data = pd.read_csv(oracle / "s48k.csv")
    design = estimate.Design(data, weight="w", strata=("stratum",), units=("psu",), population=population)
    found = design.means(VARIABLES, by=("county",))
    expected = pd.read_csv(oracle / f"s48k_{stages}_county_mean.csv").set_index("county")
    assert list(found.columns) == ["county", *COLUMNS]
    assert list(found["variable"][:10]) == VARIABLES
    assert list(found["county"][::10]) == list(expected.index)
    assert_allclose(found["estimate"], expected[VARIABLES].to_numpy().ravel(), rtol=1e-9)
    errors = expected[[f"se.{name}" for name in VARIABLES]].to_numpy().ravel()
    assert_allclose(found["standard_error"], errors, rtol=1e-9)
    assert (found["n"] == 100).all()
    assert (found["degrees_of_freedom"] == 3).all()


def test_national_figures_agree_with_r(oracle: Path):
    design = estimate.Design(pd.read_csv(oracle / "s48k.csv"), "w", strata=("stratum",), units=("psu",))
    expected = pd.read_csv(oracle / "s48k_ultimate_national.csv")
    for found, what in ((design.totals(VARIABLES), "total"), (design.means(VARIABLES), "mean")):
        assert list(found.columns) == COLUMNS
        assert list(found["variable"]) == list(expected["var"])
        assert_allclose(found["estimate"], expected[what], rtol=1e-9)
        assert_allclose(found["standard_error"], expected[f"se_{what}"], rtol=1e-9)


@pytest.mark.parametrize("treatment", ["certainty", "remove", "adjust", "average"])
@pytest.mark.parametrize("population", [(), ("fpc",)])
def test_strata_with_one_unit_agree_with_r(oracle: Path, treatment, population):
    design = estimate.Design(
        pd.read_csv(oracle / "lonely_psu.csv"), "w", strata=("h",), population=population, single_unit=treatment
    )
    rows = pd.read_csv(oracle / "lonely_psu_expected.csv").set_index(["option", "fpc", "stat"]).sort_index()
    for what, found in (("total", design.totals("y")), ("mean", design.means("y"))):
        expected = rows.loc[(treatment, bool(population), what)]
        assert_allclose(found.loc[0, ["estimate", "standard_error"]].astype(float), expected, rtol=1e-9)


def _slowly(rows: list[dict], stages: list[dict], treatment: str) -> float:
    """Variance of the total of z, stage within unit, one unit at a time."""
    stage, rest = stages[0], stages[1:]
    found, parts, usable = 0.0, [], 0
    strata = _grouped(rows, stage["stratum"])
    for stratum in strata:
        units = _grouped(stratum, stage["unit"])
        n, size = len(units), np.inf
        if stage["population"]:
            size = stratum[0][stage["population"]]
        elif stage["is_skipped"]:
            size = n
        totals = [sum(row["z"] for row in unit) for unit in units]
        if n > 1 or size == 1:
            usable += 1
            spread = sum((total - sum(totals) / n) ** 2 for total in totals)
            parts.append((1 - n / size) * n / max(n - 1, 1) * spread)
        elif treatment == "adjust":
            parts.append((1 - n / size) * totals[0] ** 2)
        if rest:
            found += n / size * sum(_slowly(unit, rest, treatment) for unit in units)
    return found + sum(parts) * (len(strata) / usable if treatment == "average" else 1)


def _grouped(rows: list[dict], column: str | None) -> list[list[dict]]:
    groups: dict = {}
    for row in rows:
        groups.setdefault(row[column] if column else None, []).append(row)
    return list(groups.values())


def _country(seed: int, smallest: int) -> pd.DataFrame:
    """Invent a three-stage sample: strata, towns, streets in zones of the town, houses."""
    chance = np.random.default_rng(seed)
    rows = []
    for stratum in range(3):
        towns = chance.integers(smallest, 5)
        for town in range(towns):
            for zone in range(chance.integers(1, 3)):
                streets = chance.integers(smallest, 4)
                for street in range(streets):
                    houses = chance.integers(smallest, 4)
                    rows += [(stratum, town, zone, street, towns, streets, houses)] * houses
    data = pd.DataFrame(rows, columns=["stratum", "town", "zone", "street", "towns", "streets", "houses"])
    for name, more in (("towns", ["stratum"]), ("streets", ["stratum", "town", "zone"]),
                       ("houses", ["stratum", "town", "zone", "street"])):  # fmt: skip
        extra = pd.Series(chance.integers(0, 4, len(data))).groupby([data[key] for key in more]).transform("first")
        data[f"all_{name}"] = data[name] + extra
    data["w"] = chance.uniform(1, 9, len(data)).round(2)
    data["y"] = chance.normal(50, 20, len(data)).round(1)
    data["x"] = chance.uniform(1, 4, len(data)).round(1)
    data["kind"] = chance.choice(["a", "b", "c"], len(data))
    return data.sample(frac=1, random_state=seed).reset_index(drop=True)


STAGES = [
    {"stratum": "stratum", "unit": "town", "population": "all_towns", "is_skipped": False},
    {"stratum": "zone", "unit": "street", "population": "all_streets", "is_skipped": False},
    {"stratum": None, "unit": "row", "population": "all_houses", "is_skipped": False},
]


def _stages(population: tuple[str | None, ...]) -> list[dict]:
    given = [*population, *[None] * (3 - len(population))]
    found = [
        stage | {"population": name, "is_skipped": name is None} for stage, name in zip(STAGES, given, strict=True)
    ]
    if not population:
        found[0]["is_skipped"] = False
    return found


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    population=st.sampled_from([
        (), ("all_towns",), ("all_towns", "all_streets"), ("all_towns", "all_streets", "all_houses"),
        (None, "all_streets", "all_houses"), ("all_towns", None, "all_houses"),
    ]),
    treatment=st.sampled_from(["certainty", "adjust", "average"]),
)  # fmt: skip
def test_three_stages_agree_with_a_slow_reference(seed, population, treatment):
    data = _country(seed, smallest=2 if treatment == "average" else 1).assign(row=lambda rows: np.arange(len(rows)))
    design = estimate.Design(
        data, "w", strata=("stratum", "zone"), units=("town", "street"), population=population, single_unit=treatment
    )
    found = {
        "total": design.totals("y", by="kind"), "mean": design.means("y", by="kind"),
        "ratio": design.ratios([("y", "x")], by="kind"),
    }  # fmt: skip
    for at, (_, mine) in enumerate(data.groupby("kind")):
        size, y, x = mine["w"].sum(), (mine["w"] * mine["y"]).sum(), (mine["w"] * mine["x"]).sum()
        influence = {
            "total": mine["y"],
            "mean": (mine["y"] - y / size) / size,
            "ratio": (mine["y"] - y / x * mine["x"]) / x,
        }
        for what, values in influence.items():
            scores = (mine["w"] * values).reindex(data.index, fill_value=0.0)
            expected = np.sqrt(_slowly(data.assign(z=scores).to_dict("records"), _stages(population), treatment))
            assert_allclose(found[what].loc[at, "standard_error"], expected, rtol=1e-9, atol=1e-12)
    assert_allclose(found["ratio"]["estimate"], found["total"]["estimate"] / design.totals("x", by="kind")["estimate"])


def test_an_average_over_two_strata_of_three():
    # b has one unit; a: 2 (1 + 1) = 4, c: 2 (4 + 4) = 16; (4 + 16) 3/2 = 30.
    data = pd.DataFrame({"h": list("aabcc"), "w": 1.0, "y": [1, 3, 9, 2, 6]})
    design = estimate.Design(data, "w", strata="h", single_unit="average")
    assert_allclose(design.totals("y")["standard_error"], np.sqrt(30))


def test_two_strata_worked_by_hand():
    # Plains: 5 (2 + 4) = 30, variance 10^2 (1 - 2/10) 2 / 2 = 80. Hills are a census: 12.
    data = pd.DataFrame({"h": ["p", "p", "q", "q"], "N": [10, 10, 2, 2], "w": [5.0, 5, 1, 1], "y": [2, 4, 5, 7]})
    found = estimate.Design(data, "w", strata=("h",), population=("N",)).totals(["y"]).iloc[0]
    assert (found["estimate"], found["n"], found["degrees_of_freedom"]) == (42, 4, 2)
    assert_allclose(found["standard_error"], np.sqrt(80))


def test_two_stages_worked_by_hand():
    # Of 4 towns two, of 3 houses each two: weight 3. Town totals 3 (1 + 3) = 12 and 3 (2 + 6) = 24;
    # (1 - 2/4) 2 (36 + 36) = 72. Within: 2/4 (1 - 2/3) 2 ((3-6)^2 + (9-6)^2) = 6 and 2/4 (1/3) 2 (36 + 36) = 24.
    data = pd.DataFrame({"town": [1, 1, 2, 2], "N": 4, "M": 3, "w": 3.0, "y": [1, 3, 2, 6]})
    found = estimate.Design(data, "w", units=("town",), population=("N", "M")).totals("y").iloc[0]
    assert_allclose([found["estimate"], found["standard_error"]], [36, np.sqrt(72 + 6 + 24)])
    assert found["degrees_of_freedom"] == 1


def test_a_domain_counts_zeros_elsewhere():
    # y in the domain: 4, 0, 8, 0 of 40; s^2 of (4, 0, 8, 0) = 14.67, variance 40^2 (1 - 4/40) 14.67 / 4.
    data = pd.DataFrame({"w": 10.0, "N": 40, "y": [4, 5, 8, 1], "d": ["in", "out", "in", "out"]})
    found = estimate.Design(data, "w", population=("N",)).totals("y", by="d").set_index("d").loc["in"]
    assert_allclose(
        [found["estimate"], found["standard_error"]], [120, np.sqrt(1600 * 0.9 * np.var([4, 0, 8, 0], ddof=1) / 4)]
    )


def test_the_nested_estimator_is_unbiased_over_every_sample():
    # Two of three towns, two of three houses in each: over all 3 * 3 * 3 samples the estimate varies as it says.
    houses = {"a": [1, 5, 3], "b": [2, 2, 9], "c": [7, 1, 0]}
    totals, variances = [], []
    for towns in combinations(houses, 2):
        for chosen in product(*(combinations(houses[town], 2) for town in towns)):
            rows = [(town, y) for town, values in zip(towns, chosen, strict=True) for y in values]
            data = pd.DataFrame(rows, columns=["town", "y"]).assign(w=9 / 4, N=3, M=3)
            found = estimate.Design(data, "w", units="town", population=("N", "M")).totals("y").iloc[0]
            totals.append(found["estimate"])
            variances.append(found["standard_error"] ** 2)
    assert_allclose(np.mean(totals), 30)
    assert_allclose(np.mean(variances), np.var(totals))


def test_simple_random_sampling_has_no_design_effect():
    data = pd.DataFrame({"w": 12.5, "N": 100, "y": [3.0, 1, 4, 1, 5, 9, 2, 6], "x": [1.0, 2, 1, 3, 1, 2, 2, 1]})
    design = estimate.Design(data, "w", population=("N",))
    for found in (design.totals("y"), design.means("y"), design.ratios([("y", "x")])):
        assert_allclose(found["design_effect"], 1)


def _small() -> pd.DataFrame:
    return pd.DataFrame({
        "h": ["a", "a", "a", "b", "b", "b"], "psu": [1, 1, 2, 1, 2, 3], "w": [2.0, 3, 2, 4, 1, 2],
        "county": ["09", "10", "09", "10", None, "09"], "sex": ["m", "f", "f", "m", "f", "m"],
        "y": [1.0, nan, 0, 1, 1, 0], "x": [5.0, 2, nan, 1, 8, 4],
    })  # fmt: skip


def test_a_missing_value_leaves_the_domain_and_its_unit_stays():
    data = _small()
    design = estimate.Design(data, "w", strata="h", units="psu")
    found = design.totals(["y", "x"]).set_index("variable")
    zeros = design.totals  # the same with a zero in its place
    filled = estimate.Design(data.fillna({"x": 0}), "w", strata="h", units="psu").totals("x").iloc[0]
    assert list(found["n"]) == [5, 5]
    assert_allclose(found.loc["x", "standard_error"], filled["standard_error"])
    # x is missing in the only row of its unit: among the rows with a value are 4 units in 2 strata.
    assert list(found["degrees_of_freedom"]) == [3, 2]
    assert zeros("x")["estimate"][0] == filled["estimate"]


def test_figures_of_domains_are_those_of_marked_variables():
    data = _small()
    design = estimate.Design(data, "w", strata="h", units="psu")
    found = design.totals("y", by=("sex", "county"))
    marked = data.assign(y=data["y"].where((data["sex"] == "f") & (data["county"] == "09"), 0.0))
    whole = estimate.Design(marked, "w", strata="h", units="psu").totals("y")
    mine = found[(found["sex"] == "f") & (found["county"] == "09")].iloc[0]
    assert (mine["estimate"], mine["standard_error"]) == (whole["estimate"][0], whole["standard_error"][0])


def test_tables_are_sorted_and_rows_without_a_domain_are_in_none():
    found = estimate.Design(_small(), "w", strata="h", units="psu").means(["x", "y"], by=("county", "sex"))
    assert list(zip(found["county"], found["sex"], found["variable"], strict=True)) == [
        ("09", "f", "x"), ("09", "f", "y"), ("09", "m", "x"), ("09", "m", "y"),
        ("10", "f", "x"), ("10", "f", "y"), ("10", "m", "x"), ("10", "m", "y"),
    ]  # fmt: skip
    assert found["n"].sum() == 8


def test_a_domain_without_a_value_has_no_estimate():
    found = estimate.Design(_small(), "w", strata="h", units="psu").proportions("y", by=("county", "sex"))
    empty = found[(found["county"] == "10") & (found["sex"] == "f")].iloc[0]
    assert (empty["n"], empty["degrees_of_freedom"]) == (0, 0)
    assert empty[["estimate", "standard_error", "design_effect", "lower", "upper"]].isna().all()
    totals = estimate.Design(_small(), "w").totals("y", by=("county", "sex"))
    assert totals.loc[2, ["estimate", "standard_error"]].isna().all()


def test_nobody_in_any_domain_makes_an_empty_table():
    found = estimate.Design(_small().assign(county=None), "w").means("y", by="county")
    assert list(found.columns) == ["county", *COLUMNS]
    assert len(found) == 0


def test_a_denominator_of_zero_has_no_ratio():
    data = pd.DataFrame({"w": 1.0, "y": [1.0, 2], "x": [0.0, 0]})
    found = estimate.Design(data, "w").ratios([("y", "x")])
    assert found.loc[0, "variable"] == "y/x"
    assert found.loc[0, "n"] == 2
    assert found.loc[0, ["estimate", "standard_error", "design_effect"]].isna().all()


def test_ratios_rest_on_rows_that_have_both():
    found = estimate.Design(_small(), "w").ratios([("y", "x")])
    assert (found.loc[0, "n"], found.loc[0, "estimate"]) == (4, 7 / 30)


def test_identifiers_nest():
    data = _small()
    apart = data.assign(psu=data["h"] + data["psu"].astype(str))
    pd.testing.assert_frame_equal(
        estimate.Design(data, "w", strata="h", units="psu").means(["y", "x"], by="sex"),
        estimate.Design(apart, "w", strata="h", units="psu").means(["y", "x"], by="sex"),
    )


def test_a_skipped_stage_is_one_that_is_complete():
    data = _country(5, smallest=2)

    def table(units, population, strata=()):
        return estimate.Design(data, "w", strata=strata, units=units, population=population).means("y", by="kind")

    alone = table(("stratum", "town"), (None, "all_towns"))
    pd.testing.assert_series_equal(
        alone["standard_error"], table(("town",), ("all_towns",), ("stratum",))["standard_error"]
    )
    pd.testing.assert_frame_equal(
        table(("town",), ("all_towns", None), ("stratum",)), table(("town",), ("all_towns",), ("stratum",))
    )
    pd.testing.assert_frame_equal(table(("town",), (None, None), ("stratum",)), table(("town",), (), ("stratum",)))


def test_later_changes_of_the_data_change_no_estimate():
    data = _small()
    design = estimate.Design(data, "w", strata="h", units="psu")
    before = design.totals("x")
    data["x"] = 0.0
    data.loc[:, "w"] = 1.0
    pd.testing.assert_frame_equal(design.totals("x"), before)


numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


@given(numbers)
def test_a_census_has_no_sampling_error(everyone):
    data = pd.DataFrame({"w": 1.0, "y": everyone, "N": len(everyone), "h": np.arange(len(everyone)) % 2})
    data["N"] = data.groupby("h")["h"].transform("size")
    found = estimate.Design(data, "w", strata="h", population="N").totals("y").iloc[0]
    assert_allclose(found["estimate"], sum(everyone), atol=1e-6)
    assert found["standard_error"] == 0


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_domains_add_up_and_order_changes_nothing(seed):
    data = _country(seed, smallest=1)

    def design(rows):
        return estimate.Design(rows, "w", strata="stratum", units="town", population="all_towns")

    whole, parts = design(data).totals(["y", "x"]), design(data).totals(["y", "x"], by="kind")
    assert_allclose(parts.groupby("variable", sort=False)["estimate"].sum(), whole["estimate"])
    assert parts["n"].sum() == whole["n"].sum()
    again = design(data.sample(frac=1, random_state=seed)).totals(["y", "x"], by="kind")
    assert_allclose(again.select_dtypes("number"), parts.select_dtypes("number"), rtol=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_means_move_with_the_scale(seed, factor, shift):
    data = _country(seed, smallest=2)
    moved = data.assign(y=factor * data["y"] + shift)
    first, then = (
        estimate.Design(rows, "w", strata="stratum", units="town").means("y", by="kind") for rows in (data, moved)
    )
    assert_allclose(then["estimate"], factor * first["estimate"] + shift, rtol=1e-9, atol=1e-9)
    assert_allclose(then["standard_error"], factor * first["standard_error"], rtol=1e-6, atol=1e-9)
    assert_allclose(then["design_effect"], first["design_effect"], rtol=1e-6)


@given(weights=st.lists(st.floats(0.1, 1e4), min_size=2, max_size=40), mark=st.sampled_from([0, 1]))
def test_all_alike_is_exact_and_its_interval_is_not(weights, mark):
    data = pd.DataFrame({"w": weights, "y": mark})
    for interval in ("logit", "beta", "wilson", "xlogit", "asin"):
        found = estimate.Design(data, "w").proportions("y", interval=interval).iloc[0]
        assert (found["estimate"], found["standard_error"]) == (mark, 0)
        assert np.isnan(found["design_effect"])
        size = data["w"].sum() ** 2 / (data["w"] ** 2).sum()
        bound = 1 - 0.025 ** (1 / size)
        assert_allclose([found["lower"], found["upper"]], [0, bound] if mark == 0 else [1 - bound, 1], rtol=1e-6)


@given(weights=st.lists(st.floats(0.1, 1e4), min_size=2, max_size=40), value=st.floats(0.1, 1e9))
def test_what_does_not_vary_has_no_design_effect(weights, value):
    found = estimate.Design(pd.DataFrame({"w": weights, "y": value}), "w").means("y").iloc[0]
    assert found["standard_error"] <= 1e-14 * value
    assert np.isnan(found["design_effect"])


def test_few_units_widen_the_interval_of_none():
    data = pd.DataFrame({"w": 1.0, "y": 0, "psu": np.arange(40) % 4})
    rows = estimate.Design(data, "w").proportions("y")["upper"][0]
    units = estimate.Design(data, "w", units="psu").proportions("y")["upper"][0]
    assert units > 1.5 * rows


def test_a_domain_that_was_taken_whole_is_known():
    data = pd.DataFrame({"w": [1.0, 1, 5, 5], "N": [2, 2, 10, 10], "h": list("aabb"), "y": 0})
    found = estimate.Design(data, "w", strata="h", population="N").proportions("y", by="h")
    assert (found.loc[0, "lower"], found.loc[0, "upper"]) == (0, 0)
    assert found.loc[1, "upper"] > 0.5
    gap = data.assign(y=[0, nan, 0, 0])
    assert estimate.Design(gap, "w", strata="h", population="N").proportions("y", by="h").loc[0, "upper"] > 0.5


def test_marks_may_be_booleans_and_nothing_else():
    data = pd.DataFrame({"w": 1.0, "y": [True, False, True], "z": [0, 1, 2]})
    assert_allclose(estimate.Design(data, "w").proportions("y")["estimate"], 2 / 3)
    with pytest.raises(DesignMismatch, match="column z: found a mark of 2"):
        estimate.Design(data, "w").proportions("z")


@pytest.mark.parametrize("weight", [0.0, -1.0, np.inf, nan])
def test_weights_that_are_none_are_refused(weight):
    data = _small()
    data.loc[3, "w"] = weight
    with pytest.raises(WeightWrong, match="column w, row 3"):
        estimate.Design(data, "w", strata="h")


def test_a_stratum_with_one_unit_is_named():
    data = _small().assign(psu=[1, 1, 1, 1, 2, 3], N=[1, 1, 1, 9, 9, 9], M=[4, 4, 4, 9, 9, 9])
    with pytest.raises(SingleUnit, match="stage 1, h a: found one unit of several"):
        estimate.Design(data, "w", strata="h", units="psu", single_unit="fail")
    # The only unit there is was taken: it has no variance, and is not single.
    estimate.Design(data, "w", strata="h", units="psu", population="N", single_unit="fail")
    with pytest.raises(SingleUnit, match="stage 2, h b, psu 1"):
        estimate.Design(data, "w", strata="h", units="psu", population=("N", "M"), single_unit="fail")


def test_an_average_needs_something_to_go_by():
    data = pd.DataFrame({"h": list("ab"), "w": 1.0, "y": [1, 2]})
    with pytest.raises(SingleUnit, match="no stratum with two units"):
        estimate.Design(data, "w", strata="h", single_unit="average")


@pytest.mark.parametrize(("change", "named"), [
    ({"N": [2, 2, 2, 9, 9, 9]}, "stage 1, h a: found N 2 for 3 units drawn"),
    ({"N": [9, 9, 9, 9, 9, 8]}, "stage 1, h b: found N from 8 to 9"),
    ({"N": [9, 9, nan, 9, 9, 9]}, "stage 1, h a"),
    ({"N": ["many"] * 6}, "column N: found .* wanted numbers"),
    ({"h": ["a", "a", None, "b", "b", "b"]}, "column h: found rows without a value"),
])  # fmt: skip
def test_populations_and_strata_that_do_not_fit_are_refused(change, named):
    data = _small().assign(N=9).assign(**change)
    with pytest.raises(DesignMismatch, match=named):
        estimate.Design(data, "w", strata="h", population="N")


@pytest.mark.parametrize("asked", [
    {"weight": "v"}, {"strata": "v"}, {"units": "v"}, {"population": "v"},
    {"strata": ("h", "sex")}, {"population": ("N", "N")}, {"units": "psu", "population": ("N", "N", "N")},
])  # fmt: skip
def test_columns_and_stages_that_are_not_there_are_refused(asked):
    with pytest.raises(DesignMismatch):
        estimate.Design(_small().assign(N=9), **({"weight": "w"} | asked))


def test_questions_that_have_no_answer_are_refused():
    design = estimate.Design(_small().assign(big=np.inf), "w", strata="h")
    for ask in (
        lambda: design.means("nothing"), lambda: design.means("y", by="nothing"), lambda: design.totals("sex"),
        lambda: design.totals("big"), lambda: design.ratios([("y", "nothing")]),
        lambda: estimate.Design(_small().iloc[:0], "w"),
    ):  # fmt: skip
        with pytest.raises(DesignMismatch):
            ask()
    with pytest.raises(SettingWrong, match="interval"):
        design.proportions("y", interval="wald")
    with pytest.raises(SettingWrong, match="confidence"):
        design.proportions("y", confidence=95)
    with pytest.raises(SettingWrong, match="single_unit"):
        estimate.Design(_small(), "w", single_unit="ignore")
