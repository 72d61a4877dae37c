"""Cells: every variable of every unit and domain as it was counted, with its largest contributors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.estimate import domains
from methods.estimate.definitions import LEVELS, Definitions, Variable
from methods.estimate.indicators import NATION, value

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
COLUMNS = ("level", "unit_code", "domain", "variable", "value", "contributor_count", "largest", "second")


def cells(plans: pd.DataFrame, frame: pd.DataFrame, definitions: Definitions) -> pd.DataFrame:
    """Add up what the counted figures of an edition are made of, and find who makes up most of it.

    Args:
        plans: province_code, county_code, holder (who stands behind a plan), the measures of the sample's
            variables, the columns of the dimensions; one row an issued plan.
        frame: the same of every eligible plan, with the measures of the frame's variables.
        definitions: variables and dimensions in force.

    Returns:
        One row a variable, unit and domain in which there are plans, with the columns COLUMNS: contributor_count
        counts holders who add more than nothing, largest and second are what the two add who add most
        [unit of the variable].
    """
    parts = [_of_source(rows, definitions, source) for source, rows in (("sample", plans), ("frame", frame))]
    found = pd.concat(parts, ignore_index=True)[list(COLUMNS)].astype({"contributor_count": "int64"})
    return found.sort_values(["level", "unit_code", "domain", "variable"], ignore_index=True)


def _of_source(plans: pd.DataFrame, definitions: Definitions, source: str) -> pd.DataFrame:
    variables = definitions.of(source)
    # Whole numbers, which add up to the same in whatever order the plans come.
    values = np.column_stack([value(plans, one) for one in variables])
    labels = domains.label(plans, definitions.dimensions)
    holder = pd.factorize(plans["holder"], sort=True)[0].astype(np.intp)
    units = {
        "county": plans["county_code"],
        "province": plans["province_code"],
        "nation": pd.Series(NATION, index=plans.index),
    }
    parts = []
    for dimension in (None, *definitions.dimensions):
        domain = pd.Series(domains.ALL, index=plans.index) if dimension is None else labels[dimension.code]
        for level in dimension.levels if dimension else LEVELS:
            parts.append(_added_up(level, units[level], domain, holder, values, variables))
    return pd.concat(parts, ignore_index=True)


def _added_up(
    level: str,
    units: pd.Series,
    domain: pd.Series,
    holder: IntArray,
    values: FloatArray,
    variables: Sequence[Variable],
) -> pd.DataFrame:
    groups = pd.DataFrame({"unit_code": units, "domain": domain}).groupby(["unit_code", "domain"], sort=True)
    names = groups.size().index.to_frame(index=False)
    of_holder, cell = by_holder(values, groups.ngroup().to_numpy().astype(np.intp), holder)
    columns = [largest_two(of_holder[:, place], cell, len(names)) for place in range(len(variables))]
    told = (np.stack(column, axis=1).ravel() for column in zip(*columns, strict=True))
    found = names.loc[names.index.repeat(len(variables))].reset_index(drop=True)
    found = found.assign(level=level, variable=np.tile([one.code for one in variables], len(names)))
    return found.assign(**dict(zip(COLUMNS[4:], told, strict=True)))


def by_holder(values: FloatArray, cell: IntArray, holder: IntArray) -> tuple[FloatArray, IntArray]:
    """Add up all that one holder has in a cell.

    Args:
        values: rows x variables.
        cell: number of each row's cell.
        holder: number of who stands behind it.

    Returns:
        A row for each holder of a cell, and its cell, ascending.
    """
    if not len(cell):
        return values, cell
    order = np.lexsort((holder, cell))
    cell, holder = cell[order], holder[order]
    starts = np.flatnonzero(np.append(True, (np.diff(cell) != 0) | (np.diff(holder) != 0)))
    added: FloatArray = np.add.reduceat(values[order], starts, axis=0)
    return added, cell[starts]


def largest_two(
    amount: FloatArray, cell: IntArray, count: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Add up amounts by cell; count those above nothing, and give the largest two.

    Args:
        amount: of each holder, by cell.
        cell: its cell, ascending; each holds one holder or more.
        count: of cells.
    """
    if not len(cell):
        return np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
    size: IntArray = np.bincount(cell, minlength=count).astype(np.intp)
    first: IntArray = np.cumsum(size) - size
    ranked: FloatArray = amount[np.lexsort((-amount, cell))]
    second: FloatArray = np.where(size > 1, ranked[np.minimum(first + 1, len(ranked) - 1)], 0.0)
    total: FloatArray = np.bincount(cell, weights=amount, minlength=count).astype(np.float64)
    holders = np.bincount(cell[amount > 0], minlength=count).astype(np.float64)
    return total, holders, np.maximum(ranked[first], 0.0), np.maximum(second, 0.0)
