import pandas as pd

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
