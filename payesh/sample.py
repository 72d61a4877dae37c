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
        "Commit to the seed of a draw, and draw again from its certificate.\n\nA draw can be repeated from what is"
        " published: certificate, frame and list lie in var/certificates/<year>-<phase>/."
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
