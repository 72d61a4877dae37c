"""Finding stage, work: the only code that writes schema `finding`."""

from __future__ import annotations

import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import finding
from methods.period import Period
from tasks.edges import warehouse
from tasks.edges.warehouse import Receipt


@task(task_run_name="open-cases-{period}-{cutoff}", cache_policy=NO_CACHE)
def open_cases(period: Period, cutoff: datetime.date) -> Receipt:
    """Open a case for each refused plan; a case that is open already stays as it is."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase}
    refused = warehouse.read("finding/refused_plan.sql", **partition, cutoff=cutoff)
    cases = finding.open_cases(refused, period).assign(opened_on=cutoff, **partition)
    events = cases[["case_id"]].assign(
        event_id=cases["case_id"] + "-opened",
        happened_on=cutoff,
        kind="opened",
        note="opened by the verdict of a visit",
    )
    with warehouse.transaction() as connection:
        receipt = warehouse.append("finding.case_file", partition, cases, within=connection)
        warehouse.append("finding.case_event", {}, events, within=connection)
    return receipt
