"""Estimate stage, work: the only code that writes schema `estimate`."""

from __future__ import annotations

import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import estimate
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.warehouse import Receipt


@task(task_run_name="estimate-figures-{period}-{cutoff}", cache_policy=NO_CACHE)
def estimate_figures(period: Period, cutoff: datetime.date) -> Receipt:
    """Turn verdicts into figures of county, province and nation, counted and estimated."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    rules = law.section("publication", period)
    plans = warehouse.read("estimate/verdict.sql", **partition)
    frame = warehouse.read("estimate/frame_size.sql", year=period.year, phase=period.phase)
    figures = estimate.figures(plans, frame, rules)
    version = "+".join(law.section(name, period).version for name in ("sampling", "verdicts", "publication"))
    return warehouse.replace("estimate.figure", partition, figures.assign(**partition, guideline=version))
