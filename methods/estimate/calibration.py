"""Calibration: weights that meet known totals, and what the variance gains by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from methods.errors import CalibrationFailed, DesignMismatch, SettingWrong
from methods.estimate import breakdown
from methods.estimate.breakdown import FloatArray, IntArray, begins, lengths
from methods.estimate.stages import Stages

# Margins count as met when they are to this part of themselves.
MET = 1e-9
ROUNDING = 1e-13
STEPS = 300
HALVINGS = 50
# Columns that say the same as others, but for rounding.
REDUNDANT = 1e-11
# What is added to the slope of each weight, so that Newton's step is defined where all stand at a bound: more where
# steps had to be halved often.
EASE, SMALLEST_EASE, LARGEST_EASE = 1e-6, 1e-9, 1e-2
# Below this part of the variance before, a difference of squares has lost too many digits.
CANCELLED = 1e-5
BLOCK = 64

Function = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Margins:
    """Known totals and the columns they are totals of.

    Attributes:
        columns: rows × margins.
        totals: of each margin.
        names: what each is called in a refusal.
    """

    columns: sparse.csr_array
    totals: FloatArray
    names: tuple[str, ...]

    def taken(self, rows: IntArray) -> Margins:
        """Take rows in another order."""
        return Margins(self.columns[rows], self.totals, self.names)


@dataclass(frozen=True)
class Distance:
    """A way to measure how far weights move, by what it makes of them.

    Attributes:
        ratio: of new to old weight, as a function of x'lambda.
        slope: its derivative.
        integral: what `ratio` is the derivative of.
    """

    ratio: Function
    slope: Function
    integral: Function


@dataclass(frozen=True)
class Adjustment:
    """What calibration takes from the contribution of each row.

    A row that counts w u in a total counts w u - m' H L'u when weights are calibrated: w times the residual of the
    regression on the margins by the weights before, times the ratio of weights.

    Attributes:
        response: m, rows × margins, in the order of the design.
        loading: L, rows × margins.
        inverse: H, margins × margins.
        spread: the matrix of the variance times `response`.
        inner: `response` times that.
    """

    response: sparse.csr_array
    loading: sparse.csr_array
    inverse: sparse.csr_array
    spread: sparse.csr_array
    inner: sparse.csr_array

    def corrected(
        self,
        variance: FloatArray,
        stages: Stages,
        domain: IntArray,
        place: IntArray,
        weight: FloatArray,
        influence: FloatArray,
    ) -> FloatArray:
        """Turn variances of weighted totals into those of their residuals.

        Args:
            variance: domains × variables, without calibration.
            stages: of the design.
            domain: see `Stages.variances`.
            place: see `Stages.variances`.
            weight: of each row.
            influence: rows × variables, unweighted.
        """
        found, start = variance.copy(), begins(domain)
        part = np.repeat(np.arange(len(start)), lengths(start, len(domain)))
        for column in range(influence.shape[1]):
            mine = sparse.csr_array((influence[:, column], (part, place)), shape=(len(start), self.response.shape[0]))
            weighted = mine.multiply(_in_order(weight, place, self.response.shape[0])[None, :]).tocsr()
            fitted = mine @ self.loading @ self.inverse
            shared = fitted.multiply(weighted @ self.spread).sum(axis=1)
            own = fitted.multiply(fitted @ self.inner).sum(axis=1)
            found[:, column] += own - 2 * shared
            lost = np.flatnonzero(found[:, column] < CANCELLED * variance[:, column])
            found[lost, column] = self._direct(stages, weighted[lost], fitted[lost])
        return found

    def _direct(self, stages: Stages, weighted: sparse.csr_array, fitted: sparse.csr_array) -> FloatArray:
        found = np.zeros(weighted.shape[0])
        for first in range(0, len(found), BLOCK):
            some = slice(first, first + BLOCK)
            scores = (weighted[some] - fitted[some] @ self.response.T).toarray().T
            found[some] = (scores * stages.applied(scores)).sum(axis=0)
        return found


def compose(
    before: Adjustment | None, stages: Stages, weight: FloatArray, change: FloatArray, columns: sparse.csr_array
) -> Adjustment:
    """Put a calibration on top of another.

    Args:
        before: of the weights so far.
        stages: of the design.
        weight: of each row before, in the order of the design.
        change: ratio of the weight after to that before.
        columns: rows × margins.
    """
    weighted = _scaled(columns, weight)
    inverse = _pseudo_inverse(columns.T @ weighted)
    response, loading = _scaled(columns, weight * change), weighted
    if before is not None:
        fitted = before.inverse.T @ (before.loading.T @ _scaled(columns, change))
        response = sparse.hstack([response - before.response @ fitted, before.response], format="csr")
        loading = sparse.hstack([loading, _scaled(before.loading, change)], format="csr")
        inverse = sparse.block_diag([inverse, before.inverse], format="csr")
    spread = sparse.csr_array(stages.applied(response))
    return Adjustment(response, loading, sparse.csr_array(inverse), spread, sparse.csr_array(response.T @ spread))


def read(data: pd.DataFrame, margins: Mapping[str, Mapping[object, float] | float]) -> Margins:
    """Read margins against the columns they are of.

    Args:
        data: the rows.
        margins: column -> counts by category, or the total of a number.

    Raises:
        CalibrationFailed: a category has no count or no row, a margin is not a number, a count not above 0.
        DesignMismatch: no such column, or it has gaps.
    """
    if not margins:
        raise CalibrationFailed("margins", "none", "a column with its known totals")
    breakdown.refuse_unknown(data, margins)
    parts = [
        _of_categories(data[name], known) if isinstance(known, Mapping) else _of_number(data, name, known)
        for name, known in margins.items()
    ]
    return Margins(
        sparse.hstack([part.columns for part in parts], format="csr"),
        np.concatenate([part.totals for part in parts]),
        tuple(name for part in parts for name in part.names),
    )


def _of_categories(column: pd.Series, known: Mapping[object, float]) -> Margins:
    code, levels = pd.factorize(column, sort=True)
    _refuse_gaps(column)
    names = [f"margin {column.name}={level}" for level in levels]
    for level, name in zip(levels, names, strict=True):
        if level not in known:
            raise CalibrationFailed(name, f"{int((column == level).sum())} rows and no count", "one for each category")
    for level, count in known.items():
        if not (np.isfinite(count) and count > 0):
            raise CalibrationFailed(f"margin {column.name}={level}", f"a count of {count:g}", "a number above 0")
        if level not in levels:
            raise CalibrationFailed(
                f"margin {column.name}={level}", "no row", f"a total of {count:g}", "Merge it with another category."
            )
    rows = len(column)
    columns = sparse.csr_array((np.ones(rows), (np.arange(rows), code)), shape=(rows, len(levels)))
    return Margins(columns, np.array([float(known[level]) for level in levels]), tuple(names))


def _of_number(data: pd.DataFrame, name: str, known: float) -> Margins:
    if not np.isfinite(known):
        raise CalibrationFailed(f"margin {name}", f"a total of {known:g}", "a finite number")
    _refuse_gaps(data[name])
    return Margins(sparse.csr_array(breakdown.numbers(data, [name])), np.array([float(known)]), (f"margin {name}",))


def _refuse_gaps(column: pd.Series) -> None:
    if column.isna().any():
        found = f"{int(column.isna().sum())} rows without a value"
        raise DesignMismatch(f"column {column.name}", found, "a value in each row that is calibrated")


def solve(
    weight: FloatArray, margins: Margins, method: str = "linear", bounds: tuple[float, float] | None = None
) -> FloatArray:
    """Find the ratios of new to old weights that meet margins with the least distance.

    Newton's method on the dual problem, each step halved until it gains.

    Args:
        weight: of each row before.
        margins: columns of the same rows, and their totals.
        method: linear, raking or logit.
        bounds: of the ratio.

    Raises:
        CalibrationFailed: no weights meet the margins, or none within the bounds.
        SettingWrong: no such method, or bounds that do not go with it.
    Source:
        Deville and Särndal (1992), JASA 87, cases 1, 2, 6 and 7 of their table of distances.
    """
    dual = _Dual.of(weight, margins, _distance(method, bounds))
    at, ease = np.zeros(len(margins.totals)), EASE
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(STEPS):
            gap = dual.gap(at)
            if dual.worst(gap) < ROUNDING:
                break
            at, halvings = dual.descend(at, gap, ease)
            if halvings == HALVINGS and (ease > LARGEST_EASE or dual.worst(gap) <= MET):
                break
            ease = ease * 10 if halvings > 3 else max(ease / 10, SMALLEST_EASE)
        gap = dual.gap(at)
    _refuse_missed(gap, dual.size, margins, bounds)
    return dual.distance.ratio(margins.columns @ at)


@dataclass(frozen=True)
class _Dual:
    """The convex function whose lowest point gives the weights: its slope is what the margins are missed by."""

    weight: FloatArray
    columns: sparse.csr_array
    wanted: FloatArray
    distance: Distance
    size: FloatArray

    @classmethod
    def of(cls, weight: FloatArray, margins: Margins, distance: Distance) -> _Dual:
        size = np.maximum(np.abs(margins.totals), abs(margins.columns).T @ np.abs(weight))
        return cls(weight, margins.columns, margins.totals, distance, np.where(size > 0, size, 1.0))

    def gap(self, at: FloatArray) -> FloatArray:
        found: FloatArray = self.columns.T @ (self.weight * self.distance.ratio(self.columns @ at)) - self.wanted
        return found

    def worst(self, gap: FloatArray) -> float:
        return float(np.abs(gap / self.size).max())

    def height(self, at: FloatArray) -> float:
        return float(self.weight @ self.distance.integral(self.columns @ at) - self.wanted @ at)

    def descend(self, at: FloatArray, gap: FloatArray, ease: float) -> tuple[FloatArray, int]:
        """Take the longest halving of Newton's step that comes closer, and say how many halvings that took."""
        slope = self.weight * (self.distance.slope(self.columns @ at) + ease)
        step = -(_pseudo_inverse(self.columns.T @ _scaled(self.columns, slope)) @ gap)
        worst, level = self.worst(gap), self.height(at)
        for halvings in range(HALVINGS):
            after: FloatArray = at + step / 2**halvings
            is_lower = self.height(after) <= level + 1e-4 * float(gap @ step) / 2**halvings
            # Near the end heights differ by less than they are rounded to, so the gap decides.
            is_nearer = self.worst(self.gap(after)) < (1 if is_lower else 0.9) * worst
            if is_nearer or (is_lower and worst > MET):
                return after, halvings
        return at, HALVINGS


def _refuse_missed(gap: FloatArray, size: FloatArray, margins: Margins, bounds: tuple[float, float] | None) -> None:
    relative = np.abs(gap / size)
    if not (relative <= MET).all():
        at = int(np.where(np.isnan(relative), np.inf, relative).argmax())
        within = f" within ratios of {bounds[0]:g} to {bounds[1]:g}" if bounds else ""
        raise CalibrationFailed(
            margins.names[at],
            f"a total of {margins.totals[at] + gap[at]:.10g} at the nearest{within}",
            f"{margins.totals[at]:.10g}",
            "Margins that overlap must agree with each other; wider bounds may do.",
        )


def _distance(method: str, bounds: tuple[float, float] | None) -> Distance:
    if method not in ("linear", "raking", "logit"):
        raise SettingWrong("method", repr(method), "linear, raking or logit")
    if (method == "raking" and bounds is not None) or (method == "logit" and bounds is None):
        wanted = "no bounds with raking, bounds with logit"
        raise SettingWrong("bounds", f"{bounds} with {method}", wanted)
    if bounds is not None and not (bounds[0] < 1 < bounds[1] and np.isfinite(bounds).all()):
        raise SettingWrong("bounds", str(bounds), "finite numbers, the first below 1, the second above")
    if method == "raking":
        return Distance(np.exp, np.exp, np.exp)
    if method == "logit" and bounds is not None:
        return _logit(*bounds)
    return _linear(*(bounds or (-np.inf, np.inf)))


def _linear(low: float, high: float) -> Distance:
    def ratio(u: FloatArray) -> FloatArray:
        return np.clip(1 + u, low, high)

    def slope(u: FloatArray) -> FloatArray:
        return ((1 + u >= low) & (1 + u <= high)).astype(np.float64)

    def integral(u: FloatArray) -> FloatArray:
        inside = ratio(u) - 1
        found: FloatArray = inside + inside**2 / 2 + (u - inside) * (1 + inside)
        return found

    return Distance(ratio, slope, integral)


def _logit(low: float, high: float) -> Distance:
    steep = (high - low) / ((1 - low) * (high - 1))

    def share(u: FloatArray) -> FloatArray:
        odds = (1 - low) / (high - 1) * np.exp(np.clip(steep * u, -700, 700))
        found: FloatArray = odds / (1 + odds)
        return found

    def ratio(u: FloatArray) -> FloatArray:
        return low + (high - low) * share(u)

    def slope(u: FloatArray) -> FloatArray:
        return steep * (high - low) * share(u) * (1 - share(u))

    def integral(u: FloatArray) -> FloatArray:
        found: FloatArray = low * u + (high - low) / steep * np.logaddexp(np.log((high - 1) / (1 - low)), steep * u)
        return found

    return Distance(ratio, slope, integral)


def _pseudo_inverse(matrix: sparse.csr_array) -> sparse.csr_array:
    """Invert a symmetric matrix where it has an inverse; columns that others make up count once."""
    across = matrix.diagonal()
    if (matrix - sparse.diags_array(across)).count_nonzero() == 0:
        return sparse.diags_array(np.where(across == 0, 0, 1 / np.where(across == 0, 1, across)), format="csr")
    scale = np.sqrt(np.abs(np.where(across == 0, 1, across)))
    values, vectors = np.linalg.eigh(matrix.toarray() / np.outer(scale, scale))
    is_kept = np.abs(values) > REDUNDANT * np.abs(values).max()
    vectors = vectors[:, is_kept] / scale[:, None]
    return sparse.csr_array((vectors / values[is_kept]) @ vectors.T)


def _scaled(columns: sparse.csr_array, weight: FloatArray) -> sparse.csr_array:
    return sparse.csr_array(columns.multiply(weight[:, None]))


def _in_order(weight: FloatArray, place: IntArray, rows: int) -> FloatArray:
    found = np.zeros(rows)
    found[place] = weight
    return found
