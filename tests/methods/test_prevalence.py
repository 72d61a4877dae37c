import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from methods import estimate
from methods.errors import CountsImpossible, MeasurementUseless
from methods.estimate import prevalence

counts = st.integers(1, 400)


def test_rogan_and_gladen_as_r_has_it(oracle):
    rows = pd.read_csv(oracle / "rogan_gladen.csv")
    for row in rows.itertuples():
        found = estimate.corrected_prevalence((row.x, row.n), (row.a, row.na), (row.b, row.nb))
        assert found.estimate == pytest.approx(row.pi_RG, rel=1e-9)
        assert found.standard_error == pytest.approx(row.se_RG, rel=1e-9)
    assert len(rows) == 3


def test_tenenbein_as_r_has_it(oracle):
    rows = pd.read_csv(oracle / "tenenbein.csv")
    for row in rows.itertuples():
        both = [[row.n_true1_fall1, row.n_true1_fall0], [row.n_true0_fall1, row.n_true0_fall0]]
        found = estimate.double_sampled_prevalence(both, (row.fallible_only_1, row.fallible_only_0))
        assert found.estimate == pytest.approx(row.pi_tenenbein, rel=1e-9)
        assert found.standard_error == pytest.approx(row.se_delta, rel=1e-9)
    assert len(rows) == 3


def test_a_correction_worked_by_hand():
    # Youden 0.9 + 0.8 - 1 = 0.7; (0.59 + 0.8 - 1) / 0.7 = 0.5571; variance (0.59 * 0.41 / 100 + 0.5571^2 * 0.09 / 10
    # + 0.4429^2 * 0.16 / 20) / 0.49 = (0.002419 + 0.00279367 + 0.00156898) / 0.49.
    found = estimate.corrected_prevalence((59, 100), (9, 10), (16, 20))
    assert found.estimate == pytest.approx(0.39 / 0.7, rel=1e-12)
    assert found.standard_error == pytest.approx(np.sqrt(0.00678165 / 0.49), rel=1e-6)
    assert not found.is_outside and found.bounded == found.estimate


def test_double_sampling_worked_by_hand():
    # 200 plans, 50 of them measured truly: q = (20 + 100) / 200 = 0.6; 18 of 20 found are true, 3 of 30 others:
    # 0.6 * 0.9 + 0.4 * 0.1 = 0.58; 0.36 * 0.09 / 20 + 0.16 * 0.09 / 30 + 0.24 * 0.64 / 200 = 0.002868.
    found = estimate.double_sampled_prevalence([[18, 3], [2, 27]], (100, 50))
    assert found.estimate == pytest.approx(0.58, rel=1e-12)
    assert found.standard_error == pytest.approx(np.sqrt(0.002868), rel=1e-12)


@given(counts, counts, counts, counts)
def test_a_measurement_that_never_errs_corrects_nothing(hits, misses, positives, negatives):
    n = hits + misses
    found = estimate.corrected_prevalence((hits, n), (positives, positives), (negatives, negatives))
    assert found.estimate == pytest.approx(hits / n, abs=1e-12)
    assert found.standard_error == pytest.approx(np.sqrt(hits * misses / n**3), rel=1e-9)


@given(counts, counts, counts, counts)
def test_repeats_that_always_agree_leave_the_share_as_it_is(yes, no, more_yes, more_no):
    found = estimate.double_sampled_prevalence([[yes, 0], [0, no]], (more_yes, more_no))
    total = yes + no + more_yes + more_no
    assert found.estimate == pytest.approx((yes + more_yes) / total, rel=1e-12)
    # What agreed so far may yet err: the interval is wider than that of the share alone.
    low, high = prevalence.jeffreys_interval(found.estimate, total)
    assert found.lower < low and found.upper > high


@given(st.integers(0, 300), st.integers(0, 300), st.integers(90, 100), st.integers(90, 100))
def test_an_interval_holds_the_bounded_estimate_within_what_a_share_can_be(hits, misses, seen, denied):
    found = estimate.corrected_prevalence((hits, max(hits + misses, 1)), (seen, 100), (denied, 100))
    assert 0 <= found.lower <= found.upper <= 1
    assert found.is_outside == (found.bounded != found.estimate)


def test_an_estimate_that_is_no_share_is_stated():
    low = estimate.corrected_prevalence((48, 1000), (45, 50), (285, 300))
    assert low.is_outside and low.estimate < 0 and low.bounded == 0 == low.lower < low.upper < 0.05
    high = estimate.corrected_prevalence((92, 100), (90, 100), (95, 100))
    assert high.is_outside and high.estimate > 1 and high.bounded == 1 == high.upper > high.lower > 0.9


def test_nothing_is_known_where_no_share_goes_with_the_error_rates():
    # Of those measured 990 in 1,000 are positive, of true positives only 900 are: no prevalence gives that.
    found = estimate.corrected_prevalence((990, 1000), (900, 1000), (950, 1000))
    assert found.is_outside
    assert (found.lower, found.upper) == (0, 1)


def test_error_rates_hardly_better_than_chance_leave_anything_possible():
    found = estimate.corrected_prevalence((50, 100), (6, 10), (5, 10))
    assert (found.lower, found.upper) == (0, 1)


@pytest.mark.parametrize(("sensitivity", "specificity"), [((5, 10), (5, 10)), ((1, 10), (5, 10)), ((0, 10), (10, 10))])
def test_a_measurement_no_better_than_chance_is_refused(sensitivity, specificity):
    with pytest.raises(MeasurementUseless, match="sensitivity"):
        estimate.corrected_prevalence((50, 100), sensitivity, specificity)


@pytest.mark.parametrize("pair", [(0, 0), (5, 0), (6, 5), (-1, 5), (1, -5), (float("nan"), 5), (1, float("inf")),
                                  (0.7, 1), (1, 2, 3), 0.7, "ab", None, (None, 4)])  # fmt: skip
@pytest.mark.parametrize("place", [0, 1, 2])
def test_counts_that_cannot_be_are_refused_by_name(pair, place):
    arguments = [(90, 100), (90, 100), (90, 100)]
    arguments[place] = pair
    with pytest.raises(CountsImpossible, match=("apparent", "sensitivity", "specificity")[place]):
        estimate.corrected_prevalence(*arguments)


@pytest.mark.parametrize(
    ("both", "rest", "name"),
    [
        ([[0, 0], [0, 0]], (0, 0), "nothing at all"),
        ([[0, 0], [0, 0]], (5, 5), "5 found, none of them repeated"),
        ([[0, 3], [0, 4]], (5, 5), "5 found, none of them repeated"),
        ([[3, 0], [4, 0]], (0, 5), "5 not found, none of them repeated"),
        ([[3, -1], [4, 1]], (0, 5), "both"),
        ([[3, 1, 1], [4, 1, 1]], (0, 5), "both"),
        ([[3, 1], [4, 1]], (5,), "fallible_only"),
        ([[3, 1], [4, float("nan")]], (5, 5), "both"),
    ],
)
def test_double_samples_that_cannot_be_are_refused_by_name(both, rest, name):
    with pytest.raises(CountsImpossible, match=name):
        estimate.double_sampled_prevalence(both, rest)


def test_a_kind_that_never_turns_up_weighs_nothing():
    found = estimate.double_sampled_prevalence([[18, 0], [2, 0]], (80, 0))
    assert found.estimate == pytest.approx(0.9)


def test_intervals_of_shares_at_their_ends():
    low, high = prevalence.jeffreys_interval([0.0, 1.0, 0.5, 0.5], [10, 10, np.inf, 20])
    assert low[0] == 0 and high[1] == 1
    assert (low[2], high[2]) == (0.5, 0.5)
    assert high[0] == pytest.approx(stats.beta.ppf(0.975, 0.5, 10.5))
    assert (low[3], high[3]) == pytest.approx(stats.beta.ppf([0.025, 0.975], 10.5, 10.5))


def test_joined_intervals_worked_by_hand():
    # Reaches 0.3 and 0.1 downwards, 0.1 and 0.2 upwards; a negative weight turns the second part over.
    below, above = np.hypot(0.3, 0.2), np.hypot(0.1, 0.1)
    lower, upper = prevalence.joined_interval(0.5, [1, -1], [0.5, 0.4], [0.2, 0.3], [0.6, 0.6])
    assert (lower, upper) == (pytest.approx(0.5 - below), pytest.approx(0.5 + above))
    # A part that does not exist moves nothing.
    assert prevalence.joined_interval(0.5, [1, 1], [0.5, np.nan], [0.4, np.nan], [0.6, np.nan]) == (
        pytest.approx(0.4),
        pytest.approx(0.6),
    )


@pytest.mark.parametrize(
    ("found", "true_share", "false_share", "size", "repeats"),
    [(0.75, 0.96, 0.03, 2000, 110), (0.75, 0.96, 0.03, 40000, 2200), (0.7, 0.9, 0.15, 1000, 100)],
)
def test_the_interval_of_double_sampling_holds_the_truth(found, true_share, false_share, size, repeats):
    rng = np.random.default_rng(1403)
    truth, hits = found * true_share + (1 - found) * false_share, 0
    for _ in range(1200):
        seen = rng.binomial(repeats, found)
        right, wrong = rng.binomial(seen, true_share), rng.binomial(repeats - seen, false_share)
        rest = rng.binomial(size - repeats, found)
        both = [[right, wrong], [seen - right, repeats - seen - wrong]]
        interval = estimate.double_sampled_prevalence(both, (rest, size - repeats - rest))
        hits += interval.lower <= truth <= interval.upper
    assert 0.93 <= hits / 1200 <= 0.97


@pytest.mark.parametrize(
    ("truth", "sensitivity", "specificity", "sizes"),
    [(0.72, 0.95, 0.9, (1000, 200, 100)), (0.5, 0.9, 0.8, (500, 60, 60)), (0.05, 0.9, 0.95, (1000, 50, 300))],
)
def test_the_interval_of_a_correction_holds_the_truth(truth, sensitivity, specificity, sizes):
    rng = np.random.default_rng(1403)
    apparent = truth * sensitivity + (1 - truth) * (1 - specificity)
    draws = [rng.binomial(n, p, 1200) for n, p in zip(sizes, (apparent, sensitivity, specificity), strict=True)]
    intervals = [
        estimate.corrected_prevalence(*zip(map(int, row), sizes, strict=True)) for row in zip(*draws, strict=True)
    ]
    assert 0.93 <= np.mean([one.lower <= truth <= one.upper for one in intervals]) <= 0.97
