"""Records: JSON lines, JSON, pages of JSON in a zip, and Parquet, as rows of text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain, count, islice
from typing import Any

from methods.errors import HeaderMismatch
from tasks.edges.reading import containers, text
from tasks.edges.reading.containers import KIND_NAMES, Content
from tasks.edges.reading.table import Key, Row, Table, as_text, check_alike, unreadable
from tasks.edges.readings import PHOTOGRAPHS, Reading

# A document of JSON is read whole; what is larger comes as JSON lines or in pages.
LARGEST_DOCUMENT = 256 * 1024**2
HEADER_RECORDS = 1000
MOST_NAMED = 20
BATCH_ROWS = 4096
LARGEST_ROW_GROUP = 2 * 1024**3

Record = dict[str, str]
Placed = tuple[str, Any]


@contextmanager
def read_lines(content: Content, reading: Reading, key: Key) -> Iterator[Table]:
    """Read JSON lines: a record a line.

    Raises:
        SourceUnreadable: a line that is no record.
        HeaderMismatch: a record later than the first thousand has a key that none of them has.
    """
    with text.opened(content, reading) as (stream, notes):
        placed = (
            (f"{content.place}, line {number}", _parsed(f"{content.place}, line {number}", line))
            for number, line in enumerate(stream, start=1)
            if line.strip()
        )
        yield _record_table(content.place, placed, key, notes)


@contextmanager
def read_document(content: Content, reading: Reading, key: Key) -> Iterator[Table]:
    """Read one document of JSON with a list of records in it.

    Raises:
        SourceUnreadable: not JSON, too large, or no list of records where the YAML says.
        HeaderMismatch: as for JSON lines.
    """
    body, notes = _document(content, reading)
    yield _record_table(content.place, _placed(content.place, body, reading), key, notes)


@contextmanager
def read_pages(content: Content, reading: Reading, key: Key) -> Iterator[Table]:
    """Read a zip of documents of JSON, one after another.

    Raises:
        SourceUnreadable: as for a document.
        HeaderMismatch: as for JSON lines.
    """
    if content.kind != "zip":
        raise unreadable(content.place, KIND_NAMES[content.kind], "a zip of JSON pages")
    beside = _photographs(content, reading)
    pages = (
        (where, beside(record))
        for page in containers.each_file(content)
        if page.name != PHOTOGRAPHS
        for where, record in _placed(page.place, _document(page, reading)[0], reading)
    )
    yield _record_table(content.place, pages, key, [])


@contextmanager
def read_parquet(content: Content, key: Key) -> Iterator[Table]:
    """Read Parquet, some thousand rows of a row group at a time.

    Raises:
        SourceUnreadable: not whole, or a row group too large.
        HeaderMismatch: two columns are headed alike.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(content.path)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(content.place, _first_line(error), "a whole Parquet file") from error
    with file:
        groups = [file.metadata.row_group(number).total_byte_size for number in range(file.metadata.num_row_groups)]
        if max(groups, default=0) > LARGEST_ROW_GROUP:
            raise unreadable(
                content.place, f"a row group of {max(groups)} bytes", f"row groups of at most {LARGEST_ROW_GROUP} bytes"
            )
        header = [name.strip() for name in file.schema_arrow.names]
        check_alike(content.place, header, key)
        yield Table(header, _parquet_rows(content, file))


# JSON --------------------------------------------------------------------------------------------


def _document(content: Content, reading: Reading) -> tuple[Any, list[str]]:
    size = content.path.stat().st_size
    if size > LARGEST_DOCUMENT:
        raise unreadable(
            content.place,
            f"{size} bytes in one document of JSON",
            f"at most {LARGEST_DOCUMENT}",
            "Ask the agency for JSON lines, or for pages.",
        )
    encoding = text.find_encoding(content.place, content.path, reading.encoding, lines=False)
    body = content.path.read_bytes()[encoding.mark :].decode(encoding.codec)
    notes = [] if encoding.name == "utf-8" else [f"encoding {encoding.name} (found)"]
    return _parsed(content.place, body), notes


def _parsed(place: str, body: str) -> Any:
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        where = f"{place}, line {error.lineno}" if error.lineno > 1 else place
        raise unreadable(where, f"no JSON at character {error.colno} ({error.msg})", "JSON") from error
    except (ValueError, RecursionError) as error:
        raise unreadable(place, str(error), "JSON of records") from error


def _no_number(name: str) -> Any:
    raise ValueError(f"{name}, which is no number of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} twice in one object")
    return found


def _placed(place: str, body: Any, reading: Reading) -> Iterator[Placed]:
    for number, record in enumerate(_records(place, body, reading), start=1):
        yield f"{place}, record {number}", record


def _photographs(content: Content, reading: Reading) -> Callable[[Any], Any]:
    """Find the hashes of photographs that a fetch put beside its pages; give what adds them to a record."""
    with containers.named_file(content, PHOTOGRAPHS) as file:
        if file is None:
            return lambda record: record
        found, _ = _document(file, reading)
    if not isinstance(found, dict) or not {"key", "column", "sha256"} <= found.keys():
        raise unreadable(f"{content.place}, {PHOTOGRAPHS}", "another shape", "key, column and sha256")
    key, column, hashes = found["key"], f"{found['column']}/sha256", found["sha256"]

    def added(record: Any) -> Any:
        return record | {column: hashes.get(str(record.get(key)))} if isinstance(record, dict) else record

    return added


def _records(place: str, body: Any, reading: Reading) -> Iterator[Any]:
    steps = reading.rows.split(".") if reading.rows else [] if isinstance(body, list) else ["records"]
    bodies = [body]
    for step in steps:
        # A list on the way is a list of pages: each holds its part of the records.
        pages = chain.from_iterable(each if isinstance(each, list) else [each] for each in bodies)
        bodies = [_inside(place, page, step) for page in pages]
    for each in bodies:
        if not isinstance(each, list):
            raise unreadable(place, "no list of records", f"a list at {'.'.join(steps) or 'the top'}", _ROWS_REMEDY)
        yield from each


def _inside(place: str, page: Any, step: str) -> Any:
    if not isinstance(page, dict) or step not in page:
        found = f"the keys {', '.join(list(page)[:10])}" if isinstance(page, dict) else "no object"
        raise unreadable(place, found, f"the key {step}", _ROWS_REMEDY)
    return page[step]


_ROWS_REMEDY = "Correct `rows` in its YAML, or ask the agency for the agreed layout."


def _record_table(place: str, placed: Iterable[Placed], key: Key, notes: list[str]) -> Table:
    flat = ((where, _flat(where, record)) for where, record in placed)
    first = list(islice(flat, HEADER_RECORDS))
    names = list(dict.fromkeys(name for _, record in first for name in record))
    header = [name.strip() for name in names]
    check_alike(place, header, key)
    return Table(header, _record_rows(chain(first, flat), names), notes)


def _record_rows(flat: Iterable[tuple[str, Record]], names: list[str]) -> Iterator[Row]:
    known = frozenset(names)
    late: dict[str, str] = {}
    for where, record in flat:
        if not record.keys() <= known and len(late) < MOST_NAMED:
            late = {name: where for name in record if name not in known} | late
        yield _sound(where, [record.get(name) for name in names])
    if late:
        raise HeaderMismatch(
            place=next(iter(reversed(late.values()))),
            found="; ".join(f"the new key {name!r} ({where.rsplit(', ', 1)[-1]})" for name, where in late.items()),
            wanted=f"no other keys than those of the first {HEADER_RECORDS} records",
            remedy="Ask the agency to name each key in each record.",
        )


def _flat(where: str, record: Any) -> Record:
    if not isinstance(record, dict):
        raise unreadable(where, f"{as_text(record)[:60]!r}", "an object with a key for each column")
    if not any(isinstance(value, dict) for value in record.values()):
        return {name: _value_text(value) for name, value in record.items()}
    flat: Record = {}
    for name, value in record.items():
        parts = _flat(where, value) if isinstance(value, dict) else None
        flat |= {name: _value_text(value)} if parts is None else {f"{name}/{part}": it for part, it in parts.items()}
    return flat


def _sound(where: str, row: Row) -> Row:
    """Refuse what no table of text can hold, as in a CSV: a character of zero, a cell beyond all measure."""
    whole = "".join(filter(None, row))
    if "\0" in whole:
        raise unreadable(where, "a character of zero", "text", _TEXT_REMEDY)
    if len(whole) > text.LARGEST_CELL and (longest := max(len(cell or "") for cell in row)) > text.LARGEST_CELL:
        raise unreadable(
            where,
            f"{longest} characters in one cell",
            f"at most {text.LARGEST_CELL} characters in a cell",
            _TEXT_REMEDY,
        )
    return row


_TEXT_REMEDY = "Ask the agency for a file without it."

# Half of a pair, as where a sign was cut in two, is no sign.
_HALF = re.compile("[\ud800-\udfff]")


def _value_text(value: Any) -> str:
    if isinstance(value, list):
        # Numbers of JSON text stay numbers there.
        text = json.dumps(value, ensure_ascii=False, default=float)
    elif isinstance(value, Decimal) and abs(value.adjusted()) < 40:
        text = format(value.to_integral_value() if value == value.to_integral_value() else value, "f")
    else:
        text = as_text(value) if not isinstance(value, Decimal) else str(value)
    return text if text.isascii() else _HALF.sub("\ufffd", text)


# Parquet -----------------------------------------------------------------------------------------


def _parquet_rows(content: Content, file: Any) -> Iterator[Row]:
    import pyarrow as pa

    try:
        number = count(1)
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            for row in zip(*(_column_text(column) for column in batch.columns), strict=True):
                yield _sound(f"{content.place}, row {next(number)}", list(row))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(content.place, _first_line(error), "a whole Parquet file") from error


def _column_text(column: Any) -> list[str | None]:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        # What is finer than a microsecond is no moment of a loan.
        column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_integer(column.type):
        return column.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]
    return [None if value is None else as_text(value) for value in column.to_pylist()]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
