"""Frame stage, risk: score the plans of the frame, so that the draw may look closer where more is at stake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods import persian, risk
from methods.errors import GuidelineMissing, VerdictsTooFew
from methods.guideline import Section
from methods.period import Period
from methods.risk import Model
from tasks.edges import law, register, rendering, warehouse
from tasks.edges.settings import settings
from tasks.edges.warehouse import Receipt

FILTERS: dict[str, Callable[..., Any]] = {"fa": persian.digits, "number": persian.number, "percent": persian.percent}
METHODS = ("logistic_model", "rule_table")


@task(task_run_name="score-plans-{period}", cache_policy=NO_CACHE)
def score_plans(period: Period) -> Receipt:
    """Score each plan of the frame by the rule table, and by the model where earlier verdicts bear one."""
    partition = {"year": period.year, "phase": period.phase}
    rules = law.section("risk", period)
    earlier = {"year": period.year, "first_year": period.year - int(rules["history_year_count"])}
    plans = warehouse.read("frame/risk_plan.sql", **partition)
    facts = risk.facts(plans, warehouse.read("frame/risk_history.sql", **earlier), rules)
    scored = risk.score_by_rules(facts, rules)
    model = _model(period, rules, warehouse.read("frame/risk_training.sql", **earlier))
    if model is not None:
        scored["risk_score"] = model.score(facts)
    rows = facts.join(scored).assign(
        **partition,
        plan_id=plans["plan_id"],
        fired_rules="{" + scored["fired_rules"] + "}",
        risk_method="rule_table" if model is None else "logistic_model",
        model_version=f"rules-{rules.version}" if model is None else model.version,
    )
    return warehouse.replace("frame.plan_risk", partition, rows)


def card_folder(period: Period) -> Path:
    """Name the folder a period's model card is printed to."""
    return settings().home / "risk" / str(period)


def _model(period: Period, rules: Section, training: pd.DataFrame) -> Model | None:
    """Fit the model where the guideline asks for it; None where it asks for the rule table, or falls back on it."""
    if rules["score_method"] not in METHODS:
        raise GuidelineMissing("guideline risk, score_method", repr(rules["score_method"]), " or ".join(METHODS))
    if rules["score_method"] == "rule_table":
        return None
    try:
        model = risk.fit_model(training, rules, rules.version)
    except VerdictsTooFew as refusal:
        if rules["fallback_method"] != "rule_table":
            raise
        get_run_logger().warning("%s", refusal)
        create_markdown_artifact(key=f"risk-card-{period}", markdown=f"The rule table scores {period}. {refusal}")
        return None
    seen = training[["year", "phase"]].drop_duplicates().itertuples(index=False, name=None)
    _print_card(period, model, {period, *(Period(year, phase) for year, phase in seen)})
    return model


def _print_card(period: Period, model: Model, periods: set[Period]) -> None:
    folder = card_folder(period)
    folder.mkdir(parents=True, exist_ok=True)
    context = {
        "model": model,
        "year": period.year,
        "phase": period.phase,
        "inputs": model.inputs.to_dict("records"),
        "bins": model.bins.to_dict("records"),
        "forbidden": sorted(set(model.forbidden.values()), key=persian.sort_key),
        "is_rehearsal": any(register.rests_on_rehearsal(one) for one in sorted(periods, key=str)),
    }
    page = rendering.dress_html(rendering.render_page("risk_card.html.j2", context, FILTERS))
    half = folder / "risk_card.part"
    half.write_bytes(page)
    half.rename(folder / "risk_card.html")
    create_markdown_artifact(key=f"risk-card-{period}", markdown=_markdown(model, folder / "risk_card.html"))


def _markdown(model: Model, page: Path) -> str:
    measures = (
        f"{model.verdict_count:,} verdicts of {', '.join(map(str, model.years))}, {model.refused_count:,} refused; "
        f"AUC {model.auc:.3f}, Brier score {model.brier_score:.4f} (of the mean alone {model.base_brier_score:.4f}), "
        f"both of verdicts that had no part in the fit ({model.fold_count} folds)."
    )
    rows = [
        f"| {row['input']} | {row['scale']} | {row['mean']:.4g} | {row['deviation']:.4g} | {row['coefficient']:+.3f} |"
        for row in model.inputs.to_dict("records")
    ]
    bins = [
        f"| {row['plan_count']:,} | {row['predicted_share']:.3f} | {row['observed_share']:.3f} |"
        for row in model.bins.to_dict("records")
    ]
    return "\n".join(
        [
            f"### Risk model {model.version}", "", measures, "",
            "| input | scale | mean | deviation | log-odds a deviation |", "|---|---|---|---|---|", *rows, "",
            "| plans | predicted | observed |", "|---|---|---|", *bins, "",
            f"May not use: {', '.join(model.forbidden)}.", "",
            f"Guideline {model.guideline_version} · training data sha256 {model.training_sha256}"
            f" · calibration {model.calibration_method} · [card]({page.as_uri()})",
        ]
    )  # fmt: skip
