"""Wording: which comparison a sentence may state, as a code that rests on a test; templates hold the words."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import numpy.typing as npt
from scipy import stats

HIGHER, LOWER, NO_CLEAR_DIFFERENCE, UNKNOWN = "higher", "lower", "no_clear_difference", "unknown"
ROSE, FELL, NO_CLEAR_CHANGE = "rose", "fell", "no_clear_change"
BEST, AMONG_BEST, NOT_BEST = "best", "among_best", "not_best"
ABOVE_OUTER, ABOVE_INNER, WITHIN, BELOW_INNER, BELOW_OUTER = (
    "above_outer",
    "above_inner",
    "within",
    "below_inner",
    "below_outer",
)
NO_PLANS, NOT_SUPERVISED, NOT_DECIDED, SUPPRESSED, TOO_WEAK, PRINTED = (
    "no_plans",
    "not_supervised",
    "not_decided",
    "suppressed",
    "too_weak",
    "printed",
)
# The control limits of a funnel: what chance alone leaves 1 of 20, and 1 of 500, outside of.
INNER_LIMIT, OUTER_LIMIT = 0.95, 0.998

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.str_]


def spread(
    standard_error: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike, confidence: float = 0.95
) -> FloatArray:
    """Give the error a comparison rests on: no less than the printed interval shows.

    A share of 0 or 1 has a standard error of 0 and an interval that is not a point; a sentence must not know
    more than the interval beside it.

    Args:
        standard_error: of each estimate.
        lower: lower bound of its printed interval; missing where it has none.
        upper: upper bound.
        confidence: of the interval.

    Returns:
        The larger of the standard error and the one the interval's half width stands for.
    """
    half = (np.asarray(upper, dtype=np.float64) - np.asarray(lower, dtype=np.float64)) / 2
    implied = half / stats.norm.ppf((1 + confidence) / 2)
    found: FloatArray = np.fmax(np.asarray(standard_error, dtype=np.float64), implied)
    return found


def compare(
    estimate: npt.ArrayLike,
    error: npt.ArrayLike,
    other: npt.ArrayLike,
    other_error: npt.ArrayLike,
    confidence: float = 0.95,
) -> Codes:
    """Say of each estimate whether it is higher or lower than another, all statements right at once.

    Args:
        estimate: estimates, one comparison each.
        error: their standard errors, see `spread`.
        other: what each is compared with, independent of it.
        other_error: standard errors of those; 0 for a fixed number.
        confidence: probability that no statement of the family is wrong.

    Returns:
        higher, lower, no_clear_difference; unknown where something is missing, which no test then counts.
    Source:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6.
    """
    first, second = np.asarray(estimate, dtype=np.float64), np.asarray(other, dtype=np.float64)
    difference = first - second
    width = np.hypot(np.asarray(error, dtype=np.float64), np.asarray(other_error, dtype=np.float64))
    difference, width = np.broadcast_arrays(difference, width)
    is_known = np.isfinite(difference) & np.isfinite(width)
    # Two numbers known exactly differ where they differ at all.
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(difference == 0, 0.0, np.abs(difference) / width)
    p_value = np.where(is_known, 2 * stats.norm.sf(z), np.nan)
    is_clear = _rejected(p_value, 1 - confidence)
    found = np.select([~is_known, is_clear & (difference > 0), is_clear], [UNKNOWN, HIGHER, LOWER], NO_CLEAR_DIFFERENCE)
    return np.asarray(found, dtype=np.str_)


def compare_with_rest(
    estimate: npt.ArrayLike, error: npt.ArrayLike, weight: npt.ArrayLike, confidence: float = 0.95
) -> Codes:
    """Say of each part whether it is higher or lower than all the other parts together.

    A part held against a whole that holds it would be held against itself.

    Args:
        estimate: rates of the parts of one whole.
        error: their standard errors, independent between parts.
        weight: denominators of the rates; known well beside the rates themselves.
        confidence: see `compare`.

    Returns:
        See `compare`; a part without an estimate is in nobody's rest.
    """
    rate, size = np.asarray(estimate, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    variance = np.asarray(error, dtype=np.float64) ** 2
    is_known = np.isfinite(rate) & np.isfinite(variance) & (size > 0)
    known_size = np.where(is_known, size, 0.0)
    hits = np.where(is_known, rate * size, 0.0)
    squared = np.where(is_known, variance * size**2, 0.0)
    rest = known_size.sum() - known_size
    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.where(is_known & (rest > 0), (hits.sum() - hits) / rest, np.nan)
        # A difference of large sums may fall a bit below nought.
        other_error = np.sqrt(np.maximum(squared.sum() - squared, 0.0)) / rest
    return compare(rate, np.asarray(error, dtype=np.float64), other, other_error, confidence)


def direction(lower: npt.ArrayLike, upper: npt.ArrayLike) -> Codes:
    """Say of each change, by its interval, whether it rose or fell; an interval that holds 0 says neither."""
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    is_known = np.isfinite(low) & np.isfinite(high)
    found = np.select([~is_known, low > 0, high < 0], [UNKNOWN, ROSE, FELL], NO_CLEAR_CHANGE)
    return np.asarray(found, dtype=np.str_)


def best_set(rank_lower: npt.ArrayLike) -> Codes:
    """Say which units may be called best by their joint rank sets: one alone, several none of whom is, or not.

    Args:
        rank_lower: best rank each unit may hold, jointly at one level of confidence.

    Returns:
        best where it alone may hold rank 1; among_best where several may; not_best.
    """
    may_lead = np.asarray(rank_lower) == 1
    word = BEST if may_lead.sum() == 1 else AMONG_BEST
    return np.asarray(np.where(may_lead, word, NOT_BEST), dtype=np.str_)


def control_limits(centre: float, error: npt.ArrayLike, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Give the limits within which chance alone keeps a unit of that precision.

    Args:
        centre: the rate of the whole.
        error: standard errors.
        confidence: share of units that chance leaves within, 0.95 or 0.998.

    Returns:
        Lower and upper limit.
    Source:
        Spiegelhalter (2005), Funnel plots for comparing institutional performance, Statistics in Medicine 24.
    """
    reach = stats.norm.ppf((1 + confidence) / 2) * np.asarray(error, dtype=np.float64)
    return centre - reach, centre + reach


def outside_limits(estimate: npt.ArrayLike, error: npt.ArrayLike, centre: float) -> Codes:
    """Say of each unit where it stands in the funnel: within, or beyond the inner or the outer limit."""
    rate = np.asarray(estimate, dtype=np.float64)
    (low, high), (lowest, highest) = (control_limits(centre, error, one) for one in (INNER_LIMIT, OUTER_LIMIT))
    is_known = np.isfinite(rate) & np.isfinite(low)
    found = np.select(
        [~is_known, rate > highest, rate > high, rate < lowest, rate < low],
        [UNKNOWN, ABOVE_OUTER, ABOVE_INNER, BELOW_OUTER, BELOW_INNER],
        WITHIN,
    )
    return np.asarray(found, dtype=np.str_)


def precision(error: npt.ArrayLike, centre: float) -> FloatArray:
    """Give the size of the simple sample that would know a rate as well: the axis a funnel narrows along."""
    with np.errstate(divide="ignore"):
        found: FloatArray = centre * (1 - centre) / np.asarray(error, dtype=np.float64) ** 2
    return found


def printed_sum_differs(parts: Sequence[float], total: float, decimals: int = 0) -> bool:
    """Say whether rounded parts, as a reader adds them up, miss the rounded total; then a note must say why.

    Args:
        parts: unrounded parts of one sum.
        total: the unrounded sum.
        decimals: of the printed numbers.
    """
    unit = Decimal(1).scaleb(-decimals)

    def shown(value: float) -> Decimal:
        # As the format of Python rounds: to even, of the binary number itself.
        return Decimal(value).quantize(unit, rounding=ROUND_HALF_EVEN)

    return sum(map(shown, parts), Decimal(0)) != shown(total)


def why_not_printed(eligible: float, supervised: float, decided: float, *, is_suppressed: bool, is_weak: bool) -> str:
    """Name the first reason why a unit's rate is not printed, or `printed` where none stands against it.

    Args:
        eligible: plans of its frame.
        supervised: plans supervised.
        decided: plans with a verdict.
        is_suppressed: the figure would disclose too few.
        is_weak: the figure is too weak to print.
    """
    reasons = (
        (eligible <= 0, NO_PLANS),
        (supervised <= 0, NOT_SUPERVISED),
        (decided <= 0, NOT_DECIDED),
        (is_suppressed, SUPPRESSED),
        (is_weak, TOO_WEAK),
    )
    return next((reason for holds, reason in reasons if holds), PRINTED)


def _rejected(p_value: FloatArray, level: float) -> npt.NDArray[np.bool_]:
    """Reject by Holm's steps; what is missing is not in the family."""
    flat = p_value.ravel()
    order = np.argsort(np.where(np.isnan(flat), np.inf, flat), kind="stable")
    count = int(np.isfinite(flat).sum())
    step = np.where(np.arange(flat.size) < count, level / np.maximum(count - np.arange(flat.size), 1), -1.0)
    passed = np.logical_and.accumulate(flat[order] <= step)
    found = np.zeros(flat.size, dtype=bool)
    found[order] = passed
    return found.reshape(p_value.shape)
