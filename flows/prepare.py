"""Prepare: from accepted deliveries to an issued inspection sample."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow

from methods.period import Period
from tasks.frame import assemble_frame
from tasks.gates import pass_gate
from tasks.handout import hand_out_work
from tasks.sample import assign_plans, draw_plans, find_issued_sample, issue_sample


@flow(flow_run_name="prepare-{year}-{phase}")
def prepare(year: int, phase: int = 1, without: Sequence[str] = ()) -> None:
    """Take accepted deliveries to an issued inspection sample, each stage behind its gate."""
    period = Period(year, phase)
    # An issued sample closes its frame: what is delivered later belongs to the next round.
    if find_issued_sample(period):
        hand_out_work(period)
        return
    assemble_frame(period, tuple(without))
    pass_gate("frame", period, without=tuple(without))
    draw_plans(period)
    assign_plans(period)
    pass_gate("sample", period)
    issue_sample(period)
    hand_out_work(period)
