"""Deliver: from the recorded files of an edition to the mail of those who are to get it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from prefect import flow

from methods.period import Period
from tasks.delivery import fill_outbox, send_outbox, settled_cutoff, take_bounces
from tasks.edges import warehouse


@flow(flow_run_name="deliver-{year}-{phase}")
def deliver(
    year: int,
    phase: int = 1,
    cutoff: datetime.date | None = None,
    resend: bool = False,
    only: Sequence[str] = (),
) -> dict[str, int]:
    """Send an edition to everyone on the lists, each once; run again, send what failed and is due."""
    period = Period(year, phase)
    warehouse.migrate()
    cutoff = settled_cutoff(period, cutoff)
    take_bounces(period, cutoff)
    fill_outbox(period, cutoff)
    return send_outbox(period, cutoff, resend, tuple(only))
