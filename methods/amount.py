"""Amounts and whole numbers as agencies write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from methods import persian

# Rial sums of the whole state budget have seventeen digits.
WHOLE_DIGITS = 18

_SIGN = f"[+{persian.DASHES.replace('-', '')}-]?"
# ﷼ is one of the presentation forms that conforming spells out.
_MARK = r"(?:\$|ریال|تومان)"
_GROUPED = "|".join(rf"[0-9]{{1,3}}(?:{mark}[0-9]{{3}}){{1,5}}" for mark in (",", "٬", "،", " "))
_AMOUNT = re.compile(
    rf"""["' ]*(?:{_MARK}\ ?)?
    (?P<open>\(?)\ ?(?P<lead>{_SIGN})\ ?(?:{_MARK}\ ?)?
    (?=[.٫]?[0-9])(?P<whole>{_GROUPED.replace(" ", "[ ]")}|[0-9]{{0,{WHOLE_DIGITS}}})
    (?P<part>(?:[.٫][0-9]{{0,30}})?)(?P<power>(?:[eE][-+]?[0-9]{{1,2}})?)
    \ ?(?:{_MARK}\ ?)?(?P<trail>{_SIGN})\ ?(?P<close>\)?)(?:\ ?{_MARK})?["' ]*""",
    re.VERBOSE,
)
# A number has one decimal mark: two groups of three or more behind ٫ can only be thousands.
_BY_DECIMAL_MARK = re.compile(r"[^0-9.٫]*[0-9]{1,3}(?:٫[0-9]{3}){2,5}[^0-9.٫]*")
_TO_POINT = str.maketrans("٫", ".", ",٬، ")


def read_amounts(texts: Sequence[str]) -> list[Decimal | None]:
    """Read numbers as delivered; `reference.amount` is the same rule in SQL.

    Thousands stand in groups of three behind one and the same of `,` `٬` `،` or space, decimals behind `.` or `٫`
    (never `/`). Where ٫ stands more than once it parts thousands; `۱٫۲۳۴` alone is a decimal, as Unicode has it.
    Minus stands before, behind, or as parentheses. Quotes and `$`, ﷼, ریال, تومان are let pass: the unit is the
    source's to state, and nothing is converted. Spreadsheets' `1.5E+08` is read.

    Args:
        texts: cells as text.

    Returns:
        The exact amounts, in order; None where the text is no number, or has more than 18 whole digits.
    """
    return [_read(text) for text in persian.conform_all(texts)]


def read_whole_numbers(texts: Sequence[str]) -> list[int | None]:
    """Read whole numbers as delivered (`1,234` and `1,234.0`); `reference.whole_number` is the same rule in SQL.

    Args:
        texts: cells as text.

    Returns:
        The numbers, in order; None where the text is no amount or has a part after the point.
    """
    return [None if value is None or value != int(value) else int(value) for value in read_amounts(texts)]


def _read(text: str) -> Decimal | None:
    if text.isascii() and text.isdigit() and len(text) <= WHOLE_DIGITS:
        return Decimal(text)
    if _BY_DECIMAL_MARK.fullmatch(text):
        text = text.replace("٫", "")
    found = _AMOUNT.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = found["open"] + found["lead"] + found["trail"]
    if len(signs) > 1 or found["trail"] == "+":
        return None
    # As text, since a minus on the Decimal itself would round to the context's precision.
    minus = "-" if signs not in ("", "+") else ""
    value = Decimal(minus + (found["whole"] + found["part"]).translate(_TO_POINT) + found["power"])
    return value if abs(value) < 10**WHOLE_DIGITS else None
