"""Reading: from the bytes of a delivery to a table of text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tasks.edges.reading import containers, encodings, records, sheets, text
from tasks.edges.reading.blocks import NotPlain
from tasks.edges.reading.containers import KIND_NAMES, Content
from tasks.edges.reading.table import Table, unreadable
from tasks.edges.readings import Reading

__all__ = ["NotPlain", "Table", "open_table"]

_LINES = (".jsonl", ".ndjson", ".jsonlines")


@contextmanager
def open_table(
    place: str,
    path: Path,
    file_name: str,
    reading: Reading,
    key: Callable[[str], str],
    headers: Collection[str] = (),
) -> Iterator[Table]:
    """Open a delivery as a table of text, finding out what its YAML leaves open.

    Never holds more than a part of it, but for workbooks and documents of JSON. The rows are read, and
    faults further down refused, while they are taken.

    Args:
        place: the beginning of the place in every refusal, such as "source P03".
        path: the delivery as it was received, on disk.
        file_name: the name it was delivered under.
        reading: what the source's YAML says of it.
        key: brings text to the form in which headers are compared.
        headers: the headers that are expected, by which header row and delimiter are found.

    Returns:
        The table; its rows can be taken once, inside the context.

    Raises:
        SourceUnreadable: empty, undecodable, broken off, encrypted, a bomb, or of another format.
        HeaderMismatch: two columns are headed alike, or a cell or key is not where it was agreed.
    """
    with (
        containers.unwrapped(place, path, file_name, reading) as content,
        _opened(content, reading, key, headers) as table,
    ):
        yield table


def _opened(
    content: Content, reading: Reading, key: Callable[[str], str], headers: Collection[str]
) -> AbstractContextManager[Table]:
    if reading.cells:
        return sheets.read_cells(content, reading, key)
    form = _found_format(content) if reading.format == "auto" else reading.format
    if form in sheets.WORKBOOKS:
        return sheets.read_table(content, reading, key, headers)
    if form == "pages":
        return records.read_pages(content, reading, key)
    if form == "parquet":
        return records.read_parquet(content, key)
    _check_is_text(content)
    if form == "csv":
        return text.read_table(content, reading, key, headers)
    return (records.read_lines if form == "jsonl" else records.read_document)(content, reading, key)


def _found_format(content: Content) -> str:
    if content.kind in sheets.WORKBOOKS or content.kind == "parquet":
        return content.kind
    if content.kind == "locked":
        return "xlsx"
    if content.kind == "zip":
        return "pages"
    if content.kind == "json":
        return "jsonl" if content.name.casefold().endswith(_LINES) or _is_a_record_a_line(content) else "json"
    return "csv"


def _is_a_record_a_line(content: Content) -> bool:
    """Say whether the second filled line begins a record although the first has ended one."""
    with content.path.open("rb") as stream:
        lines = encodings.head_text(stream.read(text.HEAD_CHARACTERS)).split("\n")
    filled = [line.strip() for line in lines if line.strip()]
    return len(filled) > 1 and filled[0].endswith("}") and filled[1].startswith("{")


def _check_is_text(content: Content) -> None:
    if content.kind not in ("text", "json"):
        raise unreadable(
            content.place,
            KIND_NAMES[content.kind],
            "delimited text or JSON",
            "Ask the agency for the agreed format, or correct `format` in its YAML.",
        )
