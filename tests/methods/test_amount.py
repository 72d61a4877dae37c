from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import amount, persian


@pytest.mark.parametrize(
    ("delivered", "value"),
    [
        ("480,000,000", "480000000"),
        ("۱۲٬۰۰۰٫۵", "12000.5"),
        ("1،200،300 ريال", "1200300"),
        ("12 000 000", "12000000"),
        ('" $149,800 "', "149800"),
        ("﷼ 5,000", "5000"),
        ("5000 تومان", "5000"),
        ("(5,000)", "-5000"),
        ("5-", "-5"),
        ("\u22125", "-5"),
        ("+5", "5"),
        ("1.5E+08", "150000000"),
        (".5", "0.5"),
        ("۱٫۲۳۴٫۵۶۷", "1234567"),
        ("(480٫000٫000) ریال", "-480000000"),
        ("۱٫۲۳۴", "1.234"),
    ],
)
def test_amounts_as_agencies_write_them(delivered, value):
    assert amount.read_amounts([delivered]) == [Decimal(value)]


@pytest.mark.parametrize(
    "delivered",
    [
        "1,23,4",
        "1234,567",
        "1,234٬567",
        "12,00",
        "1/5",
        "(-5)",
        "(5",
        "-5-",
        "5+",
        "",
        "-",
        "٬",
        "5e",
        "پنج",
        "1e18",
        "9" * 19,
        "1٫23٫456",
        "1٫234٫567.5",
        "1.234٫567",
        "1.234.567",
    ],
)
def test_what_may_mean_two_amounts_or_none_is_refused(delivered):
    assert amount.read_amounts([delivered]) == [None]


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_a_whole_number_is_read_as_it_was_printed(value):
    assert (
        amount.read_whole_numbers([f"{value:,}", str(value), persian.digits(f"{value:,}".replace(",", "٬"))])
        == [value] * 3
    )


@given(st.decimals(-(10**17), 10**17, allow_nan=False, places=9))
def test_decimals_are_exact(value):
    assert amount.read_amounts([f"{value:f}", f"{value:,f}"]) == [value] * 2


def test_a_number_with_a_part_is_not_whole():
    assert amount.read_whole_numbers(["1.5", "1,234.00", "9" * 18, "9" * 19]) == [None, 1234, int("9" * 18), None]
