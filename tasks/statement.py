"""Bulletin stage, statements: what a bulletin may say of its figures, each from the test behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods import bulletin, decision, wording
from tasks.edges.edition import Figure, Figures, Key

# The parts of two sums the flow of plans prints: decided but not confirmed, supervised but not decided.
REFUSED_COUNTS = ("deviation_plan_count", "violation_plan_count", "discrepancy_plan_count")
UNDECIDED_COUNTS = ("non_contact_plan_count", "pending_plan_count")
# What tells of the same few plans as a count does.
TOLD_BY = {
    "deviation_plan_count": ("deviation_rate", "deviation_loan_rial"),
    "violation_plan_count": ("violation_rate", "violation_loan_rial"),
    "discrepancy_plan_count": ("discrepancy_rate", "discrepancy_loan_rial"),
}
# With the plans decided, these tell how many were not confirmed.
SHOW_REFUSED = ("confirmed_plan_count", "accuracy_rate", "crude_confirmation_rate")
# Where a funnel's limits are drawn, from the least to the most precise unit.
FUNNEL_STEPS = 40


def withheld_counts(figures: Figures, minimum: int, domain: str = "all") -> frozenset[str]:
    """Name the counts of a unit's flow of plans that would disclose too few."""
    parts = (
        {name: int(figures.get(name, domain=domain).estimate or 0) for name in names}
        for names in (REFUSED_COUNTS, UNDECIDED_COUNTS)
    )
    return frozenset().union(*(bulletin.withheld_parts(counts, minimum) for counts in parts))


def without_small_counts(figures: Figures, unit_code: str, minimum: int, domain: str = "all") -> Figures:
    """Make confidential what would disclose too few plans of a unit, and what tells of the same plans."""
    few = withheld_counts(figures.of(unit_code), minimum, domain)
    names = {other for name in few for other in (name, *TOLD_BY.get(name, ()))}
    keys: list[Key] = [(name, basis, unit_code, domain) for name in names for basis in ("counted", "estimated")]
    return figures.suppressing(keys)


def tells_of_few(rows: pd.DataFrame, minimum: int) -> pd.Series:
    """Mark figures that give few plans away: a small count, and in a group what shows how few were not confirmed.

    Args:
        rows: indicator, basis, unit_code, domain, estimate.
        minimum: least count that may be printed.
    """
    is_small = rows["indicator"].str.endswith("_plan_count") & rows["estimate"].between(1, minimum - 1)
    of_group = rows[(rows["basis"] == "counted") & (rows["domain"] != "all")]
    counts = of_group.pivot_table(index=["unit_code", "domain"], columns="indicator", values="estimate")
    counts = counts.reindex(columns=["decided_plan_count", "confirmed_plan_count"])
    refused = counts["decided_plan_count"] - counts["confirmed_plan_count"]
    groups = refused[refused.between(1, minimum - 1)].index
    is_of_them = pd.MultiIndex.from_frame(rows[["unit_code", "domain"]]).isin(groups)
    shows = rows["indicator"].isin(SHOW_REFUSED) & (rows["basis"] == "counted")
    return is_small | (is_of_them & shows)


def printable_progress(rows: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Leave out the visited plans of a unit where they would give away how few were not met or not settled."""
    unmet = rows["attempted_plan_count"] - rows["visited_plan_count"]
    unsettled = rows["visited_plan_count"] - rows["decided_plan_count"]
    few = unmet.between(1, minimum - 1) | unsettled.between(1, minimum - 1)
    return rows.assign(visited_plan_count=rows["visited_plan_count"].astype("Int64").mask(few))


def standings(found: Mapping[str, Figure], confidence: float) -> dict[str, str]:
    """Say of each part of a whole how its rate stands to that of the others; what is not printed is unknown."""
    errors = _errors(found, confidence)
    sizes = [figure.denominator or 0.0 for figure in found.values()]
    codes = wording.compare_with_rest(_estimates(found), errors, sizes, confidence)
    return dict(zip(found, codes.tolist(), strict=True))


def rank_sets(found: Mapping[str, Figure], confidence: float) -> dict[str, tuple[int, int]]:
    """Give the ranks each printed part may hold, all at once."""
    shown = {code: figure for code, figure in found.items() if figure.mark is None}
    lower, upper = decision.rank_sets(_estimates(shown), _errors(shown, confidence))
    return dict(zip(shown, zip(lower.tolist(), upper.tolist(), strict=True), strict=True))


def best(ranks: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Say which parts may be called best: `word` best with one code, among_best with several, not_best with none."""
    codes = wording.best_set([lower for lower, _ in ranks.values()]) if ranks else np.array([], dtype=str)
    leading = [code for code, word in zip(ranks, codes.tolist(), strict=True) if word != wording.NOT_BEST]
    word = wording.BEST if len(leading) == 1 else wording.AMONG_BEST
    return {"word": word if leading else wording.NOT_BEST, "codes": leading}


def contrasts(figures: Figures, groups: Sequence[Mapping[str, Any]], confidence: float) -> dict[str, str]:
    """Compare the two sides of each dimension that has two, first against second: dimension -> code."""
    sides = {group["code"]: [one for one in group["domains"] if one["name"]][:3] for group in groups}
    pairs = {
        code: [figures.get("accuracy_rate", "estimated", domain=one["code"]) for one in two]
        for code, two in sides.items()
        if len(two) == 2
    }
    if not pairs:
        return {}
    first = {code: one for code, (one, _) in pairs.items()}
    second = {code: other for code, (_, other) in pairs.items()}
    codes = wording.compare(
        _estimates(first), _errors(first, confidence), _estimates(second), _errors(second, confidence), confidence
    )
    return dict(zip(pairs, codes.tolist(), strict=True))


def funnel(cards: Sequence[Mapping[str, Any]], whole: Figure) -> dict[str, Any] | None:
    """Place agencies in the funnel of chance round the rate of the whole; None where there is no rate."""
    if not cards or whole.estimate is None or not 0 < whole.estimate < 1:
        return None
    centre = whole.estimate
    rates = np.array([card["estimate"] for card in cards], dtype=np.float64)
    errors = wording.spread(_column(cards, "standard_error"), _column(cards, "lower"), _column(cards, "upper"))
    precision = wording.precision(errors, centre)
    axis = np.geomspace(precision.min() * 0.7, precision.max() * 1.15, FUNNEL_STEPS)
    at_axis = np.sqrt(centre * (1 - centre) / axis)
    inner, outer = (wording.control_limits(centre, at_axis, one) for one in (wording.INNER_LIMIT, wording.OUTER_LIMIT))
    places = wording.outside_limits(rates, errors, centre)
    points = [
        {"code": card["agency_code"], "name": card["agency_name"], "estimate": rate, "precision": size, "place": place}
        for card, rate, size, place in zip(cards, rates.tolist(), precision.tolist(), places.tolist(), strict=True)
    ]
    curves = {
        "inner_lower": inner[0], "inner_upper": inner[1], "outer_lower": outer[0], "outer_upper": outer[1],
    }  # fmt: skip
    return {"centre": centre, "axis": axis.tolist(), "points": points} | {
        name: np.clip(curve, 0, 1).tolist() for name, curve in curves.items()
    }


def rates(figures: Figures, units: Sequence[str]) -> dict[str, Figure]:
    """Look up the rate that units are compared by, of those in which anything was estimated."""
    return {code: figures.get("accuracy_rate", "estimated", unit=code) for code in units if figures.has(code)}


def _estimates(found: Mapping[str, Figure]) -> list[float]:
    return [np.nan if figure.mark or figure.estimate is None else figure.estimate for figure in found.values()]


def _errors(found: Mapping[str, Figure], confidence: float) -> npt.NDArray[np.float64]:
    rows = [vars(figure) for figure in found.values()]
    error, lower, upper = (_column(rows, name) for name in ("standard_error", "lower", "upper"))
    return wording.spread(error, lower, upper, confidence)


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> npt.NDArray[np.float64]:
    return np.array([row[name] for row in rows], dtype=np.float64)
