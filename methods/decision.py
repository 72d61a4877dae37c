"""Decisions: agency scorecards with the uncertainty of rank, and quota scenarios."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from methods.errors import FrameMismatch

RANK_CONFIDENCE = 0.90
# An agency with nothing proven keeps a weight, so that its floor can still be scaled.
LEAST_WEIGHT = 1e-9
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


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
    current = both["loan_paid_rial"].to_numpy(dtype=np.int64)
    # A share of the guideline is exact, and so are the bounds: 0.1 in binary would move them by a rial.
    bound = Fraction(str(rules["largest_change_share"]))
    floor = np.array([math.ceil(rial * (1 - bound)) for rial in current.tolist()], dtype=np.int64)
    ceiling = np.array([math.floor(rial * (1 + bound)) for rial in current.tolist()], dtype=np.int64)
    weighted = current * np.maximum(both["lower"].to_numpy(dtype=np.float64), LEAST_WEIGHT)
    amount = _scaled_within(weighted, floor, ceiling, int(current.sum()))
    recommended = _whole_rial(amount, floor, ceiling, int(current.sum()))
    return pd.DataFrame(
        {
            "agency_code": both["agency_code"].to_numpy(),
            "current_rial": current,
            "recommended_rial": recommended,
            "change_share": np.where(current > 0, recommended / np.maximum(current, 1) - 1, 0.0),
        }
    )


def _scaled_within(weight: FloatArray, floor: IntArray, ceiling: IntArray, total: int) -> FloatArray:
    """Find the factor f for which the sum of f * weight, cut to the bounds, is the total."""
    some = weight > 0
    if not some.any():
        return weight
    breaks = np.unique(np.concatenate([floor[some] / weight[some], ceiling[some] / weight[some]]))
    sums = np.clip(breaks[:, None] * weight, floor, ceiling).sum(axis=1)
    scaled: FloatArray = np.clip(np.interp(total, sums, breaks) * weight, floor, ceiling)
    return scaled


def _whole_rial(amount: FloatArray, floor: IntArray, ceiling: IntArray, total: int) -> IntArray:
    whole: IntArray = np.clip(np.floor(amount).astype(np.int64), floor, ceiling)
    # One rial each a turn, by what was cut off; what agencies have now is within bounds, so it ends.
    while left := total - int(whole.sum()):
        step = 1 if left > 0 else -1
        has_room = whole < ceiling if step > 0 else whole > floor
        order = np.lexsort((np.arange(len(whole)), -step * (amount - whole)))
        whole[order[has_room[order]][: abs(left)]] += step
    return whole
