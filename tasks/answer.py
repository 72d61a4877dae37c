"""Staging stage, answer: rules across deliveries, quality by agency, and what each agency gets back."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods import calendar, persian, quality
from methods.guideline import Section
from methods.period import Period
from tasks.edges import feedback, forms, gate, law, register, sources, warehouse
from tasks.edges.feedback import Change, FeedbackColumn, FeedbackSheet, ValidationReport
from tasks.edges.settings import settings
from tasks.edges.sources import Source
from tasks.edges.warehouse import Receipt, Rowset

EXAMPLES = 5
FILTERS: dict[str, Callable[..., Any]] = {"fa": persian.digits, "number": persian.number, "percent": persian.percent}


@task(task_run_name="compare-deliveries-{period}", cache_policy=NO_CACHE)
def compare_deliveries(period: Period) -> None:
    """Hold the deliveries in force of a period against each other, and judge what contradicts.

    What is found is a warning to the ministry and the agencies; only an impossible share stops the flow.
    """
    rules = law.section("validation", period)
    known = {"year": period.year, "phase": period.phase, "cutoff": settings().today}
    for file in sorted((warehouse.SQL / "staging").glob("across_*.sql")):
        rule = file.stem.removeprefix("across_")
        if rule in ("gate", "rule_example", "delivery_example"):
            continue
        grace = {"insurance_grace_days": int(rules["insurance_grace_days"])} if rule == "insurance_against_job" else {}
        partition = {"year": period.year, "phase": period.phase, "rule_code": rule}
        warehouse.replace("staging.contradiction", partition, Rowset(f"staging/{file.name}", known | grace))
    measures = warehouse.read("staging/across_gate.sql", **known)
    for name in ("unusual", "impossible"):
        measures = quality.over_limits(measures, rules[f"{name}_contradiction"], name)
    judgement = gate.judge("gate/across", f"across {period}", measures, rules["limits"])
    create_markdown_artifact(key="gate-across", markdown=judgement.markdown())
    gate.refuse_if_critical(judgement)


@task(task_run_name="answer-{source_code}-{period}", cache_policy=NO_CACHE)
def answer_agency(source_code: str, period: Period, is_new: bool) -> Receipt:
    """Measure the quality of a source's newest delivery, and write what the agency gets back."""
    source = sources.in_force(source_code, period)
    delivery = register.required_delivery(source_code, period)
    delivery_id = str(delivery["delivery_id"])
    folder = settings().feedback / source.code / delivery_id
    if not is_new and (folder / "report.html").exists():
        return Receipt("staging.delivery_quality", delivery_id, 0, "as before")
    folder.mkdir(parents=True, exist_ok=True)
    receipt = _measure_quality(source, period, delivery)
    report = _report(source, period, delivery)
    feedback.write_report_workbook(folder / "report.xlsx", report)
    if report.rejected_row_count:
        feedback.write_workbook(folder / "correct-and-return.xlsx", _sheet(source, period, delivery))
    _write(folder / "report.html", feedback.report_html(report, FILTERS))
    create_link_artifact(
        key=f"answer-{source.code.lower().replace('_', '-')}", link=(folder / "report.html").as_uri(),
        link_text=f"Validation report of {delivery_id}",
    )  # fmt: skip
    return receipt


def days_late(source: Source, period: Period, received_on: datetime.date) -> int | None:
    """Count the days a delivery came after its due day and grace; None where no day is due."""
    if source.cadence is None:
        return None
    month = int(period.reference_date[5:7])
    start = calendar.to_gregorian(np.array([period.year]), np.array([month]), np.array([1]))[0].astype(object)
    due = start + datetime.timedelta(days=source.cadence.due_days + source.cadence.grace_days)
    return max(0, (received_on - due).days)


def _measure_quality(source: Source, period: Period, delivery: pd.Series) -> Receipt:
    required = [name for name, column in source.its_form.columns.items() if column.required]
    parameters: dict[str, Any] = {
        "delivery_id": delivery["delivery_id"],
        "required_columns": required,
        "days_late": days_late(source, period, delivery["received_on"]),
    }
    return warehouse.replace(
        "staging.delivery_quality",
        {"delivery_id": delivery["delivery_id"]},
        Rowset("staging/quality_delivery.sql", parameters),
    )


def _report(source: Source, period: Period, delivery: pd.Series) -> ValidationReport:
    delivery_id = str(delivery["delivery_id"])
    form = source.its_form
    row_count, rejected = _whole(delivery["row_count"]), _whole(delivery["rejected_row_count"])
    findings = [finding for judgement in gate.stored(delivery_id) for finding in judgement.findings]
    rules = pd.concat([_rules(findings), _contradictions(delivery_id)], ignore_index=True)
    is_refused = delivery["status"] != "accepted"
    warned = bool(((rules["severity"] == "warning") & ~rules["is_met"].astype(bool)).any())
    return ValidationReport(
        agency_name=source.agency_name,
        source_code=source.code,
        delivery_id=delivery_id,
        form_fa=form.label_fa,
        period_text=_period_text(period.year, period.phase),
        version=int(delivery["version"]),
        received_text=calendar.jalali_text_fa(delivery["received_on"]),
        is_rehearsal=source.is_rehearsal,
        contact=str(_publication_today()["contact"]),
        row_count=row_count,
        accepted_row_count=0 if is_refused else row_count - rejected,
        rejected_row_count=rejected,
        outcome="refused" if is_refused else "accepted_with_warnings" if warned else "accepted",
        refusal=delivery["refusal"] if is_refused else None,
        notes=[note for note in str(delivery["notes"] or "").split("; ") if note],
        rules=rules,
        reasons=warehouse.read("staging/reject_reason.sql", delivery_id=delivery_id),
        examples=_examples(source, delivery_id),
        change=_change(source, delivery_id),
        quality=_quality(source),
    )


def _publication_today() -> Section:
    # Whom to ask is whoever answers now, however old the delivery.
    return law.section_on("publication", calendar.jalali_text(settings().today))


def _rules(findings: list[gate.Finding]) -> pd.DataFrame:
    rows = [
        {
            "label_fa": finding.rule_fa,
            "severity": finding.severity,
            "is_met": finding.is_success,
            "row_count": finding.row_count,
            "threshold_fa": finding.threshold_fa,
        }
        for finding in findings
    ]
    return pd.DataFrame(rows, columns=["label_fa", "severity", "is_met", "row_count", "threshold_fa"])


def _contradictions(delivery_id: str) -> pd.DataFrame:
    """List what other deliveries, or a row's other columns, say against rows of this one, each with its rows."""
    rows = warehouse.read("staging/across_delivery_example.sql", delivery_id=delivery_id, example_count=1)
    labels = [f"این تناقض دیده نشود: {label}" for label in rows["label_fa"]]
    return pd.DataFrame({"label_fa": labels, "row_count": rows["row_count"]}).assign(
        severity="warning", is_met=False, threshold_fa=None
    )


def _examples(source: Source, delivery_id: str) -> pd.DataFrame:
    rows = warehouse.read("staging/reject_example.sql", delivery_id=delivery_id, example_count=EXAMPLES)
    columns = source.its_form.columns
    rows["kind"] = [columns[name].kind if name in columns else None for name in rows["column_name"]]
    rows["label_fa"] = [columns[name].label_fa if name in columns else "کل ردیف" for name in rows["column_name"]]
    return rows


def _change(source: Source, delivery_id: str) -> Change | None:
    rows = warehouse.read("staging/delivery_change.sql", delivery_id=delivery_id)
    if rows.empty:
        return None
    row = rows.iloc[0]
    labels = {name: column.label_fa for name, column in source.its_form.columns.items()}
    altered = {labels.get(name, name): count for name, count in row["altered_columns"].items()}
    return Change(
        int(row["version_before"]), int(row["added_count"]), int(row["gone_count"]), int(row["altered_count"]), altered
    )


def _quality(source: Source) -> pd.DataFrame:
    rows = warehouse.read("staging/quality_history.sql", agency_code=source.agency_code)
    rows = rows[rows["source_code"] == source.code]
    texts = [_period_text(year, phase) for year, phase in zip(rows["year"], rows["phase"], strict=True)]
    return rows.assign(period_text=texts)[["period_text", "dimension", "share"]]


def _sheet(source: Source, period: Period, delivery: pd.Series) -> FeedbackSheet:
    delivery_id = str(delivery["delivery_id"])
    rows = warehouse.read(forms.rejected_cells(source.its_form), delivery_id=delivery_id)
    return FeedbackSheet(
        agency_name=source.agency_name,
        source_code=source.code,
        delivery_id=delivery_id,
        form=source.form,
        period_text=_period_text(period.year, period.phase),
        is_rehearsal=source.is_rehearsal,
        row_count=_whole(delivery["row_count"]),
        given_back_count=_whole(delivery["rejected_row_count"]),
        columns=[_column(source, name, header) for name, header in source.columns.items()],
        rows=rows[["row_number", *source.columns]],
        faults=warehouse.read("staging/reject_fault.sql", delivery_id=delivery_id),
    )


def _column(source: Source, name: str, header: str) -> FeedbackColumn:
    column = source.its_form.columns[name]
    own = source.codes.get(name)
    # The agency's own words, where it has any; else the labels of the form.
    labels = column.choices
    allowed = {text: labels.get(code, code) for text, code in own.items()} if own else None
    if allowed is None and labels:
        allowed = {label: label for label in labels.values()}
    return FeedbackColumn(name, header, column.label_fa, allowed, column.kind)


def _period_text(year: int, phase: int) -> str:
    return persian.digits(f"سال {year}، دورهٔ {phase}")


def _whole(value: Any) -> int:
    return 0 if pd.isna(value) else int(value)


def _write(path: Path, text: str) -> None:
    half = path.with_suffix(".part")
    half.write_text(text, encoding="utf-8")
    half.rename(path)
