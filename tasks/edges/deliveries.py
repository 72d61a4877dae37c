"""Deliveries: keep the bytes an agency sends as received, and read them as rows of its form."""

from __future__ import annotations

import datetime
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from glob import glob
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import zstandard

from methods.errors import HeaderMismatch, SourceUnreadable
from methods.period import Period
from tasks.edges import fetch, reading
from tasks.edges.fetch import Errand, Fetched
from tasks.edges.fetch.errand import Vault
from tasks.edges.pulls import FilePull
from tasks.edges.settings import settings
from tasks.edges.sources import Source, secret

Row = Sequence[str | None]
Key = Callable[[str], str]

ROW_FAULT_WIDTH = "row_width"
BLOCK = 1 << 20


@dataclass(frozen=True)
class Rows:
    """Rows of a delivery in the order of its form's columns, each with its fault first.

    Attributes:
        columns: columns of the form that the delivery has.
        rows: fault (or nothing), then the cells of `columns` as delivered.
        notes: what was found out on the way, for the receipt; complete once the rows are read.
        blocks: the cells of `columns` as columns of text, where that can be had; see `reading.Table`.
    """

    columns: Sequence[str]
    rows: Iterator[Row]
    notes: list[str]
    blocks: Iterator[Sequence[pa.Array]] | None = None


def is_awaited(source: Source, period: Period) -> bool:
    """Say whether the file of an optional source has not come yet: nothing to pull, and no fault of anybody."""
    if not source.is_optional or not isinstance(source.pull, FilePull):
        return False
    values = {"inbox": str(settings().inbox), "year": str(period.year), "phase": str(period.phase)}
    address = Vault(partial(secret, source.code)).fill(
        Errand(source.code, source.agency_name, source.pull, values), source.pull.address
    )
    # Whether it lies elsewhere only fetching can tell.
    return "://" not in address and not glob(address)


@contextmanager
def received(source: Source, period: Period, since: datetime.date | None = None) -> Iterator[Fetched]:
    """Fetch one delivery into the spool, whatever its kind; it is gone at the end unless it was kept.

    Raises:
        SourceUnreadable: nothing is there, or it breaks off.
    """
    values = {"inbox": str(settings().inbox), "year": str(period.year), "phase": str(period.phase)}
    errand = Errand(source.code, source.agency_name, source.pull, values, since)
    folder = settings().spool / f"{source.code}-{period}"
    folder.mkdir(parents=True, exist_ok=True)
    fetched = fetch.fetch(errand, folder, partial(secret, source.code))
    try:
        yield fetched
    finally:
        fetched.path.unlink(missing_ok=True)


@contextmanager
def received_file(source: Source, period: Period, path: Path) -> Iterator[Fetched]:
    """Take in a file that lies here already, as a delivery of the source."""
    pull = FilePull(kind="file", address=str(path))
    with received(source.model_copy(update={"pull": pull}), period) as fetched:
        yield fetched


def keep(fetched: Fetched) -> Path:
    """Store a delivery under its SHA-256, compressed; storing it again changes nothing."""
    path = archived(fetched.sha256)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.part")
        with fetched.path.open("rb") as received, half.open("wb") as kept:
            zstandard.ZstdCompressor(level=1, threads=-1).copy_stream(received, kept, size=fetched.byte_count)
            kept.flush()
            os.fsync(kept.fileno())
        half.rename(path)
    return path


def archived(sha256: str) -> Path:
    """Place of a delivery in the archive."""
    return settings().archive / sha256[:2] / f"{sha256}.zst"


@contextmanager
def unpacked(sha256: str) -> Iterator[Path]:
    """Lay a delivery out as it was received, for as long as it is read."""
    settings().spool.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=settings().spool))
    try:
        path = folder / "delivery"
        with archived(sha256).open("rb") as kept, path.open("wb") as plain:
            zstandard.ZstdDecompressor().copy_stream(kept, plain, write_size=BLOCK)
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def opened(source: Source, path: Path, file_name: str, key: Key, is_patch: bool = False) -> Iterator[Rows]:
    """Read a delivery as rows of text in the columns of its form.

    Args:
        source: says how headers map to the form, and what is known of the file.
        path: the bytes as received.
        file_name: name they came under.
        key: brings a header to the form in which headers are compared.
        is_patch: it adds to a former delivery, so that it may hold no record at all.

    Raises:
        SourceUnreadable: undecodable, truncated or of another format; no record where there must be some.
        HeaderMismatch: a header is missing or unknown.
    """
    wanted = list(source.columns.values())
    with reading.open_table(f"source {source.code}", path, file_name, source.reading, key, wanted) as table:
        if not table.header:
            if not is_patch:
                raise _no_record(source)
            yield Rows(list(source.columns), iter(()), table.notes)
            return
        if source.read.cells:
            columns, places = list(source.its_form.columns), list(range(len(source.its_form.columns)))
        else:
            columns, places = _mapped(source, table.header, key)
        blocks = None
        if table.blocks is not None:
            blocks = ([block.column(place) for place in places] for block in table.blocks)
        yield Rows(columns, _placed(table.rows, places, len(table.header)), table.notes, blocks)


def _mapped(source: Source, header: Sequence[str], key: Key) -> tuple[list[str], list[int]]:
    keys = [key(cell) for cell in header]
    wanted = {column: key(name) for column, name in source.columns.items()}
    ignored = {key(name) for name in source.ignored_columns}
    # What a server adds of its own has many names and one beginning.
    beginnings = tuple(name.removesuffix("*") for name in ignored if name.endswith("*"))
    missing = [source.columns[column] for column, name in wanted.items() if name not in keys]
    unknown = [
        cell
        for cell, name in zip(header, keys, strict=True)
        if name and name not in {*wanted.values(), *ignored} and not name.startswith(beginnings)
    ]
    if missing or unknown:
        raise _header_mismatch(source, unknown, missing)
    return list(wanted), [keys.index(name) for name in wanted.values()]


def _placed(table: Iterator[list[str | None]], places: Sequence[int], width: int) -> Iterator[Row]:
    # itemgetter gives a bare cell for a single place, so that a tuple is made of it by hand.
    cells_of = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
    for row in table:
        # A delimiter behind the last cell makes no cell.
        if len(row) == width or (len(row) > width and not any(row[width:])):
            yield ("", *cells_of(row))
        elif row:
            yield (ROW_FAULT_WIDTH, *cells_of([*row, *[None] * width]))


def _no_record(source: Source) -> SourceUnreadable:
    return SourceUnreadable(
        place=f"source {source.code}",
        found="no record at all",
        wanted=f"records of {source.form}",
        remedy="Ask the agency whether there are none yet, or correct `address` and `rows` in its YAML.",
    )


def _header_mismatch(source: Source, unknown: Sequence[str], missing: Sequence[str]) -> HeaderMismatch:
    parts = [f"unknown header {', '.join(map(repr, unknown))}"] if unknown else []
    parts += [f"no header {', '.join(map(repr, missing))}"] if missing else []
    return HeaderMismatch(
        place=f"source {source.code}, header row",
        found="; ".join(parts),
        wanted="just the headers of `columns` and `ignored_columns` in its YAML",
        remedy="Add the new header to the YAML, or ask the agency for the agreed layout.",
    )
