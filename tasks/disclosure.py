"""Bulletin stage, disclosure control: what an edition must not print, found before its figures are frozen."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods import disclosure, estimate
from methods.disclosure import Protected
from methods.period import Period
from tasks.edges import definitions, law, warehouse
from tasks.edges.warehouse import Receipt


@task(task_run_name="protect-figures-{period}-{cutoff}", cache_policy=NO_CACHE)
def protect_figures(period: Period, cutoff: datetime.date) -> Receipt:
    """Withhold what would tell of few people; an attacker who finds any of it stops the release.

    Raises:
        DisclosureRemains: whatever is withheld, cells can be worked out.
    """
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    wanted = estimate.definitions_in_force(definitions.indicators(), period.reference_date)
    plans, frame = (
        estimate.with_section(warehouse.read(f"estimate/{name}.sql", **partition), definitions.activities())
        for name in ("verdict", "frame")
    )
    cells = estimate.cells(plans, frame, wanted)
    rules = {**law.section("disclosure", period), "minimum_count": law.section("publication", period)["minimum_count"]}
    found = disclosure.protect_figures(cells, wanted, _places(), rules, _earlier(partition))
    create_markdown_artifact(key=f"disclosure-{period}", markdown=_markdown(cells, found))
    rows = cells.assign(**partition, is_withheld=found.is_withheld)
    return warehouse.freeze("bulletin.cell", partition, rows)


def _places() -> dict[str, str | None]:
    units = warehouse.read("bulletin/unit.sql")
    whole = units["province_code"].where(units["level"] == "county", estimate.NATION)
    return {estimate.NATION: None, **dict(zip(units["unit_code"], whole, strict=True))}


def _earlier(partition: dict[str, Any]) -> list[pd.DataFrame]:
    """Read what the editions of the period before this one count and withhold, oldest first."""
    cells = warehouse.read("bulletin/cell.sql", **partition)
    return [rows for _, rows in cells.groupby("cutoff", sort=True)]


def _markdown(cells: pd.DataFrame, found: Protected) -> str:
    rows = cells.assign(is_withheld=found.is_withheld)
    lines = ["| adds up to | cells | withheld | figures lost | at least | rounds |", "|---|---|---|---|---|---|"]
    for name, one in found.tables.items():
        numbers = (len(one.table), one.withheld_count, one.cost, one.least_cost, one.round_count)
        lines.append(f"| {name} | " + " | ".join(f"{number:,}" for number in numbers) + " |")
    lines += ["", "| level | cells | withheld |", "|---|---|---|"]
    for level, own in rows.groupby("level", sort=True):
        lines.append(f"| {level} | {len(own):,} | {int(own['is_withheld'].sum()):,} |")
    told = "An attacker who adds up all that is printed, and knows that zeros are, found none of them."
    return "\n".join([*lines, "", told])
