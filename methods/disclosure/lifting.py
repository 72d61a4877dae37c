"""Lifting: which needs a pattern meets, and patterns grown from what is cheapest to lift."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.linalg import splu

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
# Needs of outsiders, of contributors in cells of several, and of contributors who are alone.
OUTSIDE, SHARED, ALONE = range(3)
# From so many columns and needs on the interior point method is the faster.
LARGE, MANY = 3_000, 200
NEAR = 1e-6
# Least squares: what keeps them soluble where equations repeat each other, how often they are refined, and moves that
# are sought at a time.
RIDGE, REFINEMENTS, MOVES = 1e-9, 3, 256
# Of the usual need: what a part moves by at least as readily.
LEAST_SCALE = 1.0


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
        for kind in (OUTSIDE, SHARED):
            idle = 0
            while idle < PATIENCE and len(mine := self._of_kind(left, kind)):
                met, _ = self._lift(mine, _Field(withheld, nothing, free), 1.0, chance)
                left = np.setdiff1d(left, met, assume_unique=True)
                idle = 0 if len(met) > IDLE_SHARE * len(mine) else idle + 1
        left = self._not_balanced(left, withheld)
        within, alone = _Field(withheld, nothing, free), self._of_kind(left, ALONE)
        seen = [need for need in alone if self._lift_one(need, within) is not None]
        return np.setdiff1d(left, seen, assume_unique=True).astype(np.intp)

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
        for price, kind in product(PRICES, (OUTSIDE, SHARED)):
            withheld, left = self._grow_at(price, kind, _Field(withheld, pool, cost), left, chance)
        return self.mended(withheld, pool, cost, self._not_balanced(left, withheld))

    def mended(
        self, start: BoolArray, pool: BoolArray, cost: FloatArray, among: IntArray
    ) -> tuple[BoolArray, IntArray]:
        """Withhold further parts until needs are met, each at the least cost and one after the other.

        Args:
            start: parts withheld in any case.
            pool: parts that may be withheld.
            cost: what withholding a part costs, about 1 a cell.
            among: needs to meet, in this order.

        Returns:
            Parts withheld, and the needs that the pool cannot meet.
        """
        withheld, stuck = start, []
        for need in among:
            # Where what is withheld already suffices, the cheapest move costs nothing.
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

    def _not_balanced(self, needs: IntArray, withheld: BoolArray) -> IntArray:
        """Leave out needs of contributors who are alone that moves of their own meet: one rises, all others stand.

        Of all moves that balance it the least is taken, by squares in units of the room; so hundreds share one
        factorisation, and none props up another. One that does not hold leaves the need to the programmes.
        """
        mine = self._of_kind(needs, ALONE)
        free = np.flatnonzero(withheld & ~self.system.is_single)
        if not len(mine) or not len(free):
            return needs
        room = self.system.room_inside[free] / self.unit
        balance = _Balance(self.system.equations[:, free], np.maximum(room, LEAST_SCALE))
        amount = self.system.needs.amount[mine] / self.unit
        pushes = self._with_sums(self.system.needs.variable[mine], withheld) @ sparse.diags_array(amount)
        is_met = np.zeros(len(mine), dtype=bool)
        for start in range(0, len(mine), MOVES):
            some = slice(start, start + MOVES)
            moves, off = balance.answers(-pushes[:, some].toarray())
            is_met[some] = (off <= NEAR * amount[some]) & (moves >= -room[:, None] - NEAR).all(axis=0)
        return np.setdiff1d(needs, mine[is_met], assume_unique=True)

    def _with_sums(self, parts: IntArray, withheld: BoolArray) -> sparse.csr_array:
        """Give what it does to the equations if parts rise by one, with all else that is their contributor's alone."""
        holder = self.system.holder
        his = np.flatnonzero(withheld & self.system.is_single)
        of = sparse.csr_array((np.ones(len(his)), (his, holder[his])), shape=(len(holder), int(holder.max()) + 1))
        return sparse.csr_array(self.system.equations @ of[:, holder[parts]])

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
        if inside:
            is_free = ~self.system.is_single
        order = chance.permutation(needs)
        chosen = order[np.unique(every.variable[order], return_index=True)[1]]
        weight = price * chance.uniform(0.2, 1.0, len(chosen))
        move = _Programme(self, field.only(is_free), inside).lifted(chosen, weight)
        return needs[self._is_met(needs, move)], move

    def _lift_one(self, need: int, field: _Field) -> FloatArray | None:
        """Meet one need at the least cost; None if it cannot be."""
        every = self.system.needs
        inside, part = bool(every.is_inside[need]), every.variable[need]
        is_free = ~self.system.strangers(part) if inside else np.ones(len(field.withheld), dtype=bool)
        programme = _Programme(self, field.only(is_free), inside)
        return programme.moved(part, every.sign[need] * every.amount[need] / self.unit)

    def _is_met(self, needs: IntArray, move: FloatArray) -> BoolArray:
        every = self.system.needs
        met: BoolArray = every.sign[needs] * move[every.variable[needs]] * self.unit >= every.amount[needs] * (1 - NEAR)
        return met


@dataclass(frozen=True)
class _Field:
    """Parts that move freely, parts that may be withheld besides, and what each of these costs."""

    withheld: BoolArray
    pool: BoolArray
    cost: FloatArray

    def only(self, is_free: BoolArray) -> _Field:
        return _Field(self.withheld & is_free, self.pool & is_free, self.cost)


class _Balance:
    """Least moves of parts that balance what pushes on their equations."""

    def __init__(self, equations: sparse.csr_array, scale: FloatArray) -> None:
        self.is_held = np.diff(equations.indptr) > 0
        self.scaled = equations[self.is_held] @ sparse.diags_array(scale)
        self.scale = scale
        square = self.scaled @ self.scaled.T
        self.even = sparse.diags_array(1 / np.sqrt(square.diagonal()))
        ridge = RIDGE * sparse.eye_array(square.shape[0])
        self.solved = splu(sparse.csc_array(self.even @ square @ self.even + ridge))

    def answers(self, pushes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Answer each column of pushes.

        Returns:
            Moves, parts x columns, and what each column is still out of balance by.
        """
        left = pushes[self.is_held]
        moves = np.zeros((len(self.scale), pushes.shape[1]))
        for _ in range(REFINEMENTS):
            step = self.scaled.T @ (self.even @ self.solved.solve(self.even @ left))
            moves += step
            left = left - self.scaled @ step
        off = np.abs(left).max(axis=0, initial=0)
        return moves * self.scale[:, None], np.fmax(off, np.abs(pushes[~self.is_held]).max(axis=0, initial=0))


class _Programme:
    """One linear programme: withheld parts move freely, parts of the pool at a cost."""

    def __init__(self, lifts: Lifts, field: _Field, inside: bool) -> None:
        system, self.unit = lifts.system, lifts.unit
        self.needs = system.needs
        room = (system.room_inside if inside else system.room) / self.unit
        self.size = len(field.withheld)
        # Columns that move both ways, and those that are split in a rise and a fall, each at its cost.
        self.both, self.split = np.flatnonzero(field.withheld), np.flatnonzero(field.pool & ~field.withheld)
        both, split = system.equations[:, self.both], system.equations[:, self.split]
        moving = sparse.hstack([both, split, -split], format="csr")
        self.equations = moving[np.diff(moving.indptr) > 0]
        rise, fall = field.cost[self.split], room[self.split]
        # A small cell has to be withheld whole for the little it can give.
        self.charge = np.concatenate([np.zeros(len(self.both)), rise, rise / np.clip(fall, NEAR, 1.0)])
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
