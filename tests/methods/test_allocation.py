import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import allocation, sample
from methods.errors import FrameMismatch


def test_neyman_worked_by_hand():
    # N S of 60, 30, 10: ten in proportion are 6, 3, 1, and those are whole.
    assert sample.allocate_neyman([60, 30, 10], [1, 1, 1], 10).tolist() == [6, 3, 1]
    # A stratum that does not vary gets what it must have.
    assert sample.allocate_neyman([60, 30, 10], [1, 0, 1], 10, minimum=[0, 2, 0]).tolist() == [7, 2, 1]


def test_neyman_agrees_with_the_oracle(oracle):
    for _, case in pd.read_csv(oracle / "allocation_neyman.csv").groupby("case"):
        n, least = int(case["n"].iloc[0]), int(case["min_n"].iloc[0])
        found = sample.allocate_neyman(case["N"], case["S"], n, least)
        assert found.tolist() == case["wright_integer"].tolist()
        size, spread = case["N"].to_numpy(), case["S"].to_numpy()
        variance = (size**2 * spread**2 * (1 / found - 1 / size)).sum()
        assert variance == pytest.approx(case["var_wright"].iloc[0], rel=1e-12)


small = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=4)


@given(small, st.data())
def test_no_other_whole_numbers_have_less_variance(strata, data):
    size, spread, least = (np.array(column) for column in zip(*strata, strict=True))
    floor = np.maximum(np.minimum(least, size), spread > 0)
    n = data.draw(st.integers(int(floor.sum()), int(size.sum())))
    found = sample.allocate_neyman(size, spread, n, least)

    def variance(taken):
        part = np.where(spread > 0, (size * spread) ** 2 / np.maximum(taken, 1), 0)
        return part.sum()

    ways = itertools.product(*[range(low, high + 1) for low, high in zip(floor, size, strict=True)])
    best = min(variance(np.array(way)) for way in ways if sum(way) == n)
    assert found.sum() == n
    assert ((found >= floor) & (found <= size)).all()
    assert variance(found) == pytest.approx(best, rel=1e-12)


def test_bounds_that_leave_no_allocation_say_which_binds():
    with pytest.raises(FrameMismatch, match="the population or the maximum binds"):
        sample.allocate_neyman([5, 5], [1, 1], 11)
    with pytest.raises(FrameMismatch, match="the minimum binds"):
        sample.allocate_neyman([5, 5], [1, 1], 3, minimum=2)
    with pytest.raises(FrameMismatch, match="stratum 2: found a minimum of 4 above the maximum of 3"):
        sample.allocate_neyman([5, 5], [1, 1], 6, minimum=[1, 4], maximum=[5, 3])
    with pytest.raises(FrameMismatch, match="one for each stratum that varies"):
        sample.allocate_neyman([5, 5, 5], [1, 1, 1], 2)


@pytest.mark.parametrize("population, deviation", [([0, 5], [1, 1]), ([5, 5], [-1, 1]), ([5, 5], [np.nan, 1])])
def test_numbers_no_stratum_has_are_refused(population, deviation):
    with pytest.raises(FrameMismatch, match="unit 1"):
        sample.allocate_neyman(population, deviation, 3)


def test_power_stands_between_neyman_and_equal_precision():
    size, spread, mean = [900, 100], [0.5, 0.5], [0.5, 0.5]
    # With q = 1 and equal means it is Neyman; with 0 both strata are known equally well.
    assert allocation.allocate_power(size, spread, mean, 1.0, 50).tolist() == [45, 5]
    assert allocation.allocate_power(size, spread, mean, 0.0, 50).tolist() == [25, 25]
    between = allocation.allocate_power(size, spread, mean, 0.5, 50)
    assert 5 < between[1] < 25


def test_precision_of_one_total_is_neyman_for_the_least_n():
    size, share = np.array([400, 300, 300]), np.array([0.5, 0.8, 0.9])
    spread = allocation.planning_variances(share, size)
    target = (0.03 * size.sum()) ** 2
    found, binding = allocation.allocate_precision(size, spread, [target], names=["nation"])
    # (sum N S)^2 / (V + sum N S^2), Cochran (1977), 5.25.
    least = (size * np.sqrt(spread)).sum() ** 2 / (target + (size * spread).sum())
    assert found.sum() == np.ceil(least)
    assert (size**2 * spread * (1 / found - 1 / size)).sum() <= target * (1 + 1e-9)
    assert binding == ["nation"]


@given(
    st.lists(st.tuples(st.integers(2, 9), st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=3),
    st.floats(0.05, 0.9),
    st.floats(0.05, 0.9),
)
def test_several_targets_need_no_more_plans_than_the_best_whole_numbers(strata, first, second):
    size = np.array([row[0] for row in strata], dtype=float)
    spread = np.array([[row[1] for row in strata], [row[2] for row in strata]], dtype=float)

    def variances(taken):
        return (spread * size**2 * (1 / taken - 1 / size)).sum(axis=1)

    once = variances(np.ones(len(size)))
    targets = once * [first, second] + 1e-6
    found, _ = allocation.allocate_precision(size, spread, targets)
    assert (variances(found) <= targets * (1 + 1e-6)).all()
    ways = itertools.product(*[range(1, int(high) + 1) for high in size])
    fewest = min(sum(way) for way in ways if (variances(np.array(way, dtype=float)) <= targets).all())
    # Whole numbers by rounding and sparing: within one plan of the best for so few strata.
    assert fewest <= found.sum() <= fewest + 1


def test_a_precision_out_of_reach_names_its_target():
    with pytest.raises(FrameMismatch, match="half-width of province 07"):
        allocation.allocate_precision([100, 100], [[1, 1], [0, 1]], [1e9, 10], maximum=[50, 5], names=[
            "half-width of the nation", "half-width of province 07"
        ])  # fmt: skip


def test_expected_errors_worked_by_hand():
    # Half of 100 drawn, share .5: S^2 = .25 * 100/99; variance of the share = (1 - .5) S^2 / 50.
    strata = pd.DataFrame({
        "population_count": [100], "sample_count": [50], "planning_share": [0.5], "weight_excess": [100 * (2 - 1)]
    })  # fmt: skip
    found = allocation.expected_errors(strata)
    assert found["standard_error"].iloc[0] == pytest.approx(np.sqrt(0.5 * 0.25 * 100 / 99 / 50), rel=1e-12)
    with pytest.raises(FrameMismatch, match="no sample"):
        allocation.expected_errors(strata.assign(sample_count=0))
