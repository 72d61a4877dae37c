"""Intervals of proportions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from methods.errors import SettingWrong

# Less than this part of a plan is none: beta quantiles overflow on the last bits of a share.
NO_HIT = 1e-9

FloatArray = npt.NDArray[np.float64]


def effective_size(
    share: npt.ArrayLike,
    standard_error: npt.ArrayLike,
    n: npt.ArrayLike,
    degrees_of_freedom: npt.ArrayLike,
    confidence: float = 0.95,
) -> FloatArray:
    """Give the size of a simple random sample that would know a proportion as well.

    A share of 0 or 1 shows no spread, so its effective size is n. A census is infinite.

    Source:
        Korn and Graubard (1998), Confidence intervals for proportions with small expected number of
        positive counts estimated from survey data, Survey Methodology 24(2).
    """
    p, se = np.asarray(share, dtype=np.float64), np.asarray(standard_error, dtype=np.float64)
    size = np.asarray(n, dtype=np.float64)
    freedom = np.maximum(np.asarray(degrees_of_freedom, dtype=np.float64), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        adjusted = p * (1 - p) / se**2 * _allowance(size, freedom, confidence)
    found: FloatArray = np.where((p <= 0) | (p >= 1), size, adjusted)
    return found


def proportion_interval(
    share: npt.ArrayLike, n_effective: npt.ArrayLike, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Bound a proportion by the Clopper-Pearson interval at its effective size.

    Returns:
        Lower and upper bound; the share itself where the effective size is infinite.
    Source:
        Korn and Graubard (1998), as above.
    """
    p, size = np.asarray(share, dtype=np.float64), np.asarray(n_effective, dtype=np.float64)
    exact = np.isinf(size)
    finite = np.where(exact, 1.0, size)
    hits = np.where(exact, 0.5, p * finite)
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(hits < NO_HIT, 0.0, stats.beta.ppf(tail, np.maximum(hits, NO_HIT), finite - hits + 1))
        high = np.where(
            finite - hits < NO_HIT, 1.0, stats.beta.ppf(1 - tail, hits + 1, np.maximum(finite - hits, NO_HIT))
        )
    return np.where(exact, p, np.minimum(low, p)), np.where(exact, p, np.maximum(high, p))


def interval(
    method: str,
    share: npt.ArrayLike,
    standard_error: npt.ArrayLike,
    n: npt.ArrayLike,
    degrees_of_freedom: npt.ArrayLike,
    size_of_weights: npt.ArrayLike,
    confidence: float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """Bound a proportion by one of several intervals; NaN where the proportion is.

    A share of 0 or 1 has no error of its own: whatever the method, it gets the Clopper-Pearson interval at the size
    the weights leave, times (t(n-1) / t(df))^2. An error of 0 elsewhere leaves the share itself. Without a degree of
    freedom one is counted.

    Args:
        method: logit or xlogit (the same: t interval of the log odds), asin (t interval of the arc sine of the
            root), beta (Clopper-Pearson at the effective size), wilson (score interval at it).
        share: the proportion, 0 to 1.
        standard_error: of the proportion.
        n: rows it rests on.
        degrees_of_freedom: of the error.
        size_of_weights: rows of equal weight that would know as much; infinite where every unit was taken.
        confidence: between 0 and 1.

    Raises:
        SettingWrong: no such method, or confidence.
    Source:
        Korn and Graubard (1998), Survey Methodology 24(2) (beta, logit); Wilson (1927), JASA 22; Dean and Pagano
        (2015), Journal of Survey Statistics and Methodology 3 (wilson, asin); Kish (1965), Survey Sampling, 11.7.
    """
    if method not in METHODS:
        raise SettingWrong("interval", repr(method), f"one of {', '.join(METHODS)}")
    if not 0 < confidence < 1:
        raise SettingWrong("confidence", f"{confidence:g}", "a number between 0 and 1")
    p, se = np.asarray(share, dtype=np.float64), np.asarray(standard_error, dtype=np.float64)
    count = np.asarray(n, dtype=np.float64)
    freedom = np.maximum(np.asarray(degrees_of_freedom, dtype=np.float64), 1)
    is_edge = (p <= 0) | (p >= 1)
    of_weights = np.asarray(size_of_weights, dtype=np.float64) * _allowance(count, freedom, confidence)
    size = np.where(is_edge, of_weights, effective_size(p, se, count, freedom, confidence))
    exact = proportion_interval(p, size, confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = METHODS[method](p, se, freedom, size, confidence)
    return np.where(is_edge, exact[0], lower), np.where(is_edge, exact[1], upper)


def _beta(
    p: FloatArray, se: FloatArray, freedom: FloatArray, size: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    return proportion_interval(p, size, confidence)


def _logit(
    p: FloatArray, se: FloatArray, freedom: FloatArray, size: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    middle, reach = np.log(p / (1 - p)), stats.t.ppf((1 + confidence) / 2, freedom) * se / (p * (1 - p))
    return special.expit(middle - reach), special.expit(middle + reach)


def _asin(
    p: FloatArray, se: FloatArray, freedom: FloatArray, size: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    middle, reach = np.arcsin(np.sqrt(p)), stats.t.ppf((1 + confidence) / 2, freedom) * se / np.sqrt(4 * p * (1 - p))
    return np.sin(np.maximum(middle - reach, 0)) ** 2, np.sin(np.minimum(middle + reach, np.pi / 2)) ** 2


def _wilson(
    p: FloatArray, se: FloatArray, freedom: FloatArray, size: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    # The size has the allowance for degrees of freedom already, so the quantile is the normal one.
    z = float(stats.norm.ppf((1 + confidence) / 2))
    middle, reach = p + z**2 / (2 * size), z * np.sqrt(p * (1 - p) / size + z**2 / (4 * size**2))
    return (middle - reach) / (1 + z**2 / size), (middle + reach) / (1 + z**2 / size)


METHODS = {"beta": _beta, "logit": _logit, "xlogit": _logit, "wilson": _wilson, "asin": _asin}


def _allowance(n: FloatArray, freedom: FloatArray, confidence: float) -> FloatArray:
    tail = (1 + confidence) / 2
    found: FloatArray = (stats.t.ppf(tail, np.maximum(n - 1, 1)) / stats.t.ppf(tail, freedom)) ** 2
    return found
