"""Secondary suppression: the fewest further cells to withhold, so that what must stay possible stays possible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp

from methods.disclosure.lifting import NEAR, Lifts
from methods.disclosure.table import System

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

# What the exact search may take before the table is left to the heuristic.
CUTS_A_ROUND = 400
CUTS_IN_ALL = 2_000
ROUNDS = 60
NODES = 5_000
# A pattern that fails so few needs is mended. The best of these is taken when the bound has stood for so many rounds,
# divided by how far the best is from it.
MENDED, STANDING = 50, 30
# Equations around a cell that a cut is looked for in, and how far cells that are printed stand ajar meanwhile, so
# that the cut names few of them.
WINDOWS = ((60, 1e-3), (240, 1e-3), (1 << 60, 1e-3), (1 << 60, 0.0))
# What the relaxed programme withholds costs so much less when a pattern is grown.
FULL_PRICE = 1.3
THINNINGS = 2
SEED = 1403


@dataclass(frozen=True)
class Pattern:
    """What to withhold.

    Attributes:
        is_withheld: for each part of the system.
        count: printable cells it withholds beyond those withheld in any case.
        bound: no pattern that meets the needs withholds fewer.
        unmet: needs that no pattern can meet.
    """

    is_withheld: BoolArray
    count: int
    bound: int
    unmet: IntArray


def least_pattern(system: System) -> Pattern:
    """Find the least suppression: the fewest cells, and of equally many rather those of small values.

    Cells are chosen by an integer programme over cuts; each pattern is tried, and every need it fails adds the cut
    it breaks. A pattern that fails few is mended besides: once one costs no more than the bound, none costs less.
    Where too many fail, patterns are grown by linear programmes in which each protection has a rising
    price, and thinned again: such a pattern protects, and its bound says how far from the least it may be.

    Args:
        system: what can move, and what must stay possible.

    Returns:
        The pattern, its lower bound, and whatever no pattern can meet.

    Source:
        Fischetti and Salazar (2001), Solving the cell suppression problem on tabular data with linear constraints,
        Management Science 47(7), 1008-1027 (cuts); Kelly, Golden and Assad (1992), Cell suppression: disclosure
        protection for sensitive tabular data, Networks 22, 397-417 (growing).
    """
    if not len(system.needs):
        return Pattern(system.is_forced, 0, 0, np.zeros(0, dtype=np.intp))
    search = _Search(system)
    withheld, unmet = search.exact(), search.hopeless
    if withheld is None:
        withheld, stuck = search.grown()
        unmet = np.union1d(unmet, stuck)
    count = search.paid(withheld)
    return Pattern(withheld, count, min(search.bound, count), unmet)


class _Search:
    """One search over one system."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.lifts = Lifts(system)
        self.by_part = system.equations.T.tocsr()
        # Ties go to small values: all of them together weigh less than one cell.
        self.cost = system.cost * (1 + system.value / (1 + system.cost @ system.value))
        self.cuts, self.hopeless = _first_cuts(system, self.by_part)
        self.needs = np.setdiff1d(np.arange(len(system.needs)), self.hopeless)
        self.company = _company(system)
        self.guide = np.zeros(len(system.cost))
        self.bound = 0

    def exact(self) -> BoolArray | None:
        """Choose, try and cut in turn until nothing fails or a mended pattern does; None if that takes too long."""
        if self._is_vast():
            return None
        cut_count, raised, best = 0, 0, None
        for turn in range(ROUNDS):
            before, withheld = self.bound, self._choose()
            if withheld is None:
                return best
            raised = turn if self.bound > before else raised
            failed = self.lifts.unmet(withheld, self.needs, SEED + turn)
            cut_count += len(failed)
            if len(failed) > CUTS_A_ROUND or cut_count > CUTS_IN_ALL:
                return best
            known = [one for one in (best, self._mended(withheld, failed)) if one is not None]
            best = min(known, key=lambda one: self.cost[one].sum(), default=None)
            if best is not None and self._is_enough(best, turn - raised):
                return best
            more = [cut for cut in (self._cut(need, withheld) for need in failed) if cut is not None]
            if not more:
                return withheld
            self.cuts = sparse.vstack([self.cuts, *more], format="csr")
        return best

    def _mended(self, withheld: BoolArray, failed: IntArray) -> BoolArray | None:
        """Withhold what a pattern lacks; None where that is too much, or cannot be had."""
        if len(failed) > MENDED:
            return None
        mended, stuck = self.lifts.mended(withheld, np.ones_like(withheld), self.cost, failed)
        return None if len(stuck) else mended

    def _is_enough(self, best: BoolArray, standing: int) -> bool:
        gap = self.paid(best) - self.bound
        return gap <= 0 or gap * standing >= STANDING

    def paid(self, withheld: BoolArray) -> int:
        """Add up what a pattern costs."""
        return int(np.round(self.system.cost[withheld].sum()))

    def grown(self) -> tuple[BoolArray, IntArray]:
        """Grow a pattern where the relaxed programme points to: block by block, then across them."""
        self._relax()
        cost = self.cost * (FULL_PRICE - self.guide)
        block, withheld = self.system.block, self.system.is_forced.copy()
        left = [self.needs[block[self.system.needs.variable[self.needs]] < 0]]
        for one in np.unique(block[block >= 0]):
            smaller, parts, needs = self.system.within(one)
            chosen, stuck = _thinned(smaller, cost[parts], np.flatnonzero(np.isin(needs, self.needs)))
            withheld[parts] |= chosen
            left.append(needs[stuck])
        everything = np.ones(len(withheld), dtype=bool)
        return self.lifts.grow(withheld, everything, cost, np.sort(np.concatenate(left)), SEED)

    def _is_vast(self) -> bool:
        """Say whether more needs fail than cuts can be made for, though all is withheld that might be."""
        self._relax()
        return len(self.lifts.unmet(self.guide > NEAR, self.needs, SEED)) > CUTS_A_ROUND

    def _relax(self) -> None:
        found = self._master(whole=False)
        if found.x is not None:
            self.guide = np.asarray(found.x)
            self._raise_bound(found.fun)

    def _choose(self) -> BoolArray | None:
        """Solve the integer programme over the cuts known so far."""
        found = self._master(whole=True)
        if found.x is None:
            return None
        self._raise_bound(found.mip_dual_bound)
        self.guide = np.asarray(found.x)
        chosen: BoolArray = self.guide > 1 / 2
        return chosen

    def _raise_bound(self, cost: float) -> None:
        # What the ties weigh is below one cell, so the next whole number holds.
        self.bound = max(self.bound, int(np.ceil(cost - 1 + NEAR)))

    def _master(self, whole: bool) -> OptimizeResult:
        rows = sparse.vstack([self.cuts, self.company], format="csr")
        least = np.concatenate([np.ones(self.cuts.shape[0]), np.zeros(self.company.shape[0])])
        return milp(
            self.cost,
            constraints=LinearConstraint(rows, least, np.inf),
            bounds=Bounds(self.system.is_forced.astype(np.float64), 1),
            integrality=np.full(len(self.cost), int(whole)),
            options={"node_limit": NODES, "mip_rel_gap": 0},
        )

    def _cut(self, need: int, withheld: BoolArray) -> sparse.csr_array | None:
        """Find an inequality that every pattern meeting the need obeys and this one does not; None if it meets it."""
        for size, ajar in WINDOWS:
            weights = self._violated(need, withheld, size, ajar)
            if weights is not None:
                return weights
        return None

    def _violated(self, need: int, withheld: BoolArray, size: int, ajar: float) -> sparse.csr_array | None:
        needs = self.system.needs
        part, sign, amount = needs.variable[need], needs.sign[need], needs.amount[need]
        rows = self.system.equations[self._window(part, size)]
        columns = np.unique(rows.indices)
        rows, place = rows[:, columns], int(np.searchsorted(columns, part))
        room, is_fast = _capacity(self.system, bool(needs.is_inside[need]), part)
        room, is_fast, is_open = room[columns] / amount, is_fast[columns], withheld[columns]
        lower = np.where(is_fast, 0, -np.where(is_open, room, ajar * np.minimum(room, 1)))
        upper = np.where(is_fast, 0, np.where(is_open, np.inf, ajar))
        (upper if sign > 0 else lower)[place] = sign
        goal = np.zeros(len(columns))
        goal[place] = -sign
        zeros = np.zeros(rows.shape[0])
        found = linprog(goal, A_eq=rows, b_eq=zeros, bounds=np.column_stack([lower, upper]), method="highs-ds")
        price = rows.T @ found.eqlin.marginals - goal
        # A withheld cell may rise without limit, so one that has to rise is enough; one that has to fall gives no
        # more than its room.
        weight = np.where(price > NEAR, 1.0, np.minimum(np.maximum(-price, 0) * room, 1.0))
        weight[is_fast | (weight < NEAR)] = 0
        weight[place] = 0
        if -found.fun > 1 - NEAR or weight @ is_open > 1 - NEAR:
            return None
        kept = np.flatnonzero(weight)
        row = (np.zeros(len(kept), dtype=np.intp), columns[kept])
        return sparse.csr_array((weight[kept], row), shape=(1, len(self.cost)))

    def _window(self, part: int, size: int) -> IntArray:
        """List the equations around a part, about so many."""
        equations = self.system.equations
        seen = np.zeros(equations.shape[0], dtype=bool)
        front = self.by_part[[part]].indices
        seen[front] = True
        while len(front) and seen.sum() < size:
            cells = np.unique(equations[front].indices)
            reached = np.unique(self.by_part[cells].indices)
            front = reached[~seen[reached]]
            seen[front] = True
        return np.flatnonzero(seen)


def _thinned(system: System, cost: FloatArray, needs: IntArray) -> tuple[BoolArray, IntArray]:
    """Grow a pattern, then grow it again within itself while that helps."""
    lifts, everything = Lifts(system), np.ones(len(cost), dtype=bool)
    best, stuck = lifts.grow(system.is_forced, everything, cost, needs, SEED)
    needs = np.setdiff1d(needs, stuck)
    for turn in range(THINNINGS):
        thinner, lost = lifts.grow(system.is_forced, best, cost, needs, SEED + 1 + turn)
        if not len(lost) and cost[thinner].sum() < cost[best].sum():
            best = thinner
    return best, stuck


def _capacity(system: System, inside: bool, part: int) -> tuple[FloatArray, BoolArray]:
    """Give how far parts may fall while one is lifted, and which stand fast."""
    if not inside:
        return system.room, np.zeros(len(system.room), dtype=bool)
    return system.room_inside, system.strangers(part)


def _first_cuts(system: System, by_part: sparse.csr_array) -> tuple[sparse.csr_array, IntArray]:
    """Ask of each equation of a part in need that its other parts can make up for the lift.

    Returns:
        Cuts, and the needs that even all parts of some equation cannot meet.
    """
    needs = system.needs
    around = by_part[needs.variable]
    need = np.repeat(np.arange(len(needs)), np.diff(around.indptr))
    rows = system.equations[around.indices].tocoo()
    pair, column = rows.coords
    of = need[pair]
    pull = around.data[pair] * needs.sign[of] * rows.data
    inside = needs.is_inside[of]
    room = np.where(inside, system.room_inside[column], system.room[column])
    # The other parts have to fall where they pull the same way, and to rise where they pull against it.
    give = np.where(pull > 0, np.abs(rows.data / around.data[pair]) * room / needs.amount[of], 1.0)
    alone = np.flatnonzero(inside & system.is_single[column])
    is_known = np.zeros(len(give), dtype=bool)
    pairs, width = system.inner.tocoo(), system.inner.shape[1]
    own = needs.variable[of[alone]] * width + system.holder[column[alone]]
    is_known[alone] = ~np.isin(own, pairs.row.astype(np.intp) * width + pairs.col)
    give[(column == needs.variable[of]) | is_known] = 0
    cuts = sparse.csr_array((np.minimum(give, 1.0), (pair, column)), shape=rows.shape)
    cuts.eliminate_zeros()
    hopeless = np.unique(need[cuts.sum(axis=1) < 1 - NEAR])
    return cuts[~np.isin(need, hopeless)], hopeless


def _company(system: System) -> sparse.csr_array:
    """Ask that no part is withheld alone in an equation: it would be had by subtraction, and help nobody.

    A part withheld in any case is company enough.
    """
    equations = abs(system.equations).sign().tocsr()
    rows = equations[equations @ system.is_forced.astype(np.float64) == 0].tocoo()
    row, column = rows.coords
    count = np.arange(len(row))
    twice = sparse.csr_array((np.full(len(row), 2.0), (count, column)), shape=(len(row), equations.shape[1]))
    return sparse.csr_array(rows.tocsr()[row] - twice)
