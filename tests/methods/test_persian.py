import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import persian


def test_arabic_letters_digits_and_hidden_marks_conform():
    assert persian.conform("  \u200fعلي\u200cكريمي ١٢۳ ") == "علی کریمی 123"


@given(st.text())
def test_conforming_twice_changes_nothing(text):
    assert persian.conform(persian.conform(text)) == persian.conform(text)


@pytest.mark.parametrize(
    ("value", "decimals", "printed"),
    [(48004, 0, "۴۸٬۰۰۴"), (-3.25, 1, "−۳٫۲"), (0, 0, "۰"), (-0.001, 1, "۰٫۰"), (1234567.5, 2, "۱٬۲۳۴٬۵۶۷٫۵۰")],
)
def test_numbers_are_printed_with_persian_signs(value, decimals, printed):
    assert persian.number(value, decimals) == printed


def test_a_share_is_printed_as_a_percentage():
    assert persian.percent(32668 / 48004) == "۶۸٫۰۵٪"


def test_a_missing_number_is_not_printed():
    with pytest.raises(ValueError, match="nan"):
        persian.number(float("nan"))


def test_names_sort_by_the_persian_alphabet():
    names = ["یزد", "پارس", "بوشهر", "گیلان", "کرمان", "آذربایجان", "اردبیل"]
    assert sorted(names, key=persian.sort_key) == ["آذربایجان", "اردبیل", "بوشهر", "پارس", "کرمان", "گیلان", "یزد"]


def test_a_national_id_ends_with_its_check_digit():
    # 0*10+0*9+1*8+3*7+5*6+4*5+2*4+4*3+1*2 = 101; 101 mod 11 = 2; 11 - 2 = 9.
    assert persian.is_national_id("0013542419")
    assert not persian.is_national_id("0013542418")
    assert not persian.is_national_id("1111111111")
    assert not persian.is_national_id("001354241")
