"""Prevalence behind a fallible measurement: corrected by its error rates, or by repeats of a part of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from methods.errors import CountsImpossible, MeasurementUseless

FloatArray = npt.NDArray[np.float64]
Pair = tuple[float, float] | Sequence[float]


@dataclass(frozen=True)
class Prevalence:
    """A prevalence that was not observed but follows from observed ones.

    Attributes:
        estimate: as the formula gives it, so it may lie below 0 or above 1.
        standard_error: by the delta method.
        lower: lower end of its interval, cut to 0..1.
        upper: upper end, cut to 0..1.
    """

    estimate: float
    standard_error: float
    lower: float
    upper: float

    @property
    def is_outside(self) -> bool:
        """Say whether the estimate is no share at all: chance, or error rates of other people than these."""
        return not 0 <= self.estimate <= 1

    @property
    def bounded(self) -> float:
        """Give the nearest share there is."""
        return min(max(self.estimate, 0.0), 1.0)


def corrected_prevalence(apparent: Pair, sensitivity: Pair, specificity: Pair, confidence: float = 0.95) -> Prevalence:
    """Correct an apparent prevalence for the error rates of its measurement, themselves estimated elsewhere.

    The interval is Fieller's for a quotient, each share with as many pseudo-counts as keep it off 0 and 1. It is all
    of 0..1 where the error rates hardly differ from chance, or no share there is goes with them and what was found.

    Args:
        apparent: those measured positive, of how many.
        sensitivity: those measured positive of so many true positives.
        specificity: those measured negative of so many true negatives.
        confidence: level of the interval, above 0 and below 1.

    Raises:
        CountsImpossible: a count that is missing, negative, no whole number or above what it is of; of none.
        MeasurementUseless: sensitivity + specificity <= 1.
    Source:
        Rogan and Gladen (1978), Estimating prevalence from the results of a screening test, American Journal of
        Epidemiology 107(1), formulas 1 and 3; Fieller (1954), JRSS B 16(2); pseudo-counts: Lang and Reiczigel (2014),
        Preventive Veterinary Medicine 113(1).
    """
    p, n = _share(apparent, "apparent")
    se, n_se = _share(sensitivity, "sensitivity")
    sp, n_sp = _share(specificity, "specificity")
    if se + sp <= 1:
        raise MeasurementUseless(
            place="corrected prevalence",
            found=f"sensitivity {se:.4g} and specificity {sp:.4g}, together {se + sp:.4g}",
            wanted="more than 1 together: with less, a positive result does not speak for a true positive",
        )
    youden = se + sp - 1
    estimate = (p + sp - 1) / youden
    variance = _variance(p, n) + estimate**2 * _variance(se, n_se) + (1 - estimate) ** 2 * _variance(sp, n_sp)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    lower, upper = _fieller((p, n), (se, n_se), (sp, n_sp), z)
    return Prevalence(estimate, math.sqrt(variance) / youden, lower, upper)


def double_sampled_prevalence(
    both: Sequence[Sequence[float]], fallible_only: Pair, confidence: float = 0.95
) -> Prevalence:
    """Estimate a prevalence from a large fallible sample, part of which was measured truly as well.

    The part is a simple random one; `error_sources` takes unequal probabilities.

    Args:
        both: counts [[true and found, true and not found], [not true but found, neither]].
        fallible_only: counts of the rest, found and not found.
        confidence: level of the interval, above 0 and below 1.

    Raises:
        CountsImpossible: a count that is missing, negative or no whole number; nothing measured truly among those
            found, or among those not found, where there are such.
    Source:
        Tenenbein (1970), A double sampling scheme for estimating from binomial data with misclassifications, JASA
        65(331), 2.1-2.3; interval: Zou and Donner (2008), Statistics in Medicine 27(10).
    """
    table = _counts(both, (2, 2), "both")
    rest = _counts(fallible_only, (2,), "fallible_only")
    measured = table.sum(axis=0)
    known = measured + rest
    unmeasured = (measured == 0) & (known > 0)
    if known.sum() == 0 or unmeasured.any():
        kind = "found" if unmeasured[0] else "not found"
        raise CountsImpossible(
            place="double-sampled prevalence",
            found="nothing at all" if known.sum() == 0 else f"{known[unmeasured][0]:.0f} {kind}, none of them repeated",
            wanted="some that were measured truly, of those found and of those not found",
        )
    total = known.sum()
    q = float(known[0] / total)
    # What nobody is found to be weighs nothing, whatever its share of true ones.
    true_share = table[0] / np.maximum(measured, 1)
    weight = np.array([q, 1 - q])
    estimate = float(weight @ true_share)
    slope = float(true_share[0] - true_share[1])
    variance = float(weight**2 @ (_variance(true_share, np.maximum(measured, 1)))) + slope**2 * q * (1 - q) / total
    shares, sizes = np.append(true_share, q), np.append(measured, total)
    low, high = jeffreys_interval(shares, sizes, confidence)
    lower, upper = joined_interval(estimate, np.append(weight, slope), shares, low, high)
    return Prevalence(estimate, math.sqrt(variance), float(lower), float(upper))


def jeffreys_interval(
    share: npt.ArrayLike, of: npt.ArrayLike, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Bound shares by the middle of their posterior under Jeffreys' prior; 0 and 1 bound themselves.

    Args:
        share: observed shares, 0 to 1.
        of: how many each is a share of; may be effective sizes, 0 (nothing is known) or infinite (exact).
        confidence: level, above 0 and below 1.

    Source:
        Brown, Cai and DasGupta (2001), Interval estimation for a binomial proportion, Statistical Science 16(2), 4.
    """
    p, size = np.broadcast_arrays(np.asarray(share, dtype=np.float64), np.asarray(of, dtype=np.float64))
    exact = np.isinf(size)
    finite = np.where(exact, 1.0, size)
    hits, tail = p * finite, (1 - confidence) / 2
    low = np.where(p <= 0, 0.0, stats.beta.ppf(tail, hits + 0.5, finite - hits + 0.5))
    high = np.where(p >= 1, 1.0, stats.beta.ppf(1 - tail, hits + 0.5, finite - hits + 0.5))
    return np.where(exact, p, np.minimum(low, p)), np.where(exact, p, np.maximum(high, p))


def joined_interval(
    estimate: npt.ArrayLike, weight: npt.ArrayLike, part: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Bound a share that moves with independent parts by joining the intervals of the parts.

    Each part lends its own reach towards either side, so the interval is as lopsided as they are.

    Args:
        estimate: the share, 0 to 1, of any shape.
        weight: how far the share moves with each part, the last axis; may be negative.
        part: the parts; NaN where one does not exist.
        low: their lower bounds.
        high: their upper bounds.

    Returns:
        Lower and upper bound, cut to 0..1.
    Source:
        Zou and Donner (2008), Construction of confidence limits about effect measures: a general approach,
        Statistics in Medicine 27(10).
    """
    w, at = np.asarray(weight, dtype=np.float64), np.asarray(part, dtype=np.float64)
    down, up = w * (at - np.asarray(low)), w * (np.asarray(high) - at)
    below, above = np.where(w < 0, -up, down), np.where(w < 0, -down, up)
    centre = np.asarray(estimate, dtype=np.float64)
    lower = centre - np.sqrt(np.nansum(below**2, axis=-1))
    upper = centre + np.sqrt(np.nansum(above**2, axis=-1))
    return np.clip(lower, 0, 1), np.clip(upper, 0, 1)


def _fieller(
    apparent: tuple[float, float], sensitivity: tuple[float, float], specificity: tuple[float, float], z: float
) -> tuple[float, float]:
    # A share of 0 or 1 is not known without error; z^2 and 2 more trials say so.
    p, v_p = _shrunk(*apparent, z**2)
    se, v_se = _shrunk(*sensitivity, 2)
    sp, v_sp = _shrunk(*specificity, 2)
    youden, above = se + sp - 1, p + sp - 1
    # (above - x youden)^2 = z^2 (v_p + x^2 v_se + (1 - x)^2 v_sp), in x.
    a = youden**2 - z**2 * (v_se + v_sp)
    b = above * youden - z**2 * v_sp
    c = above**2 - z**2 * (v_p + v_sp)
    if a <= 0 or youden <= 0:
        return 0.0, 1.0
    reach = math.sqrt(max(b**2 - a * c, 0.0))
    lower, upper = ((b + sign * reach) / a for sign in (-1, 1))
    if lower > 1 or upper < 0:
        return 0.0, 1.0
    return max(lower, 0.0), min(upper, 1.0)


def _shrunk(share: float, of: float, more: float) -> tuple[float, float]:
    p = (share * of + more / 2) / (of + more)
    return p, p * (1 - p) / (of + more)


def _variance(share: npt.ArrayLike, of: npt.ArrayLike) -> FloatArray:
    p = np.asarray(share, dtype=np.float64)
    return np.asarray(p * (1 - p) / np.asarray(of), dtype=np.float64)


def _share(pair: Pair, name: str) -> tuple[float, float]:
    count, of = _counts(pair, (2,), name)
    if of == 0 or count > of:
        raise CountsImpossible(
            place=name, found=f"{count:.0f} of {of:.0f}", wanted="a count, and how many it is of: not less, and not 0"
        )
    return float(count / of), float(of)


def _counts(values: object, shape: tuple[int, ...], name: str) -> FloatArray:
    wanted = "whole numbers, 0 or more, of shape " + " x ".join(map(str, shape))
    try:
        counts = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CountsImpossible(place=name, found=repr(values), wanted=wanted) from error
    sound = counts.shape == shape and bool(np.isfinite(counts).all())
    if not sound or (counts < 0).any() or (counts != np.floor(counts)).any():
        raise CountsImpossible(place=name, found=repr(values), wanted=wanted)
    return counts
