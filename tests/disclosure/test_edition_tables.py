"""An edition's cells, from plans to what is withheld, over places, domains, verdicts and editions."""

import numpy as np
import pandas as pd
import pytest

from methods import disclosure, estimate
from methods.errors import SettingWrong

DOCUMENT = {
    "variables": [
        {"code": "issued"},
        {"code": "decided", "part_of": "issued", "where": {"verdict": ["confirmed", "deviation", "violation"]}},
        {"code": "pending", "part_of": "issued", "where": {"verdict": ["pending"]}},
        {"code": "confirmed", "part_of": "decided", "where": {"verdict": ["confirmed"]}},
        {"code": "refused", "part_of": "decided", "where": {"verdict": ["deviation", "violation"]}},
        {"code": "deviation", "part_of": "refused", "where": {"verdict": ["deviation"]}},
        {"code": "violation", "part_of": "refused", "where": {"verdict": ["violation"]}},
        {"code": "decided_loan", "sum": "loan", "where": {"verdict": ["confirmed", "deviation", "violation"]}},
        {"code": "wait", "sum": "days", "is_signed": True},
        {"code": "eligible", "of": "frame"},
    ],
    "dimensions": [{"code": "sex", "column": "sex"}, {"code": "bank", "column": "bank"}],
    "indicators": [
        {
            "code": name, "from": "1401-01-01", "kind": "count", "bases": ["counted"], "numerator": variable,
            "observed": "issued",
        }
        for name, variable in (
            ("issued_plan_count", "issued"), ("decided_plan_count", "decided"), ("confirmed_plan_count", "confirmed"),
            ("deviation_plan_count", "deviation"), ("violation_plan_count", "violation"), ("pending_count", "pending"),
            ("loan_rial", "decided_loan"), ("wait_days", "wait"), ("eligible_plan_count", "eligible"),
        )
    ],
}  # fmt: skip
RULES = {
    "minimum_count": 3, "least_withheld_count": 1, "attack_round_count": 6, "dominance_contributor_count": 1,
    "dominance_share": "0.85", "p_percent_share": "0.1", "open_variables": ["pending"],
}  # fmt: skip
COUNTIES = [f"{province}0{number}" for province in ("01", "02") for number in (1, 2, 3)]
PLACES = {"IR": None, "01": "IR", "02": "IR"} | {code: code[:2] for code in COUNTIES}
DEFINITIONS = estimate.definitions_in_force(DOCUMENT, "1403-01-01")


def plans(seed, count=180):
    chance = np.random.default_rng(seed)
    verdicts = ["confirmed", "deviation", "violation", "pending"]
    county = chance.choice(COUNTIES, count)
    return pd.DataFrame(
        {
            "county_code": county, "province_code": pd.Series(county).str[:2],
            "holder": [f"h{number}" for number in range(count)], "sex": chance.choice(["female", "male"], count),
            "bank": chance.choice(["B1", "B2", "B3"], count, p=[0.7, 0.25, 0.05]),
            "verdict": chance.choice(verdicts, count, p=[0.85, 0.06, 0.05, 0.04]),
            "loan": chance.lognormal(20, 1, count).round(), "days": chance.integers(-30, 300, count),
        }
    )  # fmt: skip


def protected(rows, earlier=(), rules=RULES):
    cells = estimate.cells(rows, rows, DEFINITIONS)
    found = disclosure.protect_figures(cells, DEFINITIONS, PLACES, rules, earlier)
    return cells.assign(is_withheld=found.is_withheld), found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_small_count_stands_and_none_can_be_had_by_subtraction(seed):
    cells, _ = protected(plans(seed))
    counts = cells[cells["variable"].isin(["decided", "confirmed", "deviation", "violation", "eligible"])]
    small = counts["value"].between(1, 2)
    assert small.any()
    assert counts.loc[small, "is_withheld"].all()
    # Refused plans are counted nowhere, but are what is decided and not confirmed.
    wide = cells.pivot_table(index=["unit_code", "domain"], columns="variable", values="value", aggfunc="sum")
    hidden = cells.pivot_table(index=["unit_code", "domain"], columns="variable", values="is_withheld", aggfunc="max")
    few = wide["refused"].between(1, 2)
    assert few.any()
    assert (hidden.loc[few, "decided"] | hidden.loc[few, "confirmed"]).astype(bool).all()


def test_what_is_the_ministrys_own_doing_stands_however_small():
    cells, _ = protected(plans(4))
    pending = cells[cells["variable"] == "pending"].set_index(["unit_code", "domain"])
    strict, _ = protected(plans(4), rules=RULES | {"open_variables": []})
    small = pending["value"].between(1, 2)
    assert strict[strict["variable"] == "pending"].set_index(["unit_code", "domain"]).loc[small, "is_withheld"].all()
    assert not pending.loc[small, "is_withheld"].all()


def test_a_sum_of_what_is_protected_cannot_be_open():
    with pytest.raises(SettingWrong, match="decided, which other variables are part of"):
        protected(plans(4), rules=RULES | {"open_variables": ["decided"]})


def test_amounts_go_by_their_contributors_and_differences_by_their_plans():
    rows = plans(5)
    rows.loc[rows["county_code"] == COUNTIES[0], "loan"] = 1.0
    rows.loc[rows[rows["county_code"] == COUNTIES[0]].index[0], ["loan", "verdict"]] = [1e12, "confirmed"]
    cells, found = protected(rows)
    loan = cells[cells["variable"] == "decided_loan"].set_index(["unit_code", "domain"])
    assert loan.loc[(COUNTIES[0], "all"), "is_withheld"]
    assert not cells.loc[cells["variable"] == "wait", "is_withheld"].any()
    assert set(found.tables) == {"issued", "decided_loan", "eligible"}


def test_a_later_edition_tells_nothing_the_first_withheld():
    first = plans(6)
    before, _ = protected(first)
    later = first.copy()
    later.loc[later[later["verdict"] == "pending"].index[:3], "verdict"] = "confirmed"
    after, _ = protected(later, [before])
    key = ["unit_code", "domain", "variable"]
    both = before.merge(after, on=key, suffixes=("", "_after"))
    both = both[~both["variable"].isin(["refused", "wait"])]
    same = both["value"] == both["value_after"]
    kept = both[same & both["is_withheld"]]
    assert len(kept) > 20
    assert (kept["is_withheld_after"] | (kept["value"] == 0)).all()
    # What has been printed with the same number stays: to hide it again would protect nobody.
    assert not both.loc[same & ~both["is_withheld"], "is_withheld_after"].any()
