"""Estimate stage, work: the only code that writes schema `estimate`."""

from __future__ import annotations

import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import estimate
from methods.period import Period
from tasks.edges import definitions, law, warehouse
from tasks.edges.warehouse import Receipt


@task(task_run_name="estimate-figures-{period}-{cutoff}", cache_policy=NO_CACHE)
def estimate_figures(period: Period, cutoff: datetime.date) -> Receipt:
    """Turn verdicts into figures of county, province and nation, counted and estimated."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    rules, activities = law.section("publication", period), definitions.activities()
    plans = estimate.with_section(warehouse.read("estimate/verdict.sql", **partition), activities)
    frame = estimate.with_section(warehouse.read("estimate/frame.sql", **partition), activities)
    wanted = estimate.definitions_in_force(definitions.indicators(), period.reference_date)
    figures = estimate.figures(plans, frame, wanted, rules)
    sections = [law.section(name, period) for name in ("sampling", "verdicts", "publication")]
    version = "+".join([*(section.version for section in sections), wanted.version])
    return warehouse.replace("estimate.figure", partition, figures.assign(**partition, guideline=version))
