"""Prepare: from accepted deliveries to an issued inspection sample."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow

from methods.period import Period
from tasks.assignment import assign_plans, assign_reinspections
from tasks.frame import assemble_frame, hand_out_review, measure_coverage, verify_at_desk
from tasks.gates import pass_gate
from tasks.handout import hand_out_work
from tasks.risk import score_plans
from tasks.sample import commit_seed, draw_plans, find_issued_sample, issue_sample


@flow(flow_run_name="prepare-{year}-{phase}")
def prepare(year: int, phase: int = 1, without: Sequence[str] = ()) -> None:
    """Take accepted deliveries to an issued inspection sample, each stage behind its gate."""
    period = Period(year, phase)
    # An issued sample closes its frame: what is delivered later belongs to the next round.
    if find_issued_sample(period):
        hand_out_work(period)
        return
    commit_seed(period)
    assemble_frame(period, tuple(without))
    hand_out_review(period)
    verify_at_desk(period)
    measure_coverage(period, tuple(without))
    pass_gate("frame", period, without=tuple(without))
    score_plans(period)
    draw_plans(period)
    assign_plans(period)
    assign_reinspections(period)
    pass_gate("sample", period)
    issue_sample(period)
    hand_out_work(period)
