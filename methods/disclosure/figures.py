"""Disclosure control of an edition: the cells its figures are made of, as tables that add up together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.disclosure.release import Protection, protect_amounts, protect_counts
from methods.disclosure.table import Hierarchy
from methods.estimate.definitions import Definitions
from methods.estimate.domains import ALL

BoolArray = npt.NDArray[np.bool_]
PLACE, STATUS = "unit_code", "variable"


@dataclass(frozen=True)
class Protected:
    """The cells of an edition as they may be printed.

    Attributes:
        is_withheld: for each cell as given: one mark for every reason.
        counts: of the tables of counts: what was withheld, and how few could have been.
        amounts: of the tables of amounts.
    """

    is_withheld: BoolArray
    counts: Protection
    amounts: Protection


def protect_figures(
    cells: pd.DataFrame,
    definitions: Definitions,
    places: Hierarchy,
    rules: Mapping[str, Any],
    earlier: Sequence[pd.DataFrame] = (),
) -> Protected:
    """Withhold what would tell of few people, over all places, domains, verdicts and editions together.

    Args:
        cells: unit_code, domain (as `agency=P01`, or `all`), variable, value, contributor_count, largest, second;
            one row a cell, in any order.
        definitions: variables and indicators in force; a variable no indicator names is in no table, but is what
            others add up to.
        places: county -> province -> nation.
        rules: minimum_count, and what `protect_counts` and `protect_amounts` ask for.
        earlier: cells of the editions of the period before this one, oldest first, with is_withheld.

    Returns:
        Which cells are withheld. An amount that may be below nothing is in no table of amounts: it is withheld
        with the plans that it rests on.

    Raises:
        TableInconsistent: cells do not add up.
        DisclosureRemains: the attacker still finds cells after the last round; the release must not go out.
    """
    hierarchies = {PLACE: places, **_domain_trees([cells, *earlier]), STATUS: _status_tree(definitions)}
    kinds = _kinds(definitions)
    found = {}
    for kind, work in (("count", protect_counts), ("amount", protect_amounts)):
        names = [name for name, one in kinds.items() if one == kind]
        own, *former = (_table(part, definitions, names, hierarchies) for part in (cells, *earlier))
        found[kind] = work(own, hierarchies, rules, former)
    is_withheld = np.zeros(len(cells), dtype=bool)
    for one in found.values():
        is_withheld[one.table.index[one.table["is_suppressed"]]] = True
    return Protected(is_withheld, found["count"], found["amount"])


def _kinds(definitions: Definitions) -> dict[str, str]:
    """Say of each variable whether it is a count or an amount; one that nothing printed rests on is left out."""
    named = definitions.named()
    whole = {one.part_of for one in definitions.variables.values()}
    kinds = {}
    for code, one in definitions.variables.items():
        if not one.is_signed and (code in named or one.part_of is not None or code in whole):
            kinds[code] = "count" if one.measure is None else "amount"
    return kinds


def _table(
    cells: pd.DataFrame, definitions: Definitions, names: Sequence[str], hierarchies: Mapping[str, Hierarchy]
) -> pd.DataFrame:
    """Lay out the cells of some variables by place, by each dimension and by status; the index is the cells' own."""
    rows = cells.reset_index(drop=True)
    rows = rows[rows[STATUS].isin(names)]
    dimension = rows["domain"].str.partition("=")[0]
    kinds = [name for name in hierarchies if name not in (PLACE, STATUS)]
    columns = {name: rows["domain"].where(dimension == name, ALL) for name in kinds}
    rows = rows.assign(**columns, is_printed=rows[STATUS].isin(definitions.named()))
    rows = rows.rename(columns={"is_withheld": "is_suppressed"})
    return rows.drop(columns=["domain", "level", "cutoff"], errors="ignore")


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
