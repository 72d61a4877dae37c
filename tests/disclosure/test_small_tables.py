"""Released small tables against somebody who tries every table there is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_tables import (
    RULES,
    TABLES,
    cells_of,
    every_table,
    printed_of,
    told_by_zeros,
    two_way,
    with_sums,
)

from methods.disclosure import protect_counts
from methods.errors import DisclosureRemains

MINIMUM = RULES["minimum_count"]
LARGEST = 4
# One number may have to rise by as much as all others can fall.
CAP = 2 * LARGEST + MINIMUM
LINKED = {
    "place": {"IR": None, "P1": "IR", "P2": "IR"},
    "agency": {"all": None, "A1": "all", "A2": "all"},
    "sex": {"all": None, "f": "all", "m": "all"},
}
STATUS = {"decided": None, "confirmed": "decided", "refused": "decided", "deviation": "refused", "violation": "refused"}
counts = st.integers(0, LARGEST)


def grids(rows, columns):
    return st.lists(st.lists(counts, min_size=columns, max_size=columns), min_size=rows, max_size=rows)


def assert_small_ones_stay_open(value, tables, known):
    """Nothing small may be told from 1 or from the minimum, unless zeros alone tell it is more than 1."""
    for key in value:
        if 0 < value[key] < MINIMUM:
            assert tables[key].min() == known[key].min(), key
            assert tables[key].max() >= MINIMUM, key


@settings(max_examples=60)
@given(st.one_of(grids(2, 2), grids(3, 2), grids(2, 3)))
def test_whatever_is_small_may_be_one_or_the_minimum(inner):
    value, sums = two_way(inner)
    found = protect_counts(cells_of(value, TABLES), TABLES, RULES)
    tables = every_table(sums, printed_of(found.table, TABLES), CAP)
    assert_small_ones_stay_open(value, tables, every_table(sums, told_by_zeros(value), CAP))


@settings(max_examples=25)
@given(grids(3, 2))
def test_no_smaller_pattern_would_have_done(inner):
    value, sums = two_way(inner)
    found = protect_counts(cells_of(value, TABLES), TABLES, RULES)
    assert found.withheld_count == found.table["is_suppressed"].sum() == found.least_cost
    printed = printed_of(found.table, TABLES)
    known = every_table(sums, told_by_zeros(value), CAP)
    for key in [key for key, number in printed.items() if number is None]:
        # The least pattern is least: with one number more in print somebody is seen through.
        tables = every_table(sums, printed | {key: value[key]}, CAP)
        with pytest.raises(AssertionError):
            assert_small_ones_stay_open(value, tables, known)


def linked(first, second):
    """Two provinces by agency and by sex: the number of all is one and the same in both tables."""
    value = {}
    for place, (one, two, share) in {"P1": first, "P2": second}.items():
        women = round(share * (one + two))
        value |= {f"{place} A1 all": one, f"{place} A2 all": two, f"{place} all f": women}
        value[f"{place} all m"] = one + two - women
    parts = {"A1 all": [], "A2 all": [], "all f": [], "all m": []}
    sums = [(f"IR {part}", [f"P1 {part}", f"P2 {part}"]) for part in parts]
    for place in ("P1", "P2", "IR"):
        sums.append((f"{place} all all", [f"{place} A1 all", f"{place} A2 all"]))
        sums.append((f"{place} all all", [f"{place} all f", f"{place} all m"]))
    sums.append(("IR all all", ["P1 all all", "P2 all all"]))
    return with_sums(value, sums), sums


def every_linked_table(sums, printed):
    """Province by province first, since ten numbers at once are too many to try."""
    provinces = []
    for place in ("P1", "P2"):
        own = [(whole, parts) for whole, parts in sums if whole.startswith(place)]
        provinces.append(every_table(own, {key: one for key, one in printed.items() if key.startswith(place)}, CAP))
    tables = provinces[0].merge(provinces[1], how="cross")
    for whole, parts in [one for one in sums if one[0].startswith("IR")]:
        total = tables[parts].sum(axis=1)
        tables = tables.assign(**{whole: total})[total >= 1 if printed[whole] is None else total == printed[whole]]
    return tables


provinces = st.tuples(counts, counts, st.sampled_from([0, 0.2, 0.5, 1]))


@settings(max_examples=25)
@given(provinces, provinces)
def test_tables_that_share_their_margin_are_protected_together(first, second):
    value, sums = linked(first, second)
    found = protect_counts(cells_of(value, LINKED), LINKED, RULES)
    tables = every_linked_table(sums, printed_of(found.table, LINKED))
    assert_small_ones_stay_open(value, tables, every_linked_table(sums, told_by_zeros(value)))


def test_a_tree_of_statuses_keeps_what_only_an_unlisted_sum_would_tell():
    columns = {"place": {"IR": None}, "status": STATUS}
    value = {"IR decided": 40, "IR confirmed": 30, "IR refused": 10, "IR deviation": 8, "IR violation": 2}
    cells = cells_of(value, columns)
    listed = cells["status"] != "refused"
    found = protect_counts(cells.assign(is_printed=listed), columns, RULES)
    assert not found.table.loc[~listed, "is_suppressed"].any()
    sums = [("IR refused", ["IR deviation", "IR violation"]), ("IR decided", ["IR confirmed", "IR refused"])]
    # Nobody prints the 10, but 40 - 30 - 8 = 2: one of the three goes with the 2.
    assert found.withheld_count == 2
    tables = every_table(sums, printed_of(found.table, columns), 45, not_listed=["IR refused"])
    assert (tables["IR violation"].min(), tables["IR violation"].max()) == (1, 9)


def test_a_sum_that_nobody_lists_may_be_anything():
    columns = {"place": {"IR": None}, "status": STATUS}
    cells = cells_of(
        {"IR decided": 15, "IR confirmed": 5, "IR refused": 10, "IR deviation": 8, "IR violation": 2}, columns
    )
    found = protect_counts(cells.assign(is_printed=cells["status"] != "refused"), columns, RULES).table
    # With the 10 in print only the 8 could cover for the 2; without it the smaller 5 does.
    assert set(found.loc[found["is_suppressed"], "status"]) == {"confirmed", "violation"}


@settings(max_examples=20)
@given(st.one_of(grids(2, 2), grids(3, 2)), st.integers(0, 1), st.integers(0, 1), st.integers(1, LARGEST))
def test_an_edition_with_one_number_changed_keeps_what_the_first_withheld(inner, row, column, other):
    inner = [[max(number, 1) if (i, j) == (row, column) else number for j, number in enumerate(line)]
             for i, line in enumerate(inner)]  # fmt: skip
    first, sums = two_way(inner)
    second, _ = two_way([[other if (i, j) == (row, column) else number for j, number in enumerate(line)]
                         for i, line in enumerate(inner)])  # fmt: skip
    before = protect_counts(cells_of(first, TABLES), TABLES, RULES)
    after = protect_counts(cells_of(second, TABLES), TABLES, RULES, [before.table])
    printed, again = printed_of(before.table, TABLES), printed_of(after.table, TABLES)
    changed = {key for key in first if first[key] != second[key]}
    # A number that stays is one, whichever edition prints it; the changed ones are told apart by a mark.
    for key in set(first) - changed:
        printed[key] = again[key] if printed[key] is None else printed[key]
    named = {key: f"{key}'" if key in changed else key for key in first}
    sums = sums + [(named[whole], [named[part] for part in parts]) for whole, parts in sums if whole in changed]
    both = first | {named[key]: second[key] for key in changed}
    tables = every_table(sums, printed | {named[key]: again[key] for key in changed}, CAP)
    assert_small_ones_stay_open(both, tables, every_table(sums, told_by_zeros(both), CAP))


def test_a_table_that_an_earlier_edition_gave_away_is_refused():
    told = two_way([[1, 9], [20, 30]])[0]
    cells = cells_of(told, TABLES)
    hidden = (cells["place"] == "P1") & (cells["agency"] == "A1")
    careless = cells.assign(is_suppressed=hidden)
    with pytest.raises(DisclosureRemains, match=r"P1 / A1.*4 rounds"):
        protect_counts(cells, TABLES, RULES, [careless])
