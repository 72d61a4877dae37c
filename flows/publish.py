"""Publish: from verdicts to figures, cases, scorecards and bulletins."""

from __future__ import annotations

import datetime

from prefect import flow, tags
from prefect.task_runners import ThreadPoolTaskRunner

from methods.period import Period
from tasks.bulletin import freeze_figures, province_codes, record_files
from tasks.change import estimate_changes
from tasks.decision import recommend_quotas, score_agencies
from tasks.disclosure import protect_figures
from tasks.edges import register
from tasks.error_sources import estimate_error_sources
from tasks.estimate import estimate_figures
from tasks.finding import open_cases
from tasks.gates import pass_gate
from tasks.printing import begin_edition, print_agencies, print_nation, print_province, show_edition, write_open_data
from tasks.release import record_edition
from tasks.small_area import estimate_small_areas


@flow(flow_run_name="publish-{year}-{phase}", task_runner=ThreadPoolTaskRunner(max_workers=2))
def publish(year: int, phase: int = 1, cutoff: datetime.date | None = None, kind: str | None = None) -> None:
    """Turn verdicts into figures, cases, scorecards and bulletins, each stage behind its gate."""
    period = Period(year, phase)
    cutoff = register.cutoff(period, cutoff)
    estimate_figures(period, cutoff)
    estimate_small_areas(period, cutoff)
    estimate_error_sources(period, cutoff)
    estimate_changes(period, cutoff)
    pass_gate("estimate", period, cutoff)
    open_cases(period, cutoff)
    pass_gate("finding", period, cutoff)
    score_agencies(period, cutoff)
    recommend_quotas(period, cutoff)
    pass_gate("decision", period, cutoff)
    pass_gate("bulletin", period, cutoff)
    protect_figures(period, cutoff)
    freeze_figures(period, cutoff)
    record_edition(period, cutoff, kind)
    _print_bulletins(period, cutoff)


def _print_bulletins(period: Period, cutoff: datetime.date) -> None:
    """Print an edition beside its place and move it there whole; one that stands is left as it is."""
    if begin_edition(period, cutoff):
        # First and alone: it reads every figure, which the workbooks beside the bulletins are then made from.
        write_open_data(period, cutoff)
        with tags("province:all"):
            printed = [print_nation.submit(period, cutoff), print_agencies.submit(period, cutoff)]
        for code in province_codes():
            with tags(f"province:{code}"):
                printed.append(print_province.submit(period, cutoff, code))
        for bulletin in printed:
            bulletin.result()
        show_edition(period, cutoff)
    record_files(period, cutoff)
