"""Estimate stage, change: figures of a round held against those of earlier ones."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods import estimate
from methods.errors import SettingWrong
from methods.estimate import change
from methods.estimate.definitions import Definitions
from methods.guideline import Section
from methods.period import Period
from tasks.edges import definitions, law, warehouse
from tasks.edges.warehouse import Receipt

RESTS_ON = ("sampling", "verdicts", "publication")
SHOWN = ("indicator", "before", "after", "change", "lower", "upper", "direction", "composition_part", "rate_part")


@task(task_run_name="estimate-changes-{period}-{cutoff}", cache_policy=NO_CACHE)
def estimate_changes(period: Period, cutoff: datetime.date) -> Receipt:
    """Hold the figures against those of the phase before and of the year before, where these have verdicts."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    after = _verdicts_at(period, cutoff)
    found = {earlier: _compared(period, earlier, after, cutoff) for earlier in change.compared_with(period)}
    rows = [one for one in found.values() if one is not None]
    table = pd.concat(rows, ignore_index=True).assign(**partition) if rows else pd.DataFrame(columns=list(partition))
    receipt = warehouse.replace("estimate.change", partition, table)
    create_markdown_artifact(key=f"change-{period}", markdown=_markdown(period, found))
    return receipt


def _verdicts_at(period: Period, cutoff: datetime.date) -> pd.DataFrame:
    """Read the verdicts of a round at just this cut-off.

    Raises:
        SettingWrong: it has none.
    """
    plans = warehouse.read("estimate/change_plan.sql", year=period.year, phase=period.phase, cutoff=cutoff)
    if plans.empty or plans["cutoff"].iloc[0] != cutoff:
        raise SettingWrong(
            place=f"verdicts of {period}",
            found=f"none at {cutoff}",
            wanted="a round whose visits have been collected",
            remedy=f"Run `payesh collect {period.year} --phase {period.phase} --cutoff {cutoff}`.",
        )
    return plans


def _compared(period: Period, earlier: Period, after: pd.DataFrame, cutoff: datetime.date) -> pd.DataFrame | None:
    """Compare with one earlier round; None where it had no verdicts at the cut-off."""
    change.refuse_same_round(period, earlier)
    before = warehouse.read("estimate/change_plan.sql", year=earlier.year, phase=earlier.phase, cutoff=cutoff)
    if before.empty:
        return None
    limits = change.loan_band_limits(_definitions(period))
    rules = {**law.section("publication", period), "loan_band_limits_rial": limits}
    rows = change.compare(before, after, rules, _persisting(earlier, period))
    return rows.assign(
        against_year=earlier.year,
        against_phase=earlier.phase,
        against_cutoff=before["cutoff"].iloc[0],
        guideline=_version(period),
        against_guideline=_version(earlier),
    )


def _persisting(earlier: Period, period: Period) -> pd.DataFrame | None:
    """Count the plans of both frames, where both rounds were drawn with the same random numbers."""
    certificates = [_certificate(one) for one in (earlier, period)]
    if not change.are_coordinated(*certificates):
        return None
    before, after = (
        warehouse.read("sample/eligible_plan.sql", year=one.year, phase=one.phase) for one in (earlier, period)
    )
    before_rules, after_rules = (
        Section("sampling, of the certificate", str(one["period"]), one["guideline"]["values"], ())
        for one in certificates
    )
    return change.persisting_plans(before, after, before_rules, after_rules)


def _certificate(period: Period) -> dict[str, Any]:
    rows = warehouse.read("sample/draw_certificate.sql", year=period.year, phase=period.phase)
    found: dict[str, Any] = json.loads(rows["certificate"].iloc[0])
    return found


def _version(period: Period) -> str:
    return "+".join([*(law.section(name, period).version for name in RESTS_ON), _definitions(period).version])


def _definitions(period: Period) -> Definitions:
    return estimate.definitions_in_force(definitions.indicators(), period.reference_date)


def _markdown(period: Period, found: dict[Period, pd.DataFrame | None]) -> str:
    lines: list[str] = []
    for earlier, rows in found.items():
        if rows is None:
            lines += [f"**{earlier}** has no verdicts up to this cut-off: {period} is not held against it.", ""]
            continue
        own = rows[(rows["level"] == "nation") & (rows["domain"] == "all")]
        first = own.iloc[0]
        said = f"{first['method']}, {first['overlap_plan_count']:,} plans in both samples"
        lines += [f"**Against {earlier}** at its cut-off {first['against_cutoff']} ({said})", ""]
        lines += [f"| {' | '.join(SHOWN)} |", "|---" * len(SHOWN) + "|"]
        lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in own[list(SHOWN)].to_numpy().tolist()]
        lines.append("")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "—" if pd.isna(value) else f"{value:,.4f}" if abs(value) < 10 else f"{value:,.0f}"
