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
    activities = definitions.activities()
    plans, frame = (
        estimate.with_section(warehouse.read(f"estimate/{name}.sql", **partition), activities)
        for name in ("verdict", "frame")
    )
    cells = estimate.cells(plans, frame, wanted)
    sections = law.section("disclosure", period), law.section("publication", period)
    rules = {**sections[0], "minimum_count": sections[1]["minimum_count"]}
    version = "+".join([*(section.version for section in sections), wanted.version])
    *earlier, standing = _editions(partition)
    if not _is_as_it_stands(cells.assign(guideline=version), standing):
        found = disclosure.protect_figures(cells, wanted, _places(), rules, earlier)
        create_markdown_artifact(key=f"disclosure-{period}", markdown=_markdown(cells, found))
        standing = cells.assign(is_withheld=found.is_withheld, guideline=version)
    return warehouse.freeze("bulletin.cell", partition, standing.assign(**partition))


def _places() -> dict[str, str | None]:
    units = warehouse.read("bulletin/unit.sql")
    whole = units["province_code"].where(units["level"] == "county", estimate.NATION)
    return {estimate.NATION: None, **dict(zip(units["unit_code"], whole, strict=True))}


def _editions(partition: dict[str, Any]) -> list[pd.DataFrame]:
    """Read what the editions of a period count and withhold, oldest first; the last is this one, or empty."""
    cells = warehouse.read("bulletin/cell.sql", **partition)
    is_own = cells["cutoff"] == partition["cutoff"]
    return [*(rows for _, rows in cells[~is_own].groupby("cutoff", sort=True)), cells[is_own].drop(columns="cutoff")]


def _is_as_it_stands(cells: pd.DataFrame, standing: pd.DataFrame) -> bool:
    """Say whether an edition stands with just these cells by just these rules; then nothing is searched again."""
    columns = [*estimate.CELL_COLUMNS, "guideline"]
    # The warehouse sorts text by its own rules.
    now, then = (rows[columns].sort_values(columns, ignore_index=True) for rows in (cells, standing))
    return now.astype(object).equals(then.astype(object))


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
