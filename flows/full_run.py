"""Full run: every source of a year through all nine stages."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from prefect import flow, tags

from flows.collect import collect
from flows.prepare import prepare
from flows.publish import publish
from flows.pull import pull


@flow(flow_run_name="full-run-{year}-{phase}")
def full_run(year: int, phase: int = 1, cutoff: datetime.date | None = None, without: Sequence[str] = ()) -> None:
    """Take a period from its agencies' deliveries to its bulletins; what is done already is not repeated."""
    with tags(f"year:{year}", "stage:pull"):
        pull(year, phase, without)
    with tags(f"year:{year}", "stage:prepare"):
        prepare(year, phase, without)
    with tags(f"year:{year}", "stage:collect"):
        collect(year, phase, cutoff)
    with tags(f"year:{year}", "stage:publish"):
        publish(year, phase, cutoff)
