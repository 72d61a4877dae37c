"""The distinct values of the columns that are read once a value, gathered as a delivery streams by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.edges.forms import LONGEST_READ_ONCE, PAIR, Form

# Beyond this the database is quicker to find them, and does it out of this process's memory.
MOST_VALUES = 50_000
# Beyond this a cell that recurs is read as quickly as it is looked up.
MOST_RECURRING = 5_000


class Distinct:
    """What was delivered in each column of few values; the twin of `forms.distinct_rows`."""

    def __init__(self, form: Form, columns: Sequence[str]) -> None:
        """Begin with a delivery that has these columns of its form."""
        self._form = form
        self._columns = columns
        self._seen: dict[str, pa.Array] = {}
        self._are_many = False
        self._recurring: dict[str, pa.Array] = {name: _NONE for name in form.recurring if name in columns}

    def watched(self, blocks: Iterable[Sequence[pa.Array]]) -> Iterator[Sequence[pa.Array]]:
        """Pass blocks of columns on, and keep what they hold."""
        for block in blocks:
            if not self._are_many and len(block[0]):
                self._keep(dict(zip(self._columns, block, strict=True)))
            yield block

    def rows(self, delivery_id: str) -> pd.DataFrame | None:
        """Rows of `landing.distinct_value`; None where there are too many."""
        if self._are_many:
            return None
        whole = [
            pd.DataFrame({"column_name": name, "delivered": _readable(values).to_pylist()}, dtype=object)
            for name, values in (self._seen | self._recurring).items()
        ]
        every = pd.concat(whole) if whole else pd.DataFrame(columns=["column_name", "delivered"])
        return every.assign(delivery_id=delivery_id)[["delivery_id", "column_name", "delivered"]]

    def _keep(self, cells: dict[str, pa.Array]) -> None:
        for name in self._form.read_once:
            if name not in cells:
                continue
            found = pc.unique(self._delivered(name, cells))
            known = self._seen.get(name)
            self._seen[name] = found if known is None else pc.unique(pa.concat_arrays([known, found]))
            self._are_many = self._are_many or len(self._seen[name]) > MOST_VALUES
        for name, known in list(self._recurring.items()):
            found = pc.unique(pa.concat_arrays([known, pc.unique(cells[name])]))
            # All of them or none: what is not among them would be read as nothing.
            if len(found) > MOST_RECURRING or pc.max(pc.utf8_length(found)).as_py() > LONGEST_READ_ONCE:
                del self._recurring[name]
            else:
                self._recurring[name] = found

    def _delivered(self, name: str, cells: dict[str, pa.Array]) -> pa.Array:
        if not self._form.is_pair(name):
            return cells[name]
        joined = pc.binary_join_element_wise(cells[name], cells.get("province", ""), PAIR)
        return joined.filter(pc.not_equal(cells[name], ""))


_NONE = pa.array([], pa.string())


def _readable(values: pa.Array) -> pa.Array:
    return values.filter(pc.and_(pc.not_equal(values, ""), pc.less_equal(pc.utf8_length(values), LONGEST_READ_ONCE)))
