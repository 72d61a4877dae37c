"""Inspection stage, work: how far the field is, by province and firm."""

from __future__ import annotations

import datetime
import json
from typing import Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from methods.period import Period
from tasks.edges import law, progress, warehouse
from tasks.edges.warehouse import Receipt, Rowset


@task(task_run_name="record-progress-{period}-{cutoff}", cache_policy=NO_CACHE)
def record_progress(period: Period, cutoff: datetime.date) -> Receipt:
    """Count what was issued, assigned, attempted, visited, decided and is overdue, and show it."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    days = json.dumps(law.section("field", period)["overdue_days"])
    rows = Rowset("inspection/progress.sql", {**partition, "overdue_days": days})
    receipt = warehouse.replace("inspection.progress", partition, rows)
    shown = progress.read(period.year, period.phase, cutoff)[list(progress.SHOWN)]
    for unit_kind in ("province", "firm"):
        table = shown[shown["unit_kind"] == unit_kind].drop(columns="unit_kind")
        create_table_artifact(
            key=f"progress-{unit_kind}-{period}",
            table=[list(table.columns), *table.astype(object).to_numpy().tolist()],
            description=f"Field work of {period} at {cutoff}, by {unit_kind}",
        )
    return receipt
