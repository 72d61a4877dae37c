"""Intervals of proportions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

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
    tail = (1 + confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = p * (1 - p) / se**2
        adjusted = plain * (stats.t.ppf(tail, np.maximum(size - 1, 1)) / stats.t.ppf(tail, freedom)) ** 2
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
