"""The operator's door to delivery: `payesh deliver`, and what `payesh status` says of it."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from methods.period import Period
from payesh import terminal

MOST_LINES = 20


def deliver(
    year: Annotated[int, typer.Argument(help="Jalali year, such as 1403.")],
    phase: Annotated[int, typer.Option(help="Phase of the year, 1 or 2.")] = 1,
    cutoff: Annotated[
        datetime.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Cut-off of the edition (2025-10-14). Default: the newest that is printed."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--send", help="Print who would get what, or send it. Default: print.")
    ] = True,
    resend: Annotated[
        bool, typer.Option("--resend", help="Send again what was refused, came back, or may not have arrived.")
    ] = False,
    to: Annotated[list[str] | None, typer.Option(help="Only to this address; may be given again.")] = None,
    log: Annotated[
        bool, typer.Option("--log", help="Print who got what and what was answered, with hashes of the files, as CSV.")
    ] = False,
) -> None:
    """Send an edition by e-mail to the lists of recipients, each message once.

    Who gets what stands in the file that PAYESH_RECIPIENTS names; the mail server in PAYESH_SMTP_URL and
    PAYESH_SMTP_FROM. Sending again sends nothing twice: what failed for now is tried when its time has come. A message
    during which a run was cut off may have arrived; it goes out again only with --resend.
    """
    period, day = terminal.checked_period(year, phase), cutoff.date() if cutoff else None
    if log or dry_run:
        with terminal.warehouse_open():
            (_print_log if log else _print_preview)(period, day)
    else:
        _send(period, day, resend, tuple(to or ()))


def _print_log(period: Period, cutoff: datetime.date | None) -> None:
    from tasks import delivery
    from tasks.edges import warehouse

    settled = delivery.settled_cutoff(period, cutoff)
    rows = warehouse.read("bulletin/outbox_log.sql", year=period.year, phase=period.phase, cutoff=settled)
    sys.stdout.write(rows.to_csv(index=False))


def _print_preview(period: Period, cutoff: datetime.date | None) -> None:
    from tasks import delivery
    from tasks.edges import recipients

    settled = delivery.settled_cutoff(period, cutoff)
    rows = delivery.preview(period, settled)
    if recipients.is_example():
        typer.echo("The recipients are those of the example; PAYESH_RECIPIENTS names your own.")
    typer.echo(f"Edition {period} {settled}; nothing is sent without --send:\n{rows.to_string(index=False)}")


def _send(period: Period, cutoff: datetime.date | None, resend: bool, only: tuple[str, ...]) -> None:
    from payesh import progress

    with terminal.refusals(), terminal.stack_running(), progress.shown(terminal.say):
        from flows.deliver import deliver as flow

        counts = flow(period.year, period.phase, cutoff, resend, only)
        terminal.say(", ".join(f"{count:,} {state}" for state, count in counts.items()) or "nobody is to get it yet")


def troubles() -> Iterator[str]:
    """Say which messages did not arrive, or may not have, where the warehouse runs and knows of any."""
    from payesh import stack

    if not stack.adopt():
        return
    from sqlalchemy.exc import OperationalError

    from tasks.edges import warehouse

    try:
        is_there = warehouse.read("select to_regclass('bulletin.outbox_state') is not null as is_there")
        rows = warehouse.read("bulletin/outbox_trouble.sql") if is_there["is_there"].iloc[0] else is_there.iloc[:0]
    except OperationalError:
        return
    for row in rows.head(MOST_LINES).to_dict("records"):
        edition = f"{row['year']}-{row['phase']} {row['cutoff']}"
        whose = f"{row['recipient']} ({row['role']} {row['unit_code']})"
        yield f"mail        {row['state']:>8}  {edition} to {whose}: {row['answer'] or 'on its way'}"
    if len(rows) > MOST_LINES:
        yield f"mail        {len(rows) - MOST_LINES:>8}  more; `payesh deliver YEAR --log` lists all"
