"""Plain delimited text in blocks of columns: what a reader of rows would find, without a row of Python."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from io import TextIOWrapper
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from tasks.edges.reading.table import FOOT_ROWS, Key, above_foot

BLOCK_BYTES = 1024**2
LARGEST_CELL = 1024**2
# Length of the mark before the text.
_MARKS = {"utf-8": 0, "utf-8-sig": 3}
_QUOTE, _FEED, _RETURN = b'"', b"\n", b"\r"


class NotPlain(Exception):  # noqa: N818
    """Nothing is wrong yet: the text is to be read row by row, which has an answer to everything."""


def read_blocks(
    opened: Callable[[], TextIOWrapper], delimiter: str, skip: int, width: int, foot: Key | None, notes: list[str]
) -> Iterator[pa.RecordBatch]:
    """Read the rows of plain text, those above the first `skip` rows left out, as columns of text.

    Args:
        opened: opens the text. On its own, since it is read ahead of who asks.
        delimiter: what parts its cells.
        skip: how many rows stand above, the header among them.
        width: how many cells each row has.
        foot: brings text to the form in which a total is known; none where a total is a record.
        notes: what was found out, for the receipt.

    Raises:
        NotPlain: a row is of another width, a quotation mark stands inside of a cell or a line ends in an odd way.
    """
    if len(delimiter.encode()) > 1 or delimiter == '"':
        raise NotPlain
    held: pa.RecordBatch | None = None
    with opened() as stream:
        plain = _PlainStream(_below(stream, delimiter, skip), delimiter)
        for block in _filled_rows(_batches(plain, delimiter, width)):
            if held is not None and block.num_rows < FOOT_ROWS:
                # A foot may begin in the block before; what stands above any foot is not held for it.
                both = pa.concat_batches([held, block])
                above = max(0, both.num_rows - FOOT_ROWS)
                if above:
                    yield both.slice(0, above)
                block = both.slice(above)
            elif held is not None:
                yield held
            held = block
    if held is None:
        raise NotPlain
    if foot is not None:
        last = held.slice(max(0, held.num_rows - FOOT_ROWS))
        rows = list(zip(*(column.to_pylist() for column in last.columns), strict=True))
        held = held.slice(0, held.num_rows - last.num_rows + above_foot(rows, foot, notes))
    yield held


def _below(stream: TextIOWrapper, delimiter: str, skip: int) -> Callable[[int], bytes]:
    """Give what reads on below the first rows, as UTF-8."""
    above: list[str] = []
    reader = csv.reader(_noted(stream, above), delimiter=delimiter)
    for _ in range(skip):
        next(reader, [])
    if stream.encoding not in _MARKS:
        return lambda size: stream.read(size).encode()
    # Checked as a whole when its encoding was found out: it need not become text to become bytes again.
    bare = cast("BinaryIO", stream.buffer)
    bare.seek(_MARKS[stream.encoding] + len("".join(above).encode()))
    return bare.read


def _noted(lines: Iterable[str], above: list[str]) -> Iterator[str]:
    for line in lines:
        above.append(line)
        yield line


def _batches(stream: _PlainStream, delimiter: str, width: int) -> Iterator[pa.RecordBatch]:
    names = [str(place) for place in range(width)]
    try:
        yield from arrow_csv.open_csv(
            pa.PythonFile(stream, mode="r"),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                # Its encoding has been checked as a whole.
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # A row of another width, or longer than a block; nothing at all.
        raise NotPlain from error


def _filled_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if any(column.nbytes > LARGEST_CELL for column in batch.columns):
            _check_cells(batch)
        filled = pc.not_equal(batch.columns[0], "")
        if not pc.all(filled).as_py():
            for column in batch.columns[1:]:
                filled = pc.or_(filled, pc.not_equal(column, ""))
            batch = batch.filter(filled)
        if batch.num_rows:
            yield batch


def _check_cells(batch: pa.RecordBatch) -> None:
    if any(pc.max(pc.binary_length(column)).as_py() > LARGEST_CELL for column in batch.columns):
        raise NotPlain


class _PlainStream(io.RawIOBase):
    """Bytes of a text in UTF-8, each block looked at before it is passed on: is every quotation mark a cell's own?"""

    def __init__(self, read_on: Callable[[int], bytes], delimiter: str) -> None:
        self._read_on = read_on
        # What may stand beside a cell's own mark; another mark, as one doubled closes and opens at once.
        self._beside = np.frombuffer((delimiter + '\n\r"').encode(), dtype=np.uint8)
        self._is_open = False
        self._last = b"\n"
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, fewer only at the end: a short block might hold no end of a row."""
        while len(self._rest) < size and (following := self._next_block()):
            self._rest += following
        block, self._rest = self._rest[:size], self._rest[size:]
        return block

    def _next_block(self) -> bytes:
        block = self._read_on(BLOCK_BYTES)
        # A mark at the very end is told by what follows it.
        while block.endswith((_QUOTE, _RETURN)):
            following = self._read_on(1)
            if not following:
                break
            block += following
        self._check_line_ends(block)
        self._check_quotes(block)
        self._last = block[-1:] or self._last
        return block

    def _check_line_ends(self, block: bytes) -> None:
        if _RETURN not in block:
            return
        signs = np.frombuffer(block + _FEED, dtype=np.uint8)
        returns = signs[:-1] == _RETURN[0]
        # A return at the very end of the text is none of a line end.
        if (returns & (signs[1:] != _FEED[0])).any() or block.endswith(_RETURN):
            raise NotPlain

    def _check_quotes(self, block: bytes) -> None:
        if not block:
            if self._is_open:
                raise NotPlain
            return
        if _QUOTE not in block:
            return
        signs = np.frombuffer(self._last + block + _FEED, dtype=np.uint8)
        places = np.flatnonzero(signs[1:-1] == _QUOTE[0]) + 1
        if self._is_open:
            opening, closing = places[1::2], places[0::2]
        else:
            opening, closing = places[0::2], places[1::2]
        if not np.isin(signs[np.concatenate([opening - 1, closing + 1])], self._beside).all():
            raise NotPlain
        self._is_open ^= bool(len(places) % 2)
