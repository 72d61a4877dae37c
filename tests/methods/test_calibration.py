"""Calibration: margins met, weights moved as they should be, variances of residuals."""

from math import nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from methods import estimate
from methods.errors import CalibrationFailed, DesignMismatch, SettingWrong

METHODS = [("linear", None), ("linear", (0.2, 3.0)), ("raking", None), ("logit", (0.2, 3.0))]


def _sample(seed: int = 1) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    data = pd.DataFrame({"h": np.repeat(list("abcd"), 15), "psu": np.tile(np.repeat(np.arange(5), 3), 4)})
    data["N"], data["M"] = 20, 9
    data["w"] = chance.uniform(5, 20, 60).round(1)
    data["type"] = chance.choice(["E", "H", "M"], 60)
    data["sex"] = chance.choice([1, 2], 60)
    data["loan"] = chance.lognormal(3, 0.6, 60).round(1)
    data["y"] = (data["loan"] * 2 + chance.normal(0, 5, 60)).round(1)
    data["b"] = (chance.random(60) < 0.3).astype(float)
    return data.sample(frac=1, random_state=seed).reset_index(drop=True)


def _design(data: pd.DataFrame, **more) -> estimate.Design:
    return estimate.Design(data, "w", **({"strata": ("h",), "units": ("psu",), "population": ("N", "M")} | more))


def _counts(data: pd.DataFrame, column: str, factor: float) -> dict:
    counts = data.groupby(column)["w"].sum()
    return (counts * np.linspace(0.9, 1.2, len(counts)) * factor).to_dict()


def _agreeing(data: pd.DataFrame) -> dict:
    kinds, sexes = _counts(data, "type", 1.0), _counts(data, "sex", 1.0)
    factor = sum(kinds.values()) / sum(sexes.values())
    return {"type": kinds, "sex": {sex: count * factor for sex, count in sexes.items()},
            "loan": 1.05 * float((data["w"] * data["loan"]).sum())}  # fmt: skip


def _matrix(data: pd.DataFrame, margins: dict) -> np.ndarray:
    columns = []
    for name, known in margins.items():
        if isinstance(known, dict):
            columns += [(data[name] == level).to_numpy(float) for level in known]
        else:
            columns.append(data[name].to_numpy(float))
    return np.column_stack(columns)


def _residual(values: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    root = np.sqrt(weight)
    return values - x @ np.linalg.lstsq(x * root[:, None], values * root, rcond=None)[0]


def test_post_stratified_worked_by_hand():
    # E: weight 10 + 10 to 30, factor 1.5; H: 10 to 5, factor 0.5. Total 1.5 (10 + 30) + 0.5 * 50 = 85. Residuals about
    # the means of E (2) and H (5), times weight and factor: -15, 15, 0; with replacement 3/2 (225 + 225) = 675.
    data = pd.DataFrame({"w": 10.0, "type": ["E", "E", "H"], "y": [1, 3, 5]})
    design = estimate.Design(data, "w").post_stratified("type", {"E": 30, "H": 5})
    assert_allclose(design.weights, [15, 15, 5])
    found = design.totals("y").iloc[0]
    assert_allclose([found["estimate"], found["standard_error"]], [85, np.sqrt(675)])


def test_a_mean_in_post_strata_worked_by_hand():
    # Mean 85 / 35. Linearised (y - 17/7) / 35 within E: residuals -1/35, 1/35 times 15: 3/2 * 2 * (15/35)^2.
    data = pd.DataFrame({"w": 10.0, "type": ["E", "E", "H"], "y": [1, 3, 5]})
    found = estimate.Design(data, "w").post_stratified("type", {"E": 30, "H": 5}).means("y").iloc[0]
    assert_allclose([found["estimate"], found["standard_error"]], [85 / 35, np.sqrt(3) * 15 / 35])


def test_raking_is_iterative_proportional_fitting():
    data = _sample()
    margins = {name: known for name, known in _agreeing(data).items() if name != "loan"}
    weight = data["w"].copy()
    for _ in range(200):
        for name, known in margins.items():
            weight *= data[name].map(known) / weight.groupby(data[name]).transform("sum")
    assert_allclose(_design(data).calibrated(margins, "raking").weights, weight, rtol=1e-9)


def test_linear_weights_are_those_of_the_regression():
    data = _sample()
    margins = _agreeing(data)
    x, weight = _matrix(data, margins), data["w"].to_numpy()
    wanted = np.concatenate([np.array(list(v.values())) if isinstance(v, dict) else [v] for v in margins.values()])
    expected = weight * (1 + x @ np.linalg.lstsq(x.T @ (x * weight[:, None]), wanted - x.T @ weight, rcond=None)[0])
    assert_allclose(_design(data).calibrated(margins).weights, expected, rtol=1e-9)


@pytest.mark.parametrize(("method", "bounds"), METHODS)
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_margins_are_met_within_bounds(method, bounds, seed):
    data = _sample(seed)
    margins = _agreeing(data)
    design = _design(data).calibrated(margins, method, bounds)
    for name, known in margins.items():
        if isinstance(known, dict):
            assert_allclose(design.weights.groupby(data[name]).sum()[list(known)], list(known.values()), rtol=1e-9)
        else:
            assert_allclose((design.weights * data[name]).sum(), known, rtol=1e-9)
    ratio = design.weights / data["w"]
    if bounds:
        assert ratio.between(*bounds).all()
    # What is known has no error.
    assert design.totals("loan")["standard_error"][0] < 1e-9 * _design(data).totals("loan")["standard_error"][0]


@pytest.mark.parametrize(("method", "bounds"), METHODS)
def test_variances_are_those_of_residuals_times_ratios(method, bounds):
    data = _sample()
    margins = _agreeing(data)
    design = _design(data).calibrated(margins, method, bounds)
    weight, after, x = data["w"].to_numpy(), design.weights.to_numpy(), _matrix(data, margins)
    found = design.means("y", by="h").set_index("h")
    totals = design.totals("y", by="h").set_index("h")
    for domain in "abcd":
        mine = (data["h"] == domain).to_numpy(float)
        size, total = (after * mine).sum(), (after * mine * data["y"]).sum()
        for values, table in ((mine * (data["y"] - total / size) / size, found), (mine * data["y"], totals)):
            z = after / weight * _residual(values.to_numpy(), x, weight)
            expected = _design(data.assign(z=z)).totals("z")["standard_error"][0]
            assert_allclose(table.loc[domain, "standard_error"], expected, rtol=1e-9)


@pytest.mark.parametrize("stages", [{}, {"population": ()}, {"units": (), "population": ()}])
def test_one_calibration_on_another(stages):
    data = _sample()
    margins = {"sex": _agreeing(data)["sex"], "loan": _agreeing(data)["loan"]}
    kinds = _agreeing(data)["type"]
    first = _design(data, **stages).post_stratified("type", kinds)
    both = first.calibrated(margins, "raking")
    w0, w1, w2 = (design.to_numpy() for design in (data["w"], first.weights, both.weights))
    inner = w2 / w1 * _residual(data["y"].to_numpy(), _matrix(data, margins), w1)
    z = w1 / w0 * _residual(inner, _matrix(data, {"type": kinds}), w0)
    expected = _design(data.assign(z=z), **stages).totals("z")["standard_error"][0]
    assert_allclose(both.totals("y")["standard_error"][0], expected, rtol=1e-9)
    assert_allclose((both.weights * data["loan"]).sum(), margins["loan"], rtol=1e-9)
    # The design it came from is as it was.
    assert_allclose(first.weights.groupby(data["type"]).sum()[list(kinds)], list(kinds.values()))


def test_a_variable_nearly_known_keeps_its_digits():
    data = _sample()
    data["y"] = 1e6 * data["loan"] + 1e-2 * data["b"]
    margins = {"loan": _agreeing(data)["loan"]}
    design = _design(data).calibrated(margins)
    z = design.weights / data["w"] * _residual(data["b"].to_numpy(), _matrix(data, margins), data["w"].to_numpy())
    expected = 1e-2 * _design(data.assign(z=z)).totals("z")["standard_error"][0]
    assert_allclose(design.totals("y")["standard_error"][0], expected, rtol=1e-3)


@pytest.mark.parametrize("seed", [38, 52, 269, 372, 409, 899])
def test_weights_at_their_bounds_are_found(seed):
    # Overlapping categories and a skewed number, with most weights at a bound: hard for Newton's method.
    chance = np.random.default_rng(seed)
    rows = int(chance.integers(12, 40))
    weight = chance.uniform(1, 10, rows)
    kinds = [chance.integers(0, count, rows) == level for count in (5, 4) for level in range(count)]
    data = pd.DataFrame(np.column_stack([*kinds, chance.lognormal(0, 1.5, rows)]).astype(float)).add_prefix("x")
    low, high = chance.uniform(0.3, 0.95), chance.uniform(1.05, 2)
    ratio = np.clip(1 + data.to_numpy() @ chance.normal(0, 2, data.shape[1]), low, high)
    margins = {name: float(data[name] @ (weight * ratio)) for name in data}
    design = estimate.Design(data.assign(w=weight), "w").calibrated(margins, "linear", (low, high))
    for name, known in margins.items():
        assert_allclose(design.weights @ data[name], known, rtol=1e-8, atol=1e-8)
    assert design.weights.between(low * weight * (1 - 1e-12), high * weight * (1 + 1e-12)).all()


def test_rials_and_heads_calibrate_together():
    data = _sample()
    margins = _agreeing(data)
    rials = margins | {"loan": margins["loan"] * 1e10}
    first = _design(data).calibrated(margins)
    then = _design(data.assign(loan=data["loan"] * 1e10)).calibrated(rials)
    assert_allclose(then.weights, first.weights, rtol=1e-9)
    assert_allclose(then.means("y")["standard_error"], first.means("y")["standard_error"], rtol=1e-9)


def test_redundant_margins_change_nothing():
    data = _sample().assign(one=1.0)
    kinds = _agreeing(data)["type"]
    once = _design(data).calibrated({"type": kinds})
    again = _design(data).calibrated({"type": kinds, "one": sum(kinds.values())})
    assert_allclose(again.weights, once.weights)
    pd.testing.assert_frame_equal(again.means(["y", "b"], by="h"), once.means(["y", "b"], by="h"), rtol=1e-9)


def test_calibrated_to_what_is_estimated_already_moves_nothing():
    data = _sample()
    totals = data.groupby("type")["w"].sum().to_dict()
    assert_allclose(_design(data).post_stratified("type", totals).weights, data["w"])


def test_proportions_and_ratios_of_a_calibrated_design():
    data = _sample()
    design = _design(data).calibrated(_agreeing(data), "raking")
    share = design.proportions("b", by="h", interval="logit")
    assert ((share["lower"] < share["estimate"]) & (share["estimate"] < share["upper"])).all()
    pd.testing.assert_frame_equal(share.drop(columns=["lower", "upper"]), design.means("b", by="h"))
    assert design.ratios([("loan", "loan")], by="h")["standard_error"].max() < 1e-12


def test_margins_that_disagree_are_named():
    data = _sample()
    margins = _agreeing(data)
    margins["sex"] = {sex: 2 * count for sex, count in margins["sex"].items()}
    for method, bounds in METHODS:
        with pytest.raises(CalibrationFailed, match=r"margin (sex|type)=.*found a total of .*wanted"):
            _design(data).calibrated({name: margins[name] for name in ("type", "sex")}, method, bounds)


def test_bounds_too_narrow_are_named():
    data = _sample()
    for method in ("linear", "logit"):
        with pytest.raises(CalibrationFailed, match=r"margin type=.* within ratios of 0.99 to 1.01"):
            _design(data).calibrated({"type": _agreeing(data)["type"]}, method, (0.99, 1.01))


def test_raking_cannot_turn_a_sign():
    data = _sample()
    with pytest.raises(CalibrationFailed, match="margin loan"):
        _design(data).calibrated({"loan": -5.0}, "raking")


@pytest.mark.parametrize(("margins", "named"), [
    ({"type": {"E": 5, "H": 5}}, "margin type=M: found .* rows and no count"),
    ({"type": {"E": 5, "H": 5, "M": 5, "X": 5}}, "margin type=X: found no row"),
    ({"type": {"E": 5, "H": 5, "M": 0}}, "margin type=M: found a count of 0"),
    ({"type": {"E": 5, "H": 5, "M": nan}}, "margin type=M: found a count of nan"),
    ({"loan": np.inf}, "margin loan: found a total of inf"),
    ({}, "margins: found none"),
])  # fmt: skip
def test_margins_that_cannot_be_are_refused(margins, named):
    with pytest.raises(CalibrationFailed, match=named):
        _design(_sample()).calibrated(margins)


@pytest.mark.parametrize("margins", [{"gap": {"E": 1}}, {"hole": 5.0}, {"nothing": 5.0}, {"type": 5.0}])
def test_columns_that_cannot_be_calibrated_are_refused(margins):
    data = _sample().assign(gap=["E", None] * 30, hole=[1.0, nan] * 30)
    with pytest.raises(DesignMismatch):
        _design(data).calibrated(margins)


@pytest.mark.parametrize(("method", "bounds"), [
    ("exact", None), ("logit", None), ("raking", (0.5, 2)), ("linear", (1.1, 2)), ("logit", (0.5, 0.9)),
    ("logit", (0.5, np.inf)),
])  # fmt: skip
def test_methods_and_bounds_that_do_not_go_together_are_refused(method, bounds):
    with pytest.raises(SettingWrong):
        _design(_sample()).calibrated({"type": {"E": 5, "H": 5, "M": 5}}, method, bounds)
