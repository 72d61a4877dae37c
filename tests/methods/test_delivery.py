"""Who may have an edition when, what goes with a mail, and when a failed one is tried again."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from methods import delivery
from methods.period import Period

RELEASE = datetime.datetime(2026, 10, 23, 9, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
NAMES = [f"{stem}-1403-1.{kind}" for stem in ("national", "province-03", "province-30", "county-0301", "county-3001")
         for kind in ("html", "pdf")]  # fmt: skip


def test_nobody_has_it_before_and_some_a_day_before():
    at = [RELEASE - 25 * HOUR, RELEASE - 24 * HOUR, RELEASE - HOUR, RELEASE, RELEASE + HOUR]
    assert [delivery.may_have(RELEASE, moment, False, 24) for moment in at] == [False, False, False, True, True]
    assert [delivery.may_have(RELEASE, moment, True, 24) for moment in at] == [False, True, True, True, True]


def test_a_province_gets_its_own_and_its_counties():
    patterns = "province-{code}-{period}.pdf county-{code}??-{period}.pdf"
    found = delivery.files_of(patterns, NAMES, "03", Period(1403))
    assert found == ["province-03-1403-1.pdf", "county-0301-1403-1.pdf"]
    assert delivery.files_of("agency-{code}-{period}.pdf", NAMES, "P01", Period(1403)) == []


def test_a_file_two_patterns_name_goes_once():
    assert delivery.files_of("national-* national-{period}.pdf", NAMES, "IR", Period(1403)) == [
        "national-1403-1.html", "national-1403-1.pdf",
    ]  # fmt: skip


def test_what_no_longer_fits_is_left_out():
    assert delivery.attached([4, 7, 6], 10) == [True, False, True]
    assert delivery.attached([11], 10) == [False]


@given(st.lists(st.integers(0, 50)), st.integers(0, 100))
def test_no_mail_grows_beyond_its_limit_and_no_file_is_left_out_that_fits(sizes, limit):
    found = delivery.attached(sizes, limit)
    assert len(found) == len(sizes)
    assert sum(size for size, goes in zip(sizes, found, strict=True) if goes) <= limit
    for place, goes in enumerate(found):
        before = sum(size for size, went in zip(sizes[:place], found[:place], strict=True) if went)
        assert goes == (before + sizes[place] <= limit)


def test_tries_grow_rarer_and_end():
    found = [delivery.after_failure("450 later", count, [30, 60], RELEASE) for count in range(3)]
    assert found == [
        ("deferred", "450 later", RELEASE + HOUR / 2),
        ("deferred", "450 later", RELEASE + HOUR),
        ("refused", "given up after 3 tries: 450 later", None),
    ]
