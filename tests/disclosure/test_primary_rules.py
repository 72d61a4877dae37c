"""Which cells tell of somebody: the handbook's cases, and cells worked by hand."""

from decimal import Decimal

import pandas as pd
import pytest

from methods.disclosure import contributions, dominance_level, p_percent_level, small_counts


def magnitudes(oracle):
    return pd.read_csv(oracle / "sdc" / "magnitude_rules.csv", dtype=str, keep_default_na=False)


def level_of(rule, parts):
    largest = sorted(parts, reverse=True)
    if rule.startswith("p"):
        return p_percent_level(sum(parts), largest[0], largest[1], Decimal(rule[1:]) / 100)
    count, percent = rule.strip("()").split(",")
    return dominance_level(sum(parts), sum(largest[: int(count)]), Decimal(percent) / 100)


def test_the_handbooks_cases(oracle):
    cases = magnitudes(oracle)
    assert len(cases) == 11
    for case in cases.itertuples():
        found = level_of(case.rule, [int(part) for part in case.contributions.split(";")])
        assert (found > 0) == (case.sensitive == "1"), case
        if case.upper_protection_level:
            assert found == pytest.approx(float(case.upper_protection_level), abs=1e-6), case


def test_a_share_met_exactly_is_safe():
    # 57 is 0.57 of 100 and 7 is 0.07 of 100, though in binary fractions 57 / 0.57 and 0.07 * 100 are more.
    assert dominance_level(100, 57, Decimal("0.57")) == 0
    assert p_percent_level(112, 100, 5, Decimal("0.07")) == 0


def test_counts_below_the_minimum_are_small_but_none_is_not():
    assert small_counts([0, 1, 2, 3, 4], 3).tolist() == [False, True, True, False, False]


def test_rows_of_one_contributor_are_one_contribution():
    rows = pd.DataFrame({
        "place": ["P1"] * 4 + ["P2"],
        "firm": ["x", "x", "y", "z", "z"],
        "loan_rial": [30, 40, 50, 0, 9],
    })  # fmt: skip
    found = contributions(rows, ["place"], "loan_rial", "firm")
    # P1: x 70, y 50, and z, who got nothing there.
    wanted = [("P1", 120, 2, 70, 50), ("P2", 9, 1, 9, 0)]
    assert list(found.itertuples(index=False, name=None)) == wanted
