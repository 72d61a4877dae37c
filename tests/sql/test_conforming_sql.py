"""The SQL functions that read delivered text say what their Python twins say."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from methods import amount, persian
from tasks.edges import warehouse

SIGNS = (
    "علي كريمىۀةأإٱؤئ آابپهہھەۂۃےۓېڪ"
    + "٠١٩۰۱۹0198"
    + persian.WHITE_SPACE
    + "\u200c\u200f\u0640\u064b\u0653\u0654\u0670\ufeff"
    "\u00ad\u2060" + "ﻻﷲﺎﺁﯼﻲ﷼ﱠﮥ" + "Ab$-−–/.,٬٫،()+'\"" + "\x7f\u0600é😀"
)
TEXTS = st.text(st.sampled_from(SIGNS), max_size=24) | st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12
)
SCRIPTS = ("0123456789", persian.PERSIAN_DIGITS, persian.ARABIC_DIGITS)
CODES = st.text(st.sampled_from("0123456789"), min_size=7, max_size=25)
AMOUNTS = st.lists(
    st.sampled_from(["(", ")", "-", "−", "+", "$", "ریال", "ريال", "﷼", "تومان", " ", '"', "'", ",", "٬", "،", ".", "٫",
                     "e5", "E+08", "E-3", "e99", "/", "1", "12", "۰۰۰", "149", "800", "000000", "123456789012345678",
                     "٫456"]),
    max_size=9,
).map("".join)  # fmt: skip


@st.composite
def dressed(draw):
    """A code as people write it: some script, split somewhere, with or without what goes before."""
    code = draw(CODES)
    code = code.translate(str.maketrans(SCRIPTS[0], draw(st.sampled_from(SCRIPTS))))
    at = draw(st.integers(0, len(code)))
    before = draw(st.sampled_from(["", "", "IR", "ir", "+98", "0098", "98", "09", "9", "0", "'"]))
    return before + code[:at] + draw(st.sampled_from(["", "", " ", "-", "\u200f", "–", "\u200c"])) + code[at:]


@pytest.fixture(scope="module")
def ask(stack):
    warehouse.migrate()
    with warehouse.transaction() as connection:

        def answers(function, texts):
            query = sa.text(
                f"select reference.{function}(given.text)"
                " from unnest(cast(:texts as text[])) with ordinality as given (text, place) order by place"
            )
            return list(connection.execute(query, {"texts": list(texts)}).scalars())

        yield answers


def of_many(texts):
    settle = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
    return lambda test: settle(given(st.lists(texts, min_size=100, max_size=300))(test))


@of_many(TEXTS)
def test_texts_conform_alike(ask, texts):
    assert ask("conform", texts) == persian.conform_all(texts)
    assert ask("name_key", texts) == [persian.name_key(text) for text in texts]


def test_every_sign_of_the_first_plane_conforms_alike(ask):
    signs = [f"ب{chr(code)}ب" for code in range(1, 0x10000) if not 0xD800 <= code < 0xE000]
    assert ask("conform", signs) == persian.conform_all(signs)


IDENTIFIERS = ["national_id", "legal_id", "iban", "mobile", "postcode"]


@pytest.mark.parametrize("name", IDENTIFIERS)
@of_many(dressed() | TEXTS)
def test_identifiers_are_read_alike(ask, name, texts):
    assert ask(name, texts) == [getattr(persian, name)(text) for text in texts]


@given(st.lists(st.integers(0, 10**10 - 1), min_size=100, max_size=200))
@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
def test_check_digits_are_found_alike(ask, numbers):
    # Each stem with all ten endings: one of them is right.
    nine = [f"{number % 10**9:09d}{end}" for number in numbers for end in range(10)]
    ten = [f"{number:010d}{end}" for number in numbers for end in range(10)]
    assert ask("national_id", nine) == [persian.national_id(code) for code in nine]
    assert ask("legal_id", ten) == [persian.legal_id(code) for code in ten]


@given(st.integers(0, 10**22 - 1))
@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
def test_account_numbers_are_weighed_alike(ask, account):
    codes = [f"IR{check:02d}{account:022d}" for check in range(100)]
    found = ask("iban", codes)
    assert found == [persian.iban(code) for code in codes]
    assert any(found)


@of_many(AMOUNTS | TEXTS)
def test_amounts_are_read_alike(ask, texts):
    assert ask("amount", texts) == amount.read_amounts(texts)
    assert ask("whole_number", texts) == amount.read_whole_numbers(texts)


@pytest.mark.parametrize("function", ["conform", "name_key", "amount", "whole_number", *IDENTIFIERS])
def test_nothing_delivered_is_nothing_read(ask, function):
    assert ask(function, [None]) == [None]


@pytest.mark.parametrize(
    ("delivered", "number"),
    [
        ("۱٬۲۳۴", 1234),
        ("۱٫۲۳۴٫۵۶۷", 1234567),
        ("1,234.0", 1234),
        (" -۵ ", -5),
        ("دو", None),
        ("", None),
        ("1.5", None),
        ("9" * 30, None),
    ],
)
def test_whole_numbers_as_delivered(ask, delivered, number):
    assert ask("whole_number", [delivered]) == [number]


def test_an_amount_is_exact(ask):
    assert ask("amount", ["۱۲٬۰۰۰٫۱۰"]) == [Decimal("12000.1")]
