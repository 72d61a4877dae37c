"""Bulletin stage, work on editions: which stands, which it took the place of, and what it says otherwise."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods import revision
from methods.errors import SettingWrong
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.warehouse import Receipt

KINDS = ("provisional", "final", "revised")
SHOWN_ROWS = 20


@task(task_run_name="record-edition-{period}-{cutoff}", cache_policy=NO_CACHE)
def record_edition(period: Period, cutoff: datetime.date, kind: str | None = None) -> Receipt:
    """Record an edition whose figures are frozen, with what it changes and why; after `freeze_figures`.

    A kind that is not said is that of the guideline for the first edition, and `revised` for a later one.

    Raises:
        SettingWrong: no such kind of edition.
    """
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    if kind is not None and kind not in KINDS:
        raise SettingWrong(place="kind of edition", found=kind, wanted=" or ".join(KINDS))
    editions = warehouse.read("bulletin/edition.sql", year=period.year, phase=period.phase)
    own = editions[editions["cutoff"] == cutoff]
    before = editions[editions["cutoff"] < cutoff].sort_values("cutoff").tail(1)
    figures = warehouse.read("bulletin/edition_figure.sql", **partition)
    changes, reasons = _against(period, cutoff, before, figures)
    rules = law.section("publication", period)
    row = {
        # An edition keeps its number and its kind when it is run again.
        "number": int(own["number"].iloc[0]) if len(own) else int(editions["number"].max() + 1) if len(editions) else 1,
        "kind": kind or (str(own["kind"].iloc[0]) if len(own) else _kind(before, str(rules["edition_kind"]))),
        "released_on": cutoff + datetime.timedelta(days=int(rules["release_delay_days"])),
        "supersedes": before["cutoff"].iloc[0] if len(before) else None,
        "reasons": "{" + ",".join(reasons) + "}",
        "guideline": figures["guideline"].iloc[0],
    }
    warehouse.freeze("bulletin.revision", partition, changes.assign(**partition))
    create_markdown_artifact(key=f"revision-{period}", markdown=_markdown(row, changes))
    return warehouse.freeze("bulletin.edition", partition, pd.DataFrame([partition | row]))


def _kind(before: pd.DataFrame, first: str) -> str:
    return "revised" if len(before) else first


def _against(
    period: Period, cutoff: datetime.date, before: pd.DataFrame, figures: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Set an edition's figures beside those of the edition before; the first has none, so nothing changed."""
    if before.empty:
        return revision.changed(figures, figures), ()
    since = before["cutoff"].iloc[0]
    former = warehouse.read("bulletin/edition_figure.sql", year=period.year, phase=period.phase, cutoff=since)
    came_in = warehouse.read(
        "bulletin/new_delivery.sql", year=period.year, phase=period.phase, since=since, cutoff=cutoff
    )
    changes = revision.changed(former, figures)
    has_new = int(came_in["delivery_count"].iloc[0]) > 0
    versions = str(former["guideline"].iloc[0]), str(figures["guideline"].iloc[0])
    return changes, tuple(revision.reasons(has_new, *versions, len(changes)))


def _markdown(row: dict[str, Any], changes: pd.DataFrame) -> str:
    lines = [f"Edition {row['number']}, {row['kind']}."]
    if row["supersedes"] is None:
        return lines[0] + " It is the first of its period."
    lines += [f"It supersedes that of {row['supersedes']}; {len(changes):,} figures differ ({row['reasons']}).", ""]
    lines += ["| figure | before | after |", "|---|---|---|"]
    for one in changes[changes["domain"] == "all"].head(SHOWN_ROWS).to_dict("records"):
        name = f"{one['indicator']} / {one['basis']} / {one['unit_code']}"
        lines.append(f"| {name} | {one['before']:.6g} | {one['after']:.6g} |")
    return "\n".join(lines)
