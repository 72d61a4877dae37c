"""Additive tables as a system of equations: what can move while everything printed stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from methods.errors import TableInconsistent

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]
# Code -> the code it is a part of; None for a code that is part of nothing.
Hierarchy = Mapping[str, str | None]
# Of the sum of what stands in an equation: beyond it the equation does not add up.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Needs:
    """What must stay possible for the cells the law protects, a row a part and direction.

    Attributes:
        variable: the part that must be able to move.
        sign: +1 up, -1 down.
        amount: how far [unit of the table].
        is_inside: also for those who know what stands in the cells of single contributors.
    """

    variable: IntArray
    sign: FloatArray
    amount: FloatArray
    is_inside: BoolArray

    def __len__(self) -> int:
        return len(self.variable)


@dataclass(frozen=True)
class System:
    """The parts of tables that can move: cells that are printed, or withheld, only together.

    Attributes:
        equations: equations x parts; a move that keeps what is printed solves equations @ move = 0.
        value: value of a part's largest cell [unit of the table].
        room: how far a part may fall for an outsider [unit].
        room_inside: how far it may fall for all contributors together [unit].
        is_single: one contributor stands behind the part.
        holder: a number of his, the same for the sums he alone makes up; -1 for none.
        inner: parts x holders, who stands alone in a part or in something that it is made up of.
        is_forced: withheld in any case.
        cost: what is lost with the cells a part stands for that would be printed otherwise.
        block: province or table a part lies in, -1 for parts that tie these together.
        part: cell -> part, -1 for a cell that cannot move.
        needs: what must stay possible.
    """

    equations: sparse.csr_array
    value: FloatArray
    room: FloatArray
    room_inside: FloatArray
    is_single: BoolArray
    holder: IntArray
    inner: sparse.csr_array
    is_forced: BoolArray
    cost: FloatArray
    block: IntArray
    part: IntArray
    needs: Needs

    def strangers(self, part: int) -> BoolArray:
        """Say which parts are of contributors who stand alone there, and not in anything that a part is made up of.

        What those who do know of it is what its own level and that of their parts allow for.
        """
        return self.is_single & ~np.isin(self.holder, self.inner[[part]].indices)

    def within(self, block: int) -> tuple[System, IntArray, IntArray]:
        """Take out a block, as if nothing outside of it could move.

        Returns:
            The smaller system, its parts and its needs as numbered in the whole.
        """
        parts = np.flatnonzero(self.block == block)
        needs = np.flatnonzero(self.block[self.needs.variable] == block)
        rows = self.equations[:, parts]
        every = self.needs
        smaller = System(
            equations=rows[np.diff(rows.indptr) > 0],
            value=self.value[parts],
            room=self.room[parts],
            room_inside=self.room_inside[parts],
            is_single=self.is_single[parts],
            holder=self.holder[parts],
            inner=self.inner[parts],
            is_forced=self.is_forced[parts],
            cost=self.cost[parts],
            block=self.block[parts],
            part=np.arange(len(parts)),
            needs=Needs(
                np.searchsorted(parts, every.variable[needs]),
                every.sign[needs],
                every.amount[needs],
                every.is_inside[needs],
            ),
        )
        return smaller, parts, needs


def system(cells: pd.DataFrame, hierarchies: Mapping[str, Hierarchy], equations: sparse.csr_array) -> System:
    """Make a system of the tables of a period.

    A cell with the same value in two editions is one and the same: who has seen it once has seen it.

    Args:
        cells: edition, the columns named in `hierarchies`, value; is_known (stands fast), is_forced (withheld in any
            case), is_priced (would be printed otherwise); floor, floor_inside [unit]; is_single; need_up, need_down,
            need_inside [unit, 0 for none]. One row a cell, editions from the oldest.
        hierarchies: column -> its codes; the first is of places.
        equations: how the cells add up, see `additive_equations`.

    Returns:
        The system of what can move.
    """
    tied = sparse.vstack([equations, _unchanged(cells, [*hierarchies])], format="csr")
    joined, part = reduced(tied, cells["is_known"].to_numpy(dtype=bool))
    moving = np.flatnonzero(part >= 0)
    rows = cells.iloc[moving]
    holder = _holders(tied, cells["is_single"].to_numpy(dtype=bool))
    groups = rows.assign(
        room=rows["value"] - rows["floor"],
        room_inside=rows["value"] - rows["floor_inside"],
        cost=(rows["is_priced"] & ~rows["is_forced"]) * rows["cost"],
        block=_blocks(rows, hierarchies),
        holder=holder[moving],
    ).groupby(part[moving])
    block = groups["block"].min().to_numpy()
    return System(
        equations=joined,
        value=_floats(groups["value"].max()),
        room=_floats(groups["room"].min()),
        room_inside=_floats(groups["room_inside"].min()),
        is_single=groups["is_single"].any().to_numpy(dtype=bool),
        holder=groups["holder"].max().to_numpy().astype(np.intp),
        inner=_inner(tied, holder, part),
        is_forced=groups["is_forced"].any().to_numpy(dtype=bool),
        cost=_floats(groups["cost"].sum()),
        block=np.where(block == groups["block"].max(), block, -1).astype(np.intp),
        part=part,
        needs=_needs(groups),
    )


def additive_equations(cells: pd.DataFrame, hierarchies: Mapping[str, Hierarchy]) -> sparse.csr_array:
    """Write down how cells add up: parts - sum = 0 for each sum whose parts are there.

    A cell that is not there holds nothing.

    Args:
        cells: edition, the columns named in `hierarchies` and value, one row a cell.
        hierarchies: column -> its codes.

    Returns:
        Equations x cells, 1 for a part and -1 for the sum.

    Raises:
        TableInconsistent: a negative or missing value, an unknown code, a cell twice, or parts that do not add up.
    """
    columns = [*hierarchies]
    _refuse_broken_cells(cells, hierarchies)
    keys = pd.MultiIndex.from_frame(cells[["edition", *columns]])
    equations = sparse.vstack([_sums_over(cells, keys, name, hierarchies[name]) for name in columns], format="csr")
    _refuse_broken_sums(cells, columns, equations)
    return equations


def least_values(equations: sparse.csr_array, known: FloatArray, least: FloatArray) -> FloatArray:
    """Say what each cell holds at least, given what some cells hold: a sum holds no less than its parts.

    Args:
        equations: as of `additive_equations`.
        known: what a cell is known to hold [unit], missing where it is not.
        least: what it is known to hold at least [unit].
    """
    found = np.where(np.isnan(known), least, known)
    parts, wholes = equations.multiply(equations > 0).tocsr(), equations.multiply(equations < 0).tocsr()
    place = wholes.indices
    while True:
        raised = found.copy()
        np.maximum.at(raised, place, parts @ found)
        if (raised <= found).all():
            return found
        found = raised


def reduced(equations: sparse.csr_array, is_known: BoolArray) -> tuple[sparse.csr_array, IntArray]:
    """Leave out what cannot move, and make one part of cells that move only together.

    Args:
        equations: equations x cells.
        is_known: the cell stands fast: printed, and not to be withheld any more.

    Returns:
        Equations x parts, and cell -> part (-1 where known).
    """
    free = np.flatnonzero(~is_known)
    left = equations[:, free].tocsr()
    pairs = left[np.diff(left.indptr) == 2]
    ends, signs = pairs.indices.reshape(-1, 2), pairs.data.reshape(-1, 2)
    alike = ends[signs[:, 0] != signs[:, 1]]
    links = sparse.coo_array((np.ones(len(alike)), (alike[:, 0], alike[:, 1])), shape=(len(free), len(free)))
    count, label = connected_components(links, directed=False)
    merge = sparse.csr_array((np.ones(len(free)), (np.arange(len(free)), label)), shape=(len(free), count))
    joined = sparse.csr_array(left @ merge)
    joined.eliminate_zeros()
    part = np.full(len(is_known), -1, dtype=np.intp)
    part[free] = label
    return _without_repeats(joined[np.diff(joined.indptr) > 0]), part


def _sums_over(cells: pd.DataFrame, keys: pd.MultiIndex, column: str, parent_of: Hierarchy) -> sparse.csr_array:
    parent = cells[column].map(parent_of)
    there = np.flatnonzero(parent.notna())
    above = cells.iloc[there].assign(**{column: parent.iloc[there]})[list(keys.names)]
    whole = keys.get_indexer(pd.MultiIndex.from_frame(above))
    there, whole = there[whole >= 0], whole[whole >= 0]
    sums, row = np.unique(whole, return_inverse=True)
    rows, places = np.concatenate([row, np.arange(len(sums))]), np.concatenate([there, sums])
    signs = np.concatenate([np.ones(len(there)), -np.ones(len(sums))])
    return sparse.csr_array((signs, (rows, places)), shape=(len(sums), len(cells)))


def _without_repeats(equations: sparse.csr_array) -> sparse.csr_array:
    # Rows that are the same add the same numbers in the same order, to the last bit.
    equations.sort_indices()
    mark = equations @ np.random.default_rng(0).random(equations.shape[1])
    _, kept = np.unique(mark * np.sign(equations.data[equations.indptr[:-1]]), return_index=True)
    return equations[np.sort(kept)]


def _unchanged(cells: pd.DataFrame, columns: list[str]) -> sparse.csr_array:
    """Tie each cell to that of an edition before it with the same value."""
    order = np.argsort(cells["edition"].to_numpy(), kind="stable").astype(np.intp)
    same = [cells[column].to_numpy()[order] for column in [*columns, "value"]]
    before = pd.Series(order).groupby(same, sort=False).shift()
    tied = before.notna().to_numpy()
    now, then = order[tied], before.to_numpy()[tied].astype(np.intp)
    count = np.arange(len(now))
    signs = np.concatenate([np.ones(len(now)), -np.ones(len(now))])
    places = (np.concatenate([count, count]), np.concatenate([now, then]))
    return sparse.csr_array((signs, places), shape=(len(now), len(cells)))


def _holders(equations: sparse.csr_array, is_single: BoolArray) -> IntArray:
    """Number single contributors; who stands alone in a sum stands alone in the one part of it that holds anything."""
    alone = equations @ sparse.diags_array(is_single.astype(np.float64))
    ties = (alone < 0).astype(np.float64).T @ (alone > 0).astype(np.float64)
    _, holder = connected_components(ties, directed=False)
    return np.where(is_single, holder, -1).astype(np.intp)


def _inner(equations: sparse.csr_array, holder: IntArray, part: IntArray) -> sparse.csr_array:
    """Say who stands alone in a part or in something that it is made up of, parts x holders."""
    alone = np.flatnonzero(holder >= 0)
    shape = (len(holder), int(holder.max(initial=0)) + 1)
    found = sparse.csr_array((np.ones(len(alone)), (alone, holder[alone])), shape=shape)
    makes_up = (equations < 0).astype(np.float64).T @ (equations > 0).astype(np.float64)
    before = -1
    while found.nnz > before:
        before = found.nnz
        found = sparse.csr_array((found + makes_up @ found).sign())
    moving = np.flatnonzero(part >= 0)
    places = (part[moving], np.arange(len(moving)))
    of = sparse.csr_array((np.ones(len(moving)), places), shape=(int(part.max(initial=-1)) + 1, len(moving)))
    return sparse.csr_array((of @ found[moving]).sign())


def _blocks(cells: pd.DataFrame, hierarchies: Mapping[str, Hierarchy]) -> IntArray:
    """Number the provinces, whose counties lie in them, and for all places above the tables that share only margins."""
    (column, parent_of), *others = hierarchies.items()
    above = cells[column].map(parent_of).where(~cells[column].isin(set(parent_of.values())))
    province = pd.factorize(above, sort=True)[0].astype(np.intp)
    table = _tables(cells, dict(others))
    return np.where(province >= 0, province, np.where(table >= 0, province.max(initial=-1) + 1 + table, -1))


def _tables(cells: pd.DataFrame, hierarchies: Mapping[str, Hierarchy]) -> IntArray:
    """Number the tables by the columns they break places down by; -1 where several share a cell, or there is one."""
    breaks = np.zeros(len(cells), dtype=np.int64)
    for bit, (column, parent_of) in enumerate(hierarchies.items()):
        breaks |= cells[column].map(parent_of).notna().to_numpy(dtype=np.int64) << bit
    kinds, kind = np.unique(breaks, return_inverse=True)
    is_within = (kinds[:, None] & kinds) == kinds[:, None]
    is_table = is_within.sum(axis=1) == 1
    if is_table.sum() <= 1:
        return np.full(len(cells), -1, dtype=np.intp)
    of = is_within & is_table
    return np.where(of.sum(axis=1) == 1, of.argmax(axis=1), -1).astype(np.intp)[kind]


def _needs(groups: Any) -> Needs:
    kinds = (("need_up", 1.0, False), ("need_down", -1.0, False), ("need_inside", 1.0, True))
    amounts = [_floats(groups[name].max()) for name, _, _ in kinds]
    parts = [np.flatnonzero(amount > 0) for amount in amounts]
    return Needs(
        variable=np.concatenate(parts).astype(np.intp),
        sign=np.concatenate([np.full(len(rows), kind[1]) for rows, kind in zip(parts, kinds, strict=True)]),
        amount=np.concatenate([amount[rows] for amount, rows in zip(amounts, parts, strict=True)]),
        is_inside=np.concatenate([np.full(len(rows), kind[2]) for rows, kind in zip(parts, kinds, strict=True)]),
    )


def _floats(column: pd.Series) -> FloatArray:
    return column.to_numpy(dtype=np.float64)


def _refuse_broken_cells(cells: pd.DataFrame, hierarchies: Mapping[str, Hierarchy]) -> None:
    columns = [*hierarchies]
    value = cells["value"].to_numpy(dtype=np.float64, na_value=np.nan)
    broken = np.flatnonzero(~(value >= 0) | np.isinf(value))
    if len(broken):
        _refuse(cells, columns, broken[0], f"a value of {value[broken[0]]:g}", "nothing or more in each cell")
    for column, parent_of in hierarchies.items():
        codes = set(parent_of) | {code for code in parent_of.values() if code is not None}
        unknown = np.flatnonzero(~cells[column].isin(codes))
        if len(unknown):
            _refuse(cells, columns, unknown[0], f"no such code in the hierarchy of {column}", "every code in it")
    twice = np.flatnonzero(cells.duplicated(["edition", *columns]))
    if len(twice):
        _refuse(cells, columns, twice[0], "the cell twice", "one row a cell")


def _refuse_broken_sums(cells: pd.DataFrame, columns: list[str], equations: sparse.csr_array) -> None:
    value = cells["value"].to_numpy(dtype=np.float64)
    off = equations @ value
    broken = np.flatnonzero(np.abs(off) > TOLERANCE * (abs(equations) @ value))
    if len(broken):
        row = equations[[broken[0]]]
        whole = row.indices[row.data < 0][0]
        _refuse(
            cells,
            columns,
            whole,
            f"{value[whole]:,g}, and parts that add up to {value[whole] + off[broken[0]]:,g}",
            f"a sum of its {row.nnz - 1} parts ({len(broken)} sums are off)",
        )


def _refuse(cells: pd.DataFrame, columns: list[str], row: int, found: str, wanted: str) -> NoReturn:
    place = " / ".join(str(cells[column].iloc[row]) for column in columns)
    raise TableInconsistent(place=f"table, cell {place}", found=found, wanted=wanted)
