"""Linearised estimates: what is estimated for each domain, and what each row contributes to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.estimate.breakdown import (
    Breakdown,
    FloatArray,
    IntArray,
    begins,
    lengths,
    names,
    numbers,
    part,
    refuse_unknown,
    sums,
)

AnyArray = FloatArray | IntArray
BoolArray = npt.NDArray[np.bool_]
Columns = str | Sequence[str]

# What varies by less than this part of itself is constant, but for the last bits of its mean.
ROUNDING = 1e-13


@dataclass(frozen=True)
class Estimated:
    """Estimates of domains with their errors.

    Attributes:
        parts: the domains.
        columns: what a table shows of them, domains × variables each.
        effective_size: rows of equal weight that would know as much; infinite where every unit was taken.
    """

    parts: Breakdown
    columns: dict[str, AnyArray]
    effective_size: FloatArray


class Sample(ABC):
    """Rows that stand for a population: what is estimated from them, whatever way they were drawn.

    Every table has the columns of `by`, variable, estimate, standard_error, n (rows with a value),
    degrees_of_freedom and design_effect (against simple random sampling without replacement of n rows), sorted by
    the columns of `by`, then variables as asked. A row without a value of `by` is in no domain. Estimate and error
    are NaN where n or a denominator is 0, the design effect also where that simple sample would have no variance.
    """

    _data: pd.DataFrame

    def totals(self, variables: Columns, by: Columns = ()) -> pd.DataFrame:
        """Estimate totals [unit of the variable].

        Source:
            Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, 4.3; 3.3 and 10.3 (domains).
        """
        asked = names(variables)
        found = self._estimated(numbers(self._data, asked), None, by, is_total=True)
        return found.parts.table(asked, found.columns)

    def means(self, variables: Columns, by: Columns = ()) -> pd.DataFrame:
        """Estimate means: totals over the estimated number of units with a value.

        Source:
            Särndal, Swensson and Wretman (1992), 5.7-5.8.
        """
        asked = names(variables)
        found = self._estimated(numbers(self._data, asked), None, by)
        return found.parts.table(asked, found.columns)

    def ratios(self, pairs: Sequence[tuple[str, str]], by: Columns = ()) -> pd.DataFrame:
        """Estimate quotients of two totals, over rows that have both; the variable is `numerator/denominator`.

        Source:
            Särndal, Swensson and Wretman (1992), 5.6.
        """
        top, bottom = (numbers(self._data, [pair[side] for pair in pairs]) for side in (0, 1))
        found = self._estimated(top, bottom, by)
        return found.parts.table([f"{over}/{under}" for over, under in pairs], found.columns)

    def _parts(self, by: Columns) -> Breakdown:
        keys = names(by)
        refuse_unknown(self._data, keys)
        return part(self._data, keys)

    @abstractmethod
    def _estimated(self, top: FloatArray, bottom: FloatArray | None, by: Columns, is_total: bool = False) -> Estimated:
        """Estimate totals of `top`, or its quotients by `bottom`; without any, means."""


@dataclass(frozen=True)
class Linearised:
    """Estimates of domains × variables, and the row's part in them.

    Attributes:
        estimate: NaN where no row has a value, or a denominator is 0.
        influence: rows × variables; the estimate's variance is that of the weighted total of these.
        is_observed: rows × variables, or × 1 where nothing is missing.
        n: rows with a value.
        simple_variance: what simple random sampling without replacement of n rows would have.
        effective_size: rows of equal weight that would know as much, (sum w)^2 / sum w^2.
    """

    estimate: FloatArray
    influence: FloatArray
    is_observed: BoolArray
    n: FloatArray
    simple_variance: FloatArray
    effective_size: FloatArray

    def columns(self, variance: FloatArray, freedom: FloatArray) -> dict[str, AnyArray]:
        """Put estimates beside their errors, NaN where there is no estimate."""
        missing = np.isnan(self.estimate)
        with np.errstate(divide="ignore", invalid="ignore"):
            effect = variance / np.where(self.simple_variance > 0, self.simple_variance, np.nan)
        return {
            "estimate": self.estimate,
            "standard_error": np.where(missing, np.nan, np.sqrt(np.maximum(variance, 0))),
            "n": self.n.astype(np.int64),
            "degrees_of_freedom": freedom.astype(np.int64),
            "design_effect": np.where(missing, np.nan, effect),
        }


def linearise(
    domain: IntArray, weight: FloatArray, top: FloatArray, bottom: FloatArray | None, is_total: bool = False
) -> Linearised:
    """Estimate totals, or quotients of totals, of domains.

    Args:
        domain: the domain of each row, sorted.
        weight: of each row.
        top: rows × variables, NaN for missing.
        bottom: the same, for quotients; None takes the rows that have a value, so that quotients are means.
        is_total: whether totals of `top` are asked for.

    Source:
        Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, 5.5-5.8; 2.10 (design effect).
    """
    y, x, is_observed = _without_gaps(top, bottom)
    start, weight = begins(domain), weight[:, None]
    held = np.repeat(np.arange(len(start)), lengths(start, len(domain)))
    n, whole, squares = (sums(values * is_observed, start) for values in (np.ones_like(weight), weight, weight**2))
    y_total, x_total = sums(weight * y, start), sums(weight * x, start)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = y_total / np.where(x_total == 0, np.nan, x_total)
        residual = np.where(is_observed, y - quotient[held] * x, 0.0)
        spread = sums(weight * residual**2, start) / whole * n / np.maximum(n - 1, 1)
        is_constant = spread <= ROUNDING**2 * sums(weight * y**2, start) / whole
        simple = np.where(is_constant, 0.0, spread) * whole * (whole - n) / n
        if is_total:
            estimate, influence = np.where(n > 0, y_total, np.nan), y
        else:
            estimate, influence, simple = quotient, residual / x_total[held], simple / x_total**2
        influence = np.where(np.isfinite(influence), influence, 0.0)
        return Linearised(estimate, influence, is_observed, n, simple, whole**2 / squares)


def ordered(code: IntArray) -> tuple[IntArray, IntArray]:
    """Sort rows by domain, leaving those of none out; within a domain they keep their order.

    Returns:
        The domain of each row, and its place.
    """
    place = np.argsort(code, kind="stable").astype(np.int64)
    place = place[int(np.searchsorted(code, 0, sorter=place)) :]
    return code[place], place


def _without_gaps(top: FloatArray, bottom: FloatArray | None) -> tuple[FloatArray, FloatArray, BoolArray]:
    is_observed = ~np.isnan(top) if bottom is None else ~(np.isnan(top) | np.isnan(bottom))
    if is_observed.all():
        is_observed = np.ones((len(top), 1), dtype=bool)
    y = np.where(is_observed, top, 0.0)
    x = is_observed.astype(np.float64) if bottom is None else np.where(is_observed, bottom, 0.0)
    return y, x, is_observed
