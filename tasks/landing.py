"""Landing stage, work: the only code that writes schema `landing`."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff
from sqlalchemy.engine import Connection

from methods import persian
from methods.errors import DeliveryRefused
from methods.period import Period
from tasks.edges import deliveries, feedback, forms, register, sources, warehouse
from tasks.edges.deliveries import Row, Rows
from tasks.edges.distinct import Distinct
from tasks.edges.fetch import Fetched, SourceUnreachable, is_whole
from tasks.edges.reading import NotPlain
from tasks.edges.settings import settings
from tasks.edges.sources import Source
from tasks.edges.warehouse import Receipt, Rowset, TextBlocks, TextRows


def _is_worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Retry a network that failed, never a delivery that is wrong."""
    return isinstance(state.data, SourceUnreachable)


@task(
    task_run_name="receive-{source_code}-{period}",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_condition_fn=_is_worth_retrying,
)
def receive_delivery(source_code: str, period: Period) -> Receipt:
    """Fetch one delivery and keep it as received, then the corrections an agency sent back to it.

    The same bytes again are the same delivery.
    """
    source = sources.in_force(source_code, period)
    former = register.former_delivery(source, period, settings().today) if source.is_incremental else None
    with deliveries.received(source, period, _of(former, "received_on")) as fetched:
        receipt = _register(source, period, fetched, _of(former, "delivery_id"))
    for workbook in _corrections(source):
        receipt = _register_corrections(source, period, workbook) or receipt
    return receipt


def _corrections(source: Source) -> list[Path]:
    """List the workbooks an agency sent back."""
    folder = settings().inbox / "feedback" / source.code
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(one for one in found if one.suffix.lower() == ".xlsx" and is_whole(one.name))


@task(task_run_name="land-{source_code}-{period}", cache_policy=NO_CACHE)
def land_rows(source_code: str, period: Period) -> Receipt:
    """Copy the rows of the newest delivery, as text, into the landing table of its form."""
    source = sources.in_force(source_code, period)
    delivery = register.required_delivery(source_code, period)
    if register.is_settled(source, delivery):
        return Receipt(f"landing.{source.form}", str(delivery["delivery_id"]), int(delivery["row_count"]), "as before")
    return land(source, delivery)


def land(source: Source, delivery: pd.Series) -> Receipt:
    """Copy the rows of one delivery into the landing table of its form, and note what was found out."""
    delivery_id = str(delivery["delivery_id"])
    with deliveries.unpacked(str(delivery["sha256"])) as path, warehouse.transaction() as connection:
        if delivery["is_correction"]:
            notes, row_count = _land_corrections(source, delivery, path, connection)
        else:
            notes, row_count = _land_delivery(source, delivery, path, connection)
        every = [note for note in (delivery["notes"], *notes) if note]
        warehouse.run(connection, "landing/note.sql", delivery_id=delivery_id, notes="; ".join(every))
    return Receipt(f"landing.{source.form}", delivery_id, row_count, "; ".join(notes))


def _of(delivery: pd.Series | None, column: str) -> Any:
    return None if delivery is None else delivery[column]


def _register(source: Source, period: Period, fetched: Fetched, patched: str | None) -> Receipt:
    """Keep what was fetched, and note it as a delivery unless the source's newest holds the same bytes."""
    if fetched.byte_count == 0:
        raise DeliveryRefused(
            place=f"source {source.code}, {fetched.file_name}",
            found="an empty file",
            wanted=f"a {source.form} delivery",
            remedy="Ask the agency to deliver it again.",
        )
    deliveries.keep(fetched)
    # Corrections may come the way the agency delivers everything.
    is_feedback = feedback.is_feedback(fetched.path)
    if is_feedback and (corrected := _note_corrections(source, period, fetched)):
        return corrected
    # Corrections that are known, or the very answer of a day before: nothing has changed since.
    if is_feedback or (patched is not None and register.has_delivered(source.code, period, fetched.sha256)):
        return _receipt(str(register.required_delivery(source.code, period)["delivery_id"]), fetched)
    if not source.is_incremental:
        _withdraw_refused(source, period, fetched)
        _refuse_bytes_of_another(source, period, fetched)
    base = register.base_delivery(source.code, period)
    if base is not None and base["sha256"] == fetched.sha256:
        return _receipt(str(base["delivery_id"]), fetched)
    return note_delivery(source, period, fetched, patched)


def _withdraw_refused(source: Source, period: Period, fetched: Fetched) -> None:
    """Let newer versions that were refused count no longer, where an agency puts the one accepted before them back."""
    refused = register.refused_since(source.code, period, fetched.sha256)
    if refused:
        with warehouse.transaction() as connection:
            warehouse.run(connection, "landing/withdraw.sql", delivery_ids=refused)


def _register_corrections(source: Source, period: Period, workbook: Path) -> Receipt | None:
    """Record a workbook that an agency sent back; once."""
    with deliveries.received_file(source, period, workbook) as fetched:
        return _note_corrections(source, period, fetched)


def _note_corrections(source: Source, period: Period, fetched: Fetched) -> Receipt | None:
    """Note a workbook as a delivery that patches the former, unless it is known or of another period."""
    place = f"source {source.code}, {fetched.file_name}"
    patch = feedback.read_workbook(place, fetched.path, source_code=source.code, form=source.form, key=persian.conform)
    standing = register.required_delivery(source.code, period)
    known = warehouse.read("landing/same_bytes.sql", sha256=fetched.sha256)
    if not known.empty or not patch.delivery_id.startswith(f"{source.code}-{period}-"):
        return None
    if patch.delivery_id != standing["delivery_id"]:
        raise DeliveryRefused(
            place=place,
            found=f"corrections to {patch.delivery_id}",
            wanted=f"corrections to {standing['delivery_id']}, which has replaced it",
            remedy="Send the agency the newest feedback workbook, and remove this one.",
        )
    deliveries.keep(fetched)
    return note_delivery(source, period, fetched, patch.delivery_id, is_correction=True)


def _land_delivery(source: Source, delivery: pd.Series, path: Path, connection: Connection) -> tuple[list[str], int]:
    is_patch = isinstance(delivery["patched_delivery_id"], str)
    with deliveries.opened(source, path, str(delivery["file_name"]), persian.conform, is_patch) as table:
        row_count = _copy_blocks(source, delivery, table, connection)
        if row_count is None:
            numbered = ((str(number), *row) for number, row in enumerate(table.rows, 1))
            row_count = _copy_in(source, delivery, table.columns, numbered, connection, by_key=True)
    return table.notes, row_count


def _copy_blocks(source: Source, delivery: pd.Series, table: Rows, connection: Connection) -> int | None:
    """Copy a delivery in blocks of columns; nothing, and None, where it must be read row by row."""
    if table.blocks is None:
        return None
    delivery_id = str(delivery["delivery_id"])
    seen = Distinct(source.its_form, table.columns)
    whole = TextBlocks(table.columns, seen.watched(table.blocks))
    try:
        with connection.begin_nested():
            row_count = _swap_in(source, delivery, whole, connection, by_key=True)
    except NotPlain:
        return None
    _note_values(source, delivery, seen.rows(delivery_id), connection)
    return row_count


def _land_corrections(source: Source, delivery: pd.Series, path: Path, connection: Connection) -> tuple[list[str], int]:
    place = f"source {source.code}, {delivery['file_name']}"
    patch = feedback.read_workbook(place, path, source_code=source.code, form=source.form, key=persian.conform)
    corrected = ((str(row_number), None, *cells) for row_number, cells in patch.rows)
    row_count = _copy_in(source, delivery, patch.columns, corrected, connection, by_key=False)
    return [f"corrections to {patch.delivery_id}", *patch.notes], row_count


def _copy_in(
    source: Source,
    delivery: pd.Series,
    columns: Sequence[str],
    rows: Iterable[Row],
    connection: Connection,
    by_key: bool,
) -> int:
    whole = TextRows(["row_number", "row_fault", *columns], rows)
    row_count = _swap_in(source, delivery, whole, connection, by_key)
    _note_values(source, delivery, None, connection)
    return row_count


def _swap_in(
    source: Source, delivery: pd.Series, rows: TextRows | TextBlocks, connection: Connection, by_key: bool
) -> int:
    partition, former_id = {"delivery_id": str(delivery["delivery_id"])}, delivery["patched_delivery_id"]
    besides = None
    if isinstance(former_id, str):
        besides = Rowset(forms.carry_over_rows(source.its_form, by_key), partition | {"former_id": former_id})
    return warehouse.copy_in(f"landing.{source.form}", partition, rows, connection, besides)


def _note_values(source: Source, delivery: pd.Series, seen: pd.DataFrame | None, connection: Connection) -> None:
    """Keep the distinct values of a delivery: those seen as it streamed by, if they are all, or what is found now."""
    partition = {"delivery_id": str(delivery["delivery_id"])}
    warehouse.run(connection, "staging/large_work.sql")
    if seen is None or isinstance(delivery["patched_delivery_id"], str):
        # A table first: only then do all cores look for them.
        found = f"create temp table distinct_value on commit drop as {forms.distinct_rows(source.its_form)}"
        warehouse.run(connection, found, **partition)
        rows: pd.DataFrame | Rowset = Rowset("select * from distinct_value", {})
    else:
        rows = seen
    warehouse.replace("landing.distinct_value", partition, rows, within=connection)


def _refuse_bytes_of_another(source: Source, period: Period, fetched: Fetched) -> None:
    same = warehouse.read("landing/same_bytes.sql", sha256=fetched.sha256)
    for other in same.itertuples():
        if other.source_code != source.code or other.year != period.year:
            raise DeliveryRefused(
                place=f"source {source.code}, {period}, {fetched.file_name}",
                found=f"the very bytes of {other.delivery_id}, received on {other.received_on}",
                wanted=f"the delivery of {source.agency_name} for {period.year}",
                remedy="A file was delivered twice: ask the agency for the right one.",
            )
    base = register.base_delivery(source.code, period)
    if base is not None and base["sha256"] != fetched.sha256 and (same["phase"] == period.phase).any():
        raise DeliveryRefused(
            place=f"source {source.code}, {period}, {fetched.file_name}",
            found=f"the bytes of its earlier version {int(same['version'].iloc[0])}",
            wanted=f"version {int(base['version'])}, or a newer one",
            remedy="An old file lies in the drop folder again: remove it, or deliver the newest.",
        )


def note_delivery(
    source: Source, period: Period, fetched: Fetched, patched: str | None = None, is_correction: bool = False
) -> Receipt:
    """Note what was fetched and kept as the next version of a source's delivery."""
    version = register.next_version(source.code, period)
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
        "byte_count": fetched.byte_count,
        "sha256": fetched.sha256,
        "notes": "; ".join(fetched.notes),
        "patched_delivery_id": patched,
        "is_correction": is_correction,
        "is_withdrawn": False,
    }
    warehouse.append("landing.delivery", {"delivery_id": delivery_id}, pd.DataFrame([row]))
    return _receipt(delivery_id, fetched)


def _receipt(delivery_id: str, fetched: Fetched) -> Receipt:
    return Receipt("landing.delivery", f"delivery_id={delivery_id}", 1, fetched.sha256[:16])
