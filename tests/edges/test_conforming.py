import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from methods import persian
from tasks.edges import warehouse

LETTERS = st.text(
    st.sampled_from("علي كريمىۀةأإٱؤئ آبپ" + "٠١٩۰۱۹019" + "\u200c\u200f\u0640\u064b\u0670\u00a0\u202f\ufeff \tAb-/.,"),
    max_size=30,
)


@pytest.fixture(scope="module")
def connection(stack):
    warehouse.migrate()
    with warehouse.transaction() as connection:
        yield connection


@given(LETTERS)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_and_python_conform_alike(connection, text):
    found = connection.execute(sa.text("select reference.conform(:text)"), {"text": text}).scalar_one()
    assert found == persian.conform(text)


@given(st.text(st.sampled_from("0123456789"), min_size=9, max_size=11))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_and_python_agree_on_national_ids(connection, digits):
    found = connection.execute(sa.text("select reference.is_national_id(:d)"), {"d": digits}).scalar_one()
    assert found == persian.is_national_id(digits)


@pytest.mark.parametrize(
    ("delivered", "number"),
    [("۱٬۲۳۴", 1234), ("1,234.0", 1234), (" -۵ ", -5), ("دو", None), ("", None), ("1.5", None), ("9" * 30, None)],
)
def test_whole_numbers_as_delivered(connection, delivered, number):
    assert connection.execute(sa.text("select reference.whole_number(:t)"), {"t": delivered}).scalar_one() == number


@pytest.mark.parametrize(
    ("delivered", "parts"),
    [("۱۴۰۳/۲/۷", [1403, 2, 7]), ("1403-02-07", [1403, 2, 7]), ("14030207", [1403, 2, 7]), ("2024-02-07", None)],
)
def test_jalali_dates_as_delivered(connection, delivered, parts):
    assert connection.execute(sa.text("select reference.jalali_part(:t)"), {"t": delivered}).scalar_one() == parts
