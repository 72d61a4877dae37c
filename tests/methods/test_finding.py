import json

import pandas as pd
import pytest

from methods import finding
from methods.errors import FrameMismatch
from methods.period import Period

REFUSED = {
    "plan_id": "P01-1", "agency_code": "P01", "province_code": "00", "county_code": "0001", "verdict": "deviation",
    "visit_id": "V1", "visited_on": "2025-05-01", "loan_use": "other_purpose", "is_running": True,
    "has_rule_breach": False, "jobs_found_count": 2, "registered_job_count": 3, "loan_paid_rial": 10**9,
}  # fmt: skip


def test_a_refused_plan_becomes_a_case_with_its_visit_as_evidence():
    case = finding.open_cases(pd.DataFrame([REFUSED]), Period(1403)).iloc[0]
    assert case["case_id"] == "1403-1-P01-1-V1-deviation"
    assert json.loads(case["evidence"])["loan_use"] == "other_purpose"


def test_no_case_without_evidence():
    with pytest.raises(FrameMismatch, match="P01-1"):
        finding.open_cases(pd.DataFrame([REFUSED | {"visit_id": None}]), Period(1403))
