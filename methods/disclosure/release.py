"""Release: suppress, attack, repair, until the attacker finds nothing or the release is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from methods.disclosure import primary
from methods.disclosure.attacker import attack, told_at_least
from methods.disclosure.pattern import least_pattern
from methods.disclosure.table import Hierarchy, additive_equations, least_values, system
from methods.errors import DisclosureRemains, SettingWrong

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Of what is wanted: bounds nearer to it than this are not held to fall short.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Protection:
    """A table as it may be printed.

    Attributes:
        table: the cells as given, with is_suppressed: one mark for every reason.
        withheld_count: cells withheld.
        cost: what the cells withheld cost; where each costs the same, as many as are withheld.
        least_cost: no safe pattern that keeps to the rules costs less.
        round_count: rounds of suppression and attack.
    """

    table: pd.DataFrame
    withheld_count: int
    cost: int
    least_cost: int
    round_count: int


def protect_counts(
    cells: pd.DataFrame,
    hierarchies: Mapping[str, Hierarchy],
    rules: Mapping[str, Any],
    earlier: Sequence[pd.DataFrame] = (),
) -> Protection:
    """Withhold the fewest counts, so that none below the minimum can be told from one at it.

    Of a small count an outsider must hold possible both 1 and the minimum, after all that is printed: zeros are, so
    whatever is withheld is at least `least_withheld_count`. What an edition has withheld stays withheld while it is
    not zero; what one has printed with the same value stays printed, since hiding it again protects nobody.
    A cell withheld in any case must not be had to the last one either.

    Args:
        cells: the columns named in `hierarchies`, value [whole]; is_printed (false for a cell no table lists, default
            true), is_sensitive (default true), is_withheld (in any case, default false), cost (of withholding it,
            whole, default 1: what is least is then the number of cells). One row a cell, in any
            order; a cell not there holds nothing.
        hierarchies: column -> code -> the code it is a part of (None: of nothing); the first is of places.
        rules: minimum_count, least_withheld_count, attack_round_count.
        earlier: editions of the period before this one, oldest first, with the columns of `cells` and is_suppressed.

    Returns:
        The cells with is_suppressed.

    Raises:
        TableInconsistent: counts that are negative, missing or do not add up, a cell twice, or an unknown code.
        DisclosureRemains: the attacker still finds cells after the last round; the release must not go out.
    Source:
        Hundepool et al. (2012), Statistical Disclosure Control, 5.4 (suppression in frequency tables).
    """
    minimum, least = int(rules["minimum_count"]), float(rules["least_withheld_count"])
    if cells.empty:
        return _nothing(cells)
    stack = _stacked(cells, earlier)
    equations = additive_equations(stack, hierarchies)
    is_small = stack["is_sensitive"] & primary.small_counts(stack["value"], minimum)
    stack = _with_states(stack, is_small, [*hierarchies])
    known = stack["value"].where(stack["is_known"]).to_numpy(dtype=np.float64)
    # Zeros withheld in any case are the exception that nobody may count on.
    counted_on = np.where(stack["is_withheld"], np.minimum(stack["value"], least), least)
    believed = np.where(stack["is_printed"], counted_on, 0.0)
    floor = least_values(equations, known, believed)
    needed = np.asarray(is_small & ~stack["is_known"], dtype=bool)
    kept = np.asarray(stack["is_withheld"] & ~stack["is_known"], dtype=bool) & ~needed
    stack = stack.assign(
        floor=floor,
        floor_inside=floor,
        is_single=False,
        need_up=np.where(needed, minimum - stack["value"], kept.astype(np.float64)),
        need_down=np.where(needed, np.maximum(stack["value"] - np.maximum(floor, 1.0), 0), 0.0),
        need_inside=0.0,
    )
    bare = stack.assign(value=known)
    told = told_at_least(bare, hierarchies, believed)
    upper = stack["value"].add(1).where(kept).mask(needed, minimum)
    wanted = pd.DataFrame({"lower": told.clip(lower=1.0).where(needed), "upper": upper})
    attacks = [_Attack(believed, True, wanted, None)]
    return _released(cells, stack, hierarchies, equations, attacks, int(rules["attack_round_count"]))


def protect_amounts(
    cells: pd.DataFrame,
    hierarchies: Mapping[str, Hierarchy],
    rules: Mapping[str, Any],
    earlier: Sequence[pd.DataFrame] = (),
) -> Protection:
    """Withhold the fewest amounts, so that none tells too much of its largest contributors.

    An outsider must be left as far from a sensitive amount, on either side, as the rules ask; so must, above it, all
    contributors together, who know their own part of a cell and the whole of it where they stand alone in it.
    Of a cell withheld in any case an outsider must not come nearer than the share of the p % rule.

    Args:
        cells: the columns named in `hierarchies`, value, contributor_count, largest, second [amounts]; is_printed,
            is_sensitive and is_withheld as in `protect_counts`. One row a cell, in any order.
        hierarchies: column -> code -> the code it is a part of (None: of nothing); the first is of places.
        rules: dominance_contributor_count (1 or 2), dominance_share, p_percent_share, attack_round_count.
        earlier: editions of the period before this one, oldest first, with the columns of `cells` and is_suppressed.

    Returns:
        The cells with is_suppressed.

    Raises:
        TableInconsistent: amounts that are negative, missing or do not add up, a cell twice, or an unknown code.
        DisclosureRemains: the attacker still finds cells after the last round; the release must not go out.
        SettingWrong: a dominance rule of more than two contributors.
    Source:
        Hundepool et al. (2012), Statistical Disclosure Control, ch. 4 (magnitude tables, singletons).
    """
    if cells.empty:
        return _nothing(cells)
    stack = _stacked(cells, earlier)
    equations = additive_equations(stack, hierarchies)
    level = np.where(stack["is_sensitive"], _protection_level(stack, rules), 0.0)
    stack = _with_states(stack, level > 0, [*hierarchies])
    level = np.where(stack["is_known"], 0.0, level)
    is_single = (stack["contributor_count"] == 1) & (stack["value"] > 0)
    kept = np.where(stack["is_withheld"] & ~stack["is_known"], stack["value"] * float(rules["p_percent_share"]), 0.0)
    beside = np.maximum(level, kept)
    below = np.minimum(beside, stack["value"])
    stack = stack.assign(
        floor=0.0,
        floor_inside=stack["largest"].clip(upper=stack["value"]),
        is_single=is_single,
        need_up=np.where(kept > level, kept, 0.0),
        need_down=below,
        need_inside=level,
    )
    outside = pd.DataFrame({"lower": stack["value"] - below, "upper": stack["value"] + beside})
    outside = outside[beside > 0].reindex(stack.index)
    inside = pd.DataFrame({"lower": np.nan, "upper": (stack["value"] + level).where(level > 0)})
    attacks = [
        _Attack(0.0, False, outside, None),
        _Attack(stack["floor_inside"].to_numpy(), False, inside, stack["value"].where(is_single)),
    ]
    return _released(cells, stack, hierarchies, equations, attacks, int(rules["attack_round_count"]))


@dataclass(frozen=True)
class _Attack:
    """One attack: what is believed of withheld cells, what must stay possible, and what single contributors know."""

    least: npt.ArrayLike
    is_whole: bool
    wanted: pd.DataFrame
    own: pd.Series | None

    def narrow(
        self, stack: pd.DataFrame, published: pd.DataFrame, hierarchies: Mapping[str, Hierarchy]
    ) -> tuple[BoolArray, BoolArray]:
        """Say which cells are bounded too narrowly below, and which above."""
        bounds = attack(published, hierarchies, self.least, self.is_whole, self.wanted, self.own).reindex(stack.index)
        slack = TOLERANCE * (self.wanted["upper"] - stack["value"]).abs()
        is_low = self.wanted["lower"].notna() & ~(bounds["lower"] <= self.wanted["lower"] + slack)
        is_high = self.wanted["upper"].notna() & ~(bounds["upper"] >= self.wanted["upper"] - slack)
        return is_low.to_numpy(dtype=bool), is_high.to_numpy(dtype=bool)


def _nothing(cells: pd.DataFrame) -> Protection:
    return Protection(cells.assign(is_suppressed=np.zeros(len(cells), dtype=bool)), 0, 0, 0, 0)


def _protection_level(stack: pd.DataFrame, rules: Mapping[str, Any]) -> FloatArray:
    count = int(rules["dominance_contributor_count"])
    if count not in (1, 2):
        raise SettingWrong(place="guideline disclosure, dominance_contributor_count", found=str(count), wanted="1 or 2")
    top = stack["largest"] if count == 1 else stack["largest"] + stack["second"]
    dominance = primary.dominance_level(stack["value"], top, rules["dominance_share"])
    return np.maximum(
        dominance,
        primary.p_percent_level(stack["value"], stack["largest"], stack["second"], rules["p_percent_share"]),
    )


def _stacked(cells: pd.DataFrame, earlier: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the editions of a period below each other, the one to be released last."""
    flags = {"is_printed": True, "is_sensitive": True, "is_withheld": False, "is_suppressed": False}
    given = {"cost": 1.0, **flags}
    editions = [*earlier, cells.drop(columns="is_suppressed", errors="ignore")]
    parts = [
        part.assign(edition=number, **{name: value for name, value in given.items() if name not in part})
        for number, part in enumerate(editions)
    ]
    return pd.concat(parts, ignore_index=True).astype(
        {"value": np.float64, "cost": np.float64} | dict.fromkeys(flags, bool)
    )


def _with_states(stack: pd.DataFrame, is_primary: npt.ArrayLike, columns: list[str]) -> pd.DataFrame:
    """Say of each cell whether it stands fast, must be withheld, or may be."""
    is_new = stack["edition"] == stack["edition"].max()
    key, thread = [stack[name] for name in columns], [stack[name] for name in (*columns, "value")]
    was_printed = stack["is_printed"] & ~stack["is_suppressed"] & ~is_new
    is_none = stack["is_printed"] & (stack["value"] == 0) & ~stack["is_withheld"] & ~stack["is_suppressed"]
    is_known = was_printed.groupby(thread, sort=False).transform("any") | is_none
    was_withheld = stack["is_suppressed"].groupby(key, sort=False).transform("any")
    is_forced = np.asarray(is_primary, dtype=bool) | was_withheld | ~stack["is_printed"] | stack["is_withheld"]
    return stack.assign(
        is_known=is_known,
        is_forced=is_forced & ~is_known,
        is_priced=is_new & stack["is_printed"],
        thread=stack.groupby([*columns, "value"], sort=False).ngroup(),
    )


def _released(
    cells: pd.DataFrame,
    stack: pd.DataFrame,
    hierarchies: Mapping[str, Hierarchy],
    equations: sparse.csr_array,
    attacks: Sequence[_Attack],
    round_count: int,
) -> Protection:
    """Suppress, attack and withhold more where the attacker got through, a bounded number of times."""
    last, cost = stack["is_priced"].to_numpy(), stack["cost"].to_numpy(dtype=np.float64)
    bound = 0
    for number in range(1, round_count + 1):
        whole = system(stack, hierarchies, equations)
        pattern = least_pattern(whole)
        is_withheld = np.append(pattern.is_withheld, False)[whole.part]
        if number == 1:
            bound = round(cost[(stack["is_forced"] | stack["is_withheld"]) & last].sum()) + pattern.bound
        through = _seen_through(stack, hierarchies, is_withheld, attacks)
        if not through.any():
            # What an earlier edition has told is withheld where that is asked for, though it hides nothing.
            marks = ((is_withheld | stack["is_withheld"]) & last).to_numpy()[-len(cells) :]
            paid = round(cost[-len(cells) :][marks].sum())
            return Protection(cells.assign(is_suppressed=marks), int(marks.sum()), paid, bound, number)
        stack = stack.assign(is_forced=stack["is_forced"] | _company(stack, equations, is_withheld, through))
    raise _remaining(stack, [*hierarchies], through, round_count)


def _seen_through(
    stack: pd.DataFrame, hierarchies: Mapping[str, Hierarchy], is_withheld: BoolArray, attacks: Sequence[_Attack]
) -> BoolArray:
    """Say which cells the attacker bounds too narrowly."""
    published = stack.assign(value=stack["value"].where(~is_withheld & stack["is_printed"]))
    through = np.zeros(len(stack), dtype=bool)
    for one in attacks:
        is_low, is_high = one.narrow(stack, published, hierarchies)
        if is_low.any():
            # What zeros and earlier editions tell by themselves, no pattern can take back.
            asked = _Attack(one.least, one.is_whole, one.wanted[is_low].reindex(stack.index), one.own)
            bare = stack.assign(value=stack["value"].where(stack["is_known"]))
            is_low = is_low & ~asked.narrow(stack, bare, hierarchies)[0]
        through |= is_low | is_high
    return through


def _company(stack: pd.DataFrame, equations: sparse.csr_array, is_withheld: BoolArray, through: BoolArray) -> BoolArray:
    """Pick, in every sum that a cell seen through stands in, the smallest cell that could be withheld besides."""
    rows = equations[np.unique(equations[:, through].nonzero()[0])].tocoo()
    row, cell = rows.coords
    may_be = (stack["is_priced"] & ~stack["is_known"]).to_numpy() & ~is_withheld
    found = pd.DataFrame({"row": row, "cell": cell, "value": stack["value"].to_numpy()[cell]})[may_be[cell]]
    picked = np.zeros(len(stack), dtype=bool)
    picked[found.sort_values(["row", "value", "cell"]).drop_duplicates("row")["cell"].to_numpy()] = True
    return picked


def _remaining(stack: pd.DataFrame, columns: list[str], through: BoolArray, round_count: int) -> DisclosureRemains:
    cells = stack.loc[through, columns].astype(str).agg(" / ".join, axis=1)
    return DisclosureRemains(
        place=f"table, cell {cells.iloc[0]}",
        found=f"{len(cells)} cells that can be worked out after {round_count} rounds",
        wanted="none",
        remedy="Print less: coarser places, fewer domains, or no table of what earlier editions have given away.",
    )
