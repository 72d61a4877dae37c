"""The operator's door to sources: `payesh source`."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from methods.errors import Refusal, SettingWrong
from methods.period import Period
from tasks.edges import sources
from tasks.edges.sources import Source

if TYPE_CHECKING:
    import pandas as pd

TRIAL = "TRY_"
EXAMPLES = 3

app = typer.Typer(
    no_args_is_help=True,
    help="Check a source's YAML, and try it without storing anything. What a YAML may say: `payesh source schema`.",
)


@app.command()
def check(files: Annotated[list[Path], typer.Argument(help="YAML files, such as sources/P01.yaml.")]) -> None:
    """Check source YAMLs: readable, of a known form, every required column mapped; each code used once."""
    found: list[Source] = []
    is_wrong = False
    for file in files:
        try:
            source = _load(file)
        except Refusal as refusal:
            typer.echo(f"payesh: {refusal}", err=True)
            is_wrong = True
            continue
        found.append(source)
        typer.echo(
            f"{file}: ok: {source.code}, {source.form}, {len(source.columns)} columns, {len(source.changes)} changes"
        )
    for code, count in Counter(source.code for source in found).items():
        if count > 1:
            typer.echo(f"payesh: code: found {code} in {count} files; wanted one YAML a source.", err=True)
            is_wrong = True
    if is_wrong:
        raise typer.Exit(2)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a source YAML, for editors; sources/source.schema.json is this."""
    typer.echo(json.dumps(sources.schema(), ensure_ascii=False, indent=1))


@app.command(name="try")
def try_source(
    file: Annotated[Path, typer.Argument(help="YAML of the source, such as sources/P01.yaml.")],
    year: Annotated[int, typer.Option(help="Jalali year to pull.")] = 1403,
    phase: Annotated[int, typer.Option(help="Phase of the year, 1 or 2.")] = 1,
) -> None:
    """Pull a source and validate what comes, without storing any of it.

    Prints what was found out, the rows given back by reason with examples, and each expectation.
    Exit 0 if the delivery would be accepted, 1 if it would be refused.
    """
    from payesh import cli

    with cli._refusals():
        period = Period(year, phase)
        source = _load(file).at(period)
        with cli._stack():
            from tasks import reference

            reference.load()
            accepted = _tried(source, period)
    if not accepted:
        raise typer.Exit(cli.FAILED)


def _load(file: Path) -> Source:
    if not file.is_file():
        raise SettingWrong(place=str(file), found="no file", wanted="the YAML of a source")
    return sources.load(file)


def _tried(source: Source, period: Period) -> bool:
    from tasks import landing, staging
    from tasks.edges import deliveries, register, warehouse

    with _trial(source) as trial, deliveries.received(trial, period) as fetched:
        deliveries.keep(fetched)
        landing.note_delivery(trial, period, fetched)
        try:
            delivery = register.required_delivery(trial.code, period)
            delivery_id = str(delivery["delivery_id"])
            landing.land(trial, delivery)
            staging.conform(trial, period, delivery_id)
            judgements = staging.judge(trial, delivery_id)
            delivery = register.required_delivery(trial.code, period)
            reasons = warehouse.read("staging/reject_reason.sql", delivery_id=delivery_id)
            examples = warehouse.read("staging/reject_example.sql", delivery_id=delivery_id, example_count=EXAMPLES)
        finally:
            if _is_only_here(fetched.sha256, trial.code):
                deliveries.archived(fetched.sha256).unlink(missing_ok=True)
    _say_rows(fetched.file_name, delivery, reasons, examples)
    for judgement in judgements:
        for finding in judgement.findings:
            mark = "met    " if finding.is_success else "NOT MET"
            typer.echo(f"  {mark} {finding.severity:<8} {finding.rule}: {finding.observed}")
    is_accepted = not any(judgement.critical for judgement in judgements)
    typer.echo(
        "It would be accepted. Nothing was stored." if is_accepted else "It would be REFUSED. Nothing was stored."
    )
    return is_accepted


@contextmanager
def _trial(source: Source) -> Iterator[Source]:
    """Lend a source a code of its own, and remove all that was written under it."""
    import pandas as pd

    from tasks.edges import warehouse

    # A process of its own may try the same source at the same time.
    trial = source.model_copy(update={"code": f"{TRIAL}{source.code}_{os.getpid()}"})
    row = {"source_code": trial.code, "agency_code": trial.agency_code, "agency_name": trial.agency_name}
    warehouse.upsert_reference("source", pd.DataFrame([row | {"form": trial.form, "is_rehearsal": True}]))
    try:
        yield trial
    finally:
        warehouse.forget_trial(trial.code, trial.form)


def _is_only_here(sha256: str, code: str) -> bool:
    from tasks.edges import warehouse

    same = warehouse.read("landing/same_bytes.sql", sha256=sha256)
    return bool((same["source_code"] == code).all())


def _say_rows(file_name: str, delivery: pd.Series, reasons: pd.DataFrame, examples: pd.DataFrame) -> None:
    typer.echo(f"{file_name}: {delivery['notes'] or 'read as its YAML says'}")
    typer.echo(f"{int(delivery['row_count']):,} rows, {int(delivery['rejected_row_count']):,} given back")
    for reason in reasons.to_dict("records"):
        typer.echo(f"  {reason['reason_code']}: {int(reason['row_count']):,} rows")
        for example in examples[examples["reason_code"] == reason["reason_code"]].to_dict("records"):
            typer.echo(f"    row {example['row_number']}, {example['column_name']}: {example['found']}")
