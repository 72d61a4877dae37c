"""Two phases: what is measured again on a part of a sample, estimated for all it was drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from methods.errors import DesignMismatch, SettingWrong
from methods.estimate import breakdown, stages
from methods.estimate.breakdown import FloatArray, IntArray, begins, sums
from methods.estimate.linearised import BoolArray, Columns, Estimated, Sample, linearise, ordered

METHODS = ("full", "approx")


class TwoPhase(Sample):
    """A sample of which a part was drawn again, for what is too dear to measure on all.

    Each phase is stratified simple random sampling; the strata of the second part the units of the first. Weights
    are the inverse of n/N in the first phase's strata times that of m/n in the second's. Variables count on the
    second phase alone; elsewhere they may be missing. Degrees of freedom are its units less its strata among the
    domain's rows. A stratum with one unit of several adds the square of that about zero. The full variance may come
    out below 0 in a small sample; its error is then given as 0.

    Args:
        data: a row a unit of the first phase.
        second: column that says which of them are in the second; true or false.
        strata: column of the strata of each phase; None for none.
        population: column of the units that each stratum of the first phase was drawn from. None: infinitely many,
            drawn independently, each with a first weight of 1.
        method: full, unbiased; approx, with pairs of the first phase as if the second had drawn them independently.

    Raises:
        DesignMismatch: a column is unknown or has gaps, a population is not constant or smaller than its sample, a
            stratum has no unit in the second phase.
        SettingWrong: no such method.
    Source:
        Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, 9.3-9.4.
    """

    def __init__(
        self,
        data: pd.DataFrame,
        second: str,
        strata: Sequence[str | None] = (None, None),
        population: str | None = None,
        method: str = "full",
    ) -> None:
        if method not in METHODS:
            raise SettingWrong("method", repr(method), f"one of {', '.join(METHODS)}")
        if isinstance(strata, str) or len(strata) > 2:
            raise DesignMismatch("strata", repr(strata), "a column, or None, for each of the two phases")
        first_strata, second_strata = (*strata, None, None)[:2]
        is_second = _read_second(data, second)
        first = stages.arrange(data, (first_strata,), (), (population,), "adjust")
        stratum, again = np.empty(len(data), dtype=np.int64), _read_strata(data, second_strata)
        stratum[first.order] = first.primary.stratum
        drawn = np.bincount(again[is_second], minlength=again.max() + 1).astype(np.float64)
        offered = np.bincount(again).astype(np.float64)
        _refuse_unseen(data, second_strata, again, drawn)

        self._data = data[is_second]
        self._method, self._is_full_and_infinite = method, method == "full" and population is None
        self._first, self._stratum, self._again = first.primary, stratum[is_second], again[is_second]
        first_share = 1.0 if population is None else (first.primary.size / first.primary.population)[self._stratum]
        self._first_share = np.broadcast_to(first_share, self._stratum.shape)
        self._share = (drawn / offered)[self._again]
        # How far 1 / pi_kl of two units of one second stratum is from 1 / (pi_k pi_l); strata are independent.
        self._excess = offered * (offered - 1) / np.maximum(drawn * (drawn - 1), 1) - (offered / drawn) ** 2
        frame = pd.DataFrame({"stratum": self._again, "population": offered[self._again]})
        self._stages = stages.arrange(frame, ("stratum",), (), ("population",), "adjust")

    def _estimated(self, top: FloatArray, bottom: FloatArray | None, by: Columns, is_total: bool = False) -> Estimated:
        parts = self._parts(by)
        domain, place = ordered(parts.code[self._stages.order])
        rows = self._stages.order[place]
        weight = 1 / (self._first_share * self._share)[rows]
        found = linearise(domain, weight, top[rows], None if bottom is None else bottom[rows], is_total)
        variance = self._stages.variances(domain, place, weight[:, None] * found.influence)
        variance = variance + self._first_variance(domain, rows, found.influence)
        freedom = self._stages.freedom(domain, place, found.is_observed)
        return Estimated(parts, found.columns(variance, freedom), found.effective_size)

    def _first_variance(self, domain: IntArray, rows: IntArray, influence: FloatArray) -> FloatArray:
        order = np.lexsort((self._again[rows], self._stratum[rows], domain))
        domain, rows = domain[order], rows[order]
        stratum, share = self._stratum[rows], self._share[rows, None]
        start = begins(domain, stratum)
        held = stratum[start]
        size, left = self._first.size[held, None], 1 - (self._first.size / self._first.population)[held, None]
        once = influence[order] / self._first_share[rows, None]
        squares = sums(once**2 / share, start)
        if self._is_full_and_infinite:
            inner = squares
        elif self._method == "full":
            inner = squares - self._products(domain, rows, once) / np.maximum(size - 1, 1)
        else:
            about_mean = size / np.maximum(size - 1, 1) * (squares - sums(once / share, start) ** 2 / size)
            inner = np.where(size > 1, about_mean, squares)
        return sums(left * inner, begins(domain[start]))

    def _products(self, domain: IntArray, rows: IntArray, once: FloatArray) -> FloatArray:
        """Add up products of pairs within each first stratum, each over its second-phase probability."""
        stratum, again, twice = self._stratum[rows], self._again[rows], once / self._share[rows, None]
        start = begins(domain, stratum)
        cell = begins(domain, stratum, again)
        together = self._excess[again[cell], None] * (sums(once, cell) ** 2 - sums(once**2, cell))
        independent = sums(twice, start) ** 2 - sums(twice**2, start)
        return independent + sums(together, begins(domain[cell], stratum[cell]))


def _read_second(data: pd.DataFrame, second: str) -> BoolArray:
    found = breakdown.numbers(data, [second])[:, 0]
    if not np.isin(found, (0, 1)).all():
        raise DesignMismatch(f"column {second}", "a value that is neither true nor false", "a boolean for each row")
    if not found.any():
        raise DesignMismatch(f"column {second}", "no row", "one row or more in the second phase")
    is_second: BoolArray = found == 1
    return is_second


def _read_strata(data: pd.DataFrame, column: str | None) -> IntArray:
    whole = np.zeros(len(data), dtype=np.int64)
    if column is None:
        return whole
    breakdown.refuse_unknown(data, [column])
    return stages.within(whole, data[column])


def _refuse_unseen(data: pd.DataFrame, column: str | None, again: IntArray, drawn: FloatArray) -> None:
    if (drawn == 0).any():
        row = int(np.flatnonzero(again == int((drawn == 0).argmax()))[0])
        raise DesignMismatch(
            f"second phase, {column} {data[column].iloc[row]}", "no unit drawn again", "one or more in each stratum"
        )
