"""Landing stage, work: the only code that writes schema `landing`."""

from __future__ import annotations

import datetime
from typing import Any

import httpx
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from methods import persian
from methods.errors import DeliveryRefused
from methods.period import Period
from tasks.edges import deliveries, register, sources, warehouse
from tasks.edges.deliveries import Fetched
from tasks.edges.settings import settings
from tasks.edges.sources import FORM_COLUMNS, Source
from tasks.edges.warehouse import Receipt, TextRows


def _is_worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Retry a network that failed, never a delivery that is wrong."""
    return isinstance(state.data, httpx.HTTPError | OSError)


@task(
    task_run_name="receive-{source_code}-{period}",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_condition_fn=_is_worth_retrying,
)
def receive_delivery(source_code: str, period: Period) -> Receipt:
    """Fetch one delivery and keep it as received; the same bytes again are the same delivery."""
    source = sources.load_all()[source_code]
    fetched = deliveries.fetch(source, period)
    if not fetched.content:
        raise DeliveryRefused(
            place=f"source {source.code}, {fetched.file_name}",
            found="an empty file",
            wanted=f"a {source.form} delivery",
            remedy="Ask the agency to deliver it again.",
        )
    deliveries.keep(fetched)
    _refuse_bytes_of_another(source, period, fetched)
    standing = register.current_delivery(source_code, period)
    if standing is not None and standing["sha256"] == fetched.sha256:
        return _receipt(str(standing["delivery_id"]), fetched)
    return _record(source, period, fetched, version=int(standing["version"]) + 1 if standing is not None else 1)


@task(task_run_name="land-{source_code}-{period}", cache_policy=NO_CACHE)
def land_rows(source_code: str, period: Period) -> Receipt:
    """Copy the rows of the newest delivery, as text, into the landing table of its form."""
    source = sources.load_all()[source_code]
    delivery = register.required_delivery(source_code, period)
    partition = {"delivery_id": delivery["delivery_id"]}
    if register.is_settled(source, delivery):
        return Receipt(f"landing.{source.form}", _label(partition), int(delivery["row_count"]), "as before")
    content = deliveries.read_archived(str(delivery["sha256"]))
    rows = deliveries.rows(source, content, persian.conform)
    numbered = ([partition["delivery_id"], str(number), row[-1], *row[:-1]] for number, row in enumerate(rows, 1))
    columns = ["delivery_id", "row_number", "row_fault", *FORM_COLUMNS[source.form]]
    with warehouse.transaction() as connection:
        warehouse.replace("landing.code_map", partition, _code_map(source, partition), within=connection)
        return warehouse.replace(f"landing.{source.form}", partition, TextRows(columns, numbered), within=connection)


def _refuse_bytes_of_another(source: Source, period: Period, fetched: Fetched) -> None:
    for other in warehouse.read("landing/same_bytes.sql", sha256=fetched.sha256).itertuples():
        if other.source_code != source.code or other.year != period.year:
            raise DeliveryRefused(
                place=f"source {source.code}, {period}, {fetched.file_name}",
                found=f"the very bytes of {other.delivery_id}, received on {other.received_on}",
                wanted=f"the delivery of {source.agency_name} for {period.year}",
                remedy="A file was delivered twice: ask the agency for the right one.",
            )
    standing = register.current_delivery(source.code, period)
    if standing is not None and standing["sha256"] != fetched.sha256:
        older = warehouse.read("landing/same_bytes.sql", sha256=fetched.sha256)
        if (older["version"] < standing["version"]).any() and (older["phase"] == period.phase).any():
            raise DeliveryRefused(
                place=f"source {source.code}, {period}, {fetched.file_name}",
                found=f"the bytes of its earlier version {int(older['version'].iloc[0])}",
                wanted=f"version {int(standing['version'])}, or a newer one",
                remedy="An old file lies in the drop folder again: remove it, or deliver the newest.",
            )


def _record(source: Source, period: Period, fetched: Fetched, version: int) -> Receipt:
    delivery_id = f"{source.code}-{period}-v{version}-{fetched.sha256[:8]}"
    row = {
        "delivery_id": delivery_id,
        "source_code": source.code,
        "form": source.form,
        "year": period.year,
        "phase": period.phase,
        "received_on": settings().today,
        "received_at": datetime.datetime.now(datetime.UTC).isoformat(),
        "version": version,
        "file_name": fetched.file_name,
        "byte_count": len(fetched.content),
        "sha256": fetched.sha256,
    }
    warehouse.append("landing.delivery", {"delivery_id": delivery_id}, pd.DataFrame([row]))
    return _receipt(delivery_id, fetched)


def _receipt(delivery_id: str, fetched: Fetched) -> Receipt:
    return Receipt("landing.delivery", f"delivery_id={delivery_id}", 1, fetched.sha256[:16])


def _code_map(source: Source, partition: dict[str, Any]) -> pd.DataFrame:
    rows = [
        {**partition, "column_name": column, "delivered_key": persian.conform(delivered), "code": code}
        for column, codes in source.codes.items()
        for delivered, code in codes.items()
    ]
    return pd.DataFrame(rows, columns=["delivery_id", "column_name", "delivered_key", "code"])


def _label(partition: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in partition.items())
