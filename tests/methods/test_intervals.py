"""Intervals of proportions: against exact and score intervals of scipy, by hand, and what must hold of any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from methods.errors import SettingWrong
from methods.estimate.intervals import METHODS, effective_size, interval

shares = st.floats(0.001, 0.999)
errors = st.floats(1e-4, 0.3)


@pytest.mark.parametrize(("method", "name"), [("beta", "exact"), ("wilson", "wilson")])
def test_a_simple_sample_has_the_interval_of_its_counts(method, name):
    p, n = 3 / 20, 20
    found = interval(method, p, np.sqrt(p * (1 - p) / n), n, n - 1, n)
    assert_allclose(found, stats.binomtest(3, 20).proportion_ci(0.95, name), rtol=1e-6)


def test_logit_and_arc_sine_worked_by_hand():
    # Share 1/2, error 0.05, t(10) = 2.2281: log odds +- 2.2281 * 0.2; arc sine pi/4 +- 2.2281 * 0.05.
    t = 2.2281388519649385
    low = 1 / (1 + np.exp(t * 0.2))
    assert_allclose(interval("logit", 0.5, 0.05, 100, 10, 100), [low, 1 - low])
    assert_allclose(interval("xlogit", 0.5, 0.05, 100, 10, 100), [low, 1 - low])
    low = np.sin(np.pi / 4 - t * 0.05) ** 2
    assert_allclose(interval("asin", 0.5, 0.05, 100, 10, 100), [low, 1 - low])


def test_few_degrees_of_freedom_make_the_sample_smaller():
    # 0.25 / 0.0025 = 100 rows, times (t(99) / t(10))^2.
    expected = 100 * (stats.t.ppf(0.975, 99) / stats.t.ppf(0.975, 10)) ** 2
    assert_allclose(effective_size(0.5, 0.05, 100, 10), expected)


@pytest.mark.parametrize("method", METHODS)
@given(p=shares, error=errors, n=st.integers(2, 5000), freedom=st.integers(0, 300), confidence=st.floats(0.5, 0.999))
def test_intervals_hold_the_share_and_stay_between_none_and_all(method, p, error, n, freedom, confidence):
    # There are no more primary units than rows.
    freedom = min(freedom, n - 1)
    lower, upper = interval(method, p, error, n, freedom, n, confidence)
    assert 0 <= lower <= p <= upper <= 1
    wider = interval(method, p, error, n, freedom, n, (1 + confidence) / 2)
    assert wider[0] <= lower + 1e-12
    assert upper - 1e-12 <= wider[1]


@pytest.mark.parametrize("method", METHODS)
@given(p=shares, error=errors, n=st.integers(2, 5000), freedom=st.integers(1, 300))
def test_counting_the_others_mirrors_the_interval(method, p, error, n, freedom):
    lower, upper = interval(method, p, error, n, freedom, n)
    mirrored = interval(method, 1 - p, error, n, freedom, n)
    assert_allclose([1 - mirrored[1], 1 - mirrored[0]], [lower, upper], atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_no_error_leaves_the_share_and_no_share_no_interval(method):
    share, nothing = np.array([0.3, np.nan]), np.array([0.0, np.nan])
    lower, upper = interval(method, share, nothing, [10, 0], [9, 0], [10, np.nan])
    assert_allclose([lower[0], upper[0]], 0.3)
    assert np.isnan([lower[1], upper[1]]).all()


@pytest.mark.parametrize("method", METHODS)
def test_none_and_all_have_clopper_pearson_at_the_size_of_the_weights(method):
    lower, upper = interval(method, [0.0, 1.0, 0.0], [0.0, 0, 0], 20, 19, [20, 20, np.inf])
    bound = 1 - 0.025 ** (1 / 20)
    assert_allclose(lower, [0, 1 - bound, 0])
    assert_allclose(upper, [bound, 1, 0])


@pytest.mark.parametrize(("method", "confidence"), [("wald", 0.95), ("beta", 0), ("beta", 1), ("beta", 95)])
def test_what_is_no_interval_is_refused(method, confidence):
    with pytest.raises(SettingWrong):
        interval(method, 0.5, 0.1, 10, 9, 10, confidence)
