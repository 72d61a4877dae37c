"""English numbers and dates, worked by hand, and digit for digit those of the Persian pages."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import calendar, english, persian

TO_LATIN = str.maketrans("۰۱۲۳۴۵۶۷۸۹٬٫٪", "0123456789,.%")
numbers = st.floats(-1e15, 1e15) | st.integers(-(10**15), 10**15)


def test_numbers_worked_by_hand():
    assert english.number(32668) == "32,668"
    assert english.number(-1234.56, 1) == "−1,234.6"
    # Nothing is left of it at this precision, so no sign is either.
    assert english.number(-0.04, 1) == "0.0"
    assert english.percent(0.68053) == "68.05%"
    with pytest.raises(ValueError, match="nan"):
        english.number(float("nan"))


@given(numbers, st.integers(0, 4))
def test_both_languages_print_the_same_digits(value, decimals):
    assert english.number(value, decimals) == persian.number(value, decimals).translate(TO_LATIN)
    assert english.percent(value, decimals) == persian.percent(value, decimals).translate(TO_LATIN)


@pytest.mark.parametrize(
    ("year", "text"), [(1403, "1403 (2024/25)"), (1378, "1378 (1999/00)"), (1387, "1387 (2008/09)")]
)
def test_a_jalali_year_lies_in_two_gregorian_ones(year, text):
    assert english.jalali_year(year) == text


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (datetime.date(2024, 3, 20), "1 Farvardin 1403"),
        (datetime.date(2025, 3, 20), "30 Esfand 1403"),
        (datetime.date(2026, 10, 23), "1 Aban 1405"),
    ],
)
def test_jalali_dates_in_english(day, text):
    assert calendar.jalali_text_en(day) == text
