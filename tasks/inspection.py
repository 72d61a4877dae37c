"""Inspection stage, work: the only code that writes schema `inspection`."""

from __future__ import annotations

import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import inspection
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.warehouse import Receipt, Rowset

STORED = [
    "plan_id", "agency_code", "province_code", "county_code", "stratum_code", "stratum_population_count",
    "stratum_sample_count", "inclusion_probability", "loan_paid_rial", "registered_job_count", "visit_id",
    "visited_on", "is_supervised", "is_decided", "is_confirmed", "verdict", "loan_use", "is_running",
    "has_rule_breach", "jobs_found_count", "realised_job_count",
]  # fmt: skip


@task(task_run_name="judge-visits-{period}-{cutoff}", cache_policy=NO_CACHE)
def judge_visits(period: Period, cutoff: datetime.date) -> Receipt:
    """Set each issued plan beside its visit, and give the verdict the guideline gives."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    rules = law.section("verdicts", period)
    visits = warehouse.read("inspection/issued_visit.sql", **partition)
    judged = visits.join(inspection.judge(visits, rules))
    judged["jobs_found_count"] = judged["jobs_found_count"].astype("Int64")
    # Jobs count once the verdict is given: an undecided plan realises none that anyone has seen.
    judged["realised_job_count"] = judged["jobs_found_count"].fillna(0).where(judged["is_decided"], 0)
    rows = judged[STORED].assign(**partition, guideline=rules.version)
    with warehouse.transaction() as connection:
        receipt = warehouse.replace("inspection.verdict", partition, rows, within=connection)
        impossible = Rowset("inspection/impossible_visit.sql", partition)
        warehouse.replace("inspection.impossible_visit", partition, impossible, within=connection)
    return receipt
