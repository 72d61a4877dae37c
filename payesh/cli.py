"""The operator's door: `payesh`."""

from __future__ import annotations

import datetime
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from methods.errors import SettingWrong
from methods.period import Period
from payesh import delivery, estimate, field, sample, source
from payesh.terminal import (
    FAILED,
    INTERRUPTED,
    QUIET,
    USED_WRONGLY,
    Format,
    checked_date,
    checked_period,
    fail,
    print_rows,
    refusals,
    say,
    stack_running,
    warehouse_open,
)
from tasks.edges.settings import settings

FIGURE_COLUMNS = (
    "year", "phase", "cutoff", "indicator", "basis", "level", "unit_code", "unit_name", "domain", "weight",
    "numerator", "denominator", "exclusions", "n", "estimate", "standard_error", "lower", "upper",
    "quality", "method", "guideline",
)  # fmt: skip
app = typer.Typer(
    name="payesh",
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "Payesh runs an employment-monitoring programme: it pulls what agencies deliver, validates it, draws and"
        " issues an inspection sample, takes the visits back, estimates, opens cases, scores agencies and prints"
        " bulletins.\n\nBegin with `payesh demo`. Everything generated lies in PAYESH_HOME (default: var/)."
    ),
)


app.add_typer(source.app, name="source")
app.add_typer(sample.app, name="sample")
app.add_typer(field.app, name="field")
app.command()(estimate.reconcile)
app.command()(delivery.deliver)


class Scale(StrEnum):
    """Size of the rehearsal."""

    full = "full"
    small = "small"
    off = "off"


class Level(StrEnum):
    """Level of a figure."""

    nation = "nation"
    province = "province"
    county = "county"


class Unit(StrEnum):
    """Whose progress is shown."""

    nation = "nation"
    province = "province"
    firm = "firm"


Year = Annotated[int, typer.Argument(help="Jalali year, such as 1403.")]
Phase = Annotated[int, typer.Option(help="Phase of the year, 1 or 2.")]
Cutoff = Annotated[
    str | None,
    typer.Option(help="Use deliveries received up to this day (2025-10-14). Default: the day the last one came in."),
]
Without = Annotated[
    list[str] | None, typer.Option(help="Leave this source out on purpose, by code; may be given again.")
]
ScaleOption = Annotated[
    Scale | None,
    typer.Option(help="Size of the rehearsal ministry; off: real sources only. Default: as last used, else full."),
]


@app.command()
def demo(
    year: Annotated[int, typer.Option(help="Jalali year to rehearse, 1401 to 1404.")] = 1403,
    scale: ScaleOption = None,
) -> None:
    """Rehearse a whole year: start the stack, stage the rehearsal ministry, run every stage, print bulletins.

    Run again, it takes up what is there and ends with the same figures.
    """
    period = checked_period(year, 1)
    with _work():
        _run_full(period, scale, None, ())
        _summary(period)


@app.command()
def run(
    year: Year, phase: Phase = 1, cutoff: Cutoff = None, without: Without = None, scale: ScaleOption = None
) -> None:
    """Take a year through all nine stages, from its sources to its bulletins."""
    period, day = checked_period(year, phase), checked_date(cutoff)
    with _work():
        _run_full(period, scale, day, tuple(without or ()))
        _summary(period)


@app.command()
def backfill(
    years: Annotated[list[int], typer.Argument(help="Jalali years, such as 1401 1402.")],
    phase: Phase = 1,
    scale: ScaleOption = None,
) -> None:
    """Run past years one after the other; a year that fails does not stop the next."""
    periods = [checked_period(year, phase) for year in years]
    with _work(), _rehearsed(periods, scale):
        from flows.backfill import backfill as flow

        flow(years, phase)
        for period in periods:
            _summary(period)


@app.command()
def pull(year: Year, phase: Phase = 1, without: Without = None, scale: ScaleOption = None) -> None:
    """Take in what every source of a year delivers, and accept or refuse it."""
    period = checked_period(year, phase)
    with _work(), _rehearsed([period], scale):
        from flows.pull import pull as flow

        flow(year, phase, tuple(without or ()))


@app.command()
def prepare(year: Year, phase: Phase = 1, without: Without = None, scale: ScaleOption = None) -> None:
    """Take accepted deliveries to an issued inspection sample."""
    period = checked_period(year, phase)
    with _work(), _rehearsed([period], scale):
        from flows.prepare import prepare as flow

        flow(year, phase, tuple(without or ()))


@app.command()
def collect(year: Year, phase: Phase = 1, cutoff: Cutoff = None, scale: ScaleOption = None) -> None:
    """Take the inspections back and give the verdicts."""
    period, day = checked_period(year, phase), checked_date(cutoff)
    with _work(), _rehearsed([period], scale):
        from flows.collect import collect as flow

        flow(year, phase, day)


@app.command()
def publish(year: Year, phase: Phase = 1, cutoff: Cutoff = None, scale: ScaleOption = None) -> None:
    """Turn verdicts into figures, cases, scorecards and bulletins."""
    period, day = checked_period(year, phase), checked_date(cutoff)
    with _work(), _rehearsed([period], scale):
        from flows.publish import publish as flow

        flow(year, phase, day)
        _summary(period)


@app.command()
def figures(
    year: Annotated[int, typer.Option(help="Jalali year, such as 1403.")],
    phase: Phase = 1,
    cutoff: Cutoff = None,
    level: Annotated[Level | None, typer.Option(help="Only this level.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only this unit: IR, a province 03, a county 0301.")] = None,
    indicator: Annotated[str | None, typer.Option(help="Only this indicator, such as accuracy_rate.")] = None,
    format: Annotated[Format, typer.Option(help="How to write them.")] = Format.table,
) -> None:
    """Print figures with all they rest on: numerator, denominator, n, interval, method, guideline."""
    period, day = checked_period(year, phase), checked_date(cutoff)
    with warehouse_open():
        from tasks.edges import figures as stored

        rows = stored.read(year, phase, day, level, unit, indicator)
        if rows.empty:
            raise SettingWrong(
                place=f"figures of {period}",
                found="none that fit",
                wanted="a period that has been run, and codes of reference/indicators.yaml",
                remedy=f"Run `payesh run {year}`.",
            )
        print_rows(rows[list(FIGURE_COLUMNS)], format)


@app.command()
def progress(
    year: Annotated[int, typer.Option(help="Jalali year, such as 1403.")],
    phase: Phase = 1,
    cutoff: Cutoff = None,
    by: Annotated[
        Unit, typer.Option(help="Whose progress: the nation's, each province's or each firm's.")
    ] = Unit.province,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.table,
) -> None:
    """Print how far the field is: plans issued, assigned, attempted, visited, decided, overdue and reassigned."""
    period, day = checked_period(year, phase), checked_date(cutoff)
    with warehouse_open():
        from tasks.edges import progress as stored

        rows = stored.read(year, phase, day, by.value)
        if rows.empty:
            raise SettingWrong(
                place=f"progress of {period}",
                found="nothing recorded",
                wanted="a period whose visits have been collected",
                remedy=f"Run `payesh collect {year}`.",
            )
        print_rows(rows[["year", "phase", "cutoff", *stored.SHOWN]], format)


@app.command()
def site(
    into: Annotated[Path | None, typer.Option(help="Folder that becomes the site. Default: var/site.")] = None,
) -> None:
    """Build the site of every printed edition: plain files, for any web server or to open from disk."""
    with refusals():
        from tasks.edges.settings import settings
        from tasks.site import build_site

        folder = (into or settings().site).resolve()
        editions = build_site(folder, say)
        say(f"{len(editions)} edition{'' if len(editions) == 1 else 's'}: {folder / 'index.html'}")


@app.command()
def up() -> None:
    """Start PostgreSQL, the Prefect server and a worker, and deploy prefect.yaml; they stay until `payesh down`."""
    from payesh import stack

    with refusals():
        os.environ.update(QUIET)
        # The worker's runs follow the guidelines of the rehearsal that lies here.
        _use_guidelines_of(_remembered_scale() or Scale.full)
        stack.up(say)
        say(f"Prefect UI: {stack.ui_address()}")
        say("`payesh down` (or `make down`) stops all of it.")


@app.command()
def down() -> None:
    """Stop every part of the stack, also what a killed command left behind."""
    from payesh import stack

    with refusals():
        stack.down(say)


@app.command()
def status() -> None:
    """Show which parts of the stack run, and where; and which mail did not arrive."""
    from payesh import stack

    with refusals():
        for part in stack.parts():
            typer.echo(f"{part.name:<11} {part.pid or '-':>8}  {part.address}")
        for line in delivery.troubles():
            typer.echo(line)


@app.command()
def doctor() -> None:
    """Check what Payesh needs on this machine, and say how to mend what is missing."""
    from payesh import checkup

    results = checkup.examine()
    for result in results:
        typer.echo(f"{'ok     ' if result.is_ok else 'PROBLEM'} {result.name}: {result.found}")
        if not result.is_ok:
            typer.echo(f"        {result.remedy}")
    if not all(result.is_ok for result in results):
        raise typer.Exit(FAILED)


def main() -> None:
    """Entry point of the console script."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(args=sys.argv[1:] or ["--help"], prog_name="payesh", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except TyperException as error:
        fail(f"{error.format_message().splitlines()[0].rstrip('.')}. See `payesh --help`.", USED_WRONGLY)
    if code == INTERRUPTED:
        typer.echo("payesh: interrupted; what was accepted is kept, run again to go on", err=True)
    sys.exit(code or 0)


# work --------------------------------------------------------------------------------------------


def _run_full(period: Period, scale: Scale | None, cutoff: datetime.date | None, without: tuple[str, ...]) -> None:
    with _rehearsed([period], scale):
        from flows.full_run import full_run

        full_run(period.year, period.phase, cutoff, without)


@contextmanager
def _work() -> Iterator[None]:
    from payesh import stack

    with refusals(), stack_running():
        say(f"Prefect UI: {stack.ui_address()}")
        yield


@contextmanager
def _rehearsed(periods: list[Period], scale: Scale | None) -> Iterator[None]:
    """Have the rehearsal ministry deliver, unless it is off, and show progress."""
    from payesh import progress

    settled = _settled_scale(scale)
    if settled is not Scale.off:
        from demo import ministry

        for period in periods:
            say(f"staging what the rehearsal ministry delivers for {period.year} ({settled})")
            ministry.stage(settings().home, period.year, settled.value)
        _use_guidelines_of(settled)
    with progress.shown(say):
        yield


def _settled_scale(asked: Scale | None) -> Scale:
    before = _remembered_scale()
    settled = asked or before or Scale(os.environ.get("PAYESH_REHEARSAL") or Scale.full)
    if before is not None and settled is not before:
        raise SettingWrong(
            place="--scale",
            found=settled.value,
            wanted=f"{before.value}, at which {settings().home} was rehearsed",
            remedy="Use that, or set PAYESH_HOME to another folder.",
        )
    _scale_file().parent.mkdir(parents=True, exist_ok=True)
    _scale_file().write_text(settled.value)
    return settled


def _remembered_scale() -> Scale | None:
    return Scale(_scale_file().read_text().strip()) if _scale_file().exists() else None


def _scale_file() -> Path:
    return settings().home / "rehearsal" / "scale"


def _use_guidelines_of(scale: Scale) -> None:
    folder = settings().root / "demo" / "scenarios" / scale.value / "guidelines"
    folders = [str(path) for path in settings().guideline_folders]
    if folder.exists() and str(folder) not in folders:
        os.environ["PAYESH_GUIDELINES"] = os.pathsep.join([str(folder), *folders])


def _summary(period: Period) -> None:
    from payesh import stack
    from tasks.edges import figures as stored

    rows = stored.read(period.year, period.phase, level="nation")
    rows = rows[(rows["basis"] == "counted") & (rows["domain"] == "all")].set_index("indicator")
    if rows.empty:
        return
    say(f"\nFigures of {period} at the cut-off {rows['cutoff'].iloc[0]}:")
    for indicator in ("supervised_plan_count", "decided_plan_count", "confirmed_plan_count"):
        say(f"  {indicator:<26} {rows['estimate'][indicator]:>10,.0f}")
    for indicator in ("crude_confirmation_rate", "accuracy_rate"):
        parts = f"{rows['numerator'][indicator]:,.0f} of {rows['denominator'][indicator]:,.0f}"
        say(f"  {indicator:<26} {rows['estimate'][indicator]:>10.2%}  ({parts})")
    folder = settings().bulletins / str(period.year) / str(period.phase) / str(rows["cutoff"].iloc[0])
    if folder.exists():
        say(f"Bulletins: {folder}")
    say(f"Prefect UI: {stack.ui_address()} (if it has been stopped, `make up` opens it again)")


def _interrupt(number: int, frame: Any) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
