"""The operator's and the auditor's door to the draw: `payesh sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from methods.errors import SettingWrong
from payesh import terminal

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Commit to the seed of a draw, draw again from its certificate, and release its reserve.\n\nA draw can be"
        " repeated from what is published: certificate, frame and list lie in var/certificates/<year>-<phase>/."
    ),
)

Year = Annotated[int, typer.Argument(help="Jalali year, such as 1403.")]
Phase = Annotated[int, typer.Option(help="Phase of the year, 1 or 2.")]


@app.command()
def commit(
    year: Year,
    phase: Phase = 1,
    seed_file: Annotated[
        Path | None, typer.Option(help="A file whose text is the seed, of a public lottery say. Default: drawn by lot.")
    ] = None,
) -> None:
    """Commit to the seed of a round: its SHA-256 is published now, the seed itself with the certificate.

    Committing again changes nothing; another seed for the same round is refused.
    """
    period = terminal.checked_period(year, phase)
    seed = _seed_text(seed_file)
    with terminal.warehouse_open():
        from tasks import sample

        sample.commit(period, seed)
        digest = sample.committed_hash(period)
    typer.echo(f"{period}: SHA-256 of the seed {digest}")


@app.command()
def verify(
    certificate: Annotated[Path, typer.Argument(help="draw_certificate.json; frame.csv.gz is looked for beside it.")],
    files_only: Annotated[
        bool, typer.Option("--files-only", help="Use the files beside it alone; for an auditor without the warehouse.")
    ] = False,
) -> None:
    """Draw again from the frozen frame, and say that the draw is identical, or where it is not.

    Exit code 0: identical; 1: it differs, or could not be drawn again.
    """
    with terminal.refusals() if files_only else terminal.warehouse_open():
        from tasks import sample

        found = sample.verify(certificate, with_store=not files_only)
        for name in sample.not_at_hand(certificate):
            typer.echo(f"not held against it: {name}, which does not lie beside the certificate", err=True)
    if not found:
        typer.echo(f"identical: {certificate} draws the same plans, with the same probabilities")
        return
    for difference in found:
        typer.echo(f"differs: {difference}", err=True)
    raise typer.Exit(terminal.FAILED)


@app.command()
def reserve(
    year: Year,
    phase: Phase = 1,
    format: Annotated[terminal.Format, typer.Option(help="How the rows are written.")] = terminal.Format.table,
) -> None:
    """Show what stands in reserve by stratum, beside the plans listed there and those that were visited."""
    period = terminal.checked_period(year, phase)
    with terminal.warehouse_open():
        from tasks import sample

        state = sample.reserve_state(period)
    if state.empty:
        typer.echo(f"{period}: no reserve stands behind the list")
        return
    terminal.print_rows(state, format)


@app.command()
def release(
    year: Year,
    counts: Annotated[
        list[str],
        typer.Argument(metavar="STRATUM=COUNT...", help="Plans of a stratum that are out in all, such as 0101=3."),
    ],
    phase: Phase = 1,
) -> None:
    """Release plans of the reserve to inspectors, in the order they were drawn in.

    Released plans replace nobody: they join the list, every plan of the stratum has then the probability
    (n + released) / N, and who cannot be reached still counts. COUNT is of all that are out, so releasing again
    changes nothing; none is taken back. Work lists are written anew, `payesh field push` takes them to the phones.
    """
    period = terminal.checked_period(year, phase)
    asked = dict(_stratum_count(text) for text in counts)
    with terminal.warehouse_open():
        from tasks import assignment, handout, sample

        released = sample.release_reserve(period, asked)
        given, left = assignment.assign_released(period)
        sample.write_lists(period)
        typer.echo(f"{period}: {released:,} plans released, {given:,} given to inspectors")
        for plan in left.to_dict("records"):
            typer.echo(f"nobody may inspect {plan['plan_id']}: {plan['detail']}", err=True)
        handout.hand_out(period, terminal.say)


def _stratum_count(text: str) -> tuple[str, int]:
    code, _, count = text.partition("=")
    if not code or not count.isascii() or not count.isdigit():
        raise typer.BadParameter(
            str(SettingWrong(place="STRATUM=COUNT", found=text, wanted="a stratum and a whole number, such as 0101=3"))
        )
    return code, int(count)


def _seed_text(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path}: {error}") from error
    if len(text) < 16:
        raise typer.BadParameter(
            str(SettingWrong(place=str(path), found=f"a seed of {len(text)} characters", wanted="at least 16"))
        )
    return text
