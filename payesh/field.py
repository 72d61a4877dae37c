"""The operator's door to the field: `payesh field`."""

from __future__ import annotations

from typing import Annotated

import typer

from methods.errors import SettingWrong
from payesh import terminal
from tasks.edges import sources

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Work lists of the inspectors, on screen, on paper and on their phones.\n\nThey follow from an issued sample:"
        " `payesh prepare` writes the workbooks itself; here they are written again, printed, and pushed."
    ),
)

Year = Annotated[int, typer.Option(help="Jalali year, such as 1403.")]
Phase = Annotated[int, typer.Option(help="Phase of the year, 1 or 2.")]


@app.command()
def lists(year: Year, phase: Phase = 1) -> None:
    """Write the work lists of an issued sample, and the form of the inspectors' phones.

    In PAYESH_HOME, outbox/1403-1/work-lists/FIRM/INSPECTOR.xlsx: his plans in the order of a short route, with
    drop-downs to note what he found. In outbox/1403-1/xlsform/LEVEL: visit.xlsx (XLSForm) and plans.csv, which is
    attached to it. What was printed before is removed, since it may be another list.
    """
    period = terminal.checked_period(year, phase)
    with terminal.warehouse_open():
        from tasks import handout

        handout.hand_out(period, terminal.say, again=True)


@app.command(name="print")
def print_lists(
    year: Year,
    phase: Phase = 1,
    firm: Annotated[str | None, typer.Option(help="Only the lists of this firm, by code. Default: all.")] = None,
) -> None:
    """Print the work lists of an issued sample as PDF, with a QR code a plan.

    They stand beside the workbooks: outbox/1403-1/work-lists/FIRM/INSPECTOR.pdf. Two processes print at a time.
    """
    period = terminal.checked_period(year, phase)
    with terminal.warehouse_open():
        from tasks import handout

        count = handout.print_lists(period, firm, terminal.say)
    typer.echo(f"{count:,} work lists of {period} printed")


@app.command()
def push(
    year: Year,
    source: Annotated[str, typer.Option(help="Code of the source whose YAML has a `push` block, such as FIELD.")],
    phase: Phase = 1,
) -> None:
    """Push form and list of plans to ODK Central or KoboToolbox, as the source's YAML says.

    Pushing again does nothing unless form or list have changed; then phones get the new version. The answers come
    back by `payesh pull`. Exit 1 if the server refuses or does not answer, 2 if the YAML says nothing of pushing.
    """
    period = terminal.checked_period(year, phase)
    with terminal.refusals():
        known = sources.load_all()
        if source not in known:
            raise SettingWrong(place="--source", found=source, wanted=f"one of {', '.join(known)}")
        with terminal.warehouse_open():
            from tasks import handout

            handout.push_form(period, known[source].at(period), terminal.say)
