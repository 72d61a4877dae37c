"""Disclosure control of an edition: the cells its figures are made of, as tables that add up together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.disclosure.release import Protection, protect_amounts, protect_counts
from methods.disclosure.table import Hierarchy
from methods.errors import SettingWrong
from methods.estimate.definitions import LEVELS, Definitions
from methods.estimate.domains import ALL

BoolArray = npt.NDArray[np.bool_]
PLACE, STATUS = "unit_code", "variable"


@dataclass(frozen=True)
class Protected:
    """The cells of an edition as they may be printed.

    Attributes:
        is_withheld: for each cell as given: one mark for every reason.
        tables: what adds up to one variable, by that variable: what was withheld, and what it cost in figures.
    """

    is_withheld: BoolArray
    tables: Mapping[str, Protection]


def protect_figures(
    cells: pd.DataFrame,
    definitions: Definitions,
    places: Hierarchy,
    rules: Mapping[str, Any],
    earlier: Sequence[pd.DataFrame] = (),
) -> Protected:
    """Withhold what would tell of few people, over all places, domains, verdicts and editions together.

    Args:
        cells: level, unit_code, domain (as `agency=P01`, or `all`), variable, value, contributor_count, largest,
            second; one row a cell, in any order.
        definitions: variables in force, and the indicators with the levels they are printed for; a variable that
            is printed nowhere may still be what others add up to.
        places: county -> province -> nation.
        rules: minimum_count, open_variables (whose small counts tell nothing of anybody), and what
            `protect_counts` and `protect_amounts` ask for.
        earlier: cells of the editions of the period before this one, oldest first, with is_withheld.

    Returns:
        Which cells are withheld. An amount that may be below nothing is in no table of amounts: it is withheld
        with the plans that it rests on.

    Raises:
        TableInconsistent: cells do not add up.
        DisclosureRemains: the attacker still finds cells after the last round; the release must not go out.
        SettingWrong: an open variable has parts, which a small count of it would tell.
    """
    _refuse_open_sums(definitions, rules["open_variables"])
    hierarchies = {PLACE: places, **_domain_trees([cells, *earlier]), STATUS: _status_tree(definitions)}
    is_withheld = np.zeros(len(cells), dtype=bool)
    found: dict[str, Protection] = {}
    for root, names in _trees(definitions).items():
        protect = protect_counts if definitions.variables[root].measure is None else protect_amounts
        listed = _listed(definitions, names)
        if listed.empty:
            continue
        own, *former = (_table(part, listed, hierarchies, rules) for part in (cells, *earlier))
        found[root] = protect(own, hierarchies, rules, former)
        is_withheld[found[root].table.index[found[root].table["is_suppressed"]]] = True
    return Protected(is_withheld, found)


def _refuse_open_sums(definitions: Definitions, names: Sequence[str]) -> None:
    sums = {one.part_of for one in definitions.variables.values()}.intersection(names)
    if sums:
        raise SettingWrong(
            place="guideline disclosure, open_variables",
            found=f"{', '.join(sorted(map(str, sums)))}, which other variables are part of",
            wanted="variables without parts: a small sum would tell of them",
        )


def _trees(definitions: Definitions) -> dict[str, list[str]]:
    """Group variables that add up to one, but for those that may be below nothing.

    No sum ties one group to another, so that each is a problem of its own.
    """
    trees: dict[str, list[str]] = {}
    for code, one in definitions.variables.items():
        if not one.is_signed:
            trees.setdefault(_root(definitions, code), []).append(code)
    return trees


def _root(definitions: Definitions, code: str) -> str:
    above = definitions.variables[code].part_of
    return code if above is None else _root(definitions, above)


def _listed(definitions: Definitions, names: Sequence[str]) -> pd.DataFrame:
    """List the variables of a tree by where they matter: printed, or to be had from what is.

    Returns:
        level, is_whole, variable, is_printed, cost (figures lost with it).
    """
    rows = []
    for level in LEVELS:
        for is_whole in (True, False):
            figures = definitions.printed(level, is_whole)
            printed = {name for one in figures for name in (*one.tells, *one.exclusions)}.intersection(names)
            # With a cell go all figures that tell it: what a rate rests on is dearer than what one count says.
            lost = Counter(name for one in figures for name in one.tells for _ in one.bases)
            rows += [
                (level, is_whole, name, name in printed, max(lost[name], 1))
                for name in sorted(_told_by(definitions, printed))
            ]
    return pd.DataFrame(rows, columns=["level", "is_whole", STATUS, "is_printed", "cost"])


def _told_by(definitions: Definitions, printed: set[str]) -> set[str]:
    """Add to variables the sums that can be made of them, and all parts of a sum of which one is there."""
    parts: dict[str, set[str]] = {}
    for code, one in definitions.variables.items():
        if one.part_of is not None:
            parts.setdefault(one.part_of, set()).add(code)
    found = set(printed)
    for _ in parts:
        for whole, own in parts.items():
            if own <= found:
                found.add(whole)
            elif whole in found and own & found:
                found |= own
    return found


def _table(
    cells: pd.DataFrame, listed: pd.DataFrame, hierarchies: Mapping[str, Hierarchy], rules: Mapping[str, Any]
) -> pd.DataFrame:
    """Lay out the cells that matter by place, by each dimension and by status; the index is the cells' own."""
    rows = cells.assign(cell=np.arange(len(cells)), is_whole=cells["domain"] == ALL)
    rows = rows.merge(listed, on=["level", "is_whole", STATUS]).set_index("cell").rename_axis(None)
    dimension = rows["domain"].str.partition("=")[0]
    kinds = [name for name in hierarchies if name not in (PLACE, STATUS)]
    columns = {name: rows["domain"].where(dimension == name, ALL) for name in kinds}
    rows = rows.assign(**columns, is_sensitive=~rows[STATUS].isin(list(rules["open_variables"])))
    rows = rows.rename(columns={"is_withheld": "is_suppressed"})
    return rows.drop(columns=["domain", "level", "is_whole", "cutoff"], errors="ignore")


def _domain_trees(editions: Sequence[pd.DataFrame]) -> dict[str, Hierarchy]:
    """Make each domain of a dimension a part of all plans."""
    codes = pd.concat([one["domain"] for one in editions]).unique()
    trees: dict[str, dict[str, str | None]] = {}
    for code in sorted(codes):
        if code != ALL:
            trees.setdefault(code.partition("=")[0], {ALL: None})[code] = ALL
    return dict(trees)


def _status_tree(definitions: Definitions) -> Hierarchy:
    return {code: one.part_of for code, one in definitions.variables.items()}
