import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from methods.errors import GuidelineMissing, PropensityUnfit
from methods.estimate import nonresponse
from methods.estimate.nonresponse import weighting_classes

RULES = {
    "treatment_by_outcome": {"non_contact": "nonresponse", "moved": "nonresponse", "pending": "apart",
                             "not_attempted": "apart"},
    "propensity_factors": ["agency_code"],
    "loan_band_bounds_rial": ["100", "200"],
    "ridge_penalty": "0.001",
    "class_count": "5",
    "minimum_class_decided_count": "2",
    "minimum_class_response_share": "0.1",
}  # fmt: skip


def plans_of(counts, probability=0.5, outcome="non_contact"):
    """Lay out agencies with their decided and undecided plans."""
    rows = [
        {"agency_code": agency, "is_decided": place < decided}
        for agency, (decided, undecided) in counts.items()
        for place in range(decided + undecided)
    ]
    plans = pd.DataFrame(rows).assign(inclusion_probability=probability, loan_paid_rial=150, is_supervised=True)
    return plans.assign(outcome=np.where(plans["is_decided"], "confirmed", outcome))


def test_two_agencies_worked_by_hand():
    # P01 answers 8 of 10, P02 10 of 20: its decided plans stand for two each, those of P01 for 1.25.
    plans = plans_of({"P01": (8, 2), "P02": (10, 10)})
    found = weighting_classes(plans, RULES)
    assert found.quality == "weighted"
    assert found.table["response_share"].tolist() == pytest.approx([0.5, 0.8])
    assert found.table["factor"].tolist() == pytest.approx([2.0, 1.25])
    assert found.table["plan_count"].tolist() == [20, 10]
    decided = plans["is_decided"].to_numpy()
    assert found.factor[decided].tolist() == pytest.approx([1.25] * 8 + [2.0] * 10)
    assert (found.factor[~decided] == 0).all()


def test_response_is_counted_in_weights():
    # One plan of probability 1/4 undecided, 3 of 1/2 decided: 6 of 10 answer.
    plans = plans_of({"P01": (3, 1)})
    plans.loc[3, "inclusion_probability"] = 0.25
    found = weighting_classes(plans, RULES)
    assert found.quality == "one_class"
    assert found.table["factor"].tolist() == pytest.approx([10 / 6])


def test_what_is_pending_stands_apart():
    plans = plans_of({"P01": (8, 2), "P02": (10, 10)})
    more = plans.iloc[[9] * 7].assign(outcome="pending")
    untried = plans.iloc[[9] * 3].assign(outcome="not_attempted", is_supervised=False)
    found = weighting_classes(pd.concat([plans, more, untried], ignore_index=True), RULES)
    assert found.of_plan[-10:].tolist() == [-1] * 10
    assert found.table["factor"].tolist() == pytest.approx([2.0, 1.25])


def test_all_or_none_decided_is_stated():
    everyone = weighting_classes(plans_of({"P01": (8, 0), "P02": (10, 0)}), RULES)
    assert (everyone.quality, set(everyone.factor)) == ("all_decided", {1.0})
    nobody = weighting_classes(plans_of({"P01": (0, 5)}), RULES)
    assert (nobody.quality, set(nobody.factor)) == ("none_decided", {0.0})
    # Nothing at an end at all.
    unfinished = weighting_classes(plans_of({"P01": (0, 5)}, outcome="pending"), RULES)
    assert (unfinished.quality, len(unfinished.table)) == ("none_decided", 0)


def test_a_class_without_answers_is_joined_to_the_next():
    plans = plans_of({"P01": (0, 10), "P02": (15, 5), "P03": (18, 2)})
    found = weighting_classes(plans, RULES)
    # P01 with P02: 15 of 30; P03 by itself.
    assert found.table["plan_count"].tolist() == [30, 20]
    assert found.table["factor"].tolist() == pytest.approx([2.0, 20 / 18])


def test_a_class_too_small_at_the_top_is_joined_to_the_one_before():
    plans = plans_of({"P01": (10, 10), "P02": (5, 0)})
    found = weighting_classes(plans, RULES | {"minimum_class_decided_count": "6"})
    assert found.table["plan_count"].tolist() == [25]
    assert found.quality == "one_class"


def test_classes_answered_too_rarely_are_joined():
    plans = plans_of({"P01": (4, 36), "P02": (30, 10), "P03": (38, 2)})
    found = weighting_classes(plans, RULES | {"minimum_class_response_share": "0.33"})
    assert found.table["plan_count"].tolist() == [80, 40]
    assert found.table["factor"].max() <= 1 / 0.33


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=8))
def test_raised_weights_add_up_to_all_that_were_asked(counts):
    counts = {f"P{place:02d}": pair for place, pair in enumerate(counts)}
    if sum(map(sum, counts.values())) == 0:
        return
    plans = plans_of(counts)
    plans["inclusion_probability"] = np.linspace(0.2, 1, len(plans))
    weight = 1 / plans["inclusion_probability"]
    found = weighting_classes(plans, RULES)
    if found.quality != "none_decided":
        assert (weight * found.factor).sum() == pytest.approx(weight.sum(), rel=1e-9)
        assert (found.factor[plans["is_decided"]] >= 1 - 1e-12).all()
    # However many classes, the least propensity of one is above the greatest of the one below.
    bounds = found.table[["lowest_propensity", "highest_propensity"]].to_numpy().ravel()
    assert (np.diff(bounds) >= 0).all()


def test_the_order_of_plans_changes_nothing():
    rng = np.random.default_rng(5)
    plans = plans_of({f"P{place:02d}": (10 + place, 20 - place) for place in range(12)})
    order = rng.permutation(len(plans))
    found, shuffled = weighting_classes(plans, RULES), weighting_classes(plans.iloc[order], RULES)
    assert (found.factor[order] == shuffled.factor).all()
    pd.testing.assert_frame_equal(found.table, shuffled.table)


def test_the_regression_finds_the_optimum():
    rng = np.random.default_rng(7)
    design = np.column_stack([np.ones(40), rng.integers(0, 2, (40, 5))]).astype(float)
    number = rng.integers(1, 30, 40).astype(float)
    hits = rng.binomial(number.astype(int), 0.7).astype(float)
    penalty = np.array([0, *[1.0] * 5])

    def loss(at):
        linear = design @ at
        return number @ np.logaddexp(0, linear) - hits @ linear + penalty @ at**2 / 2

    best = optimize.minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-9})
    assert nonresponse._logistic(design, number, hits, 1.0) == pytest.approx(best.x, abs=1e-6)


def test_factors_that_tell_answers_apart_for_sure_still_converge():
    plans = plans_of({"P01": (40, 0), "P02": (0, 40), "P03": (20, 20)})
    found = weighting_classes(plans, RULES | {"ridge_penalty": "0.0001"})
    assert found.quality == "weighted"


def test_a_regression_without_an_optimum_is_refused(monkeypatch):
    monkeypatch.setattr(nonresponse, "MOST_STEPS", 1)
    with pytest.raises(PropensityUnfit, match="ridge_penalty"):
        weighting_classes(plans_of({"P01": (8, 2), "P02": (10, 10)}), RULES)


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        ({"treatment_by_outcome": {"moved": "nonresponse"}}, "non_contact"),
        ({"treatment_by_outcome": {"non_contact": "whatever"}}, "non_contact"),
        ({"propensity_factors": ["shoe_size"]}, "shoe_size"),
        ({"propensity_factors": []}, "propensity_factors"),
    ],
)
def test_a_guideline_that_does_not_say_enough_is_named(rules, name):
    with pytest.raises(GuidelineMissing, match=name):
        weighting_classes(plans_of({"P01": (8, 2)}), RULES | rules)


def test_a_plan_nobody_tried_cannot_have_been_asked():
    plans = plans_of({"P01": (8, 2)}, outcome="not_attempted").assign(is_supervised=lambda rows: rows["is_decided"])
    with pytest.raises(GuidelineMissing, match="not_attempted"):
        weighting_classes(plans, RULES | {"treatment_by_outcome": {"not_attempted": "nonresponse"}})


def test_loans_are_banded_and_what_is_missing_is_a_kind_of_its_own():
    plans = plans_of({"P01": (30, 30)})
    plans["loan_paid_rial"] = np.where(np.arange(60) % 2, 99, 100)
    plans["is_decided"] = (plans["loan_paid_rial"] == 100) | (np.arange(60) < 10)
    plans["outcome"] = np.where(plans["is_decided"], "confirmed", "moved")
    plans["budget_note"] = np.where(plans["loan_paid_rial"] == 100, "15", None)
    for factor in ("loan_band", "budget_note"):
        found = weighting_classes(plans, RULES | {"propensity_factors": [factor]})
        assert found.table["response_share"].tolist() == pytest.approx([5 / 30, 1.0])


def test_weighting_takes_away_the_bias_of_answers_that_depend_on_the_class():
    rng = np.random.default_rng(1403)
    agency = rng.choice(["P01", "P02", "P03"], 30000)
    answers = rng.random(30000) < pd.Series(agency).map({"P01": 0.95, "P02": 0.8, "P03": 0.5})
    holds = rng.random(30000) < pd.Series(agency).map({"P01": 0.9, "P02": 0.7, "P03": 0.4})
    plans = pd.DataFrame(
        {
            "agency_code": agency, "is_decided": answers, "outcome": "moved", "inclusion_probability": 0.2,
            "loan_paid_rial": 1, "is_supervised": True,
        }
    )  # fmt: skip
    found = weighting_classes(plans, RULES)
    raw = holds[answers].mean()
    adjusted = (found.factor * holds).sum() / found.factor.sum()
    assert raw - holds.mean() > 0.04
    assert abs(adjusted - holds.mean()) < 0.006
