"""Primary rules: which cells would tell of single people or firms, and how wide a veil each needs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.estimate.cells import by_holder, largest_two

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def small_counts(value: npt.ArrayLike, minimum: int) -> BoolArray:
    """Say which counts are too small to print; none is printed as none.

    Source:
        Hundepool et al. (2012), Statistical Disclosure Control, 5.2 (threshold rule for frequency tables).
    """
    counts = np.asarray(value, dtype=np.float64)
    found: BoolArray = (counts > 0) & (counts < minimum)
    return found


def dominance_level(total: npt.ArrayLike, largest_sum: npt.ArrayLike, share: Decimal) -> FloatArray:
    """Give the upper protection level of amounts that n contributors dominate, 0 where they do not.

    Args:
        total: X, the cell [amount].
        largest_sum: sum of its n largest contributions [amount].
        share: k as a share of X: more of it may not be theirs.

    Returns:
        How far above X an outsider's upper bound must stay [amount]: largest_sum / k - X, so that he cannot
        say that the n have more than k.
    Source:
        Hundepool et al. (2012), Statistical Disclosure Control, 4.2 (sensitivity rules and protection levels).
    """
    whole, top = np.asarray(total, dtype=np.float64), np.asarray(largest_sum, dtype=np.float64)
    # In whole numbers: 57 / 0.57 is more than 100 in binary fractions.
    k = Fraction(share)
    return np.maximum(top * k.denominator - whole * k.numerator, 0) / k.numerator


def p_percent_level(total: npt.ArrayLike, largest: npt.ArrayLike, second: npt.ArrayLike, share: Decimal) -> FloatArray:
    """Give the upper protection level of amounts by the p % rule, 0 where the cell is safe.

    The second largest contributor knows himself: X - x2 must overestimate x1 by the share or more.

    Args:
        total: X, the cell [amount].
        largest: x1 [amount].
        second: x2 [amount], 0 where there is one contributor.
        share: p as a share of x1.

    Returns:
        How far above X an outsider's upper bound must stay [amount]: p * x1 - (X - x1 - x2).
    Source:
        Hundepool et al. (2012), Statistical Disclosure Control, 4.2 (sensitivity rules and protection levels).
    """
    whole, first = np.asarray(total, dtype=np.float64), np.asarray(largest, dtype=np.float64)
    rest = whole - first - np.asarray(second, dtype=np.float64)
    p = Fraction(share)
    return np.maximum(first * p.numerator - rest * p.denominator, 0) / p.denominator


def contributions(rows: pd.DataFrame, by: Sequence[str], amount: str, contributor: str) -> pd.DataFrame:
    """Add up amounts of cells and find their largest contributors.

    Args:
        rows: the columns of `by`, `amount` [amount, not negative] and `contributor` (a code; rows of one are one).
        by: columns that make up a cell.
        amount: column to add up.
        contributor: column of whoever stands behind a row.

    Returns:
        The columns of `by`, value, contributor_count (those with more than nothing), largest, second; by cell.
    """
    groups = rows.groupby([*by], sort=True)
    holder, _ = pd.factorize(rows[contributor])
    values = rows[[amount]].to_numpy(dtype=np.float64)
    of_holder, cell = by_holder(values, groups.ngroup().to_numpy().astype(np.intp), holder.astype(np.intp))
    names = groups.size().index.to_frame(index=False)
    total, count, largest, second = largest_two(of_holder[:, 0], cell, len(names))
    return names.assign(value=total, contributor_count=count, largest=largest, second=second)
