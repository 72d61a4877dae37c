import pytest

from methods.errors import BadPeriod
from methods.period import Period


def test_a_period_is_written_and_read_alike():
    assert str(Period(1403)) == "1403-1"
    assert Period.parse("1403") == Period.parse("1403-1") == Period(1403, 1)


def test_the_second_phase_is_under_the_guideline_of_autumn():
    assert Period(1403, 2).reference_date == "1403-07-01"


@pytest.mark.parametrize(("year", "phase"), [(2024, 1), (1403, 3), (1389, 1)])
def test_what_is_no_period_is_refused(year, phase):
    with pytest.raises(BadPeriod):
        Period(year, phase)


def test_a_word_is_no_period():
    with pytest.raises(BadPeriod, match="wanted a year"):
        Period.parse("last")
