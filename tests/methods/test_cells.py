"""Cells of an edition, worked by hand."""

import pandas as pd

from methods import estimate

DOCUMENT = {
    "variables": [
        {"code": "issued"},
        {"code": "confirmed", "part_of": "issued", "where": {"verdict": ["confirmed"]}},
        {"code": "refused", "part_of": "issued", "where": {"verdict": ["violation"]}},
        {"code": "loan", "sum": "loan_paid_rial"},
        {"code": "eligible", "of": "frame"},
    ],
    "dimensions": [{"code": "sex", "column": "sex"}],
    "indicators": [
        {
            "code": "confirmation_rate", "from": "1401-01-01", "kind": "proportion", "numerator": "confirmed",
            "denominator": "issued", "observed": "issued", "exclusions": ["refused"],
        },
    ],
}  # fmt: skip
PLANS = pd.DataFrame(
    [
        ("0601", "h1", "female", "confirmed", 50), ("0601", "h1", "female", "confirmed", 30),
        ("0601", "h2", "male", "violation", 60), ("0602", "h3", "male", "confirmed", 0),
        ("0701", "h2", None, "confirmed", 7),
    ],
    columns=["county_code", "holder", "sex", "verdict", "loan_paid_rial"],
).assign(province_code=lambda rows: rows["county_code"].str[:2])  # fmt: skip


def found():
    definitions = estimate.definitions_in_force(DOCUMENT, "1403-01-01")
    # What comes in another order adds up to the same.
    cells = estimate.cells(PLANS[::-1], PLANS[["county_code", "province_code", "holder", "sex"]], definitions)
    return cells.set_index(["unit_code", "domain", "variable"])


def test_plans_of_one_holder_are_one_contribution():
    cell = found().loc[("0601", "all", "loan")]
    assert (cell["value"], cell["contributor_count"], cell["largest"], cell["second"]) == (140, 2, 80, 60)
    # In the nation the second holder has two plans in two counties.
    nation = found().loc[("IR", "all", "loan")]
    assert (nation["value"], nation["contributor_count"], nation["largest"], nation["second"]) == (147, 2, 80, 67)


def test_who_adds_nothing_is_no_contributor():
    cell = found().loc[("0602", "all", "loan")]
    assert (cell["value"], cell["contributor_count"], cell["largest"], cell["second"]) == (0, 0, 0, 0)


def test_counts_stand_at_every_level_and_domains_above_the_counties():
    cells = found()["value"]
    assert cells.loc[("06", "all", "confirmed")] == 3
    assert cells.loc[("06", "sex=male", "refused")] == 1
    assert cells.loc[("IR", "sex=unknown", "issued")] == 1
    assert ("0601", "sex=male", "issued") not in cells.index
    assert cells.loc[("IR", "all", "eligible")] == 5


def test_a_figure_tells_both_its_sides_and_what_it_rests_on():
    (indicator,) = estimate.definitions_in_force(DOCUMENT, "1403-01-01").indicators
    assert indicator.tells == ("confirmed", "issued")
