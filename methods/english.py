"""English text: numbers as a page in English prints them, rounded as the Persian page rounds them."""

from __future__ import annotations

import math

# A Jalali year begins in March of the Gregorian year so much later.
TO_GREGORIAN_YEAR = 621


def number(value: float | int, decimals: int = 0) -> str:
    """Write a number with a comma between thousands, a point before decimals and − for minus: 12,345.5."""
    if not math.isfinite(value):
        raise ValueError(f"cannot print {value}")
    text = f"{abs(value):,.{decimals}f}"
    sign = "−" if value < 0 and any(digit in text for digit in "123456789") else ""
    return sign + text


def percent(share: float, decimals: int = 2) -> str:
    """Write a share as a percentage: 0.6805 is 68.05%."""
    return number(share * 100, decimals) + "%"


def jalali_year(year: int) -> str:
    """Write a Jalali year with the two Gregorian years it lies in: 1403 is `1403 (2024/25)`."""
    begins = year + TO_GREGORIAN_YEAR
    return f"{year} ({begins}/{(begins + 1) % 100:02d})"
