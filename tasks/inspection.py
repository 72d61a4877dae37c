"""Inspection stage, work: the only code that writes schema `inspection`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods import field_quality, inspection
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.settings import settings
from tasks.edges.warehouse import Receipt, Rowset

STORED = [
    "plan_id", "agency_code", "province_code", "county_code", "stratum_code", "stratum_population_count",
    "stratum_sample_count", "inclusion_probability", "loan_paid_rial", "registered_job_count", "visit_id",
    "visited_on", "is_supervised", "is_decided", "is_confirmed", "verdict", "loan_use", "is_running",
    "has_rule_breach", "jobs_found_count", "realised_job_count",
]  # fmt: skip
REPEATED = [
    "plan_id", "level", "agency_code", "province_code", "county_code", "inclusion_probability", "inspector_code",
    "visit_id", "visited_on", "is_supervised", "is_decided", "is_confirmed", "verdict", "first_visit_id",
    "first_is_decided", "first_is_confirmed", "first_verdict",
]  # fmt: skip
# What the source of the visits reads beside each of them.
REASONS_FA = {
    "plan_not_issued": "این طرح برای بازرسی ابلاغ نشده است.",
    "plan_not_reinspected": "این طرح برای بازرسی دوباره در این سطح برگزیده نشده است.",
    "wrong_inspector": "بازرس یا شرکت این بازدید کسی نیست که طرح به او سپرده شده است.",
}
SHOWN_ROWS = 20


@task(task_run_name="judge-visits-{period}-{cutoff}", cache_policy=NO_CACHE)
def judge_visits(period: Period, cutoff: datetime.date) -> Receipt:
    """Set each issued plan beside its visit, and give the verdict the guideline gives."""
    partition = _partition(period, cutoff)
    rules = law.section("verdicts", period)
    visits = warehouse.read("inspection/issued_visit.sql", **partition)
    judged = visits.join(inspection.judge(visits, rules))
    judged["jobs_found_count"] = judged["jobs_found_count"].astype("Int64")
    # Jobs count once the verdict is given: an undecided plan realises none that anyone has seen.
    judged["realised_job_count"] = judged["jobs_found_count"].fillna(0).where(judged["is_decided"], 0)
    rows = judged[STORED].assign(**partition, guideline=rules.version)
    return warehouse.replace("inspection.verdict", partition, rows)


@task(task_run_name="refuse-visits-{period}-{cutoff}", cache_policy=NO_CACHE)
def refuse_visits(period: Period, cutoff: datetime.date) -> Receipt:
    """Refuse by name the visits nobody was sent on, and give them back to their sources."""
    partition = _partition(period, cutoff)
    refused = Rowset("inspection/refused_visit.sql", partition)
    receipt = warehouse.replace("inspection.refused_visit", partition, refused)
    rows = warehouse.read("inspection/refused_list.sql", **partition)
    for (source_code, delivery_id), own in rows.groupby(["source_code", "delivery_id"]):
        _give_back(settings().feedback / str(source_code) / str(delivery_id), own)
    create_markdown_artifact(key=f"refused-visits-{period}", markdown=_refused_markdown(rows))
    return receipt


@task(task_run_name="judge-repeats-{period}-{cutoff}", cache_policy=NO_CACHE)
def judge_repeats(period: Period, cutoff: datetime.date) -> Receipt:
    """Give each blind repeat its verdict by the same rules, beside the first; where nothing is repeated, nothing."""
    partition = _partition(period, cutoff)
    rules = law.section("verdicts", period)
    visits = warehouse.read("inspection/reinspection_visit.sql", **partition)
    judged = visits.join(inspection.judge(visits, rules))
    rows = judged[REPEATED].assign(**partition, guideline=rules.version)
    return warehouse.replace("inspection.reinspection", partition, rows)


@task(task_run_name="flag-inspectors-{period}-{cutoff}", cache_policy=NO_CACHE)
def flag_inspectors(period: Period, cutoff: datetime.date) -> Receipt:
    """Flag the visits, inspectors and firms that someone should look at; after verdicts and refusals."""
    partition = _partition(period, cutoff)
    rules = law.section("field_quality", period)
    visits = warehouse.read("inspection/field_visit.sql", **partition)
    flags = field_quality.flags(visits, rules)
    rows = flags.assign(**partition, guideline=rules.version)
    receipt = warehouse.replace("inspection.inspector_flag", partition, rows)
    create_markdown_artifact(key=f"inspector-flags-{period}", markdown=_flags_markdown(flags, len(visits)))
    return receipt


def _give_back(folder: Path, rows: pd.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    named = rows.assign(reason_fa=rows["reason_code"].map(REASONS_FA))
    half = folder / "refused-visits.part"
    # With a byte order mark, or Excel reads the Persian of it as another code page.
    half.write_text(named.to_csv(index=False, lineterminator="\n"), encoding="utf-8-sig")
    half.rename(folder / "refused-visits.csv")


def _refused_markdown(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "No returned visit was refused."
    counts = "; ".join(f"{reason}: {count:,}" for reason, count in rows["reason_code"].value_counts().items())
    lines = [f"**{len(rows):,} returned visits were refused** ({counts}); none counts as its plan's visit.", ""]
    lines += ["| place | reason | found | wanted |", "|---|---|---|---|"]
    for row in rows.head(SHOWN_ROWS).to_dict("records"):
        lines.append(f"| {row['place']} | {row['reason_code']} | {row['found']} | {row['wanted']} |")
    lines += ["", f"The first {min(len(rows), SHOWN_ROWS)}; all of them are in refused-visits.csv of their delivery."]
    return "\n".join(lines)


def _flags_markdown(flags: pd.DataFrame, visit_count: int) -> str:
    lines = ["| of | flag | flagged |", "|---|---|---|"]
    kinds = {"visit": field_quality.VISIT_FLAGS, "inspector": field_quality.INSPECTOR_FLAGS}
    counts = flags["flag"].value_counts()
    for kind, names in (kinds | {"firm": field_quality.FIRM_FLAGS}).items():
        lines += [f"| {kind} | {name} | {counts.get(name, 0):,} |" for name in names]
    told = (
        f"{visit_count:,} visits were looked at. A flag is a reason to look, not a verdict; how often an honest round"
    )
    return "\n".join([*lines, "", f"{told} raises one stands in docs/methods/field-quality.md."])


def _partition(period: Period, cutoff: datetime.date) -> dict[str, Any]:
    return {"year": period.year, "phase": period.phase, "cutoff": cutoff}
