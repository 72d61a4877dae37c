"""What every command shares: how it speaks, how it refuses, and how it has the warehouse at hand."""

from __future__ import annotations

import datetime
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

import typer

from methods.errors import BadPeriod, GuidelineMissing, Refusal, SettingWrong
from methods.period import Period
from tasks.edges.settings import settings

if TYPE_CHECKING:
    import pandas as pd

USED_WRONGLY, FAILED, INTERRUPTED = 2, 1, 130
# Prefect's log goes to its server; the terminal shows progress in our own lines.
QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_CLI_PROMPT": "false",
}


class Format(StrEnum):
    """How figures are written."""

    table = "table"
    json = "json"
    csv = "csv"


def say(line: str) -> None:
    """Tell the operator what goes on, at once."""
    typer.echo(line)
    sys.stdout.flush()


def fail(message: str, code: int) -> NoReturn:
    """End with one line on standard error, and an exit code."""
    typer.echo(f"payesh: {message}", err=True)
    sys.exit(code)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal into one line and an exit code; keep the traceback of anything else in the log."""
    try:
        yield
    except (SettingWrong, BadPeriod, GuidelineMissing) as refusal:
        fail(str(refusal), USED_WRONGLY)
    except Refusal as refusal:
        fail(str(refusal), FAILED)
    except (typer.Exit, typer.Abort, KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        log = settings().home / "log" / "payesh.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.datetime.now(datetime.UTC).isoformat()}\n{traceback.format_exc()}\n")
        reason = str(error).strip().splitlines()
        fail(f"{type(error).__name__}: {reason[0] if reason else 'no message'} (traceback: {log})", FAILED)


def checked_period(year: int, phase: int) -> Period:
    """Read a period from the command line; one that is none ends in one line."""
    try:
        return Period(year, phase)
    except BadPeriod as refusal:
        fail(str(refusal), USED_WRONGLY)


def checked_date(text: str | None) -> datetime.date | None:
    """Read a cut-off from the command line; one that is none ends in one line."""
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        fail(f"--cutoff: found {text!r}; wanted a date such as 2025-10-14.", USED_WRONGLY)


@contextmanager
def warehouse_open() -> Iterator[None]:
    """Have the warehouse at hand, quietly, with its schema up to date; a refusal ends in one line."""
    with refusals(), stack_running(quiet=True):
        from tasks.edges import warehouse

        warehouse.migrate()
        yield


@contextmanager
def stack_running(quiet: bool = False) -> Iterator[None]:
    """Have the stack run, and stop what was started for it; quietly, one that runs is used as it is."""
    from payesh import stack

    os.environ.update({key: value for key, value in QUIET.items() if key not in os.environ})
    if quiet and stack.adopt():
        yield
        return
    with stack.running(_silent if quiet else say):
        yield


def print_rows(rows: pd.DataFrame, format: Format) -> None:
    """Write rows to standard output."""
    if format is Format.csv:
        sys.stdout.write(rows.to_csv(index=False))
    elif format is Format.json:
        sys.stdout.write(
            rows.to_json(orient="records", force_ascii=False, indent=1, double_precision=15, date_format="iso") + "\n"
        )
    else:
        sys.stdout.write(rows.to_string(index=False, na_rep="") + "\n")


def _silent(line: str) -> None:
    return None
