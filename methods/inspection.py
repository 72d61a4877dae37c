"""Verdicts: what a visit means under the guideline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from methods.errors import GuidelineMissing

DECIDED = ("confirmed", "deviation", "violation", "discrepancy")
UNSUPERVISED = "not_attempted"


def judge(visits: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Give each issued plan its verdict: that of the first rule whose conditions all hold.

    Args:
        visits: contact_outcome, is_final, has_rule_breach, loan_use, is_running, jobs_found_count,
            registered_job_count; a plan without a visit has no contact_outcome.
        rules: verdict_rules (ordered; the last without conditions) and job_shortfall_tolerance_share.

    Returns:
        verdict, is_supervised, is_decided, is_confirmed, in the order and index of `visits`.

    Raises:
        GuidelineMissing: a rule names a fact nobody observes, or no rule fits some visit.
    """
    facts = _facts(visits, Fraction(str(rules["job_shortfall_tolerance_share"])))
    ordered = rules["verdict_rules"]
    holds = [_holds(facts, rule, len(visits)) for rule in ordered]
    verdict = np.select(holds, [rule["verdict"] for rule in ordered], default="")
    if (verdict == "").any():
        raise GuidelineMissing(
            place="guideline verdicts, verdict_rules",
            found=f"{int((verdict == '').sum())} visits that no rule fits",
            wanted="a last rule without conditions",
        )
    return pd.DataFrame(
        {
            "verdict": verdict,
            "is_supervised": verdict != UNSUPERVISED,
            "is_decided": np.isin(verdict, DECIDED),
            "is_confirmed": verdict == "confirmed",
        },
        index=visits.index,
    )


def _facts(visits: pd.DataFrame, tolerance: Fraction) -> pd.DataFrame:
    # In whole numbers: 100 * (1 - 0.07) is not 93 in binary fractions.
    demanded = 1 - tolerance
    found = pd.to_numeric(visits["jobs_found_count"]).to_numpy(dtype=np.float64, na_value=0.0)
    registered = visits["registered_job_count"].to_numpy(dtype=np.float64)
    return pd.DataFrame(
        {
            "is_visited": visits["contact_outcome"].notna().to_numpy(),
            "is_contacted": (visits["contact_outcome"] == "contacted").to_numpy(),
            "is_final": _true(visits["is_final"]),
            "has_rule_breach": _true(visits["has_rule_breach"]),
            "is_for_other_purpose": (visits["loan_use"] == "other_purpose").to_numpy(),
            "is_running": _true(visits["is_running"]),
            "is_short_of_jobs": found * demanded.denominator < registered * demanded.numerator,
        }
    )


def _true(marks: pd.Series) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return (marks == True).to_numpy(dtype=bool, na_value=False)  # noqa: E712


def _holds(facts: pd.DataFrame, rule: Mapping[str, Any], row_count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    conditions: Mapping[str, str] = rule["when"] or {}
    unknown: Sequence[str] = sorted(set(conditions) - set(facts.columns))
    if unknown:
        raise GuidelineMissing(
            place="guideline verdicts, verdict_rules",
            found=f"a condition on {', '.join(unknown)}",
            wanted=f"one of {', '.join(facts.columns)}",
        )
    met = [(facts[fact] == (value == "1")).to_numpy() for fact, value in conditions.items()]
    return np.logical_and.reduce(met) if met else np.ones(row_count, dtype=bool)
