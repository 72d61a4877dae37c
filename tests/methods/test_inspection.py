from pathlib import Path

import pandas as pd
import pytest
import yaml

from methods import guideline, inspection
from methods.errors import GuidelineMissing

LAW = Path(__file__).parents[2] / "guidelines" / "verdicts.yaml"
GOOD = {
    "contact_outcome": "contacted",
    "is_final": True,
    "has_rule_breach": False,
    "loan_use": "approved_purpose",
    "is_running": True,
    "jobs_found_count": 3,
    "registered_job_count": 3,
}


@pytest.fixture(scope="module")
def rules():
    document = yaml.load(LAW.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    return guideline.section("verdicts", [document], "1403-01-01")


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "confirmed"),
        ({"jobs_found_count": 2}, "discrepancy"),
        ({"is_running": False}, "discrepancy"),
        ({"loan_use": "other_purpose", "jobs_found_count": 0}, "deviation"),
        ({"has_rule_breach": True, "loan_use": "other_purpose"}, "violation"),
        ({"is_final": False, "has_rule_breach": True}, "pending"),
        ({"contact_outcome": "moved", "is_final": False}, "non_contact"),
        ({"contact_outcome": None}, "not_attempted"),
    ],
)
def test_situations(rules, change, verdict):
    found = inspection.judge(pd.DataFrame([GOOD | change]), rules).iloc[0]
    assert found["verdict"] == verdict
    assert found["is_supervised"] == (verdict != "not_attempted")
    assert found["is_decided"] == (verdict in ("confirmed", "discrepancy", "deviation", "violation"))


def test_a_tolerance_of_the_guideline_forgives_a_shortfall(rules):
    lenient = dict(rules) | {"job_shortfall_tolerance_share": "0.34"}
    assert inspection.judge(pd.DataFrame([GOOD | {"jobs_found_count": 2}]), lenient)["verdict"].item() == "confirmed"


def test_a_tolerance_is_exact_at_its_edge(rules):
    # Exactly 94 of 100 are enough at 6 %, though 100 * (1 - 0.06) and its like leave the whole number in floats.
    for percent in range(1, 100):
        exact = dict(rules) | {"job_shortfall_tolerance_share": f"0.{percent:02d}"}
        enough, short = 100 - percent, 99 - percent
        rows = [GOOD | {"registered_job_count": 100, "jobs_found_count": jobs} for jobs in (enough, short)]
        assert inspection.judge(pd.DataFrame(rows), exact)["verdict"].tolist() == ["confirmed", "discrepancy"]


def test_a_rule_on_a_fact_nobody_observes_is_refused(rules):
    wrong = dict(rules) | {"verdict_rules": [{"verdict": "confirmed", "when": {"is_happy": "1"}}]}
    with pytest.raises(GuidelineMissing, match="is_happy"):
        inspection.judge(pd.DataFrame([GOOD]), wrong)


def test_a_visit_no_rule_fits_is_refused(rules):
    wrong = dict(rules) | {"verdict_rules": [{"verdict": "pending", "when": {"is_final": "0"}}]}
    with pytest.raises(GuidelineMissing, match="1 visits that no rule fits"):
        inspection.judge(pd.DataFrame([GOOD]), wrong)
