"""Cases: a refused plan and what speaks against it."""

from __future__ import annotations

import json

import pandas as pd

from methods.errors import FrameMismatch
from methods.period import Period

EVIDENCE = (
    "visit_id", "visited_on", "loan_use", "is_running", "has_rule_breach", "jobs_found_count",
    "registered_job_count", "loan_paid_rial",
)  # fmt: skip


def open_cases(refused: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Open a case for each refused plan, with the visit as its evidence.

    Args:
        refused: plan_id, agency_code, province_code, county_code, verdict and the columns of EVIDENCE.
        period: the round; it is part of the case's name, so that opening again opens the same case.

    Returns:
        case_id, plan_id, agency_code, province_code, county_code, kind, visit_id, evidence [JSON].

    Raises:
        FrameMismatch: a refused plan has no visit behind it.
    """
    bare = refused.loc[refused["visit_id"].isna(), "plan_id"]
    if len(bare):
        raise FrameMismatch(
            place=f"cases {period}",
            found=f"{len(bare)} refused plans without a visit, such as {bare.iloc[0]}",
            wanted="evidence for each case",
        )
    cases = refused[["plan_id", "agency_code", "province_code", "county_code", "visit_id"]].copy()
    # A plan that is judged anew on another visit, or as another kind, is another case.
    cases["case_id"] = str(period) + "-" + refused["plan_id"] + "-" + refused["visit_id"] + "-" + refused["verdict"]
    cases["kind"] = refused["verdict"]
    facts = refused[list(EVIDENCE)].astype(object).where(refused[list(EVIDENCE)].notna(), None)
    cases["evidence"] = [json.dumps(fact, ensure_ascii=False, default=str) for fact in facts.to_dict("records")]
    return cases
