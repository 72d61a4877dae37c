import pandas as pd
import pytest

from methods import bulletin, estimate

RULES = {
    "minimum_effective_n": "30",
    "narrow_interval_width": "0.05",
    "wide_interval_width": "0.30",
    "relative_interval_width": "1.30",
}


def test_presentation_agrees_with_the_standard(oracle):
    rows = pd.read_csv(oracle / "sdc" / "nchs_rules.csv")
    size = rows["n"] / rows["deff"]
    lower, upper = estimate.proportion_interval(rows["p"], size)
    found = bulletin.presentable(rows["p"], lower, upper, size, RULES)
    firm = rows["expected"] != "review"
    assert found[firm].tolist() == (rows.loc[firm, "expected"] == "present").tolist()


@pytest.mark.parametrize(
    ("counts", "withheld"),
    [
        ({"a": 0, "b": 3, "c": 90}, set()),
        ({"a": 1, "b": 2, "c": 90}, {"a", "b"}),
        # One small part alone could be had by subtraction: the smallest other goes with it.
        ({"a": 2, "b": 40, "c": 7}, {"a", "c"}),
        ({"a": 2, "b": 0, "c": 0}, {"a"}),
    ],
)
def test_small_parts_of_a_sum_are_withheld_with_company(counts, withheld):
    assert bulletin.withheld_parts(counts, 3) == withheld
