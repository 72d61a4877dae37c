"""Sample stage, work: the only code that writes schema `sample`."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import sample
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.settings import settings
from tasks.edges.warehouse import Receipt, Rowset


@task(task_run_name="draw-plans-{period}", cache_policy=NO_CACHE)
def draw_plans(period: Period) -> Receipt:
    """Draw the plans to inspect; drawing again draws the same ones."""
    partition = _partition(period)
    rules = law.section("sampling", period)
    plans = warehouse.read("sample/eligible_plan.sql", **partition)
    allocation = sample.allocate_levels(plans, rules)
    drawn = sample.draw_plans(plans, rules, seed=f"{rules['draw_seed']}|{period}")
    warehouse.replace("sample.allocation", partition, allocation.assign(**partition))
    return warehouse.replace("sample.drawn_plan", partition, drawn.assign(**partition))


@task(task_run_name="issue-sample-{period}", cache_policy=NO_CACHE)
def issue_sample(period: Period) -> Receipt:
    """Freeze the sample and hand the list out to the inspectors."""
    partition = _partition(period)
    guideline = law.section("sampling", period).version
    rows = Rowset("sample/issued_plan.sql", {**partition, "guideline": guideline})
    receipt = warehouse.freeze("sample.issued_plan", partition, rows)
    _hand_out(period)
    return receipt


@task(task_run_name="find-issued-sample-{period}", cache_policy=NO_CACHE)
def find_issued_sample(period: Period) -> bool:
    """Say whether the sample of a period has been issued; its frame is closed then."""
    is_issued = warehouse.count("sample.issued_plan", _partition(period)) > 0
    if is_issued:
        # A crash between freezing and handing out must not leave the inspectors without a list.
        _hand_out(period)
    return is_issued


def _hand_out(period: Period) -> Path:
    rows = warehouse.read("sample/issued_list.sql", **_partition(period))
    path = settings().outbox / str(period) / "issued_plan.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    rows.to_csv(half, index=False, lineterminator="\n")
    half.rename(path)
    return path


def _partition(period: Period) -> dict[str, int]:
    return {"year": period.year, "phase": period.phase}
