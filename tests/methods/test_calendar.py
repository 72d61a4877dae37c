import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate

from methods import calendar


def test_every_month_of_two_centuries_begins_where_persiantools_says():
    months = calendar.month_table(1300, 1500)
    expected = [JalaliDate(int(y), int(m), 1).to_gregorian() for y, m in zip(months.year, months.month, strict=True)]
    assert months["starts_on"].dt.date.tolist() == expected


def test_leap_years_are_those_of_persiantools():
    years = np.arange(1300, 1501)
    assert calendar.is_leap(years).tolist() == [JalaliDate.is_leap(int(year)) for year in years]


@given(st.dates(datetime.date(1921, 3, 21), datetime.date(2122, 3, 1)))
def test_there_and_back_is_the_same_day(day):
    parts = calendar.to_jalali(np.array([np.datetime64(day)]))
    assert calendar.to_gregorian(*parts)[0] == np.datetime64(day)


def test_dates_are_written_for_machines_and_for_people():
    day = datetime.date(2024, 4, 26)
    assert calendar.jalali_text(day) == "1403-02-07"
    assert calendar.jalali_text_fa(day) == "۷ اردیبهشت ۱۴۰۳"


@pytest.mark.parametrize("year", [1299, 1504])
def test_a_year_outside_the_table_is_refused_not_wrapped(year):
    with pytest.raises(ValueError, match="1300 to 1503"):
        calendar.to_gregorian([year], [1], [1])


@pytest.mark.parametrize("day", ["1921-03-20", "2125-03-21"])
def test_a_day_outside_the_table_is_refused(day):
    with pytest.raises(ValueError, match="1300 to 1503"):
        calendar.to_jalali(np.array([day], dtype="datetime64[D]"))
