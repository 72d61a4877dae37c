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


THE_DAY = np.datetime64("2024-04-26")


@pytest.mark.parametrize(
    ("delivered", "form"),
    [
        ("1403/2/7", "jalali"),
        ("۱۴۰۳-۰۲-۰۷", "jalali"),
        ("1403.02.07", "jalali"),
        ("1403/02/07 10:11", "jalali"),
        ("1403 / 2 / 7", "jalali"),
        ("1403\\02\\07", "jalali"),
        ("1403–02–07", "jalali"),
        ("۱۴۰۳٫۰۲٫۰۷", "jalali"),
        ("1403/02/07 10:30 ق.ظ", "jalali"),
        ("14030207.0", "jalali_compact"),
        ("4/26/2024 12:00:00 AM", "gregorian_month_first"),
        ("14030207", "jalali_compact"),
        ("03/02/07", "jalali_short"),
        ("7/2/1403", "jalali_day_first"),
        ("7 اردیبهشت ۱۴۰۳", "jalali_named"),
        ("۷ اردي\u200cبهشت\u200cماه ۱۴۰۳", "jalali_named"),
        ("جمعه، 7 اردیبهشت 1403", "jalali_named"),
        ("45408", "excel_serial"),
        ("45408.75", "excel_serial"),
        ("2024-04-26", "gregorian"),
        ("2024/4/26", "gregorian"),
        ("2024-04-26T10:11:12", "gregorian"),
        ("2024-04-26T10:11:12.5+03:30", "gregorian"),
        ("20240426", "gregorian_compact"),
        ("26/4/2024", "gregorian_day_first"),
        ("4/26/2024", "gregorian_month_first"),
        ("26-APR-24", "gregorian_named"),
        ("26-Apr-2024", "gregorian_named"),
        ("26 April 2024 10:11", "gregorian_named"),
        ("Apr. 26, 2024", "gregorian_named"),
        ("april 26 2024", "gregorian_named"),
    ],
)
def test_one_day_in_every_form(delivered, form):
    dates, forms = calendar.read_dates([delivered])
    assert (dates[0], forms[0]) == (THE_DAY, form)


@pytest.mark.parametrize(
    "delivered",
    ["1403/13/1", "1402/12/30", "1403/7/31", "1403/0/1", "1403/1/0", "0/1/1", "0000/1/1", "9999/1/1", "2023-02-29",
     "26-Mai-24", "31-APR-24", "26 Ap 2024", "Apr 2024", "26-JU-24", "1-Apr-1403",
     "4/5/2024", "1403-2/7", "19999", "80001", "1299/12/29", "1504/1/1", "1921-03-20", "2125-03-21", "دیروز", "", None],
)  # fmt: skip
def test_a_day_that_does_not_exist_or_may_be_two_is_not_read(delivered):
    assert np.isnat(calendar.read_dates([delivered])[0][0])


def test_the_last_day_of_a_leap_year_is_read():
    assert calendar.read_dates(["1403/12/30"])[0][0] == np.datetime64("2025-03-20")


def test_two_digit_years_turn_where_they_are_told_to():
    dates, _ = calendar.read_dates(["98/1/5", "19/1/5", "20/1/5"])
    assert calendar.to_jalali(dates)[0].tolist() == [1398, 1419, 1320]
    assert calendar.to_jalali(calendar.read_dates(["19/1/5"], century_turn=10)[0])[0].tolist() == [1319]


def test_years_of_two_digits_behind_an_english_month_turn_as_oracle_turns_them():
    dates, _ = calendar.read_dates(["01-SEP-49", "01-Sept-50"])
    assert dates.astype(str).tolist() == ["2049-09-01", "1950-09-01"]


def test_a_serial_is_the_day_excel_shows():
    # Excel counts a 29 February 1900 that never was: 25569 is 1 January 1970.
    dates, _ = calendar.read_dates(["20000", "25569", "80000"])
    assert dates.astype(str).tolist() == ["1954-10-03", "1970-01-01", "2119-01-11"]


def test_every_month_end_of_two_centuries_is_read_in_all_forms():
    days = [(y, m, d) for y in range(1300, 1501) for m in range(1, 13) for d in (1, 29, 30, 31)]
    expected = [_day_of_persiantools(*day) for day in days]
    for form in ("{0}/{1}/{2}", "{2}-{1}-{0}", "{0}{1:02d}{2:02d}", "{2} {3} {0}"):
        texts = [form.format(y, m, d, calendar.MONTH_NAMES_FA[m - 1]) for y, m, d in days]
        np.testing.assert_array_equal(calendar.read_dates(texts)[0], np.array(expected, dtype="datetime64[D]"))


def _day_of_persiantools(year, month, day):
    if day > JalaliDate.days_in_month(month, year):
        return np.datetime64("NaT")
    return np.datetime64(JalaliDate(year, month, day).to_gregorian())


def test_no_dates_are_no_dates():
    assert [part.size for part in calendar.read_dates([])] == [0, 0]
