"""The attacker: what an outsider works out from everything printed, by linear programmes of his own.

He shares no line with the suppressor: his equations, his unknowns and his search are written apart, so that a
mistake there does not hide itself here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp
from scipy.sparse.csgraph import connected_components

from methods.errors import TableInconsistent

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]
Hierarchy = Mapping[str, str | None]

SEED = 2718
NEAR = 1e-6
# Programmes in a row that answer next to nothing before single cells are asked for.
PATIENCE, IDLE_SHARE = 2, 0.005
# From so many unknowns and questions on the interior point method is the faster.
LARGE, MANY = 3_000, 200
# Groups of so many unknowns are searched for whole numbers; beyond, linear programmes tell in time, and in tables of
# two directions they give whole numbers by themselves.
SMALL, NODES = 400, 2_000
# Sums away from a single contributor's cell that are looked at before all are.
STEPS = (3, 5)
# SciPy's word for it.
NOTHING_FITS = 2


def attack(
    published: pd.DataFrame,
    hierarchies: Mapping[str, Hierarchy],
    least: npt.ArrayLike,
    is_whole: bool,
    wanted: pd.DataFrame | None = None,
    own: pd.Series | None = None,
) -> pd.DataFrame:
    """Bound every withheld cell by what is printed.

    Args:
        published: edition, the columns of `hierarchies`, value (missing where withheld), is_printed (false for cells
            no table lists); thread (optional): cells of one thread are taken to hold the same value.
        hierarchies: column -> code -> the code it is a part of.
        least: what everyone knows a withheld cell to hold at least, for all or each [unit of the table].
        is_whole: values are whole numbers.
        wanted: lower, upper [unit] of each row of `published`, missing where nobody asks: once a cell is seen to
            reach what is wanted, nobody looks further.
        own: what single contributors know their cell to hold [unit], missing for other cells. All of them together
            then attack every cell that is not their own.

    Returns:
        lower, upper [unit] of the withheld cells, with the index of `published`; without `wanted`, the sharpest of
        linear programming. Of whole numbers they are whole, and in groups of up to `SMALL` cells some table of whole
        numbers reaches each of them.

    Raises:
        TableInconsistent: no numbers at all fit what is printed.
    """
    known = published["value"].to_numpy(dtype=np.float64, na_value=np.nan)
    if not len(known):
        return pd.DataFrame({"lower": [], "upper": []}, index=published.index, dtype=np.float64)
    thread = published["thread"].to_numpy() if "thread" in published else np.arange(len(published))
    code = pd.factorize(thread)[0].astype(np.intp)
    book = _open_book(published, hierarchies, known, code, least)
    goal = _goals(wanted, known, code)
    if own is None:
        reached = _Siege(book, goal, is_whole).bounds()
    else:
        reached = _by_contributors(book, goal, is_whole, _of_thread(own.to_numpy(dtype=np.float64), code))
    hidden = np.isnan(known)
    bounds = {"lower": reached.lower[code][hidden], "upper": reached.upper[code][hidden]}
    return pd.DataFrame(bounds, index=published.index[hidden])


def told_at_least(published: pd.DataFrame, hierarchies: Mapping[str, Hierarchy], least: npt.ArrayLike) -> pd.Series:
    """Say what each cell is seen to hold at least by adding up parts alone.

    Args:
        published: as of `attack`.
        hierarchies: column -> code -> the code it is a part of.
        least: what everyone knows a withheld cell to hold at least, for all or each [unit of the table].

    Returns:
        [unit of the table], with the index of `published`.
    """
    hidden = published["value"].isna() & published["is_printed"]
    floor = np.where(hidden, least, published["value"].fillna(0)).astype(np.float64)
    sums = _sums(published, hierarchies)
    rises = True
    while rises:
        before = floor
        for part, whole in sums:
            floor = np.fmax(floor, np.bincount(whole, floor[part], minlength=len(floor)))
        rises = bool((floor > before).any())
    return pd.Series(floor, index=published.index)


@dataclass(frozen=True)
class _Range:
    """A lower and an upper number a thread; a question nobody asks is missing."""

    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True)
class _Book:
    """All that is printed: sums @ value = 0, the value of each thread where it is known, and its least."""

    sums: sparse.csr_array
    value: FloatArray
    least: FloatArray


def _of_thread(value: FloatArray, code: IntArray) -> FloatArray:
    return np.asarray(pd.Series(value).groupby(code).max(), dtype=np.float64)


def _open_book(
    published: pd.DataFrame,
    hierarchies: Mapping[str, Hierarchy],
    known: FloatArray,
    code: IntArray,
    least: npt.ArrayLike,
) -> _Book:
    blocks = []
    for part, whole in _sums(published, hierarchies):
        sums, row = np.unique(whole, return_inverse=True)
        rows = np.concatenate([row, np.arange(len(sums))])
        signs = np.concatenate([np.ones(len(row)), np.full(len(sums), -1.0)])
        places = np.concatenate([code[part], code[sums]])
        blocks.append(sparse.coo_array((signs, (rows, places)), shape=(len(sums), code.max() + 1)))
    # A cell no table lists may hold nothing; where a withheld one stands, a zero would have been printed.
    floor = np.where(published["is_printed"].to_numpy(dtype=bool), least, 0.0)
    return _Book(sparse.vstack(blocks, format="csr"), _of_thread(known, code), _of_thread(floor, code))


def _sums(published: pd.DataFrame, hierarchies: Mapping[str, Hierarchy]) -> list[tuple[IntArray, IntArray]]:
    """List, column by column, the rows of parts and beside them the rows of their sums."""
    columns = ["edition", *hierarchies]
    cells = published[columns].assign(cell=np.arange(len(published)))
    found = []
    for column, parent_of in hierarchies.items():
        parts = cells.assign(**{column: cells[column].map(parent_of)}).dropna(subset=[column])
        pairs = parts.merge(cells, on=columns, suffixes=("_part", "_sum"))
        found.append((pairs["cell_part"].to_numpy(np.intp), pairs["cell_sum"].to_numpy(np.intp)))
    return found


def _goals(wanted: pd.DataFrame | None, known: FloatArray, code: IntArray) -> _Range:
    """Ask for the widest range that any cell of a thread wants; without a wish, for all there is."""
    if wanted is None:
        return _Range(np.full(code.max() + 1, -np.inf), np.full(code.max() + 1, np.inf))
    hidden = np.isnan(known)
    lower, upper = (wanted[side].to_numpy(dtype=np.float64) for side in ("lower", "upper"))
    return _Range(
        -_of_thread(np.where(hidden, -lower, np.nan), code), _of_thread(np.where(hidden, upper, np.nan), code)
    )


def _by_contributors(book: _Book, goal: _Range, is_whole: bool, own: FloatArray) -> _Range:
    """Attack each cell with what all single contributors know of theirs, save its own contributor."""
    told = _Book(book.sums, np.where(np.isnan(book.value), own, book.value), book.least)
    everyone = _Siege(told, goal, is_whole)
    reached = everyone.bounds()
    is_single = ~np.isnan(own)
    is_asked = np.isnan(book.value) & np.where(is_single, _is_asked(goal.lower) | _is_asked(goal.upper), False)
    is_asked[everyone.unanswered()] = True
    street = None if is_whole or everyone.table is None else _Street(told, everyone.table)
    group, sums, by_thread = _groups(told), abs(book.sums), abs(book.sums).T.tocsr()
    person = np.where(np.nan_to_num(own) > 0, _people(book.sums, own), -1)
    for thread in map(int, np.flatnonzero(is_asked)):
        # Who stands alone in a part of a sum adds nothing on it to what he knows of his part.
        inside = person[_made_of(thread, book.sums, by_thread)]
        his = np.flatnonzero(np.isin(person, inside[inside >= 0]) & np.isnan(book.value))
        his = np.union1d(his, thread)
        one = street.widened(thread, his, goal) if street else None
        if one is None:
            beside = sums[by_thread[his].indices].indices
            is_open = np.isin(group, group[beside[group[beside] >= 0]])
            is_open[his] = True
            rows = np.unique(by_thread[np.flatnonzero(is_open)].indices)
            # Of the others nothing is asked, and nothing they hold moves these sums.
            value = np.where(is_open, np.nan, np.nan_to_num(told.value))
            alone = np.arange(len(own)) == thread
            question = _Range(np.where(alone, goal.lower, np.nan), np.where(alone, goal.upper, np.nan))
            found = _Siege(_Book(book.sums[rows], value, book.least), question, is_whole).bounds()
            one = found.lower[thread], found.upper[thread]
        reached.lower[thread], reached.upper[thread] = one
    return reached


def _made_of(thread: int, sums: sparse.csr_array, by_thread: sparse.csr_array) -> IntArray:
    """List a thread and all that it is made up of."""
    found, front = {thread}, [thread]
    while front:
        one = front.pop()
        for row in by_thread[[one]].indices:
            line = slice(sums.indptr[row], sums.indptr[row + 1])
            places, signs = sums.indices[line], sums.data[line]
            if (signs[places == one] < 0).any():
                parts = {*places[signs > 0].tolist()} - found
                found |= parts
                front += parts
    return np.array(sorted(found), dtype=np.intp)


class _Street:
    """A table that fits all that is printed, and what else of it may stand near a thread."""

    def __init__(self, told: _Book, table: FloatArray) -> None:
        self.told, self.table = told, table
        self.by_thread = told.sums.T.tocsr()

    def widened(self, thread: int, his: IntArray, goal: _Range) -> tuple[float, float] | None:
        """Reach what is asked of a thread, one of a person's, by changes nearby; None where they do not reach it."""
        for steps in STEPS:
            near = self._near(his, steps)
            place = int(np.searchsorted(near, thread))
            sums = self.by_thread[near].T.tocsr()
            sums = sums[np.diff(sums.indptr) > 0]
            question = _Range(np.full(len(near), np.nan), np.full(len(near), np.nan))
            question.lower[place] = goal.lower[thread] - self.table[thread]
            question.upper[place] = goal.upper[thread] - self.table[thread]
            # Changes that leave each sum as it is: whatever the table is off by, they are not.
            change = np.minimum(self.told.least[near] - self.table[near], 0)
            siege = _Siege(_Book(sums, np.full(len(near), np.nan), change), question, False)
            if siege.is_answered_soon():
                return self.table[thread] + siege.low[place], self.table[thread] + siege.high[place]
        return None

    def _near(self, his: IntArray, steps: int) -> IntArray:
        is_open = np.isnan(self.told.value)
        is_open[his] = True
        threads = his
        for _ in range(steps):
            reached = np.unique(self.told.sums[self.by_thread[threads].indices].indices)
            threads = np.union1d(reached[is_open[reached]], his)
        return threads


def _people(sums: sparse.csr_array, own: FloatArray) -> IntArray:
    """Number the single contributors: where a sum has one, the part of it that has one has the same."""
    entries = sums.tocoo()
    row, thread = entries.coords
    told = pd.DataFrame({"row": row, "thread": thread, "sign": entries.data})[np.nan_to_num(own)[thread] > 0]
    pairs = told[told["sign"] < 0].merge(told[told["sign"] > 0], on="row")
    places = (pairs["thread_x"].to_numpy(), pairs["thread_y"].to_numpy())
    ties = sparse.coo_array((np.ones(len(pairs)), places), shape=(len(own), len(own)))
    return np.asarray(connected_components(ties, directed=False)[1], dtype=np.intp)


def _groups(book: _Book) -> IntArray:
    """Number the threads that sums tie together; -1 for those known."""
    unknown = np.flatnonzero(np.isnan(book.value))
    ties = abs(book.sums[:, unknown])
    group = np.full(len(book.value), -1, dtype=np.intp)
    group[unknown] = connected_components(sparse.csr_array(ties.T @ ties), directed=False)[1]
    return group


class _Siege:
    """The search for how low and how high each unknown thread may be."""

    def __init__(self, book: _Book, goal: _Range, is_whole: bool) -> None:
        self.unknown = np.flatnonzero(np.isnan(book.value))
        self.size = len(book.value)
        self.is_whole = is_whole
        self.sums = book.sums[:, self.unknown]
        self.rest = -(book.sums @ np.nan_to_num(book.value))
        self.least = book.least[self.unknown]
        self.goal = _Range(goal.lower[self.unknown], goal.upper[self.unknown])
        self.group = _groups(book)[self.unknown]
        self.is_searched = is_whole & (np.bincount(self.group, minlength=1)[self.group] <= SMALL)
        width = self.goal.upper - np.where(np.isnan(self.goal.lower), self.least, self.goal.lower)
        is_bounded = np.isfinite(width) & (width > 0)
        self.unit = 1.0 if is_whole or not is_bounded.any() else float(np.median(width[is_bounded]))
        # No sum that anything printed bounds can be so large.
        self.cap = 1e3 * (1 + np.abs(self.rest).sum() + np.abs(self.least).sum())
        self.table: FloatArray | None = None
        self.value = book.value
        self.low = np.full(len(self.unknown), np.inf)
        self.high = np.full(len(self.unknown), -np.inf)

    @cached_property
    def by_thread(self) -> sparse.csr_array:
        """The sums that each unknown thread stands in; most sieges never ask."""
        return self.sums.T.tocsr()

    def bounds(self) -> _Range:
        """Bound what was asked for; whatever was not seen stays missing."""
        chance = np.random.default_rng(SEED)
        idle = 0
        while idle < PATIENCE and len(asked := self._open(np.isfinite)):
            idle = 0 if self._widen(asked, chance) > IDLE_SHARE * len(asked) else idle + 1
        for question in self._open(_is_asked):
            self._ask(question >> 1, question & 1)
        lower, upper = np.full(self.size, np.nan), np.full(self.size, np.nan)
        lower[self.unknown] = np.where(np.isfinite(self.low), self.low, np.nan)
        upper[self.unknown] = np.where(self.high > -np.inf, self.high, np.nan)
        return _Range(np.ceil(lower - NEAR), np.floor(upper + NEAR)) if self.is_whole else _Range(lower, upper)

    def is_answered_soon(self) -> bool:
        """Look once for each side that is asked; say whether that answered all."""
        chance = np.random.default_rng(SEED)
        for _ in range(2):
            if len(asked := self._open(np.isfinite)):
                self._widen(asked, chance)
        return not len(self.unanswered())

    def unanswered(self) -> IntArray:
        """List the threads of which not all that was asked for was seen."""
        return self.unknown[np.unique(self._open(_is_asked) >> 1)]

    def _open(self, kind: Callable[[FloatArray], BoolArray]) -> IntArray:
        """List questions without an answer: twice the place of a thread, plus one where the upper side is asked."""
        low = np.flatnonzero(kind(self.goal.lower) & (self.low > self.goal.lower + NEAR * self.unit))
        high = np.flatnonzero(kind(self.goal.upper) & (self.high < self.goal.upper - NEAR * self.unit))
        return np.concatenate([2 * low, 2 * high + 1])

    def _widen(self, questions: IntArray, chance: np.random.Generator) -> int:
        """Look for one table that answers many questions; say how many it answered."""
        order = chance.permutation(questions)
        chosen = order[np.unique(order >> 1, return_index=True)[1]]
        place, is_up = chosen >> 1, (chosen & 1).astype(bool)
        sign = np.where(is_up, 1.0, -1.0)
        ceiling = sign * np.where(is_up, self.goal.upper[place], self.goal.lower[place]) / self.unit
        breadth = (self.goal.upper[place] - self.goal.lower[place]) / self.unit
        weight = chance.uniform(0.2, 1.0, len(place)) / np.where(breadth > 0, breadth, 1.0)
        count, width, rows = len(place), len(self.unknown), np.arange(len(place))
        reach = sparse.csr_array(
            (np.append(np.ones(count), -sign), (np.append(rows, rows), np.append(width + rows, place))),
            shape=(count, width + count),
        )
        lower = np.append(self.least / self.unit, np.full(count, -np.inf))
        found = linprog(
            np.append(np.zeros(width), -weight),
            A_ub=reach,
            b_ub=np.zeros(count),
            A_eq=sparse.hstack([self.sums, sparse.csr_array((len(self.rest), count))], format="csr"),
            b_eq=self.rest / self.unit,
            bounds=np.column_stack([lower, np.append(np.full(width, np.inf), ceiling)]),
            method="highs-ipm" if width > LARGE and count > MANY else "highs-ds",
        )
        if _is_solved(found):
            self.table = self.value.copy()
            self.table[self.unknown] = found.x[:width] * self.unit
            self._see(self._made_whole(found.x[:width] * self.unit))
        return len(questions) - len(self._open(np.isfinite))

    def _see(self, table: FloatArray) -> None:
        """Take a table that fits all that is printed as evidence; a missing number is none."""
        seen = np.isfinite(table)
        self.low[seen] = np.minimum(self.low[seen], table[seen])
        self.high[seen] = np.maximum(self.high[seen], table[seen])

    def _made_whole(self, table: FloatArray) -> FloatArray:
        """Find whole numbers for the broken ones of small groups; groups where there are none are left out."""
        whole = np.where(self.is_searched, np.round(table), table)
        is_broken = np.abs(table - whole) > NEAR
        if not is_broken.any():
            return whole
        rest = self.rest - self.sums @ np.where(is_broken, 0.0, whole)
        sums = self.sums[:, is_broken]
        rows = np.flatnonzero(np.diff(sums.indptr))
        count = int(is_broken.sum())
        found = milp(
            np.zeros(count),
            constraints=LinearConstraint(sums[rows], rest[rows], rest[rows]),
            bounds=Bounds(self.least[is_broken], np.inf),
            integrality=np.ones(count),
            options={"node_limit": NODES},
        )
        if found.x is None:
            return np.where(np.isin(self.group, self.group[is_broken]), np.nan, whole)
        whole[is_broken] = np.round(found.x)
        return whole

    def _ask(self, place: int, is_up: int) -> None:
        """Answer one question within its group, unless a table found meanwhile has answered it."""
        if 2 * place + is_up not in self._open(_is_asked):
            return
        inside = np.flatnonzero(self.group == self.group[place])
        if self._is_refused_nearby(place, is_up, len(inside)):
            return
        found = self._furthest(place, is_up, inside, self.is_searched[inside].astype(np.int_))
        if not _is_solved(found):
            return
        table = np.full(len(self.unknown), np.nan)
        table[inside] = np.where(self.is_searched[inside], np.round(found.x), found.x * self.unit)
        self._see(table)
        if table[place] > self.cap * (1 - NEAR):
            self.high[place] = np.inf

    def _is_refused_nearby(self, place: int, is_up: int, size: int) -> bool:
        """Say whether the sums around a thread alone rule out what is asked of it; all of them then do."""
        goal = (self.goal.upper if is_up else self.goal.lower)[place]
        if not np.isfinite(goal) or size <= SMALL:
            return False
        for steps in STEPS:
            near = np.array([place], dtype=np.intp)
            for _ in range(steps):
                rows = np.unique(self.by_thread[near].indices)
                near = np.unique(self.sums[rows].indices)
            found = self._furthest(place, is_up, near, np.zeros(len(near), dtype=np.int_), rows)
            if found.x is None:
                continue
            reached = found.x[np.searchsorted(near, place)] - goal / self.unit
            if (reached < -NEAR) if is_up else (reached > NEAR):
                return True
        return False

    def _furthest(
        self, place: int, is_up: int, inside: IntArray, integrality: IntArray, rows: IntArray | None = None
    ) -> OptimizeResult:
        """Move one thread as far as sums of the threads inside allow; without `rows`, all sums they stand in."""
        sums = self.sums[:, inside]
        rows = np.flatnonzero(np.diff(sums.indptr)) if rows is None else rows
        rest, own = self.rest[rows] / self.unit, int(np.searchsorted(inside, place))
        upper, direction = np.full(len(inside), np.inf), np.zeros(len(inside))
        # Without a ceiling a cell with nothing printed above it would rise for ever.
        upper[own] = min(self.cap, self.goal.upper[place] if is_up else np.inf) / self.unit
        direction[own] = -1.0 if is_up else 1.0
        return milp(
            direction,
            constraints=LinearConstraint(sums[rows], rest, rest),
            bounds=Bounds(self.least[inside] / self.unit, upper),
            integrality=integrality,
            options={"node_limit": NODES},
        )


def _is_asked(goal: FloatArray) -> BoolArray:
    return ~np.isnan(goal)


def _is_solved(found: OptimizeResult) -> bool:
    """Say whether a programme gave a table; one that was given up, for time or for its numbers, has shown nothing."""
    if found.status == NOTHING_FITS:
        raise TableInconsistent(
            place="attack on what is printed",
            found="no numbers at all that fit it",
            wanted="printed sums that are those of their parts",
        )
    return found.x is not None
