"""Staging stage, work: the only code that writes schema `staging`."""

from __future__ import annotations

from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods.errors import DeliveryRefused
from methods.period import Period
from tasks.edges import gate, register, sources, warehouse
from tasks.edges.gate import Judgement
from tasks.edges.sources import Source
from tasks.edges.warehouse import Receipt, Rowset

RIAL = {"rial": 1, "toman": 10, "million_rial": 1_000_000}


@task(task_run_name="conform-{source_code}-{period}", cache_policy=NO_CACHE)
def conform_delivery(source_code: str, period: Period) -> Receipt:
    """Type the rows of the newest delivery; give back those that cannot be, each with its reason."""
    source = sources.load_all()[source_code]
    delivery = register.required_delivery(source_code, period)
    partition = {"delivery_id": delivery["delivery_id"]}
    if register.is_settled(source, delivery):
        return Receipt(f"staging.{source.form}", str(partition["delivery_id"]), int(delivery["row_count"]), "as before")
    parameters = _parameters(source, period, str(delivery["delivery_id"]))
    form = source.form
    with warehouse.transaction() as connection:
        warehouse.run(connection, f"staging/{form}_conformed.sql", **parameters)
        rejected = Rowset(f"staging/{form}_rejected.sql", parameters)
        warehouse.replace("staging.rejected_row", partition, rejected, within=connection)
        accepted = Rowset(f"staging/{form}.sql", parameters)
        receipt = warehouse.replace(f"staging.{form}", partition, accepted, within=connection)
        outcome = Rowset("staging/delivery_outcome.sql", {**partition, "source_version": source.version})
        warehouse.replace("staging.delivery_outcome", partition, outcome, within=connection)
    return receipt


@task(task_run_name="judge-{source_code}-{period}", cache_policy=NO_CACHE)
def judge_delivery(source_code: str, period: Period) -> Receipt:
    """Accept a delivery whose gate and form suite hold; refuse it where a critical expectation fails."""
    source = sources.load_all()[source_code]
    delivery = register.required_delivery(source_code, period)
    delivery_id = str(delivery["delivery_id"])
    if register.is_settled(source, delivery):
        return Receipt("staging.delivery_outcome", delivery_id, int(delivery["row_count"]), "as before")
    measures = warehouse.read("staging/gate.sql", delivery_id=delivery_id)
    batch = warehouse.read(f"staging/{source.form}_batch.sql", delivery_id=delivery_id)
    judgements = [
        gate.judge("gate/landing", delivery_id, measures),
        gate.judge("gate/staging", delivery_id, measures),
        gate.judge(f"form/{source.form}", delivery_id, batch),
    ]
    _show(source, period, measures, judgements)
    return _settle(delivery_id, delivery, judgements)


def record_refusal(source_code: str, period: Period, refusal: str) -> None:
    """Note that the newest delivery of a source was refused before it could be conformed."""
    delivery = register.current_delivery(source_code, period)
    if delivery is not None and delivery["status"] != "accepted":
        _write_outcome(str(delivery["delivery_id"]), delivery, "refused", refusal)


def _settle(delivery_id: str, delivery: pd.Series, judgements: list[Judgement]) -> Receipt:
    critical = [finding for judgement in judgements for finding in judgement.critical]
    if not critical:
        return _write_outcome(delivery_id, delivery, "accepted", None)
    found = "; ".join(f"{finding.rule}: {finding.observed}" for finding in critical[:3])
    _write_outcome(delivery_id, delivery, "refused", found)
    raise DeliveryRefused(
        place=f"delivery {delivery_id}",
        found=found,
        wanted="every critical expectation of its form and gate met",
        remedy="staging.rejected_row and the run's artifact show the rows; the agency mends and delivers again.",
    )


def _write_outcome(delivery_id: str, delivery: pd.Series, status: str, refusal: str | None) -> Receipt:
    row = {
        "delivery_id": delivery_id,
        "status": status,
        "row_count": _whole(delivery["row_count"]),
        "rejected_row_count": _whole(delivery["rejected_row_count"]),
        "source_version": delivery["source_version"] or "",
        "refusal": refusal,
    }
    rows = pd.DataFrame([row])
    # An empty version would read as null in the copy.
    rows["source_version"] = rows["source_version"].replace("", "none")
    return warehouse.replace("staging.delivery_outcome", {"delivery_id": delivery_id}, rows)


def _whole(value: Any) -> int:
    return 0 if pd.isna(value) else int(value)


def _parameters(source: Source, period: Period, delivery_id: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {"delivery_id": delivery_id, "year": period.year, "phase": period.phase}
    if source.form == "loan_plan":
        parameters["agency_code"] = source.agency_code
        for column in ("loan_approved", "loan_paid"):
            parameters[f"{column}_unit_rial"] = RIAL[source.units.get(f"{column}_rial", "rial")]
    return parameters


def _show(source: Source, period: Period, measures: pd.DataFrame, judgements: list[Judgement]) -> None:
    row = measures.iloc[0]
    text = (
        f"## {source.agency_name} · {source.form} · {period}\n\n"
        f"{int(row['row_count']):,} rows, {int(row['rejected_row_count']):,} given back with a reason.\n\n"
        + "\n\n".join(judgement.markdown() for judgement in judgements)
    )
    create_markdown_artifact(key=f"validation-{source.code.lower().replace('_', '-')}", markdown=text)
