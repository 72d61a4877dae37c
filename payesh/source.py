"""The operator's door to sources: `payesh source`."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from methods import persian
from methods.errors import Refusal, SettingWrong
from methods.period import Period
from payesh import proposal, terminal
from tasks.edges import forms, reading, sources
from tasks.edges.forms import Form
from tasks.edges.readings import Reading
from tasks.edges.sources import Source

if TYPE_CHECKING:
    import pandas as pd

TRIAL = "TRY_"
EXAMPLES = 3
SAMPLE_ROWS = 500

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


@app.command()
def new(
    sample: Annotated[Path, typer.Argument(help="A file the agency has sent, of any format.")],
    code: Annotated[str, typer.Option(help="Code of the source, such as A01.")],
    form: Annotated[str, typer.Option(help="Form it delivers: a name of reference/forms.")] = "loan_plan",
    agency_name: Annotated[str, typer.Option(help="Name of the agency, as printed.")] = "",
    year: Annotated[int, typer.Option(help="First Jalali year it delivers.")] = 1403,
    out: Annotated[Path | None, typer.Option(help="Where to write. Default: sources/CODE.yaml.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take every proposal, ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the YAML of a new source from a sample file.

    Proposes a header for each column by its name and by what its cells hold, and asks for what cannot be
    told: doubtful headers, the unit of money, the codes of choices. Exit 1 if a required column has none.
    """
    with terminal.refusals():
        if not re.match(sources.CODE, code):
            raise SettingWrong(place="--code", found=repr(code), wanted="capital letters, digits and _, such as A01")
        target = out or Path("sources") / f"{code}.yaml"
        if target.exists() and not force:
            raise SettingWrong(place=str(target), found="a file", wanted="none yet", remedy="Use --force or --out.")
        document, missing = _drafted(sample, code, form, agency_name or code, year, yes)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_with_comments(document, sample, missing), encoding="utf-8")
    typer.echo(f"{target} written. Next: correct `pull`, then `payesh source check {target}` and `try`.")
    if missing:
        typer.echo(f"payesh: {target}: found no header for {', '.join(missing)}; wanted one each.", err=True)
        raise typer.Exit(terminal.FAILED)


def _drafted(
    sample: Path, code: str, form_name: str, agency_name: str, year: int, yes: bool
) -> tuple[dict[str, Any], list[str]]:
    form = forms.load_all().get(form_name)
    if form is None:
        raise SettingWrong(place="--form", found=form_name, wanted=f"one of {', '.join(forms.load_all())}")
    if not sample.is_file():
        raise SettingWrong(place=str(sample), found="no file", wanted="a file the agency has sent")
    words = [column.label_fa for column in form.columns.values()]
    words += [header for source in sources.load_all().values() for header in source.columns.values()]
    with reading.open_table(str(sample), sample, sample.name, Reading(), persian.conform, words) as table:
        rows = list(islice(table.rows, SAMPLE_ROWS))
        header, notes = table.header, table.notes
    typer.echo(f"{sample.name}: {len(header)} columns; {'; '.join(notes) or 'nothing unusual'}")
    # A row of the sample may be shorter than its header.
    rows = [[*row, *[None] * (len(header) - len(row))] for row in rows]
    columns = _settled_columns(form, header, rows, yes)
    cells = {name: [row[header.index(found)] or "" for row in rows] for name, found in columns.items()}
    document = {
        "code": code, "agency_code": code, "agency_name": agency_name, "form": form_name,
        "years": {"from": year, "to": year},
        "pull": {"kind": "file", "address": f"{{inbox}}/{code}/{{year}}/{sample.name}"},
        "columns": columns, "ignored_columns": [name for name in header if name and name not in columns.values()],
        "units": _settled_units(form, columns, cells, yes), "codes": _settled_codes(form, cells, yes),
    }  # fmt: skip
    missing = [name for name, column in form.columns.items() if column.required and name not in columns]
    return {name: value for name, value in document.items() if value}, missing


def _settled_columns(form: Form, header: list[str], rows: list[Any], yes: bool) -> dict[str, str]:
    proposed = proposal.match_headers(form, header, rows)
    columns = {}
    for name, column in form.columns.items():
        match = proposed.get(name)
        said = f"{match.header} ({match.score:.0f} of 100)" if match else "nothing"
        typer.echo(f"  {name} ({column.label_fa}): {said}")
        settled = match.header if match else ""
        if not yes and not (match and match.is_sure):
            settled = _asked(f"header of {name}, empty for none", ["", *header], settled)
        if settled:
            columns[name] = settled
    return columns


def _asked(question: str, allowed: Collection[str], proposed: str) -> str:
    """Ask until the answer is one of those allowed."""
    while True:
        said: str = typer.prompt(f"    {question}", default=proposed, show_default=bool(proposed))
        if said in allowed:
            return said
        typer.echo(f"    found {said!r}; wanted one of {', '.join(filter(None, allowed))}")


def _settled_units(form: Form, columns: dict[str, str], cells: dict[str, list[str]], yes: bool) -> dict[str, str]:
    units: dict[str, str] = {}
    for name, found in cells.items():
        if form.columns[name].kind == "money":
            unit: str = proposal.propose_unit(columns[name], found)
            units[name] = unit if yes else _asked(f"unit of {name} ({', '.join(sources.RIAL)})", sources.RIAL, unit)
    return units


def _settled_codes(form: Form, cells: dict[str, list[str]], yes: bool) -> dict[str, dict[str, str]]:
    codes = {}
    for name, found in cells.items():
        if not form.columns[name].choices:
            continue
        known = proposal.propose_codes(form.columns[name], found)
        for text in sorted({cell.strip() for cell in found if cell.strip()} - set(known)):
            if yes:
                typer.echo(f"    {name} {text!r}: no code proposed")
                continue
            allowed = ", ".join(form.columns[name].choices)
            said = _asked(f"{name} {text!r} means ({allowed}), empty for none", ["", *form.columns[name].choices], "")
            if said:
                known[text] = said
        codes[name] = known
    return {name: known for name, known in codes.items() if known}


def _with_comments(document: dict[str, Any], sample: Path, missing: list[str]) -> str:
    lines = [f"# Drafted from {sample.name}: check the address, the units and the codes."]
    lines += [f"# Not found in the sample: {name}, which the form requires." for name in missing]
    return "\n".join(lines) + "\n" + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)


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
    with terminal.refusals():
        period = Period(year, phase)
        source = _load(file).at(period)
        with terminal.stack_running():
            from tasks import reference

            reference.load()
            accepted = _tried(source, period)
    if not accepted:
        raise typer.Exit(terminal.FAILED)


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
            judgements = staging.judge(trial, period, delivery_id)
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
