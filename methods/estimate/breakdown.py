"""Breakdowns: rows parted into domains, sums over them, and the table of figures that comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.errors import DesignMismatch

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NOWHERE = -1


@dataclass(frozen=True)
class Breakdown:
    """Rows parted into domains.

    Attributes:
        code: the domain of each row, in the order of the table; `NOWHERE` for none.
        keys: a row a domain, the columns it is named by.
    """

    code: IntArray
    keys: pd.DataFrame

    def table(self, variables: Sequence[str], columns: Mapping[str, FloatArray | IntArray]) -> pd.DataFrame:
        """Lay figures out: domains in order, within each the variables as asked.

        Args:
            variables: names of the figures.
            columns: domains × variables each, or what broadcasts to it.
        """
        shape = (len(self.keys), len(variables))
        found = self.keys.loc[np.repeat(np.arange(shape[0]), shape[1])].reset_index(drop=True)
        found["variable"] = np.tile(np.asarray(variables, dtype=object), shape[0])
        for name, values in columns.items():
            found[name] = np.broadcast_to(values, shape).ravel()
        return found


def part(data: pd.DataFrame, by: Sequence[str]) -> Breakdown:
    """Part rows by the values of columns, sorted; a row without a value of one is in no domain.

    Args:
        data: the rows.
        by: columns; none makes one domain of all rows.
    """
    if not by:
        return Breakdown(np.zeros(len(data), dtype=np.int64), pd.DataFrame(index=range(1)))
    codes, levels = zip(*(pd.factorize(data[name], sort=True) for name in by), strict=True)
    code, place = combine(codes, [len(level) for level in levels])
    each = np.unravel_index(place, [max(len(level), 1) for level in levels])
    named = {name: level.take(at) for name, level, at in zip(by, levels, each, strict=True)}
    return Breakdown(code, pd.DataFrame(named))


def combine(codes: Iterable[npt.NDArray[np.integer]], sizes: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Number the combinations of several codes that occur, in their order.

    Args:
        codes: one array a column, values from 0 to its size, negative for none.
        sizes: how many values each may take.

    Returns:
        The number of each row's combination, `NOWHERE` where a code is negative; and what the numbers stand for,
        places in an array of those sizes.
    """
    whole = np.zeros(1, dtype=np.int64)
    missing = np.zeros(1, dtype=bool)
    for code, size in zip(codes, sizes, strict=True):
        whole = whole * size + code
        missing = missing | (code < 0)
    found, place = pd.factorize(np.where(missing, NOWHERE, whole), sort=True, use_na_sentinel=False)
    skipped = int(len(place) > 0 and place[0] == NOWHERE)
    return found.astype(np.int64) - skipped, place[skipped:]


def begins(*codes: npt.NDArray[np.integer]) -> IntArray:
    """Give where a run of equal codes begins; the codes lie sorted."""
    if not len(codes[0]):
        return np.zeros(0, dtype=np.int64)
    changed = np.ones(len(codes[0]), dtype=bool)
    changed[1:] = np.logical_or.reduce([code[1:] != code[:-1] for code in codes])
    return np.flatnonzero(changed)


def sums(values: FloatArray, start: IntArray) -> FloatArray:
    """Add up runs of rows, given where each begins."""
    if not len(start):
        return np.zeros((0, *values.shape[1:]))
    added: FloatArray = np.add.reduceat(values, start, axis=0)
    return added


def lengths(start: IntArray, total: int) -> IntArray:
    """Count the rows of each run."""
    return np.diff(start, append=total)


def names(asked: str | Sequence[str]) -> tuple[str, ...]:
    """Read one column name or several."""
    return (asked,) if isinstance(asked, str) else tuple(asked)


def numbers(data: pd.DataFrame, columns: Sequence[str]) -> FloatArray:
    """Read columns as numbers, missing ones as NaN, rows × columns.

    Raises:
        DesignMismatch: no such column, text in it, or an infinite number.
    """
    refuse_unknown(data, columns)
    found = np.empty((len(data), len(columns)))
    for place, name in enumerate(columns):
        try:
            found[:, place] = data[name].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise DesignMismatch(f"column {name}", f"{data[name].dtype} values", "numbers") from error
    if np.isinf(found).any():
        name = columns[int(np.isinf(found).any(axis=0).argmax())]
        raise DesignMismatch(f"column {name}", "an infinite number", "finite numbers, or missing ones")
    return found


def refuse_unknown(data: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse columns that the data do not have."""
    unknown = [name for name in columns if name not in data.columns]
    if unknown:
        known = ", ".join(str(name) for name in data.columns)
        raise DesignMismatch("data", f"no column {unknown[0]}", f"one of {known}")
