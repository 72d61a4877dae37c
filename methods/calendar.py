"""The Jalali calendar, for whole arrays."""

from __future__ import annotations

import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods import persian

MONTH_NAMES_FA = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
MONTH_STARTS = np.array([0, 31, 62, 93, 124, 155, 186, 216, 246, 276, 306, 336])
# Remainders of the year by 33 that are leap years, for 1244 to 1503.
LEAP_REMAINDERS = (1, 5, 9, 13, 17, 22, 26, 30)
EPOCH_YEAR = 1300
EPOCH = np.datetime64("1921-03-21", "D")
LAST_YEAR = 1503

IntArray = npt.NDArray[np.int64]
DateArray = npt.NDArray[np.datetime64]


def is_leap(year: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Say which Jalali years have 366 days.

    Args:
        year: Jalali years, 1300 to 1503.

    Returns:
        True where Esfand has 30 days.
    Source:
        The 33-year cycle of the Iranian calendar; it agrees with the astronomical rule from 1244 to 1503.
    """
    return np.isin(np.asarray(year) % 33, LEAP_REMAINDERS)


def to_gregorian(year: npt.ArrayLike, month: npt.ArrayLike, day: npt.ArrayLike) -> DateArray:
    """Turn Jalali dates into days of datetime64; the parts are taken to be a day that exists.

    Raises:
        ValueError: a year before 1300 or after 1503.
    """
    years = np.asarray(year, dtype=np.int64)
    _refuse_outside(years, EPOCH_YEAR, LAST_YEAR)
    offset = _year_starts()[years - EPOCH_YEAR] + MONTH_STARTS[np.asarray(month) - 1] + np.asarray(day) - 1
    days: DateArray = EPOCH + offset.astype("timedelta64[D]")
    return days


def to_jalali(dates: npt.ArrayLike) -> tuple[IntArray, IntArray, IntArray]:
    """Turn days into Jalali year, month and day.

    Raises:
        ValueError: a day before 1300 or after 1503.
    """
    offset = (np.asarray(dates, dtype="datetime64[D]") - EPOCH).astype(np.int64)
    starts = _year_starts()
    _refuse_outside(offset, 0, int(starts[-1]) - 1)
    index = np.searchsorted(starts, offset, side="right") - 1
    in_year = offset - starts[index]
    month = np.searchsorted(MONTH_STARTS, in_year, side="right")
    return index + EPOCH_YEAR, month, in_year - MONTH_STARTS[month - 1] + 1


def month_table(first: int = 1300, last: int = 1500) -> pd.DataFrame:
    """List the months of these years with their first day and length.

    Returns:
        Columns year, month, starts_on [date], day_count [days], in order.
    """
    years = np.repeat(np.arange(first, last + 1), 12)
    months = np.tile(np.arange(1, 13), last - first + 1)
    starts = to_gregorian(years, months, np.ones_like(months))
    lengths = np.where(months <= 6, 31, np.where(months <= 11, 30, 29 + is_leap(years)))
    return pd.DataFrame({"year": years, "month": months, "starts_on": starts, "day_count": lengths})


def jalali_text(date: datetime.date) -> str:
    """Write a date as `1403-02-07`."""
    year, month, day = _parts(date)
    return f"{year:04d}-{month:02d}-{day:02d}"


def jalali_text_fa(date: datetime.date) -> str:
    """Write a date as `۷ اردیبهشت ۱۴۰۳`."""
    year, month, day = _parts(date)
    return persian.digits(f"{day} {MONTH_NAMES_FA[month - 1]} {year}")


def _parts(date: datetime.date) -> tuple[int, int, int]:
    year, month, day = to_jalali(np.array([np.datetime64(date, "D")]))
    return int(year[0]), int(month[0]), int(day[0])


def _refuse_outside(values: IntArray, least: int, most: int) -> None:
    # A negative index would wrap to the other end of the table without a word.
    if values.size and not (least <= values.min() and values.max() <= most):
        raise ValueError(f"the calendar holds the years {EPOCH_YEAR} to {LAST_YEAR}")


def _year_starts() -> IntArray:
    lengths = 365 + is_leap(np.arange(EPOCH_YEAR, LAST_YEAR + 1)).astype(np.int64)
    return np.concatenate([[0], np.cumsum(lengths)])
