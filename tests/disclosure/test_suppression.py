"""Suppression against proved optima, in a contributor's eyes, and where it must refuse."""

import numpy as np
import pandas as pd
import pytest
from invented_tables import RULES, TABLES, cells_of, two_way

from methods.disclosure import attack, contributions, protect_amounts, protect_counts
from methods.errors import DisclosureRemains, SettingWrong, TableInconsistent

AMOUNT_RULES = {
    "dominance_contributor_count": 1,
    "dominance_share": "0.85",
    "p_percent_share": "0.1",
    "attack_round_count": 4,
}
ROW = {"place": {"IR": None}, "agency": {"all": None, "A1": "all", "A2": "all", "A3": "all", "A4": "all"}}


@pytest.fixture(scope="module")
def tables(oracle):
    given = pd.read_csv(oracle / "sdc" / "input.csv", dtype=str, keep_default_na=False)
    place = {area: parent or None for area, parent in zip(given["area"], given["parent"], strict=True)}
    return {"place": place, "agency": {"TOTAL": None} | {f"A{row}": "TOTAL" for row in range(1, 5)}}


def read(oracle, name):
    given = pd.read_csv(oracle / "sdc" / name).rename(columns={"area": "place"})
    return given.assign(value=given["count"], edition=0, is_printed=True)


def bounds(cells, is_withheld, tables, least):
    published = cells.assign(value=cells["value"].astype(float).mask(is_withheld), edition=0, is_printed=True)
    return attack(published, tables, least, is_whole=True)


def leaks(found, cells):
    """Say whether some small number is known not to be 1, or not to be the minimum."""
    value = cells["value"].reindex(found.index)
    small = found[(value > 0) & (value < RULES["minimum_count"])]
    return bool(((small["lower"] > 1) | (small["upper"] < RULES["minimum_count"])).any())


@pytest.mark.parametrize(("least", "wanted"), [(0, 14), (1, 19)])
def test_as_few_are_withheld_as_was_proved_possible(oracle, tables, least, wanted):
    cells = read(oracle, "input.csv")
    found = protect_counts(cells, tables, RULES | {"least_withheld_count": least})
    assert (found.withheld_count, found.least_cost) == (wanted, wanted)
    assert found.table["is_suppressed"].sum() == wanted
    assert not leaks(bounds(cells, found.table["is_suppressed"], tables, least), cells)


@pytest.mark.parametrize(("name", "least"), [("expected_base.csv", 0), ("expected_floor1.csv", 1)])
def test_the_attacker_works_out_the_bounds_of_the_oracle(oracle, tables, name, least):
    given = read(oracle, name)
    hidden = given["status"] != "published"
    found = bounds(given, hidden, tables, least)
    assert found["lower"].tolist() == given.loc[hidden, "attack_lo"].tolist()
    assert found["upper"].tolist() == given.loc[hidden, "attack_hi"].tolist()


def test_what_is_safe_from_one_who_ignores_zeros_is_not_from_one_who_counts_on_them(oracle, tables):
    given = read(oracle, "expected_base.csv")
    hidden = given["status"] != "published"
    assert not leaks(bounds(given, hidden, tables, 0), given)
    assert leaks(bounds(given, hidden, tables, 1), given)


def test_each_number_withheld_beside_the_small_ones_is_needed(oracle, tables):
    given = read(oracle, "expected_floor1.csv")
    hidden = given["status"] != "published"
    assert not leaks(bounds(given, hidden, tables, 1), given)
    for row in given.index[given["status"] == "secondary"]:
        assert leaks(bounds(given, hidden & (given.index != row), tables, 1), given)


def test_the_order_of_rows_changes_nothing(oracle, tables):
    cells = read(oracle, "input.csv")
    mixed = cells.sample(frac=1, random_state=3)
    found = protect_counts(cells, tables, RULES).table["is_suppressed"]
    assert protect_counts(mixed, tables, RULES).withheld_count == found.sum()


def test_zeros_stay_in_print_and_an_empty_table_is_none():
    cells = cells_of(two_way([[0, 0], [0, 0]])[0], TABLES)
    assert protect_counts(cells, TABLES, RULES).withheld_count == 0
    assert protect_counts(cells.iloc[:0], TABLES, RULES).table["is_suppressed"].tolist() == []


def amounts(contributions):
    """One place by agencies, each agency's amounts by contributor."""
    rows = {agency: sorted(parts, reverse=True) for agency, parts in contributions.items()}
    rows["all"] = sorted((part for parts in contributions.values() for part in parts), reverse=True)
    lines = [("IR", agency, sum(p), len(p), p[0], p[1] if len(p) > 1 else 0) for agency, p in rows.items()]
    columns = ["place", "agency", "value", "contributor_count", "largest", "second"]
    return pd.DataFrame(lines, columns=columns)


TWO_ALONE = {"A1": [50], "A2": [60], "A3": [40] * 5, "A4": [70] * 5}


def test_two_who_stand_alone_are_not_each_others_cover():
    cells = amounts(TWO_ALONE)
    found = protect_amounts(cells, ROW, AMOUNT_RULES)
    # With A1 and A2 alone withheld, A1 takes his 50 from the 110 that is left, and has A2.
    assert found.table.loc[found.table["is_suppressed"], "agency"].tolist()[:2] == ["A1", "A2"]
    assert found.withheld_count == 3


def test_the_attacker_sees_what_one_who_knows_himself_sees():
    cells = amounts(TWO_ALONE)
    hidden = cells["agency"].isin(["A1", "A2"])
    published = cells.assign(value=cells["value"].astype(float).mask(hidden), edition=0, is_printed=True)
    own = cells["value"].where(cells["contributor_count"] == 1).astype(float)
    outsider = attack(published, ROW, 0.0, is_whole=False)
    assert outsider.to_numpy() == pytest.approx(np.array([[0, 110], [0, 110]]))
    insider = attack(published, ROW, 0.0, is_whole=False, own=own)
    assert insider.to_numpy() == pytest.approx(np.array([[50, 50], [60, 60]]))


@pytest.mark.parametrize("not_listed", ["none", "refused"])
def test_one_who_stands_alone_in_a_part_and_in_its_sum_is_no_stranger_to_himself(not_listed):
    # P1: one firm, confirmed. Its sum is its own as well: no other firm takes that off.
    columns = {"place": {"IR": None, "P1": "IR", "P2": "IR", "P3": "IR"},
               "status": {"decided": None, "confirmed": "decided", "refused": "decided"}}  # fmt: skip
    paid = [("P1", "confirmed", 50, 1), ("P2", "confirmed", 60, 4), ("P2", "refused", 30, 3),
            ("P3", "confirmed", 70, 5), ("P3", "refused", 20, 4)]  # fmt: skip
    rows = pd.DataFrame(
        [(place, status, part, f"{at}{status}{firm}")
         for at, kind, part, count in paid for firm in range(count)
         for place in (at, "IR") for status in (kind, "decided")],
        columns=["place", "status", "loan_rial", "plan"],
    )  # fmt: skip
    rows["firm"] = rows["place"] + rows["plan"].str.replace("decided|confirmed|refused", "", regex=True)
    cells = contributions(rows, [*columns], "loan_rial", "firm")
    cells = cells.assign(is_printed=cells["status"] != not_listed)
    found = protect_amounts(cells, columns, AMOUNT_RULES)
    assert found.table.loc[(cells["place"] == "P1") & cells["is_printed"], "is_suppressed"].all()


def test_two_who_make_up_a_sum_are_covered_by_others():
    # 50 and 60 are all of P1: both together know it, neither does alone, as long as P1 is withheld with others.
    place = {"IR": None, "P1": "IR", "P2": "IR", "C1": "P1", "C2": "P1", "C3": "P2", "C4": "P2"}
    columns = {"place": place, "agency": {"all": None, "A1": "all", "A2": "all"}}
    paid = [("C1", "A1", 50, 1), ("C2", "A1", 60, 1), ("C3", "A1", 40, 6), ("C4", "A1", 40, 6)]
    paid += [(county, "A2", 70, 6) for county in ("C1", "C2", "C3", "C4")]
    rows = pd.DataFrame(
        [(at, kind, part, f"{county}{agency}{firm}")
         for county, agency, part, count in paid for firm in range(count)
         for at in (county, place[county], "IR") for kind in (agency, "all")],
        columns=["place", "agency", "loan_rial", "firm"],
    )  # fmt: skip
    cells = contributions(rows, [*columns], "loan_rial", "firm")
    table = protect_amounts(cells, columns, AMOUNT_RULES).table
    # The province as well as both counties, or either would be had by taking the other off it.
    assert table.loc[(cells["agency"] == "A1") & cells["place"].isin(["P1", "C1", "C2"]), "is_suppressed"].all()
    published = cells.assign(
        value=cells["value"].astype(float).mask(table["is_suppressed"]), edition=0, is_printed=True
    )
    own = cells["value"].where((cells["place"] == "C1") & (cells["agency"] == "A1")).astype(float)
    reach = attack(published, columns, 0.0, is_whole=False, own=own)
    other = reach[(cells["place"] == "C2")[reach.index] & (cells["agency"] == "A1")[reach.index]]
    assert other["upper"].item() >= 66 - 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_amounts_keep_the_width_their_rules_ask_for(seed):
    chance = np.random.default_rng(seed)
    rows = pd.DataFrame({
        "place": chance.choice(["P1", "P2", "P3"], 30),
        "agency": chance.choice(["A1", "A2", "A3"], 30),
        "loan_rial": np.round(chance.pareto(1.2, 30) * 100 + 1),
        "firm": np.arange(30),
    })  # fmt: skip
    rows = pd.concat([rows, rows.assign(place="IR")])
    cells = contributions(pd.concat([rows, rows.assign(agency="all")]), [*TABLES], "loan_rial", "firm")
    found = protect_amounts(cells, TABLES, AMOUNT_RULES)
    hidden = found.table["is_suppressed"]
    published = cells.assign(value=cells["value"].mask(hidden), edition=0, is_printed=True)
    reach = attack(published, TABLES, 0.0, is_whole=False)
    # p %: whoever is second takes off his own and must miss the largest by a tenth, at the upper bound.
    upper = reach["upper"].reindex(cells.index).fillna(cells["value"])
    missed = upper - cells["second"] - cells["largest"]
    assert (missed >= 0.1 * cells["largest"] * (1 - 1e-4)).all()
    # Dominance: the largest has at most 85 % of what the cell may hold at most.
    assert (cells["largest"] <= 0.85 * upper * (1 + 1e-4)).all()
    assert 0 < found.withheld_count < len(cells)


def test_a_rule_of_three_who_dominate_is_not_known():
    with pytest.raises(SettingWrong, match="dominance_contributor_count"):
        protect_amounts(amounts(TWO_ALONE), ROW, AMOUNT_RULES | {"dominance_contributor_count": 3})


def test_what_is_withheld_in_any_case_is_not_had_by_subtraction_either():
    cells = cells_of(two_way([[7, 8], [9, 10]])[0], TABLES)
    assert protect_counts(cells, TABLES, RULES).withheld_count == 0
    asked = cells.assign(is_withheld=(cells["place"] == "P1") & (cells["agency"] == "A1"))
    found = protect_counts(asked, TABLES, RULES)
    assert found.table.loc[asked["is_withheld"], "is_suppressed"].all()
    assert (found.withheld_count, found.least_cost) == (4, 4)
    reach = bounds(cells, found.table["is_suppressed"], TABLES, 1)
    assert (reach["upper"] > reach["lower"]).all()


def test_an_amount_withheld_in_any_case_keeps_the_share_of_the_p_rule():
    cells = amounts({"A1": [40] * 5, "A2": [50] * 5, "A3": [60] * 5, "A4": [70] * 5})
    assert protect_amounts(cells, ROW, AMOUNT_RULES).withheld_count == 0
    found = protect_amounts(cells.assign(is_withheld=cells["agency"] == "A2"), ROW, AMOUNT_RULES)
    hidden = found.table["is_suppressed"]
    assert hidden[cells["agency"] == "A2"].all() and found.withheld_count == 2
    published = cells.assign(value=cells["value"].astype(float).mask(hidden), edition=0, is_printed=True)
    reach = attack(published, ROW, 0.0, is_whole=False)[cells["agency"][hidden] == "A2"]
    assert reach["lower"].item() <= 225 and reach["upper"].item() >= 275


def test_a_zero_withheld_in_any_case_is_withheld():
    cells = cells_of(two_way([[0, 8], [9, 10]])[0], TABLES)
    asked = cells.assign(is_withheld=cells["value"] == 0)
    found = protect_counts(asked, TABLES, RULES).table
    assert found.loc[asked["is_withheld"], "is_suppressed"].all()
    assert found["is_suppressed"].sum() > 1


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"value": [1.0, 9, 20, 30, 21, 39, 10, 51, 60]}, "parts that add up to 61"),
        ({"value": [-1.0, 9, 20, 30, 19, 39, 8, 50, 58]}, "a value of -1"),
        ({"value": [np.nan, 9, 20, 30, 19, 39, 8, 50, 58]}, "a value of nan"),
        ({"place": ["P9"] * 9}, "no such code in the hierarchy of place"),
        ({"agency": ["A1"] * 9}, "the cell twice"),
    ],
)
@pytest.mark.parametrize("protect", [protect_counts, protect_amounts])
def test_a_broken_table_is_refused_with_its_cell(protect, change, wanted):
    cells = cells_of(two_way([[1, 9], [20, 30]])[0], TABLES)
    cells = cells.assign(contributor_count=5, largest=0.0, second=0.0, **change)
    with pytest.raises(TableInconsistent, match=wanted):
        protect(cells, TABLES, RULES | AMOUNT_RULES)


def test_prints_that_fit_no_table_are_refused_by_the_attacker():
    cells = cells_of(two_way([[1, 9], [20, 30]])[0], TABLES)
    odd = cells.assign(value=cells["value"].mask(cells["place"] == "IR", 1))
    with pytest.raises(TableInconsistent, match="no numbers at all"):
        bounds(odd, cells["place"].isin(["P1"]) & (cells["agency"] != "all"), TABLES, 1)


def test_amounts_given_away_before_are_refused():
    cells = amounts(TWO_ALONE)
    careless = cells.assign(is_suppressed=cells["agency"] == "A1")
    with pytest.raises(DisclosureRemains, match="IR / A1"):
        protect_amounts(cells, ROW, AMOUNT_RULES, [careless])
