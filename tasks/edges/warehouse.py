"""The warehouse: named SQL in, and the three write verbs; nothing else writes a table."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from methods.errors import FrozenConflict
from tasks.edges.settings import ROOT, settings

SQL = ROOT / "sql"
# Any number does, so long as every Payesh process takes the same lock.
MIGRATION_LOCK = 1403_0001

Partition = Mapping[str, Any]


@dataclass(frozen=True)
class Receipt:
    """What a task has written: the only thing that travels between tasks."""

    table: str
    partition: str
    row_count: int
    content_hash: str

    def __str__(self) -> str:
        """Say in one line what was written where."""
        return f"{self.table} [{self.partition}]: {self.row_count:,} rows, {self.content_hash}"


@dataclass(frozen=True)
class Rowset:
    """A named SQL file with its parameters, to be written by a verb."""

    file: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class TextRows:
    """Rows of text as they stream out of a delivery."""

    columns: Sequence[str]
    rows: Iterable[Sequence[str | None]]


Rows = pd.DataFrame | Rowset | TextRows


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open one transaction; it is committed at the end and rolled back on any error."""
    with _engine(settings().database_url).begin() as connection:
        yield connection


def read(file: str, **parameters: Any) -> pd.DataFrame:
    """Read the rows of a named SQL file."""
    with transaction() as connection:
        result = connection.execute(sa.text(_source(file)), parameters)
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def run(connection: Connection, file: str, **parameters: Any) -> None:
    """Run a named SQL file that prepares temporary tables inside a transaction."""
    connection.execute(sa.text(_source(file)), parameters)


def replace(
    table: str,
    partition: Partition,
    rows: Rows,
    within: Connection | None = None,
) -> Receipt:
    """Swap one partition for these rows, in one transaction."""
    with _joined(within) as connection:
        where, values = _where(partition)
        connection.execute(sa.text(f"delete from {table} where {where}"), values)  # noqa: S608
        _insert(connection, table, rows)
        _analyze(connection, table)
        return _receipt(connection, table, partition)


def freeze(
    table: str,
    partition: Partition,
    rows: Rows,
    within: Connection | None = None,
) -> Receipt:
    """Write one partition once; accept an identical repeat, refuse any other.

    Raises:
        FrozenConflict: the partition stands already with other content.
    """
    with _joined(within) as connection:
        standing = _receipt(connection, table, partition)
        if standing.row_count == 0:
            _insert(connection, table, rows)
            _analyze(connection, table)
            return _receipt(connection, table, partition)
        connection.execute(sa.text(f"create temp table frozen_again (like {table}) on commit drop"))
        _insert(connection, "frozen_again", rows, shaped_as=table)
        again = _receipt(connection, "frozen_again", partition)
        connection.execute(sa.text("drop table frozen_again"))
        if again.content_hash != standing.content_hash:
            raise FrozenConflict(
                place=f"{table} {standing.partition}",
                found=f"other content ({again.row_count} rows, {again.content_hash})",
                wanted=f"what was frozen ({standing.row_count} rows, {standing.content_hash})",
                remedy="Frozen rows never change: publish a revised edition or a new phase.",
            )
        return standing


def append(
    table: str,
    partition: Partition,
    rows: Rows,
    within: Connection | None = None,
) -> Receipt:
    """Add rows that are not there yet; rows already there stay as they are."""
    with _joined(within) as connection:
        _insert(connection, table, rows, suffix="on conflict do nothing")
        _analyze(connection, table)
        return _receipt(connection, table, partition)


def upsert_reference(table: str, rows: pd.DataFrame) -> None:
    """Bring a table of schema `reference` to these rows; rows that left stay, since facts refer to them."""
    with transaction() as connection:
        keys = connection.execute(sa.text(_source("migrations/primary_key.sql")), {"table": f"reference.{table}"})
        key = [str(name) for name in keys.scalars()]
        others = [name for name in rows.columns if name not in key]
        action = ", ".join(f"{_name(name)} = excluded.{_name(name)}" for name in others)
        suffix = f"on conflict ({', '.join(key)}) do {'update set ' + action if action else 'nothing'}"
        _insert(connection, f"reference.{table}", rows, suffix=suffix)


def count(table: str, partition: Partition) -> int:
    """Count the rows of a partition."""
    where, values = _where(partition)
    with transaction() as connection:
        statement = sa.text(f"select count(*) from {table} where {where}")  # noqa: S608
        return int(connection.execute(statement, values).scalar_one())


def migrate() -> list[str]:
    """Bring the schema up to date; return the names of the migrations that were applied."""
    applied: list[str] = []
    with transaction() as connection:
        connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(
            sa.text(
                "create table if not exists public.payesh_migration"
                " (name text primary key, applied_at timestamptz not null default now())"
            )
        )
        done = set(connection.execute(sa.text("select name from public.payesh_migration")).scalars())
        for file in sorted((SQL / "migrations").glob("[0-9]*.sql")):
            if file.stem in done:
                continue
            # A bare cursor: a migration takes no parameters, and its % and : are its own.
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(file.read_text(encoding="utf-8"))
            connection.execute(
                sa.text("insert into public.payesh_migration (name) values (:name)"), {"name": file.stem}
            )
            applied.append(file.stem)
    return applied


def forget_connections() -> None:
    """Close what this process holds open to any warehouse."""
    _engine(settings().database_url).dispose()
    _engine.cache_clear()


class _CopyStream(io.TextIOBase):
    """Text of COPY made as it is read, so that a large delivery never stands in memory."""

    def __init__(self, rows: Iterable[Iterable[str | None]]) -> None:
        self._lines = ("\t".join(map(_copy_cell, row)) + "\n" for row in rows)
        self._rest = ""

    def read(self, size: int | None = -1) -> str:
        parts, length = [self._rest], len(self._rest)
        for line in self._lines:
            parts.append(line)
            length += len(line)
            if size is not None and 0 <= size <= length:
                break
        text = "".join(parts)
        cut = len(text) if size is None or size < 0 else size
        self._rest = text[cut:]
        return text[:cut]


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})


def _copy_cell(value: str | None) -> str:
    return r"\N" if value is None else value.translate(_ESCAPES)


@cache
def _engine(address: str) -> Engine:
    return sa.create_engine(address, pool_pre_ping=True, pool_size=4, max_overflow=8)


@cache
def _source(file: str) -> str:
    path: Path = SQL / file
    return path.read_text(encoding="utf-8")


@contextmanager
def _joined(within: Connection | None) -> Iterator[Connection]:
    if within is not None:
        yield within
    else:
        with transaction() as connection:
            yield connection


def _where(partition: Partition) -> tuple[str, dict[str, Any]]:
    if not partition:
        return "true", {}
    return " and ".join(f"{_name(key)} = :{key}" for key in partition), dict(partition)


def _name(word: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", word):
        raise ValueError(f"not a column name: {word!r}")
    return word


def _insert(
    connection: Connection,
    table: str,
    rows: Rows,
    suffix: str = "",
    shaped_as: str | None = None,
) -> None:
    if isinstance(rows, TextRows):
        _copy_text(connection, table, rows)
    elif isinstance(rows, Rowset):
        columns = ", ".join(_columns(connection, shaped_as or table, rows))
        body = _source(rows.file).rstrip().rstrip(";")
        # The rowset leads, so that its common table expressions stay in front.
        statement = f"insert into {table} ({columns}) select {columns} from ({body}\n) as rowset {suffix}"  # noqa: S608
        connection.execute(sa.text(statement), dict(rows.parameters))
    elif suffix:
        connection.execute(sa.text(f"create temp table appended (like {table}) on commit drop"))
        _copy_frame(connection, "appended", rows)
        names = ", ".join(map(_name, rows.columns))
        connection.execute(sa.text(f"insert into {table} ({names}) select {names} from appended {suffix}"))  # noqa: S608
        connection.execute(sa.text("drop table appended"))
    else:
        _copy_frame(connection, table, rows)


def _copy_text(connection: Connection, table: str, rows: TextRows) -> None:
    names = ", ".join(map(_name, rows.columns))
    with closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(f"copy {table} ({names}) from stdin", _CopyStream(rows.rows))


def _columns(connection: Connection, table: str, rows: Rowset) -> list[str]:
    probe = f"select * from ({_source(rows.file).rstrip().rstrip(';')}\n) as rowset limit 0"  # noqa: S608
    return [_name(key) for key in connection.execute(sa.text(probe), dict(rows.parameters)).keys()]


def _copy_frame(connection: Connection, table: str, rows: pd.DataFrame) -> None:
    stream = io.StringIO()
    rows.to_csv(stream, index=False, header=False, na_rep="", date_format="%Y-%m-%d")
    stream.seek(0)
    names = ", ".join(map(_name, rows.columns))
    with closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(f"copy {table} ({names}) from stdin with (format csv)", stream)


def _analyze(connection: Connection, table: str) -> None:
    # The next stage reads at once, before autovacuum has looked: stale statistics cost minutes.
    connection.execute(sa.text(f"analyze {table}"))


def _receipt(connection: Connection, table: str, partition: Partition) -> Receipt:
    where, values = _where(partition)
    # A sum of row hashes needs no order, so equal content has an equal hash.
    statement = f"""
        select count(*), coalesce(sum(hashtextextended(one::text, 0)::numeric), 0)
        from (select * from {table} where {where}) as one
    """  # noqa: S608
    rows, total = connection.execute(sa.text(statement), values).one()
    label = " ".join(f"{key}={value}" for key, value in partition.items())
    return Receipt(table, label, int(rows), f"{int(total) % 2**64:016x}")
