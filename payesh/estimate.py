"""The auditor's door to the estimates: `payesh reconcile`."""

from __future__ import annotations

import datetime
import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from payesh import terminal

if TYPE_CHECKING:
    import pandas as pd

    from methods.estimate.reconcile import Arithmetic, Claim
    from tasks.reconcile import Reconciliation

SHOWN = (
    "yields", "numerator", "denominator", "exclusion", "weight", "numerator_value", "denominator_value", "percent",
    "half_up", "truncated",
)  # fmt: skip
STORED = (*SHOWN, "departure_count", "has_claimed_numerator", "has_claimed_denominator")
KINDS = {"numerator": "numerators", "denominator": "denominators", "exclusion": "exclusions", "weight": "weights"}


class Rounding(StrEnum):
    """How the rate may have been rounded."""

    half_up = "half-up"
    truncated = "truncated"
    either = "either"


def reconcile(
    year: Annotated[int, typer.Option(help="Jalali year, such as 1403.")],
    claimed: Annotated[str, typer.Option(help="The rate as printed, in percent: 74, 16.5, or <3.")],
    phase: Annotated[int, typer.Option(help="Phase of the year, 1 or 2.")] = 1,
    numerator: Annotated[int | None, typer.Option(help="The numerator published beside it.")] = None,
    denominator: Annotated[int | None, typer.Option(help="The denominator published beside it.")] = None,
    decimals: Annotated[
        int | None, typer.Option(help="Places the rate was printed with. Default: as many as it shows.")
    ] = None,
    rounding: Annotated[Rounding, typer.Option(help="How it may have been rounded.")] = Rounding.either,
    cutoff: Annotated[
        datetime.datetime | None,
        typer.Option(help="Read the newest verdicts up to this day (2025-10-14).", formats=["%Y-%m-%d"]),
    ] = None,
    departures: Annotated[
        int,
        typer.Option(
            min=0, help="List readings with up to so many departures from plain counting: an exclusion, a weight."
        ),
    ] = 1,
    every: Annotated[bool, typer.Option("--all", help="List every reading, those that do not yield it too.")] = False,
    format: Annotated[terminal.Format, typer.Option(help="How to write them.")] = terminal.Format.table,
) -> None:
    """Find every denominator, weight and exclusion of a round that yields a published rate, and say which none can.

    Exit code 0: its own numbers or a reading yield it; 1: nothing does; 2: used wrongly.
    """
    period = terminal.checked_period(year, phase)
    with terminal.refusals():
        from methods.estimate.reconcile import Claim

        claim = Claim.of(claimed, decimals, rounding.value, numerator, denominator)
    with terminal.warehouse_open():
        from tasks.reconcile import reconcile_claim

        found = reconcile_claim(period, claim, None if cutoff is None else cutoff.date())
    _write(found, None if every else departures, format)
    if not found.is_reconciled:
        raise typer.Exit(terminal.FAILED)


def _write(found: Reconciliation, departures: int | None, format: terminal.Format) -> None:
    rows = _rows(found.readings if departures is None else _near(found.readings, departures), found.claim.decimals)
    if format is terminal.Format.csv:
        sys.stdout.write(rows[list(STORED)].to_csv(index=False))
    elif format is terminal.Format.json:
        sys.stdout.write(json.dumps(_document(found, rows), ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write("\n".join([*_arithmetic_lines(found), *_reading_lines(found, rows)]) + "\n")


def _near(readings: pd.DataFrame, departures: int) -> pd.DataFrame:
    """Readings that yield the rate and are near plain counting, or have the claimed numerator; else the nearest."""
    fitting = readings[readings["yields"]]
    limit = max(departures, int(fitting["departure_count"].min())) if len(fitting) else departures
    return fitting[(fitting["departure_count"] <= limit) | fitting["has_claimed_numerator"]]


def _rows(readings: pd.DataFrame, decimals: int) -> pd.DataFrame:
    import pandas as pd

    from methods.estimate.reconcile import printed

    # Two places more than were printed, so that a reader sees how near the edge a reading lies.
    percent = [printed(rate, decimals + 2, "half-up") for rate in readings["rate"]]
    values = {
        name: pd.Series(list(map(_value, readings[name], readings["weight"])), dtype=object, index=readings.index)
        for name in ("numerator_value", "denominator_value")
    }
    return readings.assign(percent=percent, **values)


def _value(value: Any, weight: str) -> int | float:
    from methods.estimate.reconcile import WEIGHT_UNIT

    if weight in ("estimated_plan", "estimated_job"):
        return round(value / WEIGHT_UNIT, 2)
    return value if isinstance(value, int) else round(float(value), 4)


def _arithmetic_lines(found: Reconciliation) -> list[str]:
    said = f"{_printed_claim(found.claim)}, {found.period} at the cut-off {found.cutoff}"
    lines = [f"Claimed: {said}", f"  {found.arithmetic.statement}."]
    for wanted, given, spans in _needs(found.claim, found.arithmetic):
        lines += [f"  {given:,} needs a {wanted} of {span} ({rounding})." for rounding, span in spans.items()]
    return lines


def _needs(claim: Claim, arithmetic: Arithmetic) -> list[tuple[str, int, Any]]:
    known = (("denominator", claim.numerator, arithmetic.denominators), ("numerator", claim.denominator,
             arithmetic.numerators))  # fmt: skip
    return [(wanted, given, spans) for wanted, given, spans in known if given is not None]


def _printed_claim(claim: Claim) -> str:
    from methods.estimate.reconcile import printed

    shown = "no rate" if claim.percent is None else printed(claim.percent / 100, claim.decimals, "truncated") + " %"
    return f"{'below ' if claim.is_below else ''}{shown} ({' or '.join(claim.spans)})"


def _reading_lines(found: Reconciliation, rows: pd.DataFrame) -> list[str]:
    fitting = int(found.readings["yields"].sum())
    lines = ["", f"Readings of the store that yield it: {fitting:,} of {len(found.readings):,}."]
    if not fitting:
        lines.append("None can: no numerator, denominator, weight or exclusion in the store yields the claimed rate.")
    if len(rows):
        lines.append(_table(rows))
    farther = fitting - int(rows["yields"].sum())
    if farther:
        lines.append(f"{farther:,} more depart farther from plain counting: --departures 9 lists them.")
    return [*lines, *(_never_lines(found) if fitting else [])]


def _table(rows: pd.DataFrame) -> str:
    shown = rows[list(SHOWN)].assign(yields=rows["yields"].map({True: "yes", False: "no"}))
    for name in ("numerator_value", "denominator_value"):
        shown[name] = [f"{value:,}" for value in rows[name]]
    return shown.to_string(index=False)


def _never_lines(found: Reconciliation) -> list[str]:
    from methods.estimate.reconcile import never_yielding

    never = never_yielding(found.readings)
    return ["", "No reading yields it by"] + [
        f"  {KINDS[kind]}: {'; '.join(names) or 'all can'}" for kind, names in never.items()
    ]


def _document(found: Reconciliation, rows: pd.DataFrame) -> dict[str, Any]:
    from methods.estimate.reconcile import never_yielding

    arithmetic, claim = found.arithmetic, found.claim
    return {
        "year": found.period.year,
        "phase": found.period.phase,
        "cutoff": str(found.cutoff),
        "claimed_percent": None if claim.percent is None else float(claim.percent),
        "decimals": claim.decimals,
        "numerator": claim.numerator,
        "denominator": claim.denominator,
        "verdict": arithmetic.verdict,
        "statement": arithmetic.statement,
        "needed_denominators": _spans(arithmetic.denominators),
        "needed_numerators": _spans(arithmetic.numerators),
        "is_reconciled": found.is_reconciled,
        "reading_count": len(found.readings),
        "never_yielding": never_yielding(found.readings),
        "readings": rows[list(STORED)].astype(object).to_dict("records"),
    }


def _spans(spans: Any) -> dict[str, list[int | None]]:
    return {name: [] if span.is_empty else [span.lower, span.upper] for name, span in spans.items()}
