"""The warehouse: named SQL in, and the three write verbs; nothing else writes a table."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from methods.errors import FrozenConflict, Refusal
from tasks.edges.reading import NotPlain
from tasks.edges.settings import ROOT, settings

SQL = ROOT / "sql"
# Any number does, so long as every Payesh process takes the same lock.
MIGRATION_LOCK = 1403_0001
DELIVERY_CHECK = "is_of_its_delivery"

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
    """A named SQL file, or a query that was written for a form, with its parameters; to be written by a verb."""

    query: str
    parameters: Mapping[str, Any]

    @property
    def body(self) -> str:
        """The query itself."""
        return _body(self.query).rstrip().rstrip(";")


@dataclass(frozen=True)
class TextRows:
    """Rows of text as they stream out of a delivery."""

    columns: Sequence[str]
    rows: Iterable[Sequence[str | None]]


@dataclass(frozen=True)
class TextBlocks:
    """Rows of text as they stream out of a delivery, in blocks of columns; an empty cell is null.

    Attributes:
        columns: those of the table that are filled, behind `row_number`, which counts the rows from 1.
        blocks: the cells of these columns.
    """

    columns: Sequence[str]
    blocks: Iterable[Sequence[pa.Array]]


Rows = pd.DataFrame | Rowset


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open one transaction; it is committed at the end and rolled back on any error."""
    with _engine(settings().database_url).begin() as connection:
        yield connection


def read(file: str, **parameters: Any) -> pd.DataFrame:
    """Read the rows of a named SQL file, or of a query that was written for a form."""
    with transaction() as connection:
        result = connection.execute(sa.text(_body(file)), parameters)
        return _frame(result, list(result.keys()))


def read_in_parts(file: str, row_count: int, **parameters: Any) -> Iterator[pd.DataFrame]:
    """Read the rows of a named SQL file so many at a time, each time in the memory that so many take.

    There is a part at least; what a column holds is told part by part, so one may hold nothing but nulls.
    """
    with transaction() as connection:
        streamed = connection.execution_options(stream_results=True, yield_per=row_count)
        result = streamed.execute(sa.text(_body(file)), parameters)
        columns, has_some = list(result.keys()), False
        for rows in result.partitions(row_count):
            has_some = True
            yield _frame(rows, columns)
        if not has_some:
            yield _frame([], columns)


def run(connection: Connection, file: str, **parameters: Any) -> None:
    """Run a named SQL file, or a statement written for a form, that prepares tables inside a transaction."""
    connection.execute(sa.text(_body(file)), parameters)


def replace(
    table: str,
    partition: Partition,
    rows: Rows,
    within: Connection | None = None,
    content: str = "",
) -> Receipt:
    """Swap one partition for these rows, in one transaction.

    Args:
        table: where they go.
        partition: what they replace.
        rows: the rows.
        within: a transaction that is under way.
        content: what the rows follow from, where that is known; then their hash need not be taken.
    """
    with _joined(within) as connection:
        where, values = _where(partition)
        connection.execute(sa.text(f"delete from {table} where {where}"), values)  # noqa: S608
        row_count = _insert(connection, table, rows)
        _analyze(connection, table)
        if content:
            return Receipt(table, _label(partition), row_count, content)
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


def copy_in(
    table: str,
    partition: Partition,
    rows: TextRows | TextBlocks,
    within: Connection,
    besides: Rowset | None = None,
) -> int:
    """Swap one delivery for its rows as they stream in, and those besides; return how many there are.

    Their content is known by the SHA-256 of the delivery, so no hash is taken of the rows. Nor are statistics: what
    comes as text is read from end to end.
    """
    apart = _apart(within, table, partition)
    check = f"constraint {DELIVERY_CHECK} check (delivery_id = :delivery_id)"
    within.execute(sa.text(f"create table {apart} (like {table}, {check})"), dict(partition))
    # What is the same in each row need not be sent with it.
    within.execute(sa.text(f"alter table {apart} alter column delivery_id set default :delivery_id"), dict(partition))
    row_count = _copy_text(within, apart, rows)
    within.execute(sa.text(f"alter table {apart} alter column delivery_id drop default"))
    _put(table, partition, apart, within)
    if besides is not None:
        # Only now, as they may depend on the rows that came: what these do not replace.
        row_count += _insert(within, table, besides)
    return row_count


def build(table: str, partition: Partition, rows: Rowset, within: Connection) -> tuple[str, int]:
    """Make a table of these rows apart from the one they are meant for; return its name and how many there are.

    A table that is made of a query is written by all cores, and past the log; one that stands is not.
    """
    apart = _apart(within, table, partition)
    made = within.execute(sa.text(f"create table {apart} as {rows.body}"), dict(rows.parameters))
    return apart, made.rowcount


def are_apart(table: str, key: Sequence[str], within: Connection) -> bool:
    """Say whether all rows of a table have keys of their own, and if so, have an index hold it; nulls are unlike.

    Args:
        table: any table.
        key: SQL over its columns.
        within: a transaction, which goes on either way.
    """
    try:
        with within.begin_nested():
            hold_apart(table, key, within)
    except sa.exc.IntegrityError:
        return False
    return True


def hold_apart(table: str, key: Sequence[str], within: Connection) -> None:
    """Have an index hold that no two rows of a table have the same key, or fail; see `are_apart`."""
    within.execute(sa.text(f"create unique index on {table} ({', '.join(key)})"))


def swap_in(table: str, partition: Partition, apart: str, within: Connection, key: Sequence[str]) -> None:
    """Swap one delivery for the rows of a table that was made apart, and is gone after that.

    Args:
        table: where they go; partitioned by delivery_id.
        partition: the delivery they replace.
        apart: the table they stand in; columns it lacks are null.
        within: the transaction that made it.
        key: what tells them apart, held by an index of that table; see `are_apart`.
    """
    if _put(table, partition, apart, within):
        hold_apart(_place_of(table, partition), key, within)
    _analyze(within, _place_of(table, partition))
    _analyze_whole(within, table)


def _put(table: str, partition: Partition, apart: str, within: Connection) -> bool:
    """Swap one delivery for a table that was made apart; say whether one stood, whose indexes are gone then."""
    standing = _place_of(table, partition)
    _complete(within, table, apart, str(partition["delivery_id"]))
    if apart == standing:
        where, values = _where(partition)
        # Rows of it that were inserted one by one are in the partition of all others.
        within.execute(sa.text(f"delete from {table} where {where}"), values)  # noqa: S608
        within.execute(sa.text(f"alter table {table} attach partition {apart} for values in (:delivery_id)"), values)
        within.execute(sa.text(f"alter table {apart} drop constraint {DELIVERY_CHECK}"))
        return False
    # To detach it would wait for all who read the table, and they for us.
    names = ", ".join(_columns(within, table, Rowset(f"select * from {apart}", {})))  # noqa: S608
    within.execute(sa.text(f"truncate {standing}"))
    # The key may be another by now.
    for index in within.execute(sa.text(_OWN_INDEXES), {"table": standing}).scalars().all():
        within.execute(sa.text(f"drop index {index}"))
    within.execute(sa.text(f"insert into {standing} ({names}) select {names} from {apart}"))  # noqa: S608
    within.execute(sa.text(f"drop table {apart}"))
    return True


_OWN_INDEXES = """
    select indexrelid::regclass::text from pg_index
    where indrelid = cast(:table as regclass) and not exists (select 1 from pg_inherits where inhrelid = indexrelid)
"""


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


def show(table: str, partition: Partition, columns: Collection[str] | None, within: Connection) -> None:
    """Lay out now what `view_of` will show of the rows this transaction makes.

    Whoever reads them first after it writes each of their pages once more, into the log.
    """
    copy = _shown(table, partition)
    within.execute(sa.text(f"drop table if exists {copy}"))
    if columns is not None:
        _lay_out(within, copy, table, partition, columns)


@contextmanager
def view_of(table: str, partition: Partition, columns: Collection[str] | None = None) -> Iterator[str]:
    """Show one partition of a table as a table of its own, for a reader that knows nothing of partitions.

    Args:
        table: where its rows stand.
        partition: which of them.
        columns: those the reader looks at; of few a copy is made, which it reads often and each time in no time.
            None shows all of them, in place.
    """
    view, kind = f"{table}_{secrets.token_hex(4)}", "table"
    with transaction() as connection:
        copy = _shown(table, partition)
        if columns is None:
            kind = "view"
            where, values = _where(partition)
            connection.execute(sa.text(f"create view {view} as select * from {table} where {where}"), values)  # noqa: S608
        elif _stands(connection, copy):
            # Under a name of its own no other reader takes it away.
            connection.execute(sa.text(f"alter table {copy} rename to {view.partition('.')[2]}"))
        else:
            _lay_out(connection, view, table, partition, columns)
    try:
        yield view
    finally:
        with transaction() as connection:
            connection.execute(sa.text(f"drop {kind} {view}"))


def forget_trial(source_code: str, form: str) -> None:
    """Remove every trace of a source that was only tried."""
    with transaction() as connection:
        deliveries = connection.execute(
            sa.text("select delivery_id from landing.delivery where source_code = :code"), {"code": source_code}
        )
        for delivery_id in deliveries.scalars().all():
            for table in (f"landing.{_name(form)}", f"staging.{_name(form)}"):
                own = {"delivery_id": delivery_id}
                for place in (_place_of(table, own), _shown(table, own)):
                    connection.execute(sa.text(f"drop table if exists {place}"))
            rejected = sa.text("delete from staging.rejected_row where delivery_id = :delivery_id")
            connection.execute(rejected, {"delivery_id": delivery_id})
        batch = {"prefix": f"{source_code}-", "code": source_code}
        connection.execute(sa.text("delete from control.validation where starts_with(batch, :prefix)"), batch)
        connection.execute(sa.text("delete from landing.delivery where source_code = :code"), batch)
        connection.execute(sa.text("delete from reference.source where source_code = :code"), batch)


def make_tables(statements: Iterable[str]) -> None:
    """Make the tables of a form, or add the columns they lack."""
    with transaction() as connection:
        connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        # That a table is there already is no news.
        connection.execute(sa.text("set local client_min_messages = warning"))
        for statement in statements:
            connection.execute(sa.text(statement))


def forget_connections() -> None:
    """Close what this process holds open to any warehouse."""
    _engine(settings().database_url).dispose()
    _engine.cache_clear()


class _CopyStream(io.RawIOBase):
    """Text of COPY made as it is read, so that a large delivery never stands in memory."""

    def __init__(self, texts: Iterator[memoryview]) -> None:
        self._texts = texts
        self._rest = memoryview(b"")
        self.refusal: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = self._next_text()
        block, self._rest = self._rest[:size], self._rest[size:]
        return block.tobytes()

    def _next_text(self) -> memoryview:
        try:
            return next(self._texts, memoryview(b""))
        except (Refusal, NotPlain) as refusal:
            # The driver turns it into an error of its own; what was refused is kept to be said.
            self.refusal = refusal
            raise


def _texts_of_rows(rows: TextRows) -> Iterator[memoryview]:
    every = iter(rows.rows)
    while block := list(islice(every, COPY_ROWS)):
        yield memoryview(_copy_text_of(block).encode())


def _texts_of_blocks(rows: TextBlocks) -> Iterator[memoryview]:
    number = 1
    for block in filter(lambda columns: len(columns[0]), rows.blocks):
        size = len(block[0])
        numbers = pc.cast(pa.array(np.arange(number, number + size)), pa.string())
        number += size
        text = _joined_columns([numbers, *block])
        signs = np.frombuffer(text, dtype=np.uint8)
        # Frequent signs are counted by numpy, in a tenth of the time that bytes take; rare ones are sought by bytes.
        tabs, ends = (int(np.count_nonzero(signs == ord(sign))) for sign in "\t\n")
        plain = tabs == size * len(rows.columns) and ends == size and b"\\" not in text and b"\r" not in text
        if not plain:
            text = _joined_columns([numbers, *map(_escaped, block)])
        yield memoryview(text)


def _ahead(texts: Iterator[memoryview]) -> Iterator[memoryview]:
    """Make the next text while the server takes in the one before."""
    with ThreadPoolExecutor(1, thread_name_prefix="copy") as worker:
        following = worker.submit(next, texts, None)
        while (text := following.result()) is not None:
            following = worker.submit(next, texts, None)
            yield text


def _joined_columns(columns: Sequence[Any]) -> bytes:
    last = pc.binary_join_element_wise(columns[-1], "", "\n")
    joined = pc.binary_join_element_wise(*columns[:-1], last, "\t")
    # The lines stand one behind the other as they are: no string of Python is made.
    first, end = np.frombuffer(joined.buffers()[1], dtype=np.int32)[[joined.offset, joined.offset + len(joined)]]
    return bytes(memoryview(joined.buffers()[2])[first:end])


def _escaped(cells: pa.Array) -> pa.Array:
    for sign, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        cells = pc.replace_substring(cells, pattern=sign, replacement=written)
    return cells


COPY_ROWS = 500
COPY_BYTES = 1 << 18
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})


def _copy_text_of(block: Sequence[Sequence[str | None]]) -> str:
    """Write rows as text of COPY; an empty cell and None are both null."""
    try:
        text = _joined_cells(block)
    except TypeError:
        text = _joined_cells([[cell or "" for cell in row] for row in block])
    tabs = sum(map(len, block)) - len(block)
    # Joined, then looked at: only a block that holds a sign of COPY's own is escaped cell by cell.
    if text.count("\t") == tabs and text.count("\n") == len(block) and not _NEEDS_ESCAPE.search(text):
        return text
    return _joined_cells([[(cell or "").translate(_ESCAPES) for cell in row] for row in block])


def _joined_cells(block: Sequence[Sequence[Any]]) -> str:
    return "\n".join(map("\t".join, block)) + "\n"


_NEEDS_ESCAPE = re.compile("[\\\\\r\0]")


@cache
def _engine(address: str) -> Engine:
    return sa.create_engine(address, pool_pre_ping=True, pool_size=4, max_overflow=8)


@cache
def _source(file: str) -> str:
    path: Path = SQL / file
    return path.read_text(encoding="utf-8")


def _body(query: str) -> str:
    return _source(query) if query.endswith(".sql") else query


def _frame(rows: Iterable[Any], columns: list[str]) -> pd.DataFrame:
    # Of plain tuples pandas does not ask, row by row, what they are called.
    return pd.DataFrame([tuple(row) for row in rows], columns=columns)


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
) -> int:
    if isinstance(rows, Rowset):
        columns = ", ".join(_columns(connection, shaped_as or table, rows))
        # The rowset leads, so that its common table expressions stay in front.
        statement = f"insert into {table} ({columns}) select {columns} from ({rows.body}\n) as rowset {suffix}"  # noqa: S608
        return connection.execute(sa.text(statement), dict(rows.parameters)).rowcount
    if suffix:
        connection.execute(sa.text(f"create temp table appended (like {table}) on commit drop"))
        _copy_frame(connection, "appended", rows)
        names = ", ".join(map(_name, rows.columns))
        connection.execute(sa.text(f"insert into {table} ({names}) select {names} from appended {suffix}"))  # noqa: S608
        connection.execute(sa.text("drop table appended"))
    else:
        _copy_frame(connection, table, rows)
    return len(rows)


def _copy_text(connection: Connection, table: str, rows: TextRows | TextBlocks) -> int:
    if isinstance(rows, TextBlocks):
        columns, texts = ["row_number", *rows.columns], _ahead(_texts_of_blocks(rows))
    else:
        columns, texts = list(rows.columns), _texts_of_rows(rows)
    names = ", ".join(map(_name, columns))
    stream = _CopyStream(texts)
    with closing(connection.connection.cursor()) as cursor:
        try:
            # The table was made in this transaction: its rows can be written as seen by all.
            cursor.copy_expert(f"copy {table} ({names}) from stdin with (null '', freeze)", stream, COPY_BYTES)
        except psycopg2.Error:
            if stream.refusal is not None:
                raise stream.refusal from None
            raise
        return int(cursor.rowcount)


def _columns(connection: Connection, table: str, rows: Rowset) -> list[str]:
    probe = f"select * from ({rows.body}\n) as rowset limit 0"  # noqa: S608
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
    # A sample of 9,000 rows is enough to plan by.
    connection.execute(sa.text("set local default_statistics_target = 30"))
    connection.execute(sa.text(f"analyze {table}"))


def _analyze_whole(connection: Connection, table: str) -> None:
    # Of a table of many partitions just the whole; an older server looks at each of them again.
    version = connection.dialect.server_version_info
    only = "only" if version and int(version[0]) >= 18 else ""
    connection.execute(sa.text(f"analyze {only} {table}"))


def _place_of(table: str, partition: Partition) -> str:
    """Name the partition of one delivery; its zero keeps it apart from every form's table."""
    delivery = str(partition["delivery_id"])
    return f"{table}_0{hashlib.sha256(delivery.encode()).hexdigest()[:12]}"


def _shown(table: str, partition: Partition) -> str:
    return f"{_place_of(table, partition)}_shown"


def _lay_out(connection: Connection, copy: str, table: str, partition: Partition, columns: Collection[str]) -> None:
    """Copy some columns of a partition, on all cores; those the table has not are left to the reader to miss."""
    where, values = _where(partition)
    every = connection.execute(sa.text(f"select * from {table} limit 0")).keys()  # noqa: S608
    names = ", ".join(_name(name) for name in every if name in columns)
    connection.execute(sa.text("set local parallel_setup_cost = 0; set local parallel_tuple_cost = 0"))
    made = f"create unlogged table {copy} as select {names} from {table} where {where}"  # noqa: S608
    connection.execute(sa.text(made), values)


def _stands(connection: Connection, table: str) -> bool:
    return bool(connection.execute(sa.text("select to_regclass(:table) is not null"), {"table": table}).scalar_one())


def _apart(connection: Connection, table: str, partition: Partition) -> str:
    """Name a table to fill: the partition itself, or one beside it where it stands already."""
    place = _place_of(table, partition)
    return f"{place}_{secrets.token_hex(4)}" if _stands(connection, place) else place


def _complete(connection: Connection, table: str, apart: str, delivery_id: str) -> None:
    """Give a table what it needs to become the partition of a delivery in another; all is checked in one pass."""
    statement = """
        select whole.attname, format_type(whole.atttypid, whole.atttypmod), whole.attnotnull, part.attname is null
        from pg_attribute as whole
        left join pg_attribute as part
            on part.attrelid = cast(:apart as regclass) and part.attname = whole.attname and not part.attisdropped
        where whole.attrelid = cast(:table as regclass) and whole.attnum > 0 and not whole.attisdropped
    """
    columns = connection.execute(sa.text(statement), {"table": table, "apart": apart}).all()
    changes = [f"add column {_name(name)} {kind}" for name, kind, _, is_missing in columns if is_missing]
    changes += [f"alter column {_name(name)} set not null" for name, _, is_required, _ in columns if is_required]
    known = "select 1 from pg_constraint where conrelid = cast(:apart as regclass) and conname = :name"
    if connection.execute(sa.text(known), {"apart": apart, "name": DELIVERY_CHECK}).first() is None:
        # To attach it looks at no row again.
        changes.append(f"add constraint {DELIVERY_CHECK} check (delivery_id = :delivery_id)")
    if changes:
        connection.execute(sa.text(f"alter table {apart} {', '.join(changes)}"), {"delivery_id": delivery_id})


def _receipt(connection: Connection, table: str, partition: Partition) -> Receipt:
    where, values = _where(partition)
    # A sum of row hashes needs no order, so equal content has an equal hash.
    statement = f"""
        select count(*), coalesce(sum(hash >> 32), 0), coalesce(sum(hash & 4294967295), 0)
        from (select hashtextextended(one::text, 0) as hash from (select * from {table} where {where}) as one) as hashed
    """  # noqa: S608
    rows, high, low = connection.execute(sa.text(statement), values).one()
    # In halves, since whole hashes add up beyond a bigint and numeric is slow.
    total = (int(high) << 32) + int(low)
    return Receipt(table, _label(partition), int(rows), f"{total % 2**64:016x}")


def _label(partition: Partition) -> str:
    return " ".join(f"{key}={value}" for key, value in partition.items())
