"""Delimited text: its encoding and delimiter found out, its lines bounded before they are parsed."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import cast

import pyarrow as pa

from methods.errors import SourceUnreadable
from tasks.edges.reading import blocks, encodings
from tasks.edges.reading.containers import Content
from tasks.edges.reading.encodings import Encoding
from tasks.edges.reading.table import (
    HEAD_ROWS,
    Header,
    Key,
    Row,
    Table,
    check_alike,
    empty,
    find_header,
    no_such_row,
    unreadable,
    without_foot,
)
from tasks.edges.readings import Reading

LARGEST_CELL = 1024**2
LARGEST_LINE = 16 * 1024**2
BLOCK_BYTES = 1024**2
HEAD_CHARACTERS = 256 * 1024
DELIMITERS = (",", ";", "\t", "|")

# Four Persian letters of UTF-8 on end; in windows-1256 no word has ط ظ ع غ before پ چ ژ گ four times over.
_UTF8_WORD = re.compile(rb"(?:[\xd8-\xdb][\x80-\xbf]){4}")
_HIGH = bytes(range(0x80, 0x100))
_ARABIC = bytes(byte for byte in _HIGH if "\u0600" <= bytes([byte]).decode("cp1256") <= "\u06ff")
_REMEDY = "Ask the agency to export again, or correct `encoding` in its YAML."


@dataclass(frozen=True)
class _Fault:
    line: int
    offset: int
    byte: int


@contextmanager
def read_table(content: Content, reading: Reading, key: Key, headers: Collection[str]) -> Iterator[Table]:
    """Read delimited text.

    Raises:
        SourceUnreadable: undecodable, of mixed encodings, or with a line no table has.
        HeaderMismatch: one header stands over two columns.
    """
    with opened(content, reading) as (stream, notes):
        head = stream.read(HEAD_CHARACTERS)
        delimiter, header = _find_delimiter(content.place, head, reading, key, headers)
        check_alike(content.place, header.cells, key)
        if reading.delimiter == "auto":
            notes.append(f"delimiter {'tab' if delimiter == chr(9) else delimiter} (found)")
        if header.row > 1:
            notes.append(f"header in row {header.row}")
        rows = _rows(content.place, stream, delimiter, header.row)
        foot = None if reading.foot == "keep" else key

        def again() -> TextIOWrapper:
            return content.path.open(encoding=stream.encoding, newline="")

        plain = blocks.read_blocks(again, delimiter, header.row, len(header.cells), foot, notes)
        yield Table(header.cells, rows if foot is None else without_foot(rows, foot, notes), notes, plain)


@contextmanager
def opened(content: Content, reading: Reading) -> Iterator[tuple[TextIOWrapper, list[str]]]:
    """Open a file as text of known encoding and bounded lines, with a note where it was found out."""
    encoding = find_encoding(content.place, content.path, reading.encoding)
    notes = [f"encoding {encoding.name} (found)"] if reading.encoding == "auto" else []
    # A mark is a codec's own to skip, also when the stream is wound back.
    codec = {"utf-8": "utf-8-sig"}.get(encoding.codec, "utf-16") if encoding.mark else encoding.codec
    with content.path.open(encoding=codec, newline="") as stream:
        yield stream, notes


def find_encoding(place: str, path: Path, wanted: str, lines: bool = True) -> Encoding:
    """Find out the encoding of a whole file, or check the one that is said.

    Args:
        place: where the file stands, for refusals.
        path: the file.
        wanted: its encoding, or "auto".
        lines: whether it has lines, which then are bounded.

    Raises:
        SourceUnreadable: naming line and byte of what no encoding here, or not the one said, explains.
    """
    encoding = _supposed(path, wanted)
    fault = _walk(place, path, encoding, lines)
    if fault is not None and wanted == "auto" and encoding == Encoding("utf-8", "utf-8"):
        encoding = _legacy(place, path, fault)
        _walk(place, path, encoding, lines)
    elif fault is not None:
        raise _undecodable(place, fault, encoding.name)
    elif encoding.name == "cp1256":
        _refuse_mixture(place, path, _Fault(0, 0, 0))
    return encoding


# encoding ----------------------------------------------------------------------------------------


def _supposed(path: Path, wanted: str) -> Encoding:
    with path.open("rb") as stream:
        head = stream.read(4096)
    encoding = encodings.supposed(head)
    if wanted in ("auto", encoding.name):
        return encoding
    return Encoding(wanted, "utf-16-le" if wanted == "utf-16" else wanted)


def _walk(place: str, path: Path, encoding: Encoding, lines: bool) -> _Fault | None:
    if encoding.codec == "utf-8" and _is_sound(path, encoding.mark):
        return None
    decoder = codecs.getincrementaldecoder(encoding.codec)("strict")
    offset, line, since = encoding.mark, 1, 0
    for block in _blocks(path, encoding.mark):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            # The decoder puts the bytes it kept back from the block before in front of this one.
            start = offset - (len(error.object) - len(block)) + error.start
            read = error.object[: error.start].decode(encoding.codec)
            return _Fault(line + read.count("\n"), start, error.object[error.start])
        if "\x00" in text:
            raise _nul(place, path, encoding, line + text.count("\n", 0, text.index("\x00")))
        since = _unbroken(text, since)
        line += text.count("\n")
        if lines and since > LARGEST_LINE:
            raise unreadable(
                f"{place}, line {line}", f"a line of more than {LARGEST_LINE} characters", "lines of a table"
            )
        offset += len(block)
    return None


def _is_sound(path: Path, start: int) -> bool:
    """Say whether a file is beyond doubt: UTF-8 without NUL whose lines are short; else it is to be walked.

    No byte of a letter is a line feed, so that whole lines are checked by themselves, without making text of them.
    """
    rest = b""
    for block in _blocks(path, start):
        whole, end, begun = (rest + block).rpartition(b"\n") if block else (rest, b"", b"")
        # Of two blocks at most, so no line of it is longer than both.
        if b"\x00" in whole or len(begun) > BLOCK_BYTES:
            return False
        try:
            pa.array([whole + end], pa.binary()).cast(pa.string())
        except pa.ArrowInvalid:
            return False
        rest = begun
    return True


def _blocks(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(start)
        while block := stream.read(BLOCK_BYTES):
            yield block
    yield b""


def _unbroken(text: str, since: int) -> int:
    broken = max(text.rfind("\n"), text.rfind("\r")) if since or len(text) else -1
    return len(text) - broken - 1 if broken >= 0 else since + len(text)


def _legacy(place: str, path: Path, fault: _Fault) -> Encoding:
    _refuse_mixture(place, path, fault)
    high = sum(len(block) - len(block.translate(None, _HIGH)) for block in _blocks(path, 0))
    letters = sum(len(block) - len(block.translate(None, _ARABIC)) for block in _blocks(path, 0))
    if 2 * letters < high:
        raise _undecodable(place, fault, "utf-8")
    return Encoding("cp1256", "cp1256")


def _refuse_mixture(place: str, path: Path, fault: _Fault) -> None:
    """Refuse UTF-8 words in a file that is not UTF-8, at the first place where the other encoding begins."""
    offset, line, kept = 0, 1, b""
    for block in _blocks(path, 0):
        window = kept + block
        word = _UTF8_WORD.search(window)
        if word is not None:
            start = offset - len(kept) + word.start()
            if start < fault.offset:
                raise _undecodable(place, fault, "utf-8")
            raise _undecodable(place, _Fault(line + window.count(b"\n", 0, word.start()), start, word[0][0]), "cp1256")
        kept = window[-8:] if block else b""
        line += window.count(b"\n") - kept.count(b"\n")
        offset += len(block)


def _undecodable(place: str, fault: _Fault, name: str) -> SourceUnreadable:
    found = f"the byte 0x{fault.byte:02x}, which {name} does not have there"
    if name == "cp1256":
        found = f"text in utf-8 from the byte 0x{fault.byte:02x} on, in a file of cp1256"
    return SourceUnreadable(
        place=f"{place}, line {fault.line}, byte {fault.offset}",
        found=found,
        wanted="one encoding throughout: utf-8, utf-16 or cp1256" if name != "utf-16" else "text in utf-16",
        remedy=_REMEDY,
    )


def _nul(place: str, path: Path, encoding: Encoding, line: int) -> SourceUnreadable:
    byte = next(_offsets(path, "\x00".encode(encoding.codec), encoding.mark))
    return unreadable(f"{place}, line {line}, byte {byte}", "a byte of zero", "text", _REMEDY)


def _offsets(path: Path, sought: bytes, start: int) -> Iterator[int]:
    offset = start
    for block in _blocks(path, start):
        at = block.find(sought)
        # In two-byte text a zero pair counts only where a character begins.
        while at >= 0 and at % len(sought):
            at = block.find(sought, at + 1)
        if at >= 0:
            yield offset + at
        offset += len(block)


# delimiter, header, rows -------------------------------------------------------------------------


def _find_delimiter(place: str, head: str, reading: Reading, key: Key, headers: Collection[str]) -> tuple[str, Header]:
    csv.field_size_limit(LARGEST_CELL)
    choices = DELIMITERS if reading.delimiter == "auto" else (reading.delimiter,)
    tops = {delimiter: _top(head, delimiter, reading) for delimiter in choices}
    found = {delimiter: find_header(top, reading, key, headers) for delimiter, top in tops.items()}
    ranked = {
        delimiter: (header.score, _regularity(tops[delimiter], header))
        for delimiter, header in found.items()
        if header is not None
    }
    if not ranked:
        raise _no_header(place, head, reading)
    best = max(ranked, key=lambda delimiter: ranked[delimiter])
    header = found[best]
    if header is None:
        raise _no_header(place, head, reading)
    return best, header


def _no_header(place: str, head: str, reading: Reading) -> SourceUnreadable:
    if not head.strip():
        return empty(place)
    return no_such_row(place, reading.header_row)


def _top(head: str, delimiter: str, reading: Reading) -> list[list[str]]:
    count = HEAD_ROWS if reading.header_row == "auto" else reading.header_row
    rows: list[list[str]] = []
    reader = csv.reader(_lines(head), delimiter=delimiter)
    while len(rows) < count:
        try:
            rows.append(next(reader))
        except (StopIteration, csv.Error):
            # What is wrong below the header is named with its line when the rows are read.
            break
    return rows


def _lines(head: str) -> Iterator[str]:
    start = 0
    for end in re.finditer(r"\r\n|\n|\r", head):
        yield head[start : end.end()]
        start = end.end()
    yield head[start:]


def _regularity(top: list[list[str]], header: Header) -> int:
    """Count the cells of those first rows that are as wide as the header, if that is more than one column."""
    width = len(header.cells)
    return sum(width for row in top[header.row - 1 :] if len(row) == width) if width > 1 else 0


def _rows(place: str, stream: TextIOWrapper, delimiter: str, skip: int) -> Iterator[Row]:
    stream.seek(0)
    # One blank line more than the file has: behind an open quote it is swallowed, else it is a row of nothing.
    reader = cast("Iterator[Row]", csv.reader(chain(stream, ["\n"]), delimiter=delimiter))
    row: Row = []
    try:
        for _ in range(skip):
            row = next(reader, [])
        for row in reader:
            if any(row):
                yield row
    except csv.Error as error:
        raise _broken_record(place, stream, delimiter) from error
    if row:
        raise _broken_record(place, stream, delimiter)


def _broken_record(place: str, stream: TextIOWrapper, delimiter: str) -> SourceUnreadable:
    """Read again, now counting lines, which would slow every sound file: where does the broken record begin?"""
    stream.seek(0)
    reader = csv.reader(stream, delimiter=delimiter)
    start = following = 1
    try:
        for _ in reader:
            start, following = following, reader.line_num + 1
        is_open = True
    except csv.Error:
        start, is_open = following, reader.line_num > following
    if is_open:
        return unreadable(
            f"{place}, line {start}",
            "a quotation mark that is not closed",
            "each quotation mark closed in its cell",
            "Ask the agency to correct this line or to export again.",
        )
    return unreadable(
        f"{place}, line {start}",
        f"a cell of more than {LARGEST_CELL} characters",
        "cells of a table",
        "Ask the agency what stands in this line.",
    )
