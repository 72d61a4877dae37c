import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from methods import guideline, risk, sample
from methods.errors import ForbiddenInput, GuidelineMissing, VerdictsTooFew

ROOT = Path(__file__).parents[2]
LAW = yaml.load((ROOT / "guidelines" / "risk.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
RULES = guideline.section("risk", [LAW], "1403-01-01")
QUIET = {
    "loan_paid_rial": 100, "registered_job_count": 2, "is_enterprise": False, "is_advised": False,
    "is_agency_new": False, "wait_day_count": 30, "loan_per_job_ratio": 1.0, "paid_share": 1.0,
    "registered_job_share": 1.0, "adviser_plan_share": 0.0, "agency_refused_share": 0.25,
    "county_refused_share": 0.25,
}  # fmt: skip
NO_HISTORY = pd.DataFrame(
    columns=["agency_code", "county_code", "decided_plan_count", "decided_weight", "refused_weight"]
)


def plans(count=40, **changed):
    """Plans of one activity, agency and county, each of a loan of 100 for one job, save what is changed."""
    same = {
        "agency_code": "A1", "county_code": "0001", "plan_kind": "self_employment", "activity_code": "4711",
        "advising_firm_code": None, "loan_approved_rial": 100, "loan_paid_rial": 100, "job_commitment_count": 1,
        "registered_job_count": 1, "wait_day_count": 30,
    }  # fmt: skip
    return pd.DataFrame({name: changed.get(name, [value] * count) for name, value in same.items()})


def scored(**changed):
    return risk.score_by_rules(pd.DataFrame([QUIET | changed]), RULES).iloc[0]


@pytest.mark.parametrize(
    ("changed", "points", "fired"),
    [
        ({}, 0, ""),
        ({"registered_job_count": 0}, 3, "no_registered_job"),
        ({"loan_per_job_ratio": 3.0}, 0, ""),
        ({"loan_per_job_ratio": 3.01}, 3, "loan_per_job_high"),
        ({"wait_day_count": -1, "paid_share": 1.25}, 5, "paid_before_approved,paid_above_approved"),
        ({"registered_job_share": 0.5, "is_agency_new": True}, 3, "jobs_below_commitment,agency_new"),
        ({"agency_refused_share": np.nan, "registered_job_share": np.nan}, 0, ""),
        ({"agency_refused_share": 0.31, "county_refused_share": 0.36, "adviser_plan_share": 0.3}, 6,
         "agency_refused_often,county_refused_often,adviser_cluster"),
    ],
)  # fmt: skip
def test_points_worked_by_hand(changed, points, fired):
    found = scored(**changed)
    assert (found["risk_points"], found["fired_rules"]) == (points, fired)
    # One point of the base, and 20 that all rules give together.
    assert found["risk_score"] == round((1 + points) / 21, 6)


def test_a_plan_no_rule_fires_for_keeps_a_score_above_zero_and_all_rules_make_one():
    everything = scored(registered_job_count=0, loan_per_job_ratio=9, wait_day_count=-9, paid_share=2,
                        registered_job_share=0, agency_refused_share=1, county_refused_share=1, is_agency_new=True,
                        adviser_plan_share=1)  # fmt: skip
    assert everything["risk_score"] == 1
    assert 0 < scored()["risk_score"]
    with pytest.raises(GuidelineMissing, match="above 0"):
        risk.score_by_rules(pd.DataFrame([QUIET]), dict(RULES) | {"base_points": "0"})


def test_decimal_points_add_up_as_decimals():
    tenth = [
        {"rule": f"r{n}", "points": p, "fact": "wait_day_count", "above": "0"} for n, p in enumerate(["0.1", "0.2"])
    ]
    found = risk.score_by_rules(pd.DataFrame([QUIET]), dict(RULES) | {"risk_rules": tenth, "base_points": "0.3"})
    assert found[["risk_points", "risk_score"]].to_numpy().tolist() == [[0.3, 1.0]]


def test_the_loan_of_a_job_is_held_against_the_median_of_its_activity():
    # Half the plans are of an activity of larger loans; a lone activity has the whole frame for its peers.
    activity = ["4711"] * 20 + ["2511"] * 20 + ["9602"]
    loan = [100] * 19 + [400] + [1000] * 20 + [1000]
    found = risk.facts(plans(41, activity_code=activity, loan_paid_rial=loan), NO_HISTORY, RULES)
    assert found["loan_per_job_ratio"].tolist() == [1] * 19 + [4] + [1] * 20 + [1]
    assert risk.facts(plans(registered_job_count=[0] + [1] * 39), NO_HISTORY, RULES)["loan_per_job_ratio"][0] == 1


def test_an_adviser_counts_as_a_cluster_by_his_share_of_a_county_of_some_plans():
    county, adviser = ["0001"] * 38 + ["0002"] * 2, ["F1"] * 19 + [None] * 19 + ["F2"] * 2
    found = risk.facts(plans(county_code=county, advising_firm_code=adviser), NO_HISTORY, RULES)
    assert found["adviser_plan_share"].tolist() == [0.5] * 19 + [0] * 21
    assert found["is_advised"].sum() == 21


def test_a_share_of_earlier_years_is_drawn_to_the_nation_as_by_twenty_plans_of_it():
    history = pd.DataFrame(
        {"agency_code": ["A1", "A2"], "county_code": ["0001", "0002"], "decided_plan_count": [20, 60],
         "decided_weight": [100.0, 300.0], "refused_weight": [60.0, 60.0]}
    )  # fmt: skip
    two = plans(3, agency_code=["A1", "A2", "A3"], county_code=["0001", "0002", "0003"])
    found = risk.facts(two, history, RULES)
    # The nation: 120 of 400. A1: (20 * 0.6 + 20 * 0.3) / 40; A2: (60 * 0.2 + 20 * 0.3) / 80.
    assert found["agency_refused_share"].tolist() == [0.45, 0.225, 0.3]
    assert found["county_refused_share"].tolist() == [0.45, 0.225, 0.3]
    assert found["is_agency_new"].tolist() == [False, False, True]
    first_year = risk.facts(two, NO_HISTORY, RULES)
    assert first_year["agency_refused_share"].isna().all()
    assert not first_year["is_agency_new"].any()


@pytest.mark.parametrize("name", ["national_id", "sex", "is_disabled", "applicant_name", "age"])
def test_a_forbidden_input_is_refused_by_name_in_rules_and_model(name):
    rule = [{"rule": "bad", "points": "1", "fact": name, "above": "0"}]
    with pytest.raises(ForbiddenInput, match=f"risk_rules: found {name}"):
        risk.score_by_rules(pd.DataFrame([QUIET]), dict(RULES) | {"risk_rules": rule})
    inputs = [*RULES["model_inputs"], {"input": name, "label_fa": "x", "scale": "plain"}]
    with pytest.raises(ForbiddenInput, match=f"model_inputs: found {name}"):
        risk.fit_model(verdicts(2000), dict(RULES) | {"model_inputs": inputs}, "g")


def test_a_fact_nobody_knows_is_refused():
    rule = [{"rule": "bad", "points": "1", "fact": "luck", "above": "0"}]
    with pytest.raises(GuidelineMissing, match="a fact luck"):
        risk.score_by_rules(pd.DataFrame([QUIET]), dict(RULES) | {"risk_rules": rule})


def test_the_sql_that_feeds_a_score_selects_nothing_forbidden():
    for file in (ROOT / "sql" / "frame").glob("risk_*.sql"):
        words = set(re.findall(r"[a-z_]+", file.read_text(encoding="utf-8")))
        assert not words & set(RULES["forbidden_inputs"])


def chance(purpose, count):
    return sample.random_numbers(pd.Series([f"P{n}" for n in range(count)]), purpose)


def true_risk(table):
    """The odds the simulation is made of: known, so that a calibrated model can be held against them."""
    return 1 / (
        1 + np.exp(-(-1.4 + 1.1 * np.log(table["loan_per_job_ratio"]) + 3 * (table["agency_refused_share"] - 0.25)))
    )


def verdicts(count, seed="s"):
    """Decided plans of earlier years whose risk of refusal is known."""
    rows = {name: chance(f"{seed}|{name}", count) for name in risk.FACTS}
    table = pd.DataFrame(rows).assign(
        year=np.where(np.arange(count) % 2, 1401, 1402), phase=1, plan_id=[f"P{n}" for n in range(count)],
        loan_per_job_ratio=np.exp(2 * rows["loan_per_job_ratio"] - 1), loan_paid_rial=1e9 * rows["loan_paid_rial"],
        is_enterprise=rows["is_enterprise"] < 0.2, is_advised=rows["is_advised"] < 0.2, is_agency_new=False,
        inclusion_probability=0.1 + 0.2 * chance(f"{seed}|pi", count),
    )  # fmt: skip
    return table.assign(is_refused=chance(f"{seed}|refused", count) < true_risk(table))


@pytest.fixture(scope="module")
def model():
    return risk.fit_model(verdicts(20_000), RULES, "g")


def test_predictions_are_calibrated_against_the_truth_they_were_simulated_from(model):
    fresh = verdicts(20_000, seed="other year")
    error = model.score(fresh) - true_risk(fresh)
    # Six standard errors of a share in a tenth of the plans, 0.02, were far outside.
    assert abs(error.mean()) < 0.01
    assert np.abs(error).quantile(0.95) < 0.04
    of_bin = (model.bins["observed_share"] - model.bins["predicted_share"]).abs()
    assert (of_bin < 4 * np.sqrt(0.25 / model.bins["plan_count"])).all()


def test_the_measures_are_those_of_the_true_risk_not_better(model):
    table = verdicts(20_000)
    best = true_risk(table)
    assert model.brier_score == pytest.approx(
        np.average((best - table["is_refused"]) ** 2, weights=1 / table["inclusion_probability"]), abs=0.002
    )
    assert 0.5 < model.auc < 0.8
    assert model.brier_score < model.base_brier_score
    assert (model.verdict_count, model.years) == (20_000, (1401, 1402))
    assert model.bins["plan_count"].sum() == 20_000


def test_coefficients_find_what_was_put_in_and_nothing_else(model):
    table = model.inputs.set_index("input")
    per_unit = table["coefficient"] / table["deviation"]
    assert per_unit["agency_refused_share"] == pytest.approx(3, abs=0.3)
    assert table["coefficient"].abs().nlargest(2).index.tolist() == ["agency_refused_share", "loan_per_job_ratio"]
    assert table["coefficient"].abs().nsmallest(9).max() < 0.1


def test_noise_alone_is_told_apart_by_nobody():
    table = verdicts(5000)
    fitted = risk.fit_model(table.assign(is_refused=chance("coin", 5000) < 0.3), RULES, "g")
    assert fitted.auc == pytest.approx(0.5, abs=0.03)


def test_measures_are_of_verdicts_that_had_no_part_in_the_fit():
    lenient = dict(RULES) | {"minimum_verdict_count": "100", "minimum_class_count": "50", "inverse_penalty": "1000"}
    fresh = verdicts(4000, seed="fresh")
    fitted = [risk.fit_model(verdicts(200, seed=f"{n}"), lenient, "g") for n in range(12)]
    promised, kept = np.mean(
        [(one.auc, roc_auc_score(fresh["is_refused"], one.score(fresh))) for one in fitted], axis=0
    )
    # With two hundred verdicts and eleven inputs, a model promises more of its own verdicts than it keeps.
    assert promised < kept + 0.01


def test_verdicts_weigh_what_they_stand_for():
    # The same plans, refused ones drawn four times as often: weights undo it.
    table = verdicts(20_000).assign(inclusion_probability=1.0)
    kept = np.where(table["is_refused"], 1.0, 0.25)
    drawn = table.assign(inclusion_probability=kept)[chance("drawn", 20_000) < kept]
    fitted = risk.fit_model(drawn, RULES, "g")
    assert fitted.refused_share == pytest.approx(table["is_refused"].mean(), abs=0.015)
    assert fitted.score(table).mean() == pytest.approx(table["is_refused"].mean(), abs=0.015)


def test_neither_the_order_of_rows_nor_a_second_run_changes_a_bit(model):
    table = verdicts(20_000)
    again = risk.fit_model(table[::-1], RULES, "g")
    assert (again.version, again.training_sha256) == (model.version, model.training_sha256)
    pd.testing.assert_series_equal(again.score(table), model.score(table), check_exact=True)
    pd.testing.assert_series_equal(model.score(table[::-1])[::-1], model.score(table), check_exact=True)
    assert risk.fit_model(table.assign(is_refused=~table["is_refused"]), RULES, "g").version != model.version
    assert risk.fit_model(table, RULES, "another guideline").version != model.version


def test_contributions_explain_a_score(model):
    table = verdicts(50)
    linear = model.contributions(table).sum(axis=1)
    assert (linear.rank() == model.score(table).rank()).mean() > 0.9


def test_an_absurd_cell_and_a_missing_one_stay_within_reason(model):
    table = verdicts(50)
    absurd = model.score(table.assign(loan_per_job_ratio=1e12, wait_day_count=np.nan))
    assert absurd.between(0, 1, inclusive="right").all()


@pytest.mark.parametrize("count", [0, 300])
def test_too_few_verdicts_are_refused(count):
    with pytest.raises(VerdictsTooFew, match="1000 verdicts at least"):
        risk.fit_model(verdicts(count), RULES, "g")


def test_verdicts_of_one_kind_are_refused():
    with pytest.raises(VerdictsTooFew, match="2000 confirmed and 0 refused"):
        risk.fit_model(verdicts(2000).assign(is_refused=False), RULES, "g")


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(-9, 9), st.floats(0, 9), st.booleans()), min_size=1, max_size=30)
)
def test_points_are_those_of_the_rules_that_fired_whatever_the_order(rows):
    table = pd.DataFrame(
        [
            QUIET
            | {"registered_job_count": jobs, "wait_day_count": wait, "loan_per_job_ratio": ratio, "is_agency_new": new}
            for jobs, wait, ratio, new in rows
        ]
    )
    found = risk.score_by_rules(table, RULES)
    points = {rule["rule"]: int(rule["points"]) for rule in RULES["risk_rules"]}
    by_hand = [sum(points[name] for name in fired.split(",") if name) for fired in found["fired_rules"]]
    assert found["risk_points"].tolist() == by_hand
    assert found["risk_score"].between(0, 1, inclusive="right").all()
    assert risk.score_by_rules(table[::-1], RULES)[::-1].equals(found)
