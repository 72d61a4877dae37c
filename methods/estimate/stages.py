"""Stages of a sample: units nested in strata and in their parents, and the variance that each stage adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from methods.errors import DesignMismatch, SettingWrong, SingleUnit
from methods.estimate.breakdown import FloatArray, IntArray, begins, combine, lengths, numbers, refuse_unknown, sums

TREATMENTS = ("certainty", "remove", "adjust", "average", "fail")

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Stage:
    """One stage of drawing, its rows in the order of the design.

    Attributes:
        unit: the unit of each row; ascending.
        stratum: the stratum of each row, within its parent unit; ascending.
        size: units drawn in each stratum.
        population: units each stratum has; infinite with replacement.
        scale: what squares of unit totals are multiplied by, the parents' sampling fraction included; a stratum each.
        is_centred: whether they are squares about the mean of the stratum's units; a stratum each.
        are_rows: whether each row is a unit.
    """

    unit: IntArray
    stratum: IntArray
    size: FloatArray
    population: FloatArray
    scale: FloatArray
    is_centred: BoolArray
    are_rows: bool


@dataclass(frozen=True)
class Stages:
    """All stages of a sample.

    Attributes:
        order: places of the rows in the data, by stratum and unit of each stage in turn.
        primary: the first stage.
        adding: the stages that add variance, first to last.
        is_complete: whether each unit of every stage was taken, so that a row stands for itself alone; a row each.
    """

    order: IntArray
    primary: Stage
    adding: tuple[Stage, ...]
    is_complete: BoolArray

    def variances(self, domain: IntArray, place: IntArray, scores: FloatArray) -> FloatArray:
        """Estimate variances of totals of domains, each a part of the whole design.

        Units without a row in a domain count as zeros, in every stratum.

        Args:
            domain: the domain of each row, sorted; rows of a domain lie in the order of the design.
            place: the row's place in that order.
            scores: rows × variables, weighted.

        Returns:
            Domains × variables, of those domains that have a row, in order.
        """
        found = np.zeros((len(begins(domain)), scores.shape[1]))
        first, totals = np.arange(len(domain)), scores
        for stage in reversed(self.adding):
            if not stage.are_rows:
                start = begins(domain[first], stage.unit[place[first]])
                first, totals = first[start], sums(totals, start)
            found += _between(stage, domain[first], stage.stratum[place[first]], totals)
        return found

    def applied(self, scores: Any) -> Any:
        """Multiply scores by the matrix of the variance: s'(that) is the covariance of their totals.

        Args:
            scores: rows × variables in the order of the design, weighted; dense or sparse, as is what comes back.
        """
        found = scores * 0.0
        for stage in self.adding:
            start = begins(stage.unit)
            units, strata = _membership(stage.unit), _membership(stage.stratum[start])
            totals = units.T @ scores
            means = sparse.diags_array(np.where(stage.is_centred, 1 / stage.size, 0.0)) @ (strata.T @ totals)
            found = found + units @ (sparse.diags_array(stage.scale[stage.stratum[start]]) @ (totals - strata @ means))
        return found

    def freedom(self, domain: IntArray, place: IntArray, is_observed: BoolArray) -> FloatArray:
        """Count primary units less strata among the observed rows of each domain.

        Args:
            domain: as for `variances`.
            place: as for `variances`.
            is_observed: rows × variables.
        """
        counts = []
        for codes in (self.primary.unit, self.primary.stratum):
            start = begins(domain, codes[place])
            is_seen = sums(is_observed.astype(np.float64), start) > 0
            counts.append(sums(is_seen.astype(np.float64), begins(domain[start])))
        return counts[0] - counts[1]


def _membership(code: IntArray) -> sparse.csr_array:
    rows = len(code)
    return sparse.csr_array((np.ones(rows), (np.arange(rows), code)), shape=(rows, int(code.max()) + 1))


def _between(stage: Stage, domain: IntArray, stratum: IntArray, totals: FloatArray) -> FloatArray:
    start = begins(domain, stratum)
    held, present = stratum[start], lengths(start, len(domain))
    mean = _means(stage, sums(totals, start), held)
    squares = sums((totals - np.repeat(mean, present, axis=0)) ** 2, start)
    absent = np.where(stage.is_centred[held], stage.size[held] - present, 0.0)
    return sums(stage.scale[held, None] * (squares + absent[:, None] * mean**2), begins(domain[start]))


def _means(stage: Stage, totals: FloatArray, held: IntArray) -> FloatArray:
    found: FloatArray = np.where(stage.is_centred[held, None], totals / stage.size[held, None], 0.0)
    return found


def arrange(
    data: pd.DataFrame,
    strata: Sequence[str | None],
    units: Sequence[str],
    population: Sequence[str | None],
    single_unit: str,
) -> Stages:
    """Read the stages of a sample from its rows.

    Args:
        data: a row a last unit.
        strata: column of the strata of each stage; None for none.
        units: column of the units of each stage, but for the rows themselves.
        population: column of how many units the stratum or parent unit has, a stage each; one more than `units`
            makes the rows the last stage. None skips a stage: it is taken as complete. Without any, units were
            drawn with replacement, and the first stage alone tells the variance.
        single_unit: what a stratum with one unit of several adds: certainty and remove nothing, adjust its square,
            average what the others add on average; fail refuses it.

    Raises:
        DesignMismatch: columns, stages or counts do not fit together.
        SingleUnit: a stratum has one unit and the treatment is fail, or average with no other to go by.
        SettingWrong: no such treatment.
    """
    _refuse_unfit(data, strata, units, population, single_unit)
    depth = max(len(units), len(population), 1)
    strata = [*strata, *[None] * depth][:depth]
    nested = _nested(data, strata, units)
    order = np.argsort(nested[-1][1], kind="stable").astype(np.int64)
    is_counted = any(population)
    parent, passed, found = np.zeros(len(data), dtype=np.int64), np.ones(len(data)), []
    for level, (stratum, unit) in enumerate((stratum[order], unit[order]) for stratum, unit in nested):
        column = population[level] if level < len(population) else None
        columns = [name for name in (*strata[: level + 1], *units[:level]) if name]
        naming = _Naming(data, order, level, columns)
        size = sums(_is_first(unit), begins(stratum))
        whole = _population(naming, stratum, size, column, is_with_replacement=level == 0 and not is_counted)
        scale = _scale(naming, stratum, parent, size, whole, single_unit) * passed[begins(stratum)]
        found.append(Stage(unit, stratum, size, whole, scale, size > 1, are_rows=level == len(units)))
        parent, passed = unit, passed * (size / whole)[stratum]
    return Stages(order, found[0], tuple(stage for stage in found if stage.scale.any()), passed >= 1)


@dataclass(frozen=True)
class _Naming:
    """What a stratum of a stage is called in a refusal."""

    data: pd.DataFrame
    order: IntArray
    level: int
    columns: Sequence[str]

    def place(self, row: int) -> str:
        values = self.data[[*self.columns]].iloc[int(self.order[row])]
        called = ", ".join(f"{name} {value}" for name, value in values.items()) or "the whole"
        return f"stage {self.level + 1}, {called}"


def _nested(data: pd.DataFrame, strata: Sequence[str | None], units: Sequence[str]) -> list[tuple[IntArray, IntArray]]:
    parent, found = np.zeros(len(data), dtype=np.int64), []
    for level, column in enumerate(strata):
        stratum = within(parent, data[column]) if column else parent
        if level < len(units):
            unit = within(stratum, data[units[level]])
        else:
            unit = np.empty(len(data), dtype=np.int64)
            unit[np.argsort(stratum, kind="stable")] = np.arange(len(data))
        found.append((stratum, unit))
        parent = unit
    return found


def within(parent: IntArray, column: pd.Series) -> IntArray:
    """Number the values of a column within a parent's number, in their order.

    Raises:
        DesignMismatch: a row has no value.
    """
    code, level = pd.factorize(column, sort=True)
    if (code < 0).any():
        raise DesignMismatch(f"column {column.name}", "rows without a value", "a stratum and a unit for each row")
    return combine((parent, code), (int(parent.max()) + 1, len(level)))[0]


def _is_first(unit: IntArray) -> FloatArray:
    found = np.zeros(len(unit))
    found[begins(unit)] = 1.0
    return found


def _population(
    naming: _Naming, stratum: IntArray, size: FloatArray, column: str | None, is_with_replacement: bool
) -> FloatArray:
    if column is None:
        return np.full(len(size), np.inf) if is_with_replacement else size
    counts = naming.data[column].to_numpy(dtype=np.float64, na_value=np.nan)[naming.order]
    start = begins(stratum)
    low, high = np.minimum.reduceat(counts, start), np.maximum.reduceat(counts, start)
    wrong = ~((low == high) & (low >= size))
    if wrong.any():
        at = int(wrong.argmax())
        if low[at] == high[at]:
            found = f"{column} {low[at]:g} for {size[at]:.0f} units drawn"
        else:
            found = f"{column} from {low[at]:g} to {high[at]:g}"
        raise DesignMismatch(naming.place(start[at]), found, "one count of all units there, no fewer than were drawn")
    return low


def _scale(
    naming: _Naming, stratum: IntArray, parent: IntArray, size: FloatArray, whole: FloatArray, single_unit: str
) -> FloatArray:
    is_single = (size == 1) & (whole > 1)
    start = begins(stratum)
    if single_unit == "fail" and is_single.any():
        raise SingleUnit(
            naming.place(start[int(is_single.argmax())]), "one unit of several", "two units or more",
            "single_unit says what such a stratum adds: certainty, adjust or average.",
        )  # fmt: skip
    alone = 1.0 if single_unit == "adjust" else 0.0
    scale: FloatArray = (1 - size / whole) * np.where(is_single, alone, size / np.maximum(size - 1, 1))
    if single_unit == "average" and is_single.any():
        scale = scale * _inflation(naming, start, parent[start], is_single)
    return scale


def _inflation(naming: _Naming, start: IntArray, parent: IntArray, is_single: BoolArray) -> FloatArray:
    group = begins(parent)
    strata = lengths(group, len(parent))
    several = sums((~is_single).astype(np.float64), group)
    if (several == 0).any():
        at = start[group[int((several == 0).argmax())]]
        raise SingleUnit(naming.place(at), "no stratum with two units", "one to take the average of")
    return np.repeat(strata / several, strata)


def _refuse_unfit(
    data: pd.DataFrame,
    strata: Sequence[str | None],
    units: Sequence[str],
    population: Sequence[str | None],
    single_unit: str,
) -> None:
    if single_unit not in TREATMENTS:
        raise SettingWrong("single_unit", repr(single_unit), f"one of {', '.join(TREATMENTS)}")
    if not len(data):
        raise DesignMismatch("data", "no rows", "a row for each unit of the sample")
    numbers(data, [name for name in population if name])
    refuse_unknown(data, [name for name in (*strata, *units) if name])
    most = len(units) + 1
    for name, given in (("strata", strata), ("population", population)):
        if len(given) > most:
            raise DesignMismatch(name, f"{len(given)} stages", f"at most {most}: one for each of units, and the rows")
