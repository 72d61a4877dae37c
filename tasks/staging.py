"""Staging stage, work: the only code that writes schema `staging`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from sqlalchemy.engine import Connection

from methods import calendar, geography, persian, quality
from methods.errors import DeliveryRefused
from methods.period import Period
from tasks.edges import forms, gate, law, nearest, register, sources, warehouse
from tasks.edges.forms import LONGEST_CODE, Column
from tasks.edges.gate import Judgement
from tasks.edges.sources import Source
from tasks.edges.warehouse import Receipt, Rowset

# Distinct values are read in blocks, so that a column of many stays within bounds.
READ_BLOCK = 20_000
YES, NO = (
    ("1", "true", "yes", "y", "بله", "بلی", "دارد", "هست"),
    ("0", "false", "no", "n", "خیر", "نه", "ندارد", "نیست"),
)


@task(task_run_name="conform-{source_code}-{period}", cache_policy=NO_CACHE)
def conform_delivery(source_code: str, period: Period) -> Receipt:
    """Type the rows of the newest delivery; give back those that cannot be, each with its reason."""
    source = sources.in_force(source_code, period)
    delivery = register.required_delivery(source_code, period)
    if register.is_settled(source, delivery):
        return Receipt(f"staging.{source.form}", str(delivery["delivery_id"]), int(delivery["row_count"]), "as before")
    return conform(source, period, str(delivery["delivery_id"]))


@task(task_run_name="judge-{source_code}-{period}", cache_policy=NO_CACHE)
def judge_delivery(source_code: str, period: Period) -> Receipt:
    """Accept a delivery whose gate and form suite hold; refuse it where a critical expectation fails."""
    source = sources.in_force(source_code, period)
    delivery = register.required_delivery(source_code, period)
    delivery_id = str(delivery["delivery_id"])
    if register.is_settled(source, delivery):
        return Receipt("staging.delivery_outcome", delivery_id, int(delivery["row_count"]), "as before")
    judgements = [*judge(source, period, delivery_id), *_judge_change(period, delivery_id)]
    _show(source, period, delivery, judgements)
    return _settle(delivery_id, delivery, judgements)


def judge(source: Source, period: Period, delivery_id: str) -> list[Judgement]:
    """Hold a conformed delivery against the gates of both stages and the suite of its form."""
    measures = warehouse.read("staging/gate.sql", delivery_id=delivery_id)
    limits = law.section("validation", period)["limits"]
    return [
        gate.judge("gate/landing", delivery_id, measures, limits),
        gate.judge("gate/staging", delivery_id, measures, limits),
        gate.judge_table(f"form/{source.form}", delivery_id, f"staging.{source.form}", limits),
    ]


def _judge_change(period: Period, delivery_id: str) -> list[Judgement]:
    """Hold a delivery against the source's delivery of the period before, where there is one."""
    before = warehouse.read("staging/profile_before.sql", delivery_id=delivery_id)
    now = warehouse.read("staging/profile.sql", delivery_id=delivery_id)
    if before.empty or now.empty:
        return []
    rules = law.section("validation", period)
    measures = quality.change_measures(before, now, float(rules["stability_confidence"]))
    for name in ("noted", "unusual", "impossible"):
        measures = quality.over_limits(measures, rules[f"{name}_change"], name)
    return [gate.judge("gate/change", delivery_id, measures, rules["limits"])]


def record_refusal(source_code: str, period: Period, refusal: str) -> None:
    """Note that the newest delivery of a source was refused before it could be conformed."""
    delivery = register.current_delivery(source_code, period)
    if delivery is not None and delivery["status"] != "accepted":
        _write_outcome(str(delivery["delivery_id"]), delivery, "refused", refusal)


def conform(source: Source, period: Period, delivery_id: str) -> Receipt:
    """Type the landed rows of one delivery in one transaction."""
    with warehouse.transaction() as connection:
        return _conform(source, period, delivery_id, connection)


def _conform(source: Source, period: Period, delivery_id: str, connection: Connection) -> Receipt:
    form, partition = source.its_form, {"delivery_id": delivery_id}
    parameters = partition | {"year": period.year, "phase": period.phase}
    own = parameters | ({"agency_code": source.agency_code} if "agency_code" in form.derived else {})
    warehouse.run(connection, "staging/large_work.sql")
    many = _read_values(source, period, delivery_id, connection)
    recurring = connection.execute(sa.text(forms.recurring_statement(form)), partition).scalars().all()
    few = {
        name: cells for name, cells in connection.execute(sa.text(forms.few_statement()), partition) if name not in many
    }
    typed = forms.conformed_rows(form, source.units_in_rial, many, recurring, few)
    rows = Rowset(typed, own | forms.few_parameters(few))
    conformed, row_count = warehouse.build(f"staging.{form.form}", partition, rows, connection)
    # Whether keys repeat is seen by making the index that holds them apart: only where it fails are they looked for.
    has_repeats = not warehouse.are_apart(conformed, form.key_marks, connection)
    faults = f"create temp table fault on commit drop as {forms.fault_statement(form, conformed, has_repeats)}"
    warehouse.run(connection, faults, **partition)
    # A handful of faults among a million rows: unless the planner knows, it reads all of them again.
    warehouse.run(connection, "analyze fault")
    rejected = Rowset(forms.rejected_rows(), parameters)
    warehouse.replace("staging.rejected_row", partition, rejected, within=connection)
    for statement in forms.keep_accepted_statements(conformed):
        warehouse.run(connection, statement)
    if has_repeats:
        warehouse.hold_apart(conformed, form.key_marks, connection)
    warehouse.swap_in(f"staging.{form.form}", partition, conformed, connection, form.key_marks)
    warehouse.show(f"staging.{form.form}", partition, gate.columns_of(f"form/{form.form}"), connection)
    measured = {**partition, "row_count": row_count, "source_version": source.version}
    outcome = Rowset("staging/delivery_outcome.sql", measured)
    warehouse.replace("staging.delivery_outcome", partition, outcome, within=connection)
    profile = f"staging/profile_{form.form}.sql"
    if (warehouse.SQL / profile).exists():
        warehouse.replace("staging.delivery_profile", partition, Rowset(profile, parameters), within=connection)
    _compare(source, period, delivery_id, connection)
    rejected_count = connection.execute(sa.text("select count(distinct row_number) from fault")).scalar_one()
    accepted_count = row_count - int(rejected_count)
    return Receipt(f"staging.{form.form}", f"delivery_id={delivery_id}", accepted_count, source.version)


# reading values ----------------------------------------------------------------------------------


def _read_values(source: Source, period: Period, delivery_id: str, connection: Connection) -> list[str]:
    """Read each distinct value of the columns of few values once, and keep what it was read as.

    Returns:
        The columns that turned out to have many.
    """
    form, partition = source.its_form, {"delivery_id": delivery_id}
    warehouse.replace("staging.delivered_value", partition, pd.DataFrame(columns=list(VALUE_COLUMNS)), connection)
    counts, waiting = dict.fromkeys(form.read_once, 0), pd.DataFrame(columns=list(VALUE_COLUMNS))
    for name, read in _read_blocks(source, period, delivery_id, connection):
        counts[name] += len(read)
        waiting = pd.concat([waiting, read])
        if len(waiting) > READ_BLOCK:
            warehouse.append("staging.delivered_value", partition, waiting, connection)
            waiting = waiting.iloc[:0]
    warehouse.append("staging.delivered_value", partition, waiting, connection)
    _refuse_mended_faults(source, delivery_id, connection)
    return [name for name, count in counts.items() if count > READ_BLOCK]


def _read_blocks(
    source: Source, period: Period, delivery_id: str, connection: Connection
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Read the distinct values of one column after the other, block by block."""
    readers = _readers(source, period)
    for name, column in source.its_form.read_once.items():
        # A choice looks its codes up itself.
        mended = {} if column.kind in ("choice", "flag") else dict(source.codes.get(name, {}))
        mended |= {fault.found: fault.becomes for fault in source.faults if fault.column == name}
        for block in _distinct(connection, delivery_id, name):
            read = readers[column.kind](name, column, _with_known_faults(block, mended))
            read = read.assign(delivered=block, delivery_id=delivery_id, column_name=name)
            yield name, read[list(VALUE_COLUMNS)]


VALUE_COLUMNS = ("delivery_id", "column_name", "delivered", "value", "reason_code", "candidates")
Reader = Callable[[str, Column, Sequence[str]], pd.DataFrame]


def _readers(source: Source, period: Period) -> dict[str, Reader]:
    near = nearest.finder(persian.conform)

    def dates(name: str, column: Column, delivered: Sequence[str]) -> pd.DataFrame:
        days, _ = calendar.read_dates(delivered)
        texts = [None if missing else text for text, missing in zip(days.astype(str), np.isnat(days), strict=True)]
        return _read_as(delivered, texts, column)

    def codes(name: str, column: Column, delivered: Sequence[str]) -> pd.DataFrame:
        conformed = [persian.conform(text) for text in delivered]
        values = [text.upper() if column.upper else text for text in conformed]
        read = _read_as(delivered, [text if 0 < len(text) <= LONGEST_CODE else None for text in values], column)
        # Signs nobody sees are no code that is too long.
        unseen = read["reason_code"].notna() & np.array([not text for text in conformed], dtype=bool)
        return read.assign(reason_code=read["reason_code"].mask(unseen, "missing"))

    def choices(name: str, column: Column, delivered: Sequence[str]) -> pd.DataFrame:
        known = _known_codes(source, name, column)
        read = _read_as(delivered, [known.get(persian.conform(text).casefold()) for text in delivered], column)
        labels = list(column.choices.values())
        unread = read["reason_code"].notna()
        read["candidates"] = [near(text, labels) if bad else None for text, bad in zip(delivered, unread, strict=True)]
        return read

    known = _places(period)

    def provinces(name: str, column: Column, delivered: Sequence[str]) -> pd.DataFrame:
        return geography.read_provinces(delivered, known, _place_key, near)

    def counties(name: str, column: Column, delivered: Sequence[str]) -> pd.DataFrame:
        return geography.read_counties(delivered, known, _place_key, near)

    return {"code": codes, "date": dates, "choice": choices, "flag": choices, "province": provinces, "county": counties}


def _read_as(delivered: Sequence[str], values: Sequence[str | None], column: Column) -> pd.DataFrame:
    bad = [value is None and bool(text.strip()) for text, value in zip(delivered, values, strict=True)]
    reasons = [column.reason if one else None for one in bad]
    return pd.DataFrame(
        {"delivered": delivered, "value": values, "reason_code": reasons, "candidates": None}, dtype=object
    )


def _known_codes(source: Source, name: str, column: Column) -> dict[str, str]:
    known = {code: code for code in column.choices} | {label: code for code, label in column.choices.items()}
    if column.kind == "flag":
        known |= dict.fromkeys(YES, "1") | dict.fromkeys(NO, "0")
    known |= source.codes.get(name, {})
    return {persian.conform(text).casefold(): code for text, code in known.items()}


def _places(period: Period) -> geography.Places:
    provinces = warehouse.read("staging/province.sql")
    return geography.places(provinces, warehouse.read("staging/county.sql"), period.year, _place_key)


def _place_key(text: str) -> str:
    return geography.place_key(text, persian.name_key)


def _distinct(connection: Connection, delivery_id: str, name: str) -> Iterator[list[str]]:
    statement = sa.text(
        "select delivered from landing.distinct_value where delivery_id = :delivery_id and column_name = :column_name"
    )
    streamed = {"stream_results": True, "yield_per": READ_BLOCK}
    result = connection.execute(
        statement, {"delivery_id": delivery_id, "column_name": name}, execution_options=streamed
    )
    for block in result.scalars().partitions(READ_BLOCK):
        yield list(block)


def _with_known_faults(delivered: Sequence[str], mended: dict[str, str]) -> list[str]:
    if not mended:
        return list(delivered)
    becomes = {persian.conform(found): meant for found, meant in mended.items()}

    def mend(text: str) -> str:
        own, parted, beside = text.partition(geography.PAIR)
        return becomes.get(persian.conform(own), own) + parted + beside

    return [mend(text) for text in delivered]


def _refuse_mended_faults(source: Source, delivery_id: str, connection: Connection) -> None:
    for fault in source.faults:
        statement = sa.text(
            f"select count(*) from landing.{source.form}"  # noqa: S608
            f" where delivery_id = :delivery_id and reference.conform({fault.column}) = :found"
        )
        known = {"delivery_id": delivery_id, "found": persian.conform(fault.found)}
        found = int(connection.execute(statement, known).scalar_one())
        if found < fault.expect:
            raise DeliveryRefused(
                place=f"source {source.code}, known fault of {fault.column}: {fault.found!r}",
                found=f"{found} rows that show it",
                wanted=f"at least {fault.expect}",
                remedy="The agency may have mended it: remove the fault from its YAML, or lower `expect`.",
            )


# outcome -----------------------------------------------------------------------------------------


def _compare(source: Source, period: Period, delivery_id: str, connection: Connection) -> None:
    """Note what a newer version changed against the accepted one before it."""
    every = warehouse.read("staging/deliveries.sql", year=period.year, phase=period.phase, source_code=source.code)
    before = every[(every["status"] == "accepted") & (every["delivery_id"] != delivery_id)]
    if before.empty:
        return
    against = str(before["delivery_id"].iloc[-1])
    statement = sa.text(forms.change_statement(source.its_form))
    row = dict(connection.execute(statement, {"delivery_id": delivery_id, "against": against}).mappings().one())
    counts = {name: row.pop(name) for name in ("added_count", "gone_count", "altered_count")}
    altered = {name: int(count) for name, count in row.items() if count}
    change = {"delivery_id": delivery_id, "against_delivery_id": against, **counts}
    change["altered_columns"] = json.dumps(altered, ensure_ascii=False)
    warehouse.replace("staging.delivery_change", {"delivery_id": delivery_id}, pd.DataFrame([change]), connection)


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


def _show(source: Source, period: Period, delivery: pd.Series, judgements: list[Judgement]) -> None:
    text = (
        f"## {source.agency_name} · {source.form} · {period}\n\n"
        f"{_whole(delivery['row_count']):,} rows, {_whole(delivery['rejected_row_count']):,} given back with a reason."
        f" {delivery['notes'] or ''}\n\n" + "\n\n".join(judgement.markdown() for judgement in judgements)
    )
    create_markdown_artifact(key=f"validation-{source.code.lower().replace('_', '-')}", markdown=text)
