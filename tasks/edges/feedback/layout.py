"""How the workbook of rows to correct is laid out, which its writer and its reader must know alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

GUIDE_SHEET, ROWS_SHEET, LISTS_SHEET, TICKET_SHEET = "راهنما", "ردیف‌های برگشتی", "فهرست‌ها", "payesh"
ROW_NUMBER_HEADER, REASON_HEADER = "شماره ردیف", "دلیل"
TICKET_LAYOUT = "1"


@dataclass(frozen=True)
class Ticket:
    """What the hidden sheet tells: whose rows these are, and which.

    Attributes:
        delivery_id: the delivery they were given back of; source_code, form: its source and form.
        columns: column of the form and the header it was sent out under.
        row_numbers: rows that were sent out.
    """

    delivery_id: str
    source_code: str
    form: str
    columns: Sequence[tuple[str, str]]
    row_numbers: Sequence[int]

    @property
    def digest(self) -> str:
        """SHA-256 of all it says: whether somebody altered it."""
        parts = [self.delivery_id, self.source_code, self.form, *(f"{name}={header}" for name, header in self.columns)]
        return hashlib.sha256("\n".join([*parts, *map(str, self.row_numbers)]).encode()).hexdigest()

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Give the lines of the sheet: what, its value, and the header of a column."""
        yield "layout", TICKET_LAYOUT, ""
        yield "delivery_id", self.delivery_id, ""
        yield "source_code", self.source_code, ""
        yield "form", self.form, ""
        yield "digest", self.digest, ""
        yield from (("column", name, header) for name, header in self.columns)
        yield from (("row", str(number), "") for number in self.row_numbers)
