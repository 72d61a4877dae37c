"""Databases: one query, read through a cursor at the server, written as CSV."""

from __future__ import annotations

import csv
import datetime
import decimal
import io
import re
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from methods.errors import SettingWrong, SourceUnreadable
from tasks.edges.fetch.errand import Desk, Fetched, SourceUnreachable
from tasks.edges.fetch.spooling import Spooled
from tasks.edges.pulls import SqlPull
from tasks.edges.reading.table import number_text

BLOCK_ROWS = 10_000
# The day from which on everything is wanted, where no earlier delivery says otherwise.
FIRST_DAY = datetime.date(1900, 1, 1)
EXTRAS = {"mssql": "sqlserver", "oracle": "oracle"}

# How each database is kept from writing, besides that the transaction is always rolled back.
# SQLite is opened read-only. SQL Server has no read-only transaction: there a snapshot, which must be asked
# for before a transaction begins, keeps the reading consistent without locking the agency out, the connection
# states that it only reads, and the account must hold no other right than to select.
READ_ONLY = {
    "postgresql": "set transaction read only",
    "oracle": "set transaction read only",
    "mysql": "start transaction read only",
    "mariadb": "start transaction read only",
}
ISOLATION = {"mssql": "SNAPSHOT"}

# Faults at connecting that asking again does not mend; drivers give them no code of their own.
LASTING = re.compile(
    r"password|authentication|login failed|access denied|ORA-01017|ORA-01005|(?<!or )does not exist|no such"
    r"|unable to open|snapshot isolation|file is not a database",
    re.IGNORECASE,
)

TEXTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "",
    str: str,
    bool: lambda value: "true" if value else "false",
    int: str,
    float: number_text,
    decimal.Decimal: lambda value: format(value, "f"),
    datetime.date: datetime.date.isoformat,
    datetime.datetime: datetime.datetime.isoformat,
    datetime.time: datetime.time.isoformat,
    uuid.UUID: str,
}


def fetch_query(desk: Desk, pull: SqlPull) -> Fetched:
    """Send the source's query and write its rows as UTF-8 CSV with a header.

    Dates are ISO, decimals plain, null is empty; nothing is kept unless all rows came.
    """
    url = _address(desk, pull)
    place = f"source {desk.errand.source_code}, {desk.vault.hide(url.render_as_string(hide_password=True))}"
    with _refusals(desk, place, url), Spooled(desk, f"{desk.errand.source_code}.csv", place) as spooled:
        engine = open_engine(url, pull.timeout_seconds)
        try:
            with engine.connect() as connection:
                if engine.dialect.name in READ_ONLY:
                    connection.execute(sa.text(READ_ONLY[engine.dialect.name]))
                reading = connection.execution_options(yield_per=BLOCK_ROWS)
                result = reading.execute(sa.text(pull.query), _bound(desk, pull))
                row_count = _write(spooled, result)
        finally:
            engine.dispose()
        return spooled.keep(f"{row_count} rows of a query")


def open_engine(url: sa.URL, timeout_seconds: float) -> sa.Engine:
    """Make an engine that reads, as far as its database can be held to that beforehand."""
    options: dict[str, Any] = {"connect_args": _connect_arguments(url, max(1, round(timeout_seconds)))}
    if url.get_backend_name() in ISOLATION:
        options["isolation_level"] = ISOLATION[url.get_backend_name()]
    return sa.create_engine(_read_only_address(url), **options)


def _write(spooled: Spooled, result: sa.CursorResult[Any]) -> int:
    columns = list(result.keys())
    if len(set(columns)) < len(columns):
        raise SourceUnreadable(
            spooled.place, f"the columns {', '.join(columns)}", "each column once", "Name them apart with `as`."
        )
    spooled.write(_csv([columns]))
    row_count = 0
    for block in result.partitions(BLOCK_ROWS):
        spooled.write(_csv([[_text(spooled.place, columns, row, at) for at in range(len(row))] for row in block]))
        row_count += len(block)
    return row_count


def _text(place: str, columns: Sequence[str], row: Sequence[Any], at: int) -> str:
    text = TEXTS.get(type(row[at]))
    if text is None:
        raise SourceUnreadable(
            place=f"{place}, column {columns[at]}",
            found=f"a value of the type {type(row[at]).__name__}",
            wanted="text, a number, a date or nothing",
            remedy="Cast it in the query.",
        )
    return text(row[at])


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode("utf-8")


def _address(desk: Desk, pull: SqlPull) -> sa.URL:
    text = desk.vault.fill(desk.errand, pull.address)
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError as error:
        raise SourceUnreadable(
            place=f"source {desk.errand.source_code}, {pull.address}",
            found="what is no address of a database",
            wanted="dialect+driver://user:password@host:port/database",
        ) from error
    if url.password:
        desk.vault.learn(str(url.password))
    return url


def _bound(desk: Desk, pull: SqlPull) -> dict[str, Any]:
    known: dict[str, Any] = {name: int(text) for name, text in desk.errand.values.items() if text.isdecimal()}
    known["since"] = desk.errand.since or FIRST_DAY
    asked = sa.text(pull.query).compile().params
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise SettingWrong(
            place=f"sources: {desk.errand.source_code} pull.query",
            found=f":{unknown[0]}",
            wanted=", ".join(f":{name}" for name in sorted(known)),
            remedy="A colon that begins no parameter is written as \\:.",
        )
    return {name: known[name] for name in asked}


def _read_only_address(url: sa.URL) -> sa.URL:
    if url.get_backend_name() != "sqlite" or not url.database:
        return url
    return url.set(database=f"file:{urllib.parse.quote(url.database)}", query={"mode": "ro", "uri": "true"})


def _connect_arguments(url: sa.URL, seconds: int) -> dict[str, Any]:
    by_driver: dict[str, dict[str, Any]] = {
        "psycopg2": {
            "connect_timeout": seconds,
            "options": f"-c statement_timeout={seconds * 1000}",
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        },
        "pymssql": {"login_timeout": seconds, "timeout": seconds, "read_only": True},
        "oracledb": {"tcp_connect_timeout": float(seconds)},
    }
    return by_driver.get(url.get_driver_name(), {})


@contextmanager
def _refusals(desk: Desk, place: str, url: sa.URL) -> Iterator[None]:
    try:
        yield
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        extra = EXTRAS.get(url.get_backend_name())
        raise SourceUnreadable(
            place=place,
            found=f"no driver for {url.drivername}",
            wanted="postgresql+psycopg2, sqlite, mssql+pymssql or oracle+oracledb",
            remedy=f"Install payesh[{extra}]." if extra else "Correct the address in its YAML.",
        ) from error
    except sa.exc.DBAPIError as error:
        found = _first_line(error.orig)
        kind = SourceUnreachable if _may_pass(error, found, url) else SourceUnreadable
        raise kind(
            place=place,
            found=desk.vault.hide(found),
            wanted="an answer to its query",
            remedy="Check that the agency's database is reachable, and that its YAML's query and credentials fit.",
        ) from error


def _may_pass(error: sa.exc.DBAPIError, found: str, url: sa.URL) -> bool:
    if url.get_backend_name() == "sqlite" or LASTING.search(found):
        return False
    return error.connection_invalidated or isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)


def _first_line(error: BaseException | None) -> str:
    said = error.args[-1] if error is not None and error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return (text.strip().splitlines() or [type(error).__name__])[0]
