"""Decisions: agency scorecards with the uncertainty of rank, and quota scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from methods.errors import FrameMismatch

RANK_CONFIDENCE = 0.90
FloatArray = npt.NDArray[np.float64]


def rank_sets(
    estimate: npt.ArrayLike, standard_error: npt.ArrayLike, confidence: float = RANK_CONFIDENCE
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give each unit the ranks it may hold, jointly at one level of confidence.

    Args:
        estimate: larger is better, rank 1 is best.
        standard_error: of each estimate, independent between units.
        confidence: that every rank set holds its true rank at once.

    Returns:
        Lowest and highest rank of each unit.
    Source:
        Klein, Wright and Wieczorek (2020), A joint confidence region for an overall ranking of
        populations, JRSS C 69(3); intervals each at confidence ** (1 / K).
    """
    values, errors = np.asarray(estimate, dtype=np.float64), np.asarray(standard_error, dtype=np.float64)
    each = confidence ** (1 / max(len(values), 1))
    reach = stats.norm.ppf((1 + each) / 2) * errors
    low, high = values - reach, values + reach
    surely_better = (low[None, :] > high[:, None]).sum(axis=1)
    surely_worse = (high[None, :] < low[:, None]).sum(axis=1)
    return surely_better + 1, len(values) - surely_worse


def scorecards(figures: pd.DataFrame) -> pd.DataFrame:
    """Score agencies by accuracy rate, with the ranks each may hold.

    Args:
        figures: agency_code, n, confirmed_plan_count, decided_plan_count, estimate, standard_error,
            lower, upper [share], one row an agency.

    Returns:
        The same with rank_estimate, rank_lower, rank_upper, by agency_code.
    """
    cards = figures.sort_values("agency_code").reset_index(drop=True)
    lower, upper = rank_sets(cards["estimate"], cards["standard_error"])
    rank = cards["estimate"].rank(ascending=False, method="min").astype("int64")
    return cards.assign(rank_estimate=rank, rank_lower=lower, rank_upper=upper)


def recommend_quotas(cards: pd.DataFrame, loans: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Move quota towards agencies whose plans hold, within bounds, the total unchanged.

    Each agency's loans are weighted by the lower bound of its accuracy rate, so that an agency is not
    rewarded for a small sample; then cut to the bound, and the rest shared among those not at a bound.

    Args:
        cards: agency_code, lower [share].
        loans: agency_code, loan_paid_rial.
        rules: largest_change_share.

    Returns:
        agency_code, current_rial, recommended_rial, change_share, by agency_code.

    Raises:
        FrameMismatch: an agency with loans has no scorecard.
    """
    both = loans.merge(cards[["agency_code", "lower"]], on="agency_code", how="left").sort_values("agency_code")
    bare = both.loc[both["lower"].isna(), "agency_code"]
    if len(bare):
        raise FrameMismatch(
            place="quotas", found=f"no scorecard of {', '.join(bare)}", wanted="one for each agency with loans"
        )
    current = both["loan_paid_rial"].to_numpy(dtype=np.float64)
    bound = float(rules["largest_change_share"])
    weighted = current * np.maximum(both["lower"].to_numpy(dtype=np.float64), 1e-9)
    recommended = _whole_rial(_scaled_within(weighted, current * (1 - bound), current * (1 + bound), current.sum()))
    return pd.DataFrame(
        {
            "agency_code": both["agency_code"].to_numpy(),
            "current_rial": both["loan_paid_rial"].to_numpy(dtype=np.int64),
            "recommended_rial": recommended,
            "change_share": recommended / np.maximum(current, 1) - 1,
        }
    )


def _scaled_within(weight: FloatArray, floor: FloatArray, ceiling: FloatArray, total: float) -> FloatArray:
    """Find the factor f for which the sum of f * weight, cut to the bounds, is the total."""
    breaks = np.unique(np.concatenate([floor / weight, ceiling / weight]))
    sums = np.clip(breaks[:, None] * weight, floor, ceiling).sum(axis=1)
    factor = np.interp(total, sums, breaks)
    scaled = np.clip(factor * weight, floor, ceiling)
    fitted: FloatArray = scaled * (total / scaled.sum())
    return fitted


def _whole_rial(amount: FloatArray) -> npt.NDArray[np.int64]:
    base = np.floor(amount).astype(np.int64)
    left = int(round(float(amount.sum()))) - int(base.sum())
    order = np.lexsort((np.arange(len(amount)), -(amount - base)))
    base[order[:left]] += 1
    whole: npt.NDArray[np.int64] = base
    return whole
