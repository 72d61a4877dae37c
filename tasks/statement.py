"""Bulletin stage, statements: what a bulletin may say of its figures, each from the test behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods import decision, wording
from tasks.edges.edition import Figure, Figures

# The counts that a column of field work tells: supervised less visited are the non-contacts, visited less decided are
# pending.
PROGRESS = {
    "issued_plan_count": ("issued",),
    "assigned_plan_count": ("issued",),
    "attempted_plan_count": ("supervised",),
    "visited_plan_count": ("supervised", "non_contact", "pending"),
    "decided_plan_count": ("decided",),
}
# Where a funnel's limits are drawn, from the least to the most precise unit.
FUNNEL_STEPS = 40


def at_least(count: Figure) -> float:
    """Say how many there are at least: a confidential count is not none, and says no more."""
    return 1.0 if count.is_suppressed else count.estimate or 0.0


def printable_progress(rows: pd.DataFrame, figures: Figures, places: Sequence[str]) -> pd.DataFrame:
    """Leave out of the progress of field work what figures withhold, and what would give it away by subtraction.

    Args:
        rows: the columns of PROGRESS, one row a place or a firm.
        figures: of an edition; a place without any has nothing withheld.
        places: code of the place whose figures a row tells of: its own, or that of which a firm's plans are a part.
    """
    found = {
        column: rows[column]
        .astype("Int64")
        .mask(np.array([_is_withheld(figures, place, names) for place in places], dtype=bool))
        for column, names in PROGRESS.items()
    }
    return rows.assign(**found)


def _is_withheld(figures: Figures, place: str, names: Sequence[str]) -> bool:
    return figures.has(place) and any(figures.get(f"{name}_plan_count", unit=place).is_suppressed for name in names)


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
