"""Sample stage, work: who inspects which plan, first and again, and who takes over what lies too long."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from methods import assignment
from methods.assignment import Assignment
from methods.guideline import Section
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.settings import settings
from tasks.edges.warehouse import Receipt

FIRST, *AGAIN = assignment.LEVELS


@task(task_run_name="assign-plans-{period}", cache_policy=NO_CACHE)
def assign_plans(period: Period) -> Receipt:
    """Give each drawn plan an inspector; assigning again from the same deliveries gives the same."""
    plans = warehouse.read("sample/drawn_for_assignment.sql", **_partition(period))
    return _assign(period, FIRST, plans)


@task(task_run_name="assign-reinspections-{period}", cache_policy=NO_CACHE)
def assign_reinspections(period: Period) -> list[Receipt]:
    """Give each visit that is to be repeated another inspector, level by level; there may be none."""
    receipts = []
    for level in AGAIN:
        plans = warehouse.read("sample/reinspected_for_assignment.sql", **_partition(period), level=level)
        if len(plans):
            receipts.append(_assign(period, level, plans))
    return receipts


@task(task_run_name="reassign-overdue-{period}-{today}", cache_policy=NO_CACHE)
def reassign_overdue(period: Period, today: datetime.date) -> Receipt:
    """Hand over what was not even tried within the guideline's days; who had it before stays on record."""
    partition = _partition(period)
    rows = pd.concat([_taken_over(period, level, today) for level in assignment.LEVELS], ignore_index=True)
    return warehouse.append("sample.reassignment", partition, rows.assign(**partition))


def assign_released(period: Period) -> tuple[int, pd.DataFrame]:
    """Give each released plan that nobody has an inspector, beside the load that everyone carries already.

    Returns:
        How many were given to someone; plan_id, province_code, reason_code, detail of those nobody may inspect.
    """
    partition, today = _partition(period), settings().today
    plans = warehouse.read("sample/released_for_assignment.sql", **partition)
    if plans.empty:
        return 0, pd.DataFrame(columns=LEFT)
    rules, load = law.section("field", period), warehouse.read("sample/load.sql", **partition)
    found = _solved(period, FIRST, plans, _before(period, FIRST, rules), rules, today, load)
    own = {**partition, "level": FIRST}
    with warehouse.transaction() as connection:
        left = found.unassigned[LEFT].assign(**own)
        warehouse.append("sample.unassigned_plan", own, left, within=connection)
        warehouse.append("sample.assignment", own, found.assigned.assign(**own, assigned_on=today), within=connection)
    return len(found.assigned), left


REASSIGNED = [
    "plan_id", "level", "reassigned_on", "from_firm_code", "from_inspector_code", "to_firm_code",
    "to_inspector_code", "reason", "cost_km", "distance_km",
]  # fmt: skip
LEFT = ["plan_id", "province_code", "reason_code", "detail"]


def _assign(period: Period, level: str, plans: pd.DataFrame) -> Receipt:
    rules, today = law.section("field", period), settings().today
    found = _solved(period, level, plans, _before(period, level, rules), rules, today)
    partition = {**_partition(period), "level": level}
    with warehouse.transaction() as connection:
        left = found.unassigned[LEFT].assign(**partition)
        warehouse.replace("sample.unassigned_plan", partition, left, within=connection)
        given = found.assigned.assign(**partition, assigned_on=today)
        receipt = warehouse.replace("sample.assignment", partition, given, within=connection)
    get_run_logger().info(
        "%s: %d plans, cost %s km, %s, gap %s km, %d places of the least load unfilled, %d plans left",
        level, len(found.assigned), found.cost_km, found.status, found.gap_km, found.shortfall_count,
        len(found.unassigned),
    )  # fmt: skip
    if len(found.unassigned):
        _show_left(period, level, found.unassigned)
    # Refused once the list is written, so that whoever reads of it can look at each plan.
    assignment.require_complete(found, rules, f"assignment of {period}, level {level}")
    return receipt


def _show_left(period: Period, level: str, left: pd.DataFrame) -> None:
    counts = left.groupby(["province_code", "reason_code", "detail"]).size().reset_index(name="plan_count")
    counts["reason_fa"] = counts["reason_code"].map(assignment.REASONS_FA)
    create_table_artifact(
        key=f"unassigned-{level}-{period}",
        table=[list(counts.columns), *counts.astype(object).to_numpy().tolist()],
        description=f"Plans of {period}, level {level}, that nobody may inspect",
    )


def _taken_over(period: Period, level: str, today: datetime.date) -> pd.DataFrame:
    partition, rules = _partition(period), law.section("field", period)
    limits = {"overdue_days": int(rules["overdue_days"][level]), "most_reassignments": int(rules["most_reassignments"])}
    overdue = warehouse.read("sample/overdue_plan.sql", **partition, level=level, today=today, **limits)
    if overdue.empty:
        return pd.DataFrame(columns=REASSIGNED)
    held = _ties_of(warehouse.read("sample/holder.sql", **partition, levels=[level]), "held_before", rules)
    ties = pd.concat([held, _before(period, level, rules)], ignore_index=True)
    load = warehouse.read("sample/load.sql", **partition)
    found = _solved(period, level, overdue, ties, rules, today, load)
    given = found.assigned.rename(columns={"firm_code": "to_firm_code", "inspector_code": "to_inspector_code"})
    given = given.merge(overdue[["plan_id", "from_firm_code", "from_inspector_code"]], on="plan_id")
    if len(found.unassigned):
        # Better the one who is late than nobody.
        get_run_logger().warning("%d overdue plans of level %s stay where they are", len(found.unassigned), level)
    return given.assign(level=level, reassigned_on=today, reason="overdue")[REASSIGNED]


def _solved(
    period: Period,
    level: str,
    plans: pd.DataFrame,
    ties: pd.DataFrame,
    rules: Section,
    today: datetime.date,
    load: pd.DataFrame | None = None,
) -> Assignment:
    partition = _partition(period)
    firms = warehouse.read("sample/firm.sql", **partition)
    every = warehouse.read("sample/inspector.sql", **partition)
    if every.empty:
        every = assignment.synthetic_inspectors(firms, int(rules["plans_per_inspector"][FIRST]))
    drawn = warehouse.read("sample/drawn_for_assignment.sql", **partition)
    staff, firms = assignment.within_limits(every[every["level"] == level], firms, drawn, rules)
    if load is not None:
        staff, firms = assignment.less_load(staff, firms, load)
    tied = pd.concat([warehouse.read("sample/tie.sql", **partition), ties], ignore_index=True)
    former = warehouse.read("sample/former_visit.sql", **partition)
    points = warehouse.read("sample/county_point.sql", **partition)
    return assignment.assign_plans(plans, staff, firms, tied, former, points, rules, today)


def _before(period: Period, level: str, rules: Section) -> pd.DataFrame:
    """Tie each plan to those who inspect it at the levels below, so that another inspects it again."""
    below = list(assignment.LEVELS[: assignment.LEVELS.index(level)])
    return _ties_of(warehouse.read("sample/holder.sql", **_partition(period), levels=below), "inspected", rules)


def _ties_of(holders: pd.DataFrame, tie_kind: str, rules: Section) -> pd.DataFrame:
    subjects = [holders["inspector_code"]]
    if rules["tie_reach"][tie_kind] == "firm":
        subjects.append(holders["firm_code"].dropna())
    subject = pd.concat(subjects)
    return pd.DataFrame(
        {"plan_id": holders["plan_id"].loc[subject.index], "subject_code": subject, "tie_kind": tie_kind}
    ).drop_duplicates()


def _partition(period: Period) -> dict[str, Any]:
    return {"year": period.year, "phase": period.phase}
