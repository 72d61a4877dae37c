"""Frame stage, work: the only code that writes schema `frame`."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.warehouse import Receipt, Rowset


@task(task_run_name="assemble-frame-{period}", cache_policy=NO_CACHE)
def assemble_frame(period: Period, without: tuple[str, ...] = ()) -> Receipt:
    """Bring the accepted plans together, count a plan of two agencies once, keep those that may be drawn."""
    rules = law.section("sampling", period)
    partition = {"year": period.year, "phase": period.phase}
    parameters = {
        **partition,
        "without": list(without),
        "minimum_loan_paid_rial": int(rules["minimum_loan_paid_rial"]),
    }
    with warehouse.transaction() as connection:
        warehouse.run(connection, "frame/candidate.sql", **parameters)
        excluded = Rowset("frame/excluded_plan.sql", partition)
        warehouse.replace("frame.excluded_plan", partition, excluded, within=connection)
        eligible = Rowset("frame/eligible_plan.sql", partition)
        return warehouse.replace("frame.eligible_plan", partition, eligible, within=connection)
