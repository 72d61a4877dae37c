import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import decision
from methods.errors import FrameMismatch

RULES = {"largest_change_share": "0.10"}


def test_rank_sets_agree_with_the_oracle(oracle):
    rows = pd.read_csv(oracle / "ranking.csv")
    lower, upper = decision.rank_sets(rows["theta"], rows["se"])
    assert lower.tolist() == rows["kww90_rank_lo"].tolist()
    assert upper.tolist() == rows["kww90_rank_hi"].tolist()


def test_two_agencies_that_cannot_be_told_apart_share_their_ranks():
    lower, upper = decision.rank_sets([0.80, 0.79, 0.10], [0.02, 0.02, 0.02])
    assert (lower.tolist(), upper.tolist()) == ([1, 1, 3], [2, 2, 3])


def test_quota_moves_to_the_agency_whose_plans_hold():
    cards = pd.DataFrame({"agency_code": ["P01", "P02"], "lower": [0.9, 0.6]})
    loans = pd.DataFrame({"agency_code": ["P01", "P02"], "loan_paid_rial": [1000, 1000]})
    found = decision.recommend_quotas(cards, loans, RULES).set_index("agency_code")["recommended_rial"]
    assert found.to_dict() == {"P01": 1100, "P02": 900}


@given(st.lists(st.tuples(st.integers(0, 10**15), st.floats(0.01, 1)), min_size=1, max_size=20))
def test_the_total_is_conserved_to_the_rial_and_bounds_are_kept(agencies):
    codes = [f"P{i:02d}" for i in range(len(agencies))]
    loans = pd.DataFrame({"agency_code": codes, "loan_paid_rial": [loan for loan, _ in agencies]})
    cards = pd.DataFrame({"agency_code": codes, "lower": [lower for _, lower in agencies]})
    found = decision.recommend_quotas(cards, loans, RULES)
    assert found["recommended_rial"].sum() == loans["loan_paid_rial"].sum()
    for now, then in zip(found["current_rial"].tolist(), found["recommended_rial"].tolist(), strict=True):
        assert 10 * abs(then - now) <= now


def test_an_agency_without_a_scorecard_is_named():
    loans = pd.DataFrame({"agency_code": ["P01", "P09"], "loan_paid_rial": [1, 1]})
    with pytest.raises(FrameMismatch, match="P09"):
        decision.recommend_quotas(pd.DataFrame({"agency_code": ["P01"], "lower": [0.5]}), loans, RULES)
