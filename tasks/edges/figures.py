"""Figures as stored, for whoever reads them by machine."""

from __future__ import annotations

import datetime

import pandas as pd

from tasks.edges import warehouse


def read(
    year: int,
    phase: int = 1,
    cutoff: datetime.date | None = None,
    level: str | None = None,
    unit: str | None = None,
    indicator: str | None = None,
) -> pd.DataFrame:
    """Read the figures of a period at its newest cut-off up to the one asked for."""
    return warehouse.read(
        "estimate/figure.sql",
        year=year,
        phase=phase,
        cutoff=cutoff,
        level=level,
        unit=unit,
        indicator=indicator,
    )
