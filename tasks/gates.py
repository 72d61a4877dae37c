"""Gates between stages: measure a stage by its gate.sql, judge it, show the result."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods.period import Period
from tasks.edges import gate, law, register, warehouse


@task(task_run_name="gate-{stage}-{period}", cache_policy=NO_CACHE)
def pass_gate(stage: str, period: Period, cutoff: datetime.date | None = None, without: tuple[str, ...] = ()) -> None:
    """Stop the flow where a critical expectation of a stage's gate is not met."""
    parameters: dict[str, Any] = {"year": period.year, "phase": period.phase}
    if cutoff is not None:
        parameters["cutoff"] = cutoff
    parameters |= _LIMITS.get(stage, _no_limit)(period, without)
    measures = warehouse.read(f"{stage}/gate.sql", **parameters)
    judgement = gate.judge(f"gate/{stage}", f"{stage} {period}", measures, law.section("validation", period)["limits"])
    create_markdown_artifact(key=f"gate-{stage}", markdown=judgement.markdown())
    gate.refuse_if_critical(judgement)


def _no_limit(period: Period, without: tuple[str, ...]) -> dict[str, Any]:
    return {}


def _frame_limit(period: Period, without: tuple[str, ...]) -> dict[str, Any]:
    expected = register.delivering_sources(period, ("loan_plan",), without)
    rules = law.section("frame", period)
    shares = rules["coverage_limits"]
    limits = {f"{name}_coverage_share": Decimal(share) for name, share in shares.items()}
    waiting = {"most_pairs_in_review": int(rules["most_pairs_in_review"])}
    return {"expected_source_count": len(expected), "without": list(without)} | limits | waiting


def _sample_limit(period: Period, without: tuple[str, ...]) -> dict[str, Any]:
    rules = law.section("sampling", period)
    return {
        "issued_plan_count": None if rules["allocation"] == "precision" else int(rules["issued_plan_count"]),
        "minimum_plans_per_county": int(rules["minimum_plans_per_county"]),
    }


def _decision_limit(period: Period, without: tuple[str, ...]) -> dict[str, Any]:
    return {"largest_change_share": law.section("quotas", period)["largest_change_share"]}


def _bulletin_limit(period: Period, without: tuple[str, ...]) -> dict[str, Any]:
    return {"minimum_count": int(law.section("publication", period)["minimum_count"])}


# What a gate holds its measures against comes from the guideline, not from its SQL.
_LIMITS: dict[str, Callable[[Period, tuple[str, ...]], dict[str, Any]]] = {
    "frame": _frame_limit,
    "sample": _sample_limit,
    "decision": _decision_limit,
    "bulletin": _bulletin_limit,
}
