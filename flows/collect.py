"""Collect: take the inspections back and give the verdicts."""

from __future__ import annotations

import datetime

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.pull import take_in
from methods.period import Period
from tasks.assignment import reassign_overdue
from tasks.edges import register
from tasks.edges.settings import settings
from tasks.gates import pass_gate
from tasks.handout import hand_out_work
from tasks.inspection import flag_inspectors, judge_repeats, judge_visits, refuse_visits
from tasks.progress import record_progress


@flow(flow_run_name="collect-{year}-{phase}", task_runner=ThreadPoolTaskRunner(max_workers=2))
def collect(year: int, phase: int = 1, cutoff: datetime.date | None = None) -> None:
    """Take the returned visits in as deliveries, and set each issued plan beside its visit."""
    period = Period(year, phase)
    take_in(period, register.delivering_sources(period, ("visit",)))
    # A run of a past cut-off looks back: it hands nothing over.
    if cutoff is None:
        reassign_overdue(period, settings().today)
        # Whoever takes over learns it from a list; where nobody did, the lists stand as they are.
        hand_out_work(period)
    cutoff = register.cutoff(period, cutoff)
    judge_visits(period, cutoff)
    refuse_visits(period, cutoff)
    judge_repeats(period, cutoff)
    flag_inspectors(period, cutoff)
    pass_gate("inspection", period, cutoff)
    record_progress(period, cutoff)
