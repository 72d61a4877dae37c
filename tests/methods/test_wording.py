import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import persian, wording

share = st.floats(0.01, 0.99)
error = st.floats(0.001, 0.2)


def test_a_difference_within_its_error_is_none():
    # z = 0.03 / hypot(0.01, 0.01) = 2.12 and 0.02 / 0.01414 = 1.41.
    assert wording.compare([0.78, 0.77], 0.01, 0.75, 0.01)[1] == "no_clear_difference"
    assert wording.compare([0.78], 0.01, 0.75, 0.01).tolist() == ["higher"]
    assert wording.compare([0.72], 0.01, 0.75, 0.01).tolist() == ["lower"]


def test_among_many_comparisons_each_must_be_clearer():
    # Alone z = 2.12 is clear (p = 0.034); among three none of which is clearer, p must be below 0.05 / 3.
    assert wording.compare([0.78, 0.75, 0.75], 0.01, 0.75, 0.01).tolist() == ["no_clear_difference"] * 3
    # Once a clearer one is named, the next has one comparison less to stand against: 0.05 / 1.
    assert wording.compare([0.78, 0.95], 0.01, 0.75, 0.01).tolist() == ["higher", "higher"]


def test_what_is_missing_is_unknown_and_counts_in_no_family():
    found = wording.compare([0.78, np.nan, np.nan], 0.01, 0.75, 0.01)
    assert found.tolist() == ["higher", "unknown", "unknown"]


def test_exact_numbers_differ_where_they_differ_at_all():
    assert wording.compare([0.5, 0.6, 0.7], 0.0, 0.6, 0.0).tolist() == ["lower", "no_clear_difference", "higher"]


def test_a_part_is_held_against_the_others_worked_by_hand():
    # The rest of the first: (0.7 * 100 + 0.6 * 300) / 400 = 0.625, error sqrt(100^2 * .02^2 + 300^2 * .01^2) / 400.
    rest_error = np.sqrt(100**2 * 0.02**2 + 300**2 * 0.01**2) / 400
    alone = wording.compare([0.68], 0.02, 0.625, rest_error)
    assert alone.tolist() == ["higher"]
    found = wording.compare_with_rest([0.68, 0.70, 0.60], [0.02, 0.02, 0.01], [200, 100, 300])
    assert found.tolist() == ["higher", "higher", "lower"]


def test_the_only_part_has_no_rest():
    assert wording.compare_with_rest([0.7, np.nan], [0.01, 0.01], [100, 50]).tolist() == ["unknown", "unknown"]


@given(share, error, share, error)
def test_a_comparison_turned_round_says_the_opposite(one, one_error, two, two_error):
    opposite = {"higher": "lower", "lower": "higher"}
    forth = wording.compare([one], one_error, two, two_error)[0]
    back = wording.compare([two], two_error, one, one_error)[0]
    assert back == opposite.get(forth, forth)


@given(st.lists(st.tuples(share, error), min_size=1, max_size=12))
def test_adding_comparisons_never_makes_one_clearer(rows):
    rates, errors = np.array(rows).T
    alone = np.array(
        [wording.compare([rate], [width], 0.5, 0.02)[0] for rate, width in zip(rates, errors, strict=True)]
    )
    together = wording.compare(rates, errors, 0.5, 0.02)
    assert (alone[together != "no_clear_difference"] == together[together != "no_clear_difference"]).all()


def test_a_share_of_one_is_compared_by_its_interval():
    # All of 30 confirmed: no standard error, an interval from 0.88.
    width = wording.spread([0.0], [0.88], [1.0])
    assert width == pytest.approx(0.06 / 1.959964)
    assert wording.compare([1.0], width, 0.95, 0.0).tolist() == ["no_clear_difference"]
    assert wording.spread([0.05], [np.nan], [np.nan]).tolist() == [0.05]


def test_a_change_is_told_by_its_interval():
    found = wording.direction([0.01, -0.02, -0.03, np.nan], [0.05, 0.04, -0.01, 0.1])
    assert found.tolist() == ["rose", "no_clear_change", "fell", "unknown"]


def test_best_is_one_alone_or_none_of_several():
    assert wording.best_set([1, 2, 2]).tolist() == ["best", "not_best", "not_best"]
    assert wording.best_set([1, 1, 3]).tolist() == ["among_best", "among_best", "not_best"]


def test_control_limits_are_those_of_r(oracle):
    rows = list(csv.DictReader((oracle / "ranking.csv").open(encoding="utf-8")))
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "agency"}
    centre = column["funnel_mu"][0]
    for confidence, name in ((0.95, "funnel95"), (0.998, "funnel998")):
        lower, upper = wording.control_limits(centre, column["se"], confidence)
        assert lower == pytest.approx(column[f"{name}_lo"], abs=1e-6)
        assert upper == pytest.approx(column[f"{name}_hi"], abs=1e-6)


def test_a_unit_outside_the_funnel_is_named_by_the_limit_it_passed():
    # Limits at 0.75: 0.01 * 1.96 and 0.01 * 3.09.
    found = wording.outside_limits([0.75, 0.775, 0.79, 0.725, 0.71, np.nan], 0.01, 0.75)
    assert found.tolist() == ["within", "above_inner", "above_outer", "below_inner", "below_outer", "unknown"]


def test_precision_is_the_simple_sample_that_knows_as_well():
    # 0.25 / 0.05 ** 2.
    assert wording.precision([0.05], 0.5) == pytest.approx(100)


def test_parts_that_do_not_add_up_as_printed_are_found():
    # 33.3 + 33.3 + 33.3 = 99.9.
    assert wording.printed_sum_differs([100 / 3] * 3, 100, 1)
    assert not wording.printed_sum_differs([25.04, 74.96], 100, 0)
    assert not wording.printed_sum_differs([], 0)


@given(st.lists(st.floats(0, 1e6), max_size=6), st.integers(0, 3))
def test_parts_are_added_as_a_reader_of_the_printed_page_adds_them(parts, decimals):
    def read(text):
        return int(text.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789", "٬٫")))

    total = sum(parts)
    as_read = sum(read(persian.number(part, decimals)) for part in parts)
    assert wording.printed_sum_differs(parts, total, decimals) == (as_read != read(persian.number(total, decimals)))


@pytest.mark.parametrize(
    ("counts", "flags", "reason"),
    [
        ((0, 0, 0), (False, True), "no_plans"),
        ((9, 0, 0), (False, True), "not_supervised"),
        ((9, 4, 0), (False, True), "not_decided"),
        ((9, 4, 2), (True, True), "suppressed"),
        ((9, 4, 3), (False, True), "too_weak"),
        ((90, 40, 38), (False, False), "printed"),
    ],
)
def test_the_first_reason_against_printing_is_named(counts, flags, reason):
    assert wording.why_not_printed(*counts, is_suppressed=flags[0], is_weak=flags[1]) == reason
