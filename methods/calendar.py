"""The Jalali calendar, for whole arrays."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods import persian

MONTH_NAMES_FA = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
# Source: Unicode CLDR, calendar `persian`, locale `en`.
MONTH_NAMES_EN = (
    "Farvardin", "Ordibehesht", "Khordad", "Tir", "Mordad", "Shahrivar", "Mehr", "Aban", "Azar", "Dey", "Bahman",
    "Esfand",
)  # fmt: skip
MONTH_STARTS = np.array([0, 31, 62, 93, 124, 155, 186, 216, 246, 276, 306, 336])
# Remainders of the year by 33 that are leap years, for 1244 to 1503.
LEAP_REMAINDERS = (1, 5, 9, 13, 17, 22, 26, 30)
EPOCH_YEAR = 1300
EPOCH = np.datetime64("1921-03-21", "D")
LAST_YEAR = 1503
# Two-digit years below it are of the 1400s: plans and visits end before 1420, their oldest borrowers begin about 1320.
CENTURY_TURN = 20
EXCEL_EPOCH = np.datetime64("1899-12-30", "D")
EXCEL_SERIALS = (20000, 80000)

# In conformed spelling, with the variants people write.
_MONTH_PATTERNS = (
    "فروردین", "ارد[یئ]? ?بهشت", "خرداد", "تیر", "ا?مرداد", "شهریور", "مهر", "[آا]بان", "[آا]ذر", "د[یئ]", "بهمن",
    "اسفند|اسپند",
)  # fmt: skip
_ENGLISH_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
# As `to_char` of an Oracle server writes years of two digits by default (RR).
ENGLISH_CENTURY_TURN = 50
_NAMED_MONTH = "|".join(f"(?P<m{month}>{pattern})" for month, pattern in enumerate(_MONTH_PATTERNS, start=1))
_WEEKDAY = "(?:(?:(?:یک|دو|سه|چهار|پنج) ?)?شنبه|جمعه)[،,]? ?"
_HALF_OF_DAY = r"(?: ?(?:[AaPp][Mm]|[قب]\.? ?ظ\.?))?"
_TIME = (
    rf"(?:[T ][0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:[.,][0-9]+)?)?{_HALF_OF_DAY}"
    r"(?: ?Z| ?[-+][0-9]{2}:?[0-9]{2})?)?"
)
# Other signs between the parts of a date, and spaces around them.
_PARTING = re.compile(r" ?([-/.\\\u2013\u066B]) ?")
_PARTED_BY = str.maketrans({"\\": "/", "\u2013": "-", "\u066b": "."})
_DATE = re.compile(
    rf"(?:(?P<y>[0-9]{{2}}|[0-9]{{4}})(?P<s>[-/.])(?P<m>[0-9]{{1,2}})(?P=s)(?P<d>[0-9]{{1,2}})"
    rf"|(?P<a>[0-9]{{1,2}})(?P<t>[-/.])(?P<b>[0-9]{{1,2}})(?P=t)(?P<z>[0-9]{{4}})"
    rf"|(?P<cy>[0-9]{{4}})(?P<cm>[0-9]{{2}})(?P<cd>[0-9]{{2}})(?:\.0)?"
    rf"|(?:{_WEEKDAY})?(?P<nd>[0-9]{{1,2}}) ?(?:{_NAMED_MONTH})(?: ?ماه)?,? ?(?:سال )?"
    rf"(?P<ny>[0-9]{{2}}|[0-9]{{4}})"
    r"|(?P<ed>[0-9]{1,2})[- /]?(?P<em>[A-Za-z]{3,9})\.?(?:[-/]|,? ?)(?P<ey>[0-9]{2}|[0-9]{4})"
    rf"|(?P<fm>[A-Za-z]{{3,9}})\.? ?(?P<fd>[0-9]{{1,2}}),? (?P<fy>[0-9]{{4}})){_TIME}"
    r"|(?P<serial>[0-9]{5})(?:\.[0-9]*)?"
)

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


def read_dates(
    texts: Sequence[str | None], century_turn: int = CENTURY_TURN
) -> tuple[DateArray, npt.NDArray[np.object_]]:
    """Read dates of any form agencies write, Jalali or Gregorian, digits of three scripts.

    Read are `1403/2/7`, `1403.02.07`, `14030207`, `98/1/5` (Jalali), `7/2/1403` (Jalali, day first),
    `7 اردیبهشت 1403`, Excel serials 20000 to 80000 of the 1900 system, `2024-04-26`, `20240426`, `26-APR-24`,
    `April 26, 2024`, `26/4/2024` and `4/26/2024` (not `4/5/2024`, which may be two days); each with a time behind
    it, which is let go, and with spaces around the signs between its parts, which may be a backslash, an en dash or
    a decimal sign too.

    Args:
        texts: cells as text; None stays unread.
        century_turn: two-digit years below it are 14xx, from it on 13xx.

    Returns:
        The days, NaT where unread; and the names of the forms: jalali, jalali_short, jalali_day_first,
        jalali_compact, jalali_named, excel_serial, gregorian, gregorian_day_first, gregorian_month_first,
        gregorian_compact, gregorian_named; empty where no form fits. A form with NaT is a day that
        does not exist, or not in Jalali 1300 to 1503.
    """
    codes, distinct = pd.factorize(np.array(texts, dtype=object))
    conformed = persian.conform_all([str(text) for text in distinct])
    matches = [_DATE.fullmatch(_PARTING.sub(r"\1", text).translate(_PARTED_BY)) for text in conformed]
    # The last place serves factorize's code for None, -1.
    read = [_parts_of(found, century_turn) for found in matches] + [_UNREAD]
    form, year, month, day = (np.array(part) for part in zip(*read, strict=True))
    dates = np.full(len(read), np.datetime64("NaT"), dtype="datetime64[D]")
    is_jalali = np.char.startswith(form, "jalali") & _exists_jalali(year, month, day)
    dates[is_jalali] = to_gregorian(year[is_jalali], month[is_jalali], day[is_jalali])
    is_gregorian = np.char.startswith(form, "gregorian")
    dates[is_gregorian] = _gregorian_days(year[is_gregorian], month[is_gregorian], day[is_gregorian])
    is_serial = (form == "excel_serial") & (day >= EXCEL_SERIALS[0]) & (day <= EXCEL_SERIALS[1])
    dates[is_serial] = EXCEL_EPOCH + day[is_serial].astype("timedelta64[D]")
    form[(form == "excel_serial") & ~is_serial] = ""
    return dates[codes], form[codes].astype(object)


Parts = tuple[str, int, int, int]
_UNREAD: Parts = ("", 0, 0, 0)


def _parts_of(found: re.Match[str] | None, century_turn: int) -> Parts:
    if found is None:
        return _UNREAD
    if found["y"]:
        return _year_first("jalali", found["y"], found["m"], found["d"], century_turn)
    if found["cy"]:
        return _year_first("jalali_compact", found["cy"], found["cm"], found["cd"], century_turn)
    if found["z"]:
        return _year_last(int(found["z"]), int(found["a"]), int(found["b"]))
    if found["ny"]:
        month = next(month for month in range(1, 13) if found[f"m{month}"])
        return "jalali_named", _full_year(found["ny"], century_turn), month, int(found["nd"])
    if found["ey"]:
        return _english(found["ey"], found["em"], found["ed"])
    if found["fy"]:
        return _english(found["fy"], found["fm"], found["fd"])
    return "excel_serial", 0, 0, int(found["serial"])


def _english(year: str, name: str, day: str) -> Parts:
    months = [number for number, month in enumerate(_ENGLISH_MONTHS, start=1) if month.startswith(name.lower())]
    # Three letters tell them all apart; `Sept` is as usual as `Sep`.
    if len(months) != 1:
        return _UNREAD
    century = 0 if len(year) == 4 else 2000 if int(year) < ENGLISH_CENTURY_TURN else 1900
    return "gregorian_named", century + int(year), months[0], int(day)


def _year_first(form: str, year: str, month: str, day: str, century_turn: int) -> Parts:
    if len(year) == 2:
        return "jalali_short", _full_year(year, century_turn), int(month), int(day)
    # No Jalali year of a register reads as a Gregorian one, nor the other way.
    calendar = form if int(year) <= LAST_YEAR else form.replace("jalali", "gregorian")
    return calendar, int(year), int(month), int(day)


def _year_last(year: int, first: int, second: int) -> Parts:
    if year <= LAST_YEAR:
        return "jalali_day_first", year, second, first
    if first != second and first <= 12 and second <= 12:
        return _UNREAD
    # Only Gregorian dates are ever written month first.
    if second > 12:
        return "gregorian_month_first", year, first, second
    return "gregorian_day_first", year, second, first


def _full_year(year: str, century_turn: int) -> int:
    if len(year) == 4:
        return int(year)
    return int(year) + (1400 if int(year) < century_turn else 1300)


def _exists_jalali(year: IntArray, month: IntArray, day: IntArray) -> npt.NDArray[np.bool_]:
    length = np.where(month <= 6, 31, np.where(month <= 11, 30, 29 + is_leap(year)))
    in_table = (year >= EPOCH_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    exists: npt.NDArray[np.bool_] = in_table & (day >= 1) & (day <= length)
    return exists


def _gregorian_days(year: IntArray, month: IntArray, day: IntArray) -> DateArray:
    parts = pd.DataFrame({"year": year, "month": month, "day": day})
    days = pd.to_datetime(parts, errors="coerce").to_numpy().astype("datetime64[D]")
    days[(days < EPOCH) | (days >= EPOCH + _year_starts()[-1])] = np.datetime64("NaT")
    return days


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


def jalali_text_en(date: datetime.date) -> str:
    """Write a date as `7 Ordibehesht 1403`."""
    year, month, day = _parts(date)
    return f"{day} {MONTH_NAMES_EN[month - 1]} {year}"


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
