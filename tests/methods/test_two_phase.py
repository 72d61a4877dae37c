"""Two phases: against R survey, over every sample of a small population, and against one phase."""

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
from methods.errors import DesignMismatch, SettingWrong


@pytest.mark.parametrize("method", ["full", "approx"])
def test_re_inspections_agree_with_r(oracle: Path, method):
    data = pd.read_csv(oracle / "inspection_twophase.csv")
    design = estimate.TwoPhase(data, second="re", strata=("county", "st2"), population="N", method=method)
    expected = pd.read_csv(oracle / "twophase.csv")
    expected = expected[expected["case"] == f"inspection_twophase_{method}"]
    found = {
        "mean": design.means(["y2", "jobs2"]), "total": design.totals(["y2", "jobs2"]),
        "domain_mean:county": design.means("y2", by="county"),
    }  # fmt: skip
    found["domain_mean:county"]["variable"] += "|" + found["domain_mean:county"]["county"]
    table = pd.concat([rows.assign(stat=what) for what, rows in found.items()])
    both = expected.merge(table, on=["stat", "variable"], validate="one_to_one")
    assert len(both) == len(expected) == 16
    assert_allclose(both["estimate_y"], both["estimate_x"], rtol=1e-9)
    assert_allclose(both["standard_error"], both["se"], rtol=1e-9)


def test_the_full_variance_is_unbiased_over_every_sample():
    # Two of three units of each of two strata, then three of those four, whatever their stratum.
    strata = {"a": [8, 15, 3], "b": [2, 6, 10]}
    totals, variances = [], []
    for first in product(*(combinations(values, 2) for values in strata.values())):
        rows = [(name, y) for name, values in zip(strata, first, strict=True) for y in values]
        for second in combinations(range(4), 3):
            data = pd.DataFrame(rows, columns=["h", "y"]).assign(N=3)
            data["again"] = data.index.isin(second)
            found = estimate.TwoPhase(data, "again", strata=("h", None), population="N").totals("y").iloc[0]
            totals.append(found["estimate"])
            variances.append(found["standard_error"] ** 2)
    assert_allclose(np.mean(totals), 44)
    assert min(variances) > 0
    assert_allclose(np.mean(variances), np.var(totals), rtol=1e-9)


def test_strata_of_the_second_phase_are_those_that_the_first_drew():
    # Four of five units; of the three or four low ones among them two again, of the high one always.
    population = [11, 9, 10, 12, 40]
    found = []
    for first in combinations(population, 4):
        kinds = ["low" if y < 40 else "high" for y in first]
        low = [at for at, kind in enumerate(kinds) if kind == "low"]
        choices = list(combinations(low, 2))
        for chosen in choices:
            data = pd.DataFrame({"y": first, "kind": kinds, "N": 5})
            data["again"] = data.index.isin(chosen) | (data["kind"] == "high")
            row = estimate.TwoPhase(data, "again", strata=(None, "kind"), population="N").totals("y").iloc[0]
            found.append((row["estimate"], row["standard_error"] ** 2, 1 / len(choices)))
    totals, variances, chances = np.array(found).T
    assert variances.min() > 0
    mean = np.average(totals, weights=chances)
    assert_allclose(mean, 82)
    variance = np.average((totals - mean) ** 2, weights=chances)
    assert_allclose(np.average(variances, weights=chances), variance, rtol=1e-9)


def test_independent_draws_worked_by_hand():
    # Two of four in the second phase, weight 2, mean 4; residuals over the size of 4: -1/2 and 1/2.
    # First phase: (1/4 + 1/4) / (1/2) = 1. Second: (1 - 1/2) 2 (1 + 1) = 2.
    data = pd.DataFrame({"y": [2, nan, 6, nan], "again": [True, False, True, False]})
    found = estimate.TwoPhase(data, "again", population=None).means("y").iloc[0]
    assert_allclose([found["estimate"], found["standard_error"]], [4, np.sqrt(3)])
    assert (found["n"], found["degrees_of_freedom"]) == (2, 1)
    # approx: first phase 4/3 (1 - 0).
    again = estimate.TwoPhase(data, "again", method="approx").means("y").iloc[0]
    assert_allclose(again["standard_error"], np.sqrt(4 / 3 + 2))


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(["full", "approx"]))
def test_a_second_phase_of_all_is_one_phase(seed, method):
    chance = np.random.default_rng(seed)
    data = pd.DataFrame(
        {"h": np.arange(24) % 3, "g": chance.choice(list("uv"), 24), "d": chance.choice(list("pq"), 24)}
    )
    data["N"] = 8 + 5 * data["h"]
    data["w"] = data["N"] / 8
    data["y"], data["x"], data["again"] = chance.normal(5, 2, 24), chance.uniform(1, 2, 24), True
    data.loc[3, "y"] = nan
    one = estimate.Design(data, "w", strata="h", population="N")
    two = estimate.TwoPhase(data, "again", strata=("h", "g"), population="N", method=method)
    columns = ["d", "variable", "estimate", "standard_error", "n", "design_effect"]
    for ask in (
        lambda design: design.totals(["y", "x"], by="d"), lambda design: design.means(["y", "x"], by=("d",)),
        lambda design: design.ratios([("y", "x")], by="d"),
    ):  # fmt: skip
        pd.testing.assert_frame_equal(ask(two)[columns], ask(one)[columns], rtol=1e-9)


def _visits(**change) -> pd.DataFrame:
    data = pd.DataFrame(
        {"h": list("aaabbb"), "g": list("uuvvuu"), "again": [1, 0, 1, 1, 1, 0], "N": 9, "y": [1.0, nan, 2, 4, 8, nan]}
    )
    return data.assign(**change)


def test_what_was_measured_in_the_first_phase_alone_is_not_looked_at():
    design = estimate.TwoPhase(_visits(), "again", ("h", "g"), "N")
    other = estimate.TwoPhase(_visits(y=[1.0, 99, 2, 4, 8, 99]), "again", ("h", "g"), "N")
    pd.testing.assert_frame_equal(design.totals("y", by="h"), other.totals("y", by="h"))


def test_a_stratum_with_one_unit_again_adds_its_square():
    # One of two, weight 2: total 10; first phase 25 / (1/2) = 50 (independent), second (1 - 1/2) 10^2 = 50.
    data = pd.DataFrame({"y": [5.0, nan], "again": [True, False]})
    assert_allclose(estimate.TwoPhase(data, "again").totals("y")["standard_error"], 10)


@pytest.mark.parametrize("method", ["full", "approx"])
def test_a_first_stratum_of_one_unit_adds_its_square(method):
    # b: 1 of 5, again for sure: 25 becomes (1 - 1/5) 25^2 = 500. a is a census.
    data = pd.DataFrame({"h": list("aab"), "N": [2, 2, 5], "y": [3.0, 4, 5], "again": True})
    found = estimate.TwoPhase(data, "again", strata=("h", None), population="N", method=method).totals("y")
    assert_allclose(found.loc[0, ["estimate", "standard_error"]].astype(float), [32, np.sqrt(500)])


@pytest.mark.parametrize(("change", "asked", "named"), [
    ({"again": [1, 0, 0, 0, 1, 0]}, {}, "second phase, g v: found no unit drawn again"),
    ({"again": 0}, {}, "column again: found no row"),
    ({"again": [1, 0, 2, 1, 1, 0]}, {}, "column again: found a value that is neither"),
    ({"again": [1, 0, nan, 1, 1, 0]}, {}, "column again: found a value that is neither"),
    ({"g": [None, *"uvvuu"]}, {}, "column g: found rows without a value"),
    ({"N": 2}, {}, "h a: found N 2 for 3 units drawn"),
    ({}, {"strata": ("h", "other")}, "no column other"),
    ({}, {"strata": ("h", "g", "g")}, "strata"),
    ({}, {"strata": "h"}, "strata"),
    ({}, {"second": "other"}, "no column other"),
])  # fmt: skip
def test_phases_that_do_not_fit_are_refused(change, asked, named):
    given_ = {"second": "again", "strata": ("h", "g"), "population": "N"} | asked
    with pytest.raises(DesignMismatch, match=named):
        estimate.TwoPhase(_visits(**change), **given_)


def test_a_method_nobody_defined_is_refused():
    with pytest.raises(SettingWrong, match="full, approx"):
        estimate.TwoPhase(_visits(), "again", method="simple")
