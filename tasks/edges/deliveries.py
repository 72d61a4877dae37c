"""Deliveries: fetch the bytes an agency sends, keep them as received, read them as rows of text."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from python_calamine import CalamineError, CalamineWorkbook

from methods.errors import HeaderMismatch, SourceUnreadable
from methods.period import Period
from tasks.edges.settings import settings
from tasks.edges.sources import FORM_COLUMNS, ApiPull, FilePull, Source, SqlPull, address, environment

Row = Sequence[str | None]

ROW_FAULT_WIDTH = "row_width"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A workbook or archive that grows beyond this is a decompression bomb or a mistake.
LARGEST_UNPACKED_BYTES = 2 * 1024**3
LARGEST_RATIO = 200


@dataclass(frozen=True)
class Fetched:
    """The bytes of one delivery and the name they came under."""

    file_name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Name of the delivery in the archive."""
        return hashlib.sha256(self.content).hexdigest()


def fetch(source: Source, period: Period) -> Fetched:
    """Fetch one delivery, whatever its kind.

    Raises:
        SourceUnreadable: nothing is there, or it breaks off.
    """
    if isinstance(source.pull, FilePull):
        return _fetch_file(source, Path(address(source, period)))
    if isinstance(source.pull, ApiPull):
        return _fetch_api(source, source.pull, address(source, period))
    return _fetch_sql(source, source.pull, address(source, period), period)


def keep(fetched: Fetched) -> Path:
    """Store a delivery under its SHA-256, compressed; storing it again changes nothing."""
    path = archived(fetched.sha256)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.part")
        half.write_bytes(gzip.compress(fetched.content, compresslevel=1, mtime=0))
        half.rename(path)
    return path


def archived(sha256: str) -> Path:
    """Place of a delivery in the archive."""
    return settings().archive / sha256[:2] / f"{sha256}.gz"


def read_archived(sha256: str) -> bytes:
    """Read a delivery back as it was received."""
    return gzip.decompress(archived(sha256).read_bytes())


def rows(source: Source, content: bytes, conform: Callable[[str], str]) -> Iterator[Row]:
    """Read a delivery as rows of text in the order of its form's columns, with the row's fault last.

    Args:
        source: says the format and how headers map to the form.
        content: the bytes as received.
        conform: brings a header to the form in which headers are compared.

    Returns:
        For each row: the form's columns as delivered, then a fault code or None.

    Raises:
        SourceUnreadable: undecodable, truncated or of another format.
        HeaderMismatch: a header is missing or unknown.
    """
    pull = source.pull
    if isinstance(pull, FilePull) and pull.cells:
        return _cell_rows(source, pull, content, conform)
    if isinstance(pull, FilePull) and pull.format == "csv":
        table = _csv_table(source, pull, content)
    elif isinstance(pull, FilePull):
        table = _sheet_table(source, pull, content)
    elif isinstance(pull, ApiPull):
        table = _json_table(source, pull, content)
    else:
        table = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
    return _mapped(source, table, conform)


# fetching ----------------------------------------------------------------------------------------


def _fetch_file(source: Source, path: Path) -> Fetched:
    try:
        return Fetched(path.name, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceUnreadable(
            place=f"source {source.code}, {path}",
            found="no file",
            wanted=f"the {source.form} file of {source.agency_name}",
            remedy="Ask the agency to deliver it, or correct `address` in its YAML.",
        ) from error
    except (IsADirectoryError, PermissionError) as error:
        raise SourceUnreadable(
            place=f"source {source.code}, {path}", found=str(error.strerror), wanted="a readable file"
        ) from error


def _fetch_api(source: Source, pull: ApiPull, url: str) -> Fetched:
    token = environment(source, pull.token_env)
    bodies: list[bytes] = []
    pages = 1
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        while len(bodies) < pages:
            number = len(bodies) + 1
            paging = {pull.page_parameter: number, pull.size_parameter: pull.page_size}
            answer = client.get(httpx.URL(url).copy_merge_params(paging))
            body = _json_page(source, pull, answer, number)
            pages = int(body[pull.pages])
            bodies.append(answer.content)
    # One array of the pages as they came: what was received, byte for byte, and still JSON.
    return Fetched(f"{source.code}.json", b"[" + b",\n".join(bodies) + b"]")


def _json_page(source: Source, pull: ApiPull, answer: httpx.Response, number: int) -> dict[str, Any]:
    place = f"source {source.code}, page {number} of {answer.url.copy_with(query=None)}"
    if answer.status_code >= 500 or answer.status_code == 429:
        answer.raise_for_status()
    if answer.status_code != 200:
        raise SourceUnreadable(
            place=place,
            found=f"status {answer.status_code}: {answer.text[:120]}",
            wanted="status 200",
            remedy=f"Check the address and the token named by {pull.token_env}.",
        )
    try:
        body = answer.json()
    except json.JSONDecodeError as error:
        raise SourceUnreadable(place=place, found=repr(answer.text[:60]), wanted="JSON") from error
    if not isinstance(body, dict) or pull.rows not in body or pull.pages not in body:
        raise SourceUnreadable(
            place=place, found="an answer of another shape", wanted=f"the keys {pull.rows} and {pull.pages}"
        )
    return body


def _fetch_sql(source: Source, pull: SqlPull, url: str, period: Period) -> Fetched:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    engine = sa.create_engine(url, execution_options={"stream_results": True})
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("set transaction read only"))
            statement = sa.text(pull.query)
            known = {"year": period.year, "phase": period.phase}
            wanted = {key: known[key] for key in statement._bindparams if key in known}
            result = connection.execute(statement, wanted)
            writer.writerow(result.keys())
            for block in result.partitions(10_000):
                writer.writerows(block)
    except sa.exc.DBAPIError as error:
        raise SourceUnreadable(
            place=f"source {source.code}, {engine.url.render_as_string(hide_password=True)}",
            found=str(error.orig).strip().splitlines()[0],
            wanted="an answer to its query",
            remedy="Check that the agency's database is reachable and its query in the YAML fits.",
        ) from error
    finally:
        engine.dispose()
    return Fetched(f"{source.code}.csv", text.getvalue().encode("utf-8"))


# reading -----------------------------------------------------------------------------------------


def _csv_table(source: Source, pull: FilePull, content: bytes) -> Iterator[list[str]]:
    start = len(BYTE_ORDER_MARK) if pull.encoding == "utf-8" and content.startswith(BYTE_ORDER_MARK) else 0
    try:
        text = content[start:].decode(pull.encoding)
    except UnicodeDecodeError as error:
        place = start + error.start
        line = content.count(b"\n", 0, place) + 1
        raise SourceUnreadable(
            place=f"source {source.code}, line {line}, byte {place}",
            found=f"the byte 0x{content[place]:02x}, which {pull.encoding} does not have there",
            wanted=f"text in {pull.encoding}",
            remedy="Ask the agency to export again, or correct `encoding` in its YAML.",
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=pull.delimiter)
    for _ in range(pull.header_row - 1):
        next(reader, None)
    return reader


def _sheet_table(source: Source, pull: FilePull, content: bytes) -> Iterator[list[str]]:
    book = _workbook(source, content, "workbook")
    table = book.get_sheet_by_index(0).iter_rows()
    for _ in range(pull.header_row - 1):
        next(table, None)
    # Rows below the table that hold nothing are an artefact of the sheet, not a delivery.
    return (cells for cells in ([_cell_text(cell) for cell in row] for row in table) if any(cells))


def _json_table(source: Source, pull: ApiPull, content: bytes) -> Iterator[list[str]]:
    headers = list(source.columns.values())
    yield headers
    for page in json.loads(content):
        for item in page[pull.rows]:
            unknown = sorted(set(item) - set(headers) - set(source.ignored_columns))
            if unknown:
                raise _header_mismatch(source, unknown, [])
            yield [_cell_text(item.get(header)) for header in headers]


def _cell_rows(source: Source, pull: FilePull, content: bytes, conform: Callable[[str], str]) -> Iterator[Row]:
    for name, member in _members(source, pull, content):
        book = _workbook(source, member, name)
        for sheet in book.sheet_names:
            code = re.search(pull.sheet_code or r"(.*)", conform(sheet))
            if code is None:
                raise _layout_mismatch(source, f"{name}, sheet {sheet}", "no code in its name", pull.sheet_code)
            table = book.get_sheet_by_name(sheet).to_python()
            labels = [conform(_cell_text(row[0])) if row else "" for row in table]
            for cell in pull.cells:
                wanted = conform(cell.label)
                if wanted not in labels:
                    raise _layout_mismatch(source, f"{name}, sheet {sheet}", "no such row", cell.label)
                value = table[labels.index(wanted)][cell.column - 1]
                yield (code.group(1), cell.measure, _cell_text(value), None)


def _layout_mismatch(source: Source, place: str, found: str, wanted: str | None) -> HeaderMismatch:
    return HeaderMismatch(place=f"source {source.code}, {place}", found=found, wanted=f"{wanted}")


def _members(source: Source, pull: FilePull, content: bytes) -> Iterator[tuple[str, bytes]]:
    if pull.archive == "none":
        yield "workbook", content
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _refuse_bomb(source, archive, len(content))
            for name in sorted(archive.namelist()):
                yield name, archive.read(name)
    except (zipfile.BadZipFile, EOFError) as error:
        raise _unreadable(source, "archive", str(error), "a whole zip archive") from error


def _workbook(source: Source, content: bytes, name: str) -> CalamineWorkbook:
    try:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                _refuse_bomb(source, archive, len(content))
        return CalamineWorkbook.from_filelike(io.BytesIO(content))
    except (zipfile.BadZipFile, CalamineError) as error:
        raise _unreadable(source, name, str(error), "a whole workbook") from error


def _refuse_bomb(source: Source, archive: zipfile.ZipFile, packed: int) -> None:
    unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > LARGEST_UNPACKED_BYTES or unpacked > LARGEST_RATIO * max(packed, 1024):
        raise _unreadable(
            source, "archive", f"{packed} bytes that unpack to {unpacked}", "an archive of plausible size"
        )


def _unreadable(source: Source, name: str, found: str, wanted: str) -> SourceUnreadable:
    return SourceUnreadable(
        place=f"source {source.code}, {name}",
        found=found,
        wanted=wanted,
        remedy="Ask the agency to deliver it again; a transfer may have broken off.",
    )


def _mapped(source: Source, table: Iterator[list[str]], conform: Callable[[str], str]) -> Iterator[Row]:
    header = [conform(cell) for cell in next(table, [])]
    wanted = {column: conform(name) for column, name in source.columns.items()}
    ignored = {conform(name) for name in source.ignored_columns}
    missing = [source.columns[column] for column, key in wanted.items() if key not in header]
    unknown = [key for key in header if key and key not in wanted.values() and key not in ignored]
    if missing or unknown:
        raise _header_mismatch(source, unknown, missing)
    places = [header.index(wanted[column]) for column in FORM_COLUMNS[source.form]]
    width = len(header)
    return _placed(table, places, width)


def _placed(table: Iterable[list[str]], places: Sequence[int], width: int) -> Iterator[Row]:
    for cells in table:
        if not cells:
            continue
        if len(cells) == width:
            yield [*(cells[place] for place in places), None]
        else:
            padded = cells + [""] * width
            yield [*(padded[place] for place in places), ROW_FAULT_WIDTH]


def _header_mismatch(source: Source, unknown: Sequence[str], missing: Sequence[str]) -> HeaderMismatch:
    parts = [f"unknown header {', '.join(map(repr, unknown))}"] if unknown else []
    parts += [f"no header {', '.join(map(repr, missing))}"] if missing else []
    return HeaderMismatch(
        place=f"source {source.code}, header row",
        found="; ".join(parts),
        wanted="just the headers of `columns` and `ignored_columns` in its YAML",
        remedy="Add the new header to the YAML, or ask the agency for the agreed layout.",
    )


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
