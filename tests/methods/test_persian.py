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


def test_the_list_of_white_space_misses_none_that_python_knows():
    known = {chr(code) for code in range(0x110000) if chr(code).isspace()}
    assert known == set(persian.WHITE_SPACE)


@given(st.lists(st.text(st.sampled_from("عليك ه\u200cی\0\n\t\u0653اb۱") | st.characters(), max_size=12)))
def test_many_texts_conform_as_each_does(texts):
    assert persian.conform_all(texts) == [persian.conform(text) for text in texts]


@pytest.mark.parametrize(
    ("delivered", "conformed"),
    [
        ("خانه\u200cی ما", "خانه ما"),
        ("خانۀ ما", "خانه ما"),
        ("خانه\u0654 ما", "خانه ما"),
        ("به\u200cیاد", "به یاد"),
        ("ا\u0653باد", "آباد"),
        ("آباد", "آباد"),
        ("\ufee3\ufea4\ufee4\ufeaa", "محمد"),
        ("\ufefbله", "لاله"),
        ("a\0b\x85\u2028c\x1cd", "ab c d"),
        ("", ""),
    ],
)
def test_spellings_of_one_word_conform_to_one(delivered, conformed):
    assert persian.conform(delivered) == conformed


def test_names_match_without_spaces():
    assert persian.name_key("علي\u200cرضا") == persian.name_key("علی رضا") == "علیرضا"


def test_a_national_id_ends_with_its_check_digit():
    # 0*10+0*9+1*8+3*7+5*6+4*5+2*4+4*3+1*2 = 101; 101 mod 11 = 2; 11 - 2 = 9.
    assert persian.national_id("0013542419") == "0013542419"
    assert persian.national_id("0013542418") is None
    assert persian.national_id("1111111111") is None
    assert persian.national_id("001354241") is None


def test_zeros_a_spreadsheet_dropped_from_a_national_id_come_back():
    assert persian.national_id("13542419") == persian.national_id("۰۰۱-۳۵۴۲۴۱-۹") == "0013542419"
    assert persian.national_id("3542419") is None


def test_a_legal_id_ends_with_its_check_digit():
    # d10 + 2 = 11, which adds nothing modulo 11. 1*29+0*27+3*23+8*19+0*17+2*29+8*27+4*23+7*19+9*17 = 902 = 82 * 11.
    assert persian.legal_id("۱۰۳۸۰۲۸۴۷۹۰") == "10380284790"
    assert persian.legal_id("10380284791") is None
    assert persian.legal_id("1038028479") is None
    assert [code for end in range(10) if (code := persian.legal_id(f"1030000005{end}"))] == []


def test_an_account_number_leaves_one_modulo_97():
    # The registry's example of Iran is IR58 0540 1051 8002 1273 1130 07.
    right = "IR580540105180021273113007"
    assert persian.iban("ir58 0540 1051 8002 1273 1130 07") == persian.iban("۵۸۰۵۴۰۱۰۵۱۸۰۰۲۱۲۷۳۱۱۳۰۰۷") == right
    assert persian.iban("IR580540105180021273113070") is None
    assert persian.iban("DE580540105180021273113007") is None


@pytest.mark.parametrize(
    "delivered",
    [
        "09121234567",
        "9121234567",
        "+98 912 123 4567",
        "00989121234567",
        "989121234567",
        "(0912) 123-4567",
        "+98(0)9121234567",
    ],
)
def test_a_mobile_number_is_one_however_it_is_dialled(delivered):
    assert persian.mobile(delivered) == "09121234567"


@pytest.mark.parametrize("delivered", ["02188776655", "0912123456", "091212345678", "+1 9121234567", ""])
def test_what_is_no_mobile_number_is_refused(delivered):
    assert persian.mobile(delivered) is None


def test_a_postal_code_has_ten_digits_and_no_zero_first():
    assert persian.postcode("۱۹۳۹۶-۵۳۳۱۴") == "1939653314"
    assert [persian.postcode(text) for text in ("0939653314", "193965331", "1111111111", "تهران")] == [None] * 4
