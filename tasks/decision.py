"""Decision stage, work: the only code that writes schema `decision`."""

from __future__ import annotations

import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import decision
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.warehouse import Receipt


@task(task_run_name="score-agencies-{period}-{cutoff}", cache_policy=NO_CACHE)
def score_agencies(period: Period, cutoff: datetime.date) -> Receipt:
    """Score the agencies, with the uncertainty of their rank."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    figures = warehouse.read("decision/agency_figure.sql", **partition)
    cards = decision.scorecards(figures)
    return warehouse.replace("decision.scorecard", partition, cards.assign(**partition))


@task(task_run_name="recommend-quotas-{period}-{cutoff}", cache_policy=NO_CACHE)
def recommend_quotas(period: Period, cutoff: datetime.date) -> Receipt:
    """Recommend next year's quotas within the bounds of the guideline."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    cards = decision.scorecards(warehouse.read("decision/agency_figure.sql", **partition))
    loans = warehouse.read("decision/agency_loan.sql", year=period.year, phase=period.phase)
    quotas = decision.recommend_quotas(cards, loans, law.section("quotas", period))
    return warehouse.replace("decision.quota_scenario", partition, quotas.assign(**partition))
