import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from methods import estimate
from methods.errors import AgreementUndefined, CountsImpossible, GuidelineMissing, RepeatsMismatch
from methods.estimate.agreement import pair_repeats

RULES = {"repeat_levels": ["national", "provincial"], "minimum_pair_count": "4"}
tables = st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=3, max_size=3)


def table_of(oracle, name):
    rows = pd.read_csv(oracle / "kappa_tables.csv")
    return rows[rows["t"] == name].pivot(index="Var1", columns="Var2", values="Freq").to_numpy(dtype=float)


@pytest.mark.parametrize("name", ["t3x3", "t2x2"])
def test_kappa_as_r_has_it(oracle, name):
    expected = pd.read_csv(oracle / "kappa.csv").set_index("table").loc[name]
    found = estimate.cohen_kappa(table_of(oracle, name))
    assert found.estimate == pytest.approx(expected["kappa"], rel=1e-9)
    assert found.standard_error == pytest.approx(expected["se_FCE"], rel=1e-9)
    assert (found.lower, found.upper) == pytest.approx((expected["lo"], expected["hi"]), rel=1e-9)
    assert found.n == expected["n"]


@pytest.mark.parametrize("name", ["t3x3", "t2x2"])
def test_weighted_kappa_as_r_has_it(oracle, name):
    expected = pd.read_csv(oracle / "kappa.csv").set_index("table").loc[name]
    found = estimate.cohen_kappa(table_of(oracle, name), weights="quadratic")
    assert found.estimate == pytest.approx(expected["weighted_kappa_quadratic"], rel=1e-9)
    if name == "t2x2":
        assert (found.lower, found.upper) == pytest.approx((expected["lo_w"], expected["hi_w"]), rel=1e-9)


def quadratic_kappa(shares):
    weights = 1 - np.subtract.outer(range(3), range(3)) ** 2 / 4
    chance = (np.outer(shares.sum(axis=1), shares.sum(axis=0)) * weights).sum()
    return ((shares * weights).sum() - chance) / (1 - chance)


def test_the_standard_error_of_weighted_kappa_is_that_of_the_delta_method():
    # psych 2.2.9 says 0.0265 for this table: its row weights are sums of the weights, not their mean under the margin.
    counts = np.array([[120, 15, 3], [10, 80, 12], [2, 9, 49]], dtype=float)
    shares, step = counts / counts.sum(), 1e-6
    slope = np.zeros((3, 3))
    for cell in np.ndindex(3, 3):
        moved = [shares.copy(), shares.copy()]
        moved[0][cell] += step
        moved[1][cell] -= step
        slope[cell] = (quadratic_kappa(moved[0] / (1 + step)) - quadratic_kappa(moved[1] / (1 - step))) / (2 * step)
    expected = np.sqrt(((shares * slope**2).sum() - (shares * slope).sum() ** 2) / counts.sum())
    found = estimate.cohen_kappa(counts, weights="quadratic")
    assert found.standard_error == pytest.approx(expected, rel=1e-7)


def test_kappa_worked_by_hand():
    # Agree on 35 of 50: 0.7; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5; (0.7 - 0.5) / 0.5.
    assert estimate.cohen_kappa([[20, 5], [10, 15]]).estimate == pytest.approx(0.4, rel=1e-12)


@given(tables)
def test_kappa_is_the_same_whoever_is_asked_first(table):
    counts = np.array(table)
    assume((counts.sum(axis=0) > 0).sum() > 1 and (counts.sum(axis=1) > 0).sum() > 1)
    for weights in ("none", "quadratic"):
        one, other = (estimate.cohen_kappa(each, weights) for each in (counts, counts.T))
        assert one.estimate == pytest.approx(other.estimate, abs=1e-9)
        assert one.standard_error == pytest.approx(other.standard_error, abs=1e-9)
        assert -1 <= one.lower <= one.estimate <= one.upper <= 1


@pytest.mark.parametrize("table", [[[10, 0], [0, 0]], [[0, 0], [0, 7]]])
def test_kappa_of_one_category_is_refused(table):
    with pytest.raises(AgreementUndefined, match="one category"):
        estimate.cohen_kappa(table)


@pytest.mark.parametrize("table", [[[1, 2, 3], [1, 2, 3]], [[5]], [[0, 0], [0, 0]], [[1, -1], [1, 1]],
                                   [[1, float("nan")], [1, 1]], [1, 2], "x", [[1, 2], [3]]])  # fmt: skip
def test_tables_that_cannot_be_are_refused(table):
    with pytest.raises(CountsImpossible, match="kappa"):
        estimate.cohen_kappa(table)


def test_weights_nobody_knows_are_refused():
    with pytest.raises(CountsImpossible, match="linear"):
        estimate.cohen_kappa([[1, 2], [3, 4]], weights="linear")


def plans_of(verdicts, province="00", firm="F1"):
    decided = [one != "non_contact" for one in verdicts]
    return pd.DataFrame(
        {
            "plan_id": [f"P{place:03d}" for place in range(len(verdicts))],
            "province_code": province,
            "firm_code": firm,
            "is_decided": decided,
            "is_confirmed": [one == "confirmed" for one in verdicts],
            "verdict": verdicts,
        }
    )


def repeats_of(plan_ids, verdicts, level="provincial", probability=0.5):
    return pd.DataFrame(
        {
            "plan_id": plan_ids,
            "level": level,
            "inclusion_probability": probability,
            "is_supervised": True,
            "is_decided": [one != "non_contact" for one in verdicts],
            "is_confirmed": [one == "confirmed" for one in verdicts],
            "verdict": verdicts,
        }
    )


def test_the_better_level_counts_where_it_decided_and_the_lower_says_how_likely_a_repeat_was():
    plans = plans_of(["confirmed"] * 4)
    repeats = pd.concat(
        [
            repeats_of(["P000", "P001", "P002"], ["confirmed", "deviation", "confirmed"]),
            repeats_of(["P000", "P001"], ["violation", "non_contact"], "national", 0.2),
        ],
        ignore_index=True,
    )
    found = pair_repeats(plans, repeats, RULES)
    assert found["is_repeated"].tolist() == [True, True, True, False]
    assert found["repeat_verdict"].tolist()[:3] == ["violation", "deviation", "confirmed"]
    assert found["repeat_is_confirmed"].tolist() == [False, False, True, False]
    assert found["repeat_probability"].tolist()[:3] == [0.5] * 3
    assert np.isnan(found["repeat_probability"].iloc[3])


def test_a_repeat_without_a_decision_is_none_but_was_drawn():
    found = pair_repeats(plans_of(["confirmed"]), repeats_of(["P000"], ["non_contact"]), RULES)
    assert (found["is_repeated"].item(), found["repeat_probability"].item()) == (False, 0.5)


@pytest.mark.parametrize(
    ("repeats", "name"),
    [
        (repeats_of(["P000", "P001", "P002"], ["confirmed"] * 3), "3 of 2 visits"),
        (repeats_of(["P000", "P000"], ["confirmed"] * 2), "second repeat"),
        (repeats_of(["P009"], ["confirmed"]), "P009, provincial.*never issued"),
        (repeats_of(["P000"], ["confirmed"], probability=0.0), "probability"),
        (repeats_of(["P000"], ["confirmed"], probability=1.5), "probability"),
        (repeats_of(["P000"], ["confirmed"], probability=float("nan")), "probability"),
    ],
)
def test_repeats_that_do_not_fit_the_visits_are_refused(repeats, name):
    with pytest.raises(RepeatsMismatch, match=name):
        pair_repeats(plans_of(["confirmed"] * 2), repeats, RULES)


def test_a_level_without_a_rank_is_refused():
    with pytest.raises(GuidelineMissing, match="regional"):
        pair_repeats(plans_of(["confirmed"]), repeats_of(["P000"], ["confirmed"], "regional"), RULES)


def confirmation(rows, level, unit):
    own = rows[(rows["level"] == level) & (rows["unit_code"] == unit) & (rows["measure"] == "confirmation")]
    return own.iloc[0]


def test_agreement_of_firms_provinces_and_nation():
    firsts = ["confirmed", "confirmed", "deviation", "violation"] * 5 + ["non_contact"]
    plans = plans_of(firsts)
    plans.loc[12:, ["province_code", "firm_code"]] = ["01", "F2"]
    seconds = ["confirmed", "violation", "deviation", "deviation"] * 5
    rows = estimate.agreement(plans, repeats_of(plans["plan_id"][:20], seconds), RULES)
    nation = confirmation(rows, "nation", estimate.NATION)
    # 5 confirmed by both, 5 by the first alone, 10 by neither.
    expected = estimate.cohen_kappa([[10, 0], [5, 5]])
    assert (nation["n"], nation["agreed_plan_count"], nation["quality"]) == (20, 15, "measured")
    assert nation[["estimate", "standard_error", "lower", "upper"]].tolist() == pytest.approx(
        [expected.estimate, expected.standard_error, expected.lower, expected.upper], rel=1e-9
    )
    assert (confirmation(rows, "firm", "F1")["n"], confirmation(rows, "province", "01")["n"]) == (12, 8)
    of_four = rows[(rows["level"] == "nation") & (rows["measure"] == "verdict")].iloc[0]
    assert of_four["agreed_plan_count"] == 10
    assert of_four["estimate"] < nation["estimate"]


def test_a_pair_counts_as_often_as_it_stands_for_others():
    # Repeated with 1/3: each stands for three. Kappa is that of the table with these pairs three times.
    plans = plans_of(["confirmed", "confirmed", "deviation", "deviation"] * 4)
    seconds = ["confirmed", "deviation", "deviation", "deviation"] * 4
    repeats = repeats_of(plans["plan_id"], seconds)
    repeats["inclusion_probability"] = [1.0, 1 / 3, 1.0, 1 / 3] * 4
    nation = confirmation(estimate.agreement(plans, repeats, RULES), "nation", estimate.NATION)
    assert nation["estimate"] == pytest.approx(estimate.cohen_kappa([[16, 0], [12, 4]]).estimate, rel=1e-9)
    assert nation["n"] == 16
    # 16 pairs of weights 1 and 3 know as much as (8 + 24)^2 / (8 + 72) = 12.8 alike.
    shares = np.array([[16, 0], [12, 4]]) / 32
    assert nation["standard_error"] == pytest.approx(estimate.cohen_kappa(shares * 12.8).standard_error, rel=1e-9)


def test_what_cannot_be_said_of_agreement_is_stated():
    plans = plans_of(["confirmed"] * 8)
    plans["province_code"] = ["00"] * 4 + ["01"] * 3 + ["02"]
    repeats = repeats_of(plans["plan_id"][:7], ["confirmed"] * 7)
    rows = estimate.agreement(plans, repeats, RULES)
    said = {unit: confirmation(rows, "province", unit)["quality"] for unit in ("00", "01", "02")}
    assert said == {"00": "one_category", "01": "too_few_repeats", "02": "not_measured"}
    assert (
        rows.loc[rows["quality"] != "measured", ["estimate", "standard_error", "lower", "upper"]].isna().all(axis=None)
    )


def test_a_round_without_repeats_says_so():
    nothing = repeats_of([], [])
    rows = estimate.agreement(plans_of(["confirmed", "deviation"]), nothing, RULES)
    assert set(rows["quality"]) == {"not_measured"}
    assert set(rows["level"]) == {"nation", "province"}
    assert (rows["n"] == 0).all()
