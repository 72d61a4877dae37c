"""Progress of the field as stored, for whoever reads it by machine."""

from __future__ import annotations

import datetime

import pandas as pd

from tasks.edges import warehouse

SHOWN = (
    "level", "unit_kind", "unit_code", "unit_name", "issued_plan_count", "assigned_plan_count",
    "attempted_plan_count", "visited_plan_count", "decided_plan_count", "overdue_plan_count",
    "reassigned_plan_count",
)  # fmt: skip


def read(year: int, phase: int = 1, cutoff: datetime.date | None = None, unit_kind: str | None = None) -> pd.DataFrame:
    """Read the progress of a period at its newest cut-off up to the one asked for.

    Args:
        year: Jalali year.
        phase: phase of the year.
        cutoff: the newest cut-off to look at; None is the newest there is.
        unit_kind: nation, province or firm; None is all of them.
    """
    return warehouse.read("inspection/stored_progress.sql", year=year, phase=phase, cutoff=cutoff, unit_kind=unit_kind)
