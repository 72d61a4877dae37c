"""Tables of open data as CSV, JSON and Parquet: the same rows, the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

# How a text begins that a spreadsheet program would take for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CHUNK = 32_768


def of_frame(rows: pd.DataFrame) -> pa.Table:
    """Make a table of a frame of texts; an empty text stays a text, null stays null."""
    return pa.table({str(name): pa.array(rows[name], pa.string(), from_pandas=True) for name in rows})


def coded(codes: npt.ArrayLike, labels: Sequence[str | None]) -> pa.DictionaryArray:
    """Make a column of labels looked up by number; null where there is none, or the number is -1."""
    places = np.asarray(codes, dtype=np.int32)
    # -1 looks up the last place, behind all labels.
    is_none = np.array([*(label is None for label in labels), True])[places]
    dictionary = pa.array([label or "" for label in labels], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(places, mask=is_none), dictionary)


def text(values: pd.Series) -> pa.DictionaryArray:
    """Make a column of texts that recur."""
    codes, labels = pd.factorize(values)
    return coded(codes, [str(label) for label in labels])


def constant(value: pa.Scalar, count: int) -> pa.Array:
    """Make a column that says the same in each row."""
    return pa.repeat(value, count)


def write_csv(path: Path, table: pa.Table) -> None:
    """Write CSV in UTF-8, texts in quotation marks, null as nothing.

    A text that a spreadsheet program would take for a formula gets an apostrophe in front; numbers never do.
    """
    plain = [(one.name, pa.string() if pa.types.is_dictionary(one.type) else one.type) for one in table.schema]
    with pa.csv.CSVWriter(path, pa.schema(plain)) as writer:
        for batch in table.to_batches(max_chunksize=CHUNK):
            writer.write_table(_guarded(pa.Table.from_batches([batch])))


def write_json(path: Path, table: pa.Table, raw: Sequence[str] = ()) -> None:
    """Write JSON: an array of rows, each an array of cells, the first the names of the columns.

    Args:
        path: where to.
        table: numbers, truths and texts.
        raw: columns whose texts are JSON already.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[\n" + json.dumps(table.column_names))
        for batch in table.to_batches(max_chunksize=CHUNK):
            cells = [_json(batch.column(name), name in raw) for name in table.column_names]
            rows = pc.binary_join_element_wise(*cells, ",")
            file.write("".join(f",\n[{row}]" for row in rows.to_pylist()))
        file.write("\n]\n")


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write Parquet with plain types, which any reader knows."""
    # Of labels with nulls between them pyarrow writes other bytes each time.
    plain = [_mapped(column, lambda written: written) for column in table.columns]
    table = pa.Table.from_arrays(plain, names=table.column_names)
    pa.parquet.write_table(table, path, compression="zstd", store_schema=False, row_group_size=1 << 16)


def _guarded(table: pa.Table) -> pa.Table:
    columns = [_mapped(column, _guard) for column in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _guard(written: str) -> str:
    return "'" + written if written.startswith(FORMULA_STARTS) else written


def _mapped(column: pa.ChunkedArray, change: Callable[[str], str]) -> pa.Array:
    """Change the texts of a column, each distinct one once; other columns pass."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_string(array.type):
        array = array.dictionary_encode()
    if not pa.types.is_dictionary(array.type):
        return array
    labels = pa.array([None if one is None else change(one) for one in array.dictionary.to_pylist()], pa.string())
    return pc.take(labels, array.indices)


def _json(column: pa.Array, is_raw: bool) -> pa.Array:
    if pa.types.is_date(column.type):
        column = pc.cast(column, pa.string())
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
        cells = _mapped(column, (lambda written: written) if is_raw else _quoted)
    else:
        cells = pc.cast(column, pa.string())
    return pc.coalesce(cells, pa.scalar("null"))


def _quoted(written: str) -> str:
    return json.dumps(written, ensure_ascii=False)
