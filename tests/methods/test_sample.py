import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import sample
from methods.errors import FrameMismatch

RULES = {"issued_plan_count": 7, "minimum_plans_per_county": 2}


def frame(**sizes):
    rows = [
        {"plan_id": f"{county}-{i}", "province_code": county[:2], "county_code": county}
        for county, size in sizes.items()
        for i in range(size)
    ]
    return pd.DataFrame(rows)


PLANS = frame(**{"0001": 10, "0002": 2, "0101": 8})


def test_two_strata_worked_by_hand():
    # 10 of 20 in proportion is 5 each; a minimum of 7 for the first leaves 3 for the second.
    population = pd.Series({"plains": 10, "hills": 10})
    assert sample.allocate(population, 10).tolist() == [5, 5]
    assert sample.allocate(population, 10, minimum=pd.Series({"plains": 7, "hills": 0})).tolist() == [7, 3]


def test_the_largest_remainder_gets_the_odd_unit():
    # 5 * 7/12 = 2.92, 5 * 3/12 = 1.25, 5 * 2/12 = 0.83: one each goes to .92 and .83.
    assert sample.allocate(pd.Series([7, 3, 2]), 5).tolist() == [3, 1, 1]


@given(st.lists(st.integers(1, 500), min_size=1, max_size=30), st.integers(0, 20), st.data())
def test_an_allocation_keeps_its_sum_and_its_bounds(sizes, minimum, data):
    population = pd.Series(sizes)
    floor = np.minimum(population, minimum)
    n = data.draw(st.integers(int(floor.sum()), int(population.sum())))
    found = sample.allocate(population, n, minimum)
    assert found.sum() == n
    assert ((found >= floor) & (found <= population)).all()


def test_more_than_the_frame_holds_is_refused_with_what_binds():
    with pytest.raises(FrameMismatch, match="population or the maximum binds"):
        sample.allocate(pd.Series([3, 4]), 8)
    with pytest.raises(FrameMismatch, match="minimum binds"):
        sample.allocate(pd.Series([3, 4]), 2, minimum=2)


def test_proportional_allocation_agrees_with_the_oracle(oracle):
    rows = pd.read_csv(oracle / "allocation_neyman.csv")
    for _, case in rows.groupby("case"):
        n = int(case["n"].iloc[0])
        expected = n * case["N"] / case["N"].sum()
        assert expected.to_numpy() == pytest.approx(case["proportional"].to_numpy(), rel=1e-12)
        found = sample.allocate(case["N"], n)
        assert found.sum() == n
        assert (abs(found - case["proportional"]) < 1).all()


def test_levels_are_worked_by_hand():
    # 7 of 20: province 00 gets 12 * .35 = 4.2, province 01 2.8, so 4 and 3; in 00 county 0002 keeps its 2.
    found = sample.allocate_levels(PLANS, RULES).set_index("county_code")["sample_plan_count"]
    assert found.to_dict() == {"0001": 2, "0002": 2, "0101": 3}


def test_drawing_again_from_a_shuffled_frame_draws_the_same():
    drawn = sample.draw_plans(PLANS, RULES, "seed")
    again = sample.draw_plans(PLANS.sample(frac=1, random_state=1), RULES, "seed")
    pd.testing.assert_frame_equal(drawn, again)
    assert len(drawn) == 7
    assert sample.draw_plans(PLANS, RULES, "another")["plan_id"].tolist() != drawn["plan_id"].tolist()


def test_weights_add_up_to_the_frame():
    drawn = sample.draw_plans(PLANS, RULES, "seed")
    assert (1 / drawn["inclusion_probability"]).sum() == pytest.approx(len(PLANS))
    assert drawn["inclusion_probability"].between(0, 1, inclusive="right").all()


def test_a_random_number_can_be_computed_by_anyone():
    expected = (int(hashlib.sha256(b"seed|P01-1").hexdigest()[:16], 16) >> 11) / 2**53
    assert sample.random_numbers(pd.Series(["P01-1"]), "seed")[0] == expected


def test_every_plan_is_drawn_as_often_as_its_probability_says():
    # 2000 counties of 8 plans, half of each drawn.
    counties = 2000
    plans = frame(**{f"00{number:04d}": 8 for number in range(counties)})
    drawn = sample.draw_plans(plans, {"issued_plan_count": 4 * counties, "minimum_plans_per_county": 0}, "seed")
    place = drawn["plan_id"].str.split("-").str[1].astype(int)
    # Binomial with p = 1/2: four standard errors are 4 * sqrt(.25 / 2000) = .045.
    assert (abs(place.value_counts().reindex(range(8)) / counties - 0.5) < 0.045).all()
    together = place[place.isin([0, 5])].groupby(drawn["county_code"]).size().eq(2).sum()
    # Both of two plans: 4 * 3 / (8 * 7) = .214, four standard errors .037.
    assert abs(together / counties - 12 / 56) < 0.037


def test_a_county_in_two_provinces_is_refused():
    broken = pd.concat([PLANS, PLANS.head(1).assign(plan_id="x", province_code="01")])
    with pytest.raises(FrameMismatch, match="county 0001"):
        sample.draw_plans(broken, RULES, "seed")
