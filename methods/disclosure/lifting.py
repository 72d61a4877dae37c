"""Lifting: which needs a pattern meets, and patterns grown from what is cheapest to lift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from methods.disclosure.table import System

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

# What meeting one need may cost, in cells, from the cheap ones on.
PRICES = (0.01, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
# A price is left when a linear programme meets less than this share of what is open, and fewer than this.
POOR_SHARE, POOR_COUNT = 0.03, 3
# Two linear programmes in a row that meet no more than this share end a trial.
IDLE_SHARE, PATIENCE = 0.005, 2
# Of single contributors' cells, one in so many is looked at at a time, so that they do not prop up each other; for
# the same end each part that moves costs them a little.
SINGLES_AT_A_TIME, THRIFT = 8, 1e-5
# Needs of outsiders, of contributors in cells of several, and of contributors who are alone.
OUTSIDE, SHARED, ALONE = range(3)
# From so many columns and needs on the interior point method is the faster.
LARGE, MANY = 3_000, 200
NEAR = 1e-6


class Lifts:
    """Linear programmes over one system: moves that leave everything printed as it is."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.unit = float(np.median(system.needs.amount)) if len(system.needs) else 1.0

    def unmet(self, withheld: BoolArray, among: IntArray, seed: int) -> IntArray:
        """List needs a pattern was not seen to meet; a few of them may be met all the same.

        Each linear programme lifts as many parts as it can at once, by weights of chance, so that a dozen of them
        settle what thousands of single ones would.
        """
        nothing, free = np.zeros(len(withheld), dtype=bool), np.zeros(len(withheld))
        chance = np.random.default_rng(seed)
        left = among
        for kind in (OUTSIDE, SHARED, ALONE):
            idle = 0
            while idle < PATIENCE and len(mine := self._of_kind(left, kind)):
                met, _ = self._lift(mine, _Field(withheld, nothing, free), 1.0, chance)
                left = np.setdiff1d(left, met, assume_unique=True)
                idle = 0 if len(met) > IDLE_SHARE * len(mine) else idle + 1
        return left

    def grow(
        self, start: BoolArray, pool: BoolArray, cost: FloatArray, among: IntArray, seed: int
    ) -> tuple[BoolArray, IntArray]:
        """Withhold further parts of a pool until every need is met.

        Args:
            start: parts withheld in any case.
            pool: parts that may be withheld.
            cost: what withholding a part costs, about 1 a cell.
            among: needs to meet.
            seed: of the order in which needs are taken up.

        Returns:
            Parts withheld, and the needs that the pool cannot meet.
        """
        chance = np.random.default_rng(seed)
        withheld, left = start, among
        for price in PRICES:
            for kind in (OUTSIDE, SHARED, ALONE):
                withheld, left = self._grow_at(price, kind, _Field(withheld, pool, cost), left, chance)
        stuck = []
        for need in left:
            move = self._lift_one(need, _Field(withheld, pool, cost))
            if move is None:
                stuck.append(need)
            else:
                withheld = withheld | (np.abs(move) > NEAR)
        return withheld, np.asarray(stuck, dtype=np.intp)

    def _grow_at(
        self, price: float, kind: int, field: _Field, left: IntArray, chance: np.random.Generator
    ) -> tuple[BoolArray, IntArray]:
        """Meet the needs that a price pays for."""
        withheld = field.withheld
        while len(mine := self._of_kind(left, kind)):
            met, move = self._lift(mine, _Field(withheld, field.pool, field.cost), price, chance)
            withheld = withheld | (np.abs(move) > NEAR)
            left = np.setdiff1d(left, met, assume_unique=True)
            if len(met) < max(POOR_COUNT, POOR_SHARE * len(mine)):
                break
        return withheld, left

    def _of_kind(self, needs: IntArray, kind: int) -> IntArray:
        is_inside = self.system.needs.is_inside[needs]
        is_single = self.system.is_single[self.system.needs.variable[needs]]
        found: IntArray = needs[np.where(is_inside, np.where(is_single, ALONE, SHARED), OUTSIDE) == kind]
        return found

    def _lift(
        self, needs: IntArray, field: _Field, price: float, chance: np.random.Generator
    ) -> tuple[IntArray, FloatArray]:
        """Lift many needs of one kind at once; those of one part in two directions take turns.

        Returns:
            The needs met, and how far each part moves [unit].
        """
        every = self.system.needs
        inside = bool(every.is_inside[needs[0]])
        is_free = np.ones(len(field.withheld), dtype=bool)
        tried, is_alone = needs, inside and bool(self.system.is_single[every.variable[needs[0]]])
        if inside:
            is_free = ~self.system.is_single
        if is_alone:
            tried = chance.permutation(needs)[: -(-len(needs) // SINGLES_AT_A_TIME)]
            is_free[every.variable[tried]] = True
        order = chance.permutation(tried)
        chosen = order[np.unique(every.variable[order], return_index=True)[1]]
        weight = price * chance.uniform(0.2, 1.0, len(chosen))
        move = _Programme(self, field.only(is_free), inside, is_alone).lifted(chosen, weight)
        return tried[self._is_met(tried, move, inside)], move

    def _lift_one(self, need: int, field: _Field) -> FloatArray | None:
        """Meet one need at the least cost; None if it cannot be."""
        every = self.system.needs
        inside, part = bool(every.is_inside[need]), every.variable[need]
        is_free = ~self.system.is_single if inside else np.ones(len(field.withheld), dtype=bool)
        is_free[part] = True
        programme = _Programme(self, field.only(is_free), inside)
        return programme.moved(part, every.sign[need] * every.amount[need] / self.unit)

    def _is_met(self, needs: IntArray, move: FloatArray, inside: bool) -> BoolArray:
        every = self.system.needs
        part = every.variable[needs]
        met: BoolArray = every.sign[needs] * move[part] * self.unit >= every.amount[needs] * (1 - NEAR)
        return met & ~self._is_propped(part, move) if inside else met

    def _is_propped(self, part: IntArray, move: FloatArray) -> BoolArray:
        """Say which parts move only together with another single contributor's."""
        moved = np.abs(move) > NEAR
        alone = moved & self.system.is_single
        count, label = linked(self.system.equations[:, moved])
        group = np.full(len(move), count, dtype=np.intp)
        group[moved] = label
        singles = np.bincount(group[alone], minlength=count + 1)
        found: BoolArray = singles[group[part]] - alone[part] > 0
        return found


@dataclass(frozen=True)
class _Field:
    """Parts that move freely, parts that may be withheld besides, and what each of these costs."""

    withheld: BoolArray
    pool: BoolArray
    cost: FloatArray

    def only(self, is_free: BoolArray) -> _Field:
        return _Field(self.withheld & is_free, self.pool & is_free, self.cost)


class _Programme:
    """One linear programme: withheld parts move freely, parts of the pool at a cost.

    A thrifty one moves few of the withheld ones too.
    """

    def __init__(self, lifts: Lifts, field: _Field, inside: bool, is_thrifty: bool = False) -> None:
        system, self.unit = lifts.system, lifts.unit
        self.needs = system.needs
        room = (system.room_inside if inside else system.room) / self.unit
        self.size = len(field.withheld)
        charge = np.where(field.withheld, THRIFT if is_thrifty else 0.0, field.cost)
        # Columns that move both ways, and those that are split in a rise and a fall, each at its cost.
        self.both = np.flatnonzero(field.withheld & (not is_thrifty))
        self.split = np.flatnonzero((field.pool & ~field.withheld) | (field.withheld & is_thrifty))
        both, split = system.equations[:, self.both], system.equations[:, self.split]
        moving = sparse.hstack([both, split, -split], format="csr")
        self.equations = moving[np.diff(moving.indptr) > 0]
        rise, fall = charge[self.split], room[self.split]
        # A small cell has to be withheld whole for the little it can give.
        whole = np.where(field.withheld[self.split], 1.0, np.clip(fall, NEAR, 1.0))
        self.charge = np.concatenate([np.zeros(len(self.both)), rise, rise / whole])
        self.lower = np.concatenate([-room[self.both], np.zeros(2 * len(self.split))])
        self.upper = np.concatenate([np.full(len(self.both) + len(self.split), np.inf), fall])
        self.shape = sparse.csr_array(self._of_parts())

    def _of_parts(self) -> sparse.coo_array:
        """Say how far each part moves by each column."""
        parts = np.concatenate([self.both, self.split, self.split])
        signs = np.concatenate([np.ones(len(self.both) + len(self.split)), np.full(len(self.split), -1.0)])
        return sparse.coo_array((signs, (parts, np.arange(len(parts)))), shape=(self.size, len(parts)))

    def lifted(self, needs: IntArray, weight: FloatArray) -> FloatArray:
        """Give the move that lifts most, by weight, less what it costs."""
        count, width = len(needs), len(self.charge)
        amount, sign = self.needs.amount[needs] / self.unit, self.needs.sign[needs]
        # A lift is the share of its need that is met, so that small needs count as much as large ones.
        moves = self.shape[self.needs.variable[needs]] * -sign[:, None]
        reach = sparse.hstack([moves, sparse.diags_array(amount)], format="csr")
        aside = sparse.csr_array((self.equations.shape[0], count))
        lower, upper = np.append(self.lower, np.full(count, -np.inf)), np.append(self.upper, np.ones(count))
        # The interior point method may give up where the simplex does not, and the other way round.
        fast = "highs-ipm" if width > LARGE and count > MANY else "highs-ds"
        for method in (fast, "highs-ds" if fast == "highs-ipm" else "highs-ipm"):
            found = linprog(
                np.concatenate([self.charge, -weight]),
                A_ub=reach,
                b_ub=np.zeros(count),
                A_eq=sparse.hstack([self.equations, aside], format="csr"),
                b_eq=np.zeros(self.equations.shape[0]),
                bounds=np.column_stack([lower, upper]),
                method=method,
            )
            if found.x is not None:
                return self._move(found.x[:width])
        # To move nothing is a move too; it lifts nothing.
        return np.zeros(self.size)

    def moved(self, part: int, amount: float) -> FloatArray | None:
        """Give the cheapest move that moves one part so far; None if there is none."""
        lower, upper = self.lower.copy(), self.upper.copy()
        place = int(np.searchsorted(self.both, part))
        lower[place] = upper[place] = amount
        found = linprog(
            self.charge,
            A_eq=self.equations,
            b_eq=np.zeros(self.equations.shape[0]),
            bounds=np.column_stack([lower, upper]),
            method="highs-ds",
        )
        return None if found.x is None else self._move(found.x)

    def _move(self, solved: FloatArray) -> FloatArray:
        move: FloatArray = self.shape @ solved
        return move


def linked(equations: sparse.csr_array) -> tuple[int, IntArray]:
    """Number the groups of columns that share equations."""
    shared = sparse.csr_array(abs(equations).T @ abs(equations))
    count, label = connected_components(shared, directed=False)
    return int(count), label.astype(np.intp)
