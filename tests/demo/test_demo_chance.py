import numpy as np
import pandas as pd

from demo import chance


def test_the_order_of_rows_changes_nothing():
    codes = pd.Series(["P01-3", "P02-1", "P01-1"])
    forward = chance.of_codes("seed", "purpose", codes)
    assert chance.of_codes("seed", "purpose", codes[::-1]).tolist() == forward[::-1].tolist()
    numbers = np.arange(100)
    assert chance.of_numbers("seed", "purpose", numbers[::-1])[::-1].tolist() == (
        chance.of_numbers("seed", "purpose", numbers).tolist()
    )


def test_draws_fill_the_unit_interval_evenly():
    for draws in (
        chance.of_numbers("seed", "even", np.arange(100_000)),
        chance.of_codes("seed", "even", pd.Series(np.arange(100_000).astype(str))),
    ):
        counts = np.histogram(draws, bins=10, range=(0, 1))[0]
        # Ten bins of 10,000 with a standard deviation of 95 each.
        assert np.abs(counts - 10_000).max() < 500


def test_purposes_and_seeds_do_not_share_their_chance():
    numbers = np.arange(10_000)
    one = chance.of_numbers("seed", "one", numbers)
    for other in (chance.of_numbers("seed", "two", numbers), chance.of_numbers("seed2", "one", numbers)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.05


def test_logistic_of_the_middle_is_zero_and_the_ends_are_finite():
    ends = chance.logistic(np.array([0.0, 0.5, 1 - 2.0**-53]))
    assert abs(ends[1]) < 1e-12
    assert np.isfinite(ends).all()
    assert (np.diff(ends) > 0).all()
