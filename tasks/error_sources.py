"""Estimate stage, errors: what the rates are wrong by, and how far inspectors agree with their repeats."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods import estimate
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.warehouse import Receipt

STEPS = {"raw": "", "adjusted for non-response": "adjusted_", "corrected by repeats": "corrected_", "both": "combined_"}
COUNTED = ("issued", "attempted", "decided", "unanswered", "repeated")


@task(task_run_name="estimate-error-sources-{period}-{cutoff}", cache_policy=NO_CACHE)
def estimate_error_sources(period: Period, cutoff: datetime.date) -> Receipt:
    """Keep sampling, non-response and inspectors' own error apart, and put them together, for both rates."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    nonresponse, measurement = law.section("nonresponse", period), law.section("measurement", period)
    publication = law.section("publication", period)
    confidence = float(publication["confidence_level"])
    plans = warehouse.read("estimate/error_source_plan.sql", **partition)
    repeats = warehouse.read("estimate/error_source_repeat.sql", **partition)
    found = estimate.error_sources(plans, repeats, nonresponse, measurement, confidence)
    agreed = estimate.agreement(plans, repeats, measurement, confidence)
    version = "+".join(one.version for one in (nonresponse, measurement, publication))
    with warehouse.transaction() as connection:
        rows = agreed.assign(**partition, guideline=version)
        warehouse.replace("estimate.agreement", partition, rows, within=connection)
        rows = found.rows.assign(**partition, guideline=version)
        receipt = warehouse.replace("estimate.error_source", partition, rows, within=connection)
    outcomes = plans.loc[~plans["is_decided"].astype(bool), "outcome"].value_counts()
    text = "\n\n".join((_budget(found.rows), _nonresponse(outcomes, found.classes.table), _agreement(agreed)))
    create_markdown_artifact(key=f"error-sources-{period}", markdown=text)
    return receipt


def _budget(rows: pd.DataFrame) -> str:
    """Write the nation's error budget: each rate step by step, and its variance by source."""
    nation = rows[rows["level"] == "nation"].set_index("indicator")
    lines = ["### Error budget of the nation", "", f"| | {' | '.join(nation.index)} |", "|---|---|---|"]
    for label, prefix in STEPS.items():
        columns = [nation[f"{prefix}{name}"] for name in ("estimate", "lower", "upper", "standard_error")]
        lines.append(f"| {label} | {' | '.join(map(_estimated, *columns))} |")
    bounds = map("{:.4f} to {:.4f}".format, nation["lowest_estimate"], nation["highest_estimate"])
    lines.append(f"| if none or all of the undecided held | {' | '.join(bounds)} |")
    for source in ("sampling", "nonresponse", "measurement"):
        own = (_points(variance**0.5) for variance in nation[f"{source}_variance"])
        lines.append(f"| standard error of {source} alone | {' | '.join(own)} |")
    first = nation.iloc[0]
    counts = ", ".join(f"{first[f'{name}_plan_count']:,} {name}" for name in COUNTED)
    provinces = rows[(rows["level"] == "province") & (rows["indicator"] == nation.index[0])]["measurement_quality"]
    told = ", ".join(f"{name} {count}" for name, count in sorted(provinces.value_counts().items()))
    stated = f"non-response: {first['nonresponse_quality']}; inspectors: {first['measurement_quality']}"
    return "\n".join([*lines, "", f"{counts}. Of the nation, {stated}; provinces: {told or 'none'}."])


def _nonresponse(outcomes: pd.Series, classes: pd.DataFrame) -> str:
    why = ", ".join(f"{name} {count:,}" for name, count in sorted(outcomes.items())) or "none"
    lines = [f"### Weighting classes\n\nUndecided: {why}.", "", "| plans | decided | propensity | share | factor |"]
    lines.append("|---|---|---|---|---|")
    for row in classes.to_dict("records"):
        propensity = f"{row['lowest_propensity']:.3f} to {row['highest_propensity']:.3f}"
        counts = f"{row['plan_count']:,} | {row['decided_plan_count']:,}"
        lines.append(f"| {counts} | {propensity} | {row['response_share']:.3f} | {row['factor']:.3f} |")
    return "\n".join(lines)


def _agreement(rows: pd.DataFrame) -> str:
    lines = ["### Agreement with blind repeats", "", "| measure | pairs | agree | kappa |", "|---|---|---|---|"]
    for row in rows[rows["level"] == "nation"].to_dict("records"):
        kappa = f"{row['estimate']:.3f} ({row['lower']:.3f} to {row['upper']:.3f})"
        said = kappa if row["quality"] == "measured" else row["quality"]
        lines.append(f"| {row['measure']} | {row['n']:,} | {row['agreed_plan_count']:,} | {said} |")
    own = rows[(rows["measure"] == "confirmation") & (rows["level"] != "nation")]
    counts = (own["level"] + " " + own["quality"]).value_counts().sort_index()
    told = "; ".join(f"{name}: {count}" for name, count in counts.items())
    return "\n".join([*lines, "", f"Others, by confirmation: {told or 'none'}."])


def _estimated(value: float, lower: float, upper: float, error: float) -> str:
    if pd.isna(value):
        return "not stated"
    return f"{value:.4f} ({lower:.4f} to {upper:.4f}), standard error {_points(error)}"


def _points(share: float) -> str:
    return "not stated" if pd.isna(share) else f"{100 * share:.2f} points"
