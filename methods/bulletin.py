"""Publication: which figures may be printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


def presentable(
    estimate: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    n_effective: npt.ArrayLike,
    rules: Mapping[str, Any],
) -> npt.NDArray[np.bool_]:
    """Say which proportions are strong enough to print.

    Args:
        estimate: shares.
        lower: lower bounds of their 95 % intervals (Korn-Graubard).
        upper: upper bounds.
        n_effective: effective sample sizes.
        rules: minimum_effective_n, narrow_interval_width, wide_interval_width, relative_interval_width.

    Returns:
        True where the proportion may be printed; a missing value may not.
    Source:
        Parker et al. (2017), National Center for Health Statistics data presentation standards for
        proportions, Vital and Health Statistics 2(175).
    """
    share, size = np.asarray(estimate, dtype=np.float64), np.asarray(n_effective, dtype=np.float64)
    width = np.asarray(upper, dtype=np.float64) - np.asarray(lower, dtype=np.float64)
    limit = float(rules["relative_interval_width"])
    relative_ok = width <= limit * share
    narrow = width <= float(rules["narrow_interval_width"])
    wide = width >= float(rules["wide_interval_width"])
    printable: npt.NDArray[np.bool_] = (size >= float(rules["minimum_effective_n"])) & ~wide & (narrow | relative_ok)
    return printable & np.isfinite(width)
