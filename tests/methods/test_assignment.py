"""Who inspects which plan: at the least cost, within licences, places and ties, and said where it cannot be."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, linprog

from methods import assignment, distance
from methods.errors import AssignmentImpossible, SettingWrong

ON = datetime.date(2025, 4, 21)
RULES = {
    "own_county_km": Decimal(10), "other_county_km": Decimal(50), "other_province_km": Decimal(400),
    "load_cost_km": {"0.5": "0", "1": "3"}, "shortfall_km": Decimal(100),
    "rotation_cost_km": {"inspector_county": "0", "firm_county": "0", "inspector_agency": "0", "firm_agency": "0"},
    "tie_cost_km": {"introduced": "forbidden", "advised": "forbidden", "kin": "20", "inspected": "forbidden"},
    "tie_reach": {"introduced": "firm", "advised": "firm", "kin": "inspector", "inspected": "firm"},
    "assignment_seed": "seed", "when_impossible": "refuse",
}  # fmt: skip
FLAT = RULES | {"load_cost_km": {"1": "0"}}
NO_POINTS = pd.DataFrame({"county_code": pd.Series(dtype=object), "latitude": [], "longitude": []})
NO_TIES = pd.DataFrame({"plan_id": [], "subject_code": [], "tie_kind": []}, dtype=object)
NOBODY_BEFORE = pd.DataFrame(
    {"inspector_code": [], "firm_code": [], "county_code": [], "agency_code": []}, dtype=object
)


def plans(**county):
    codes = list(county.values())
    return pd.DataFrame(
        {
            "plan_id": list(county), "province_code": [code[:2] for code in codes], "county_code": codes,
            "agency_code": "P01", "plan_kind": "self_employment", "latitude": np.nan, "longitude": np.nan,
        }
    )  # fmt: skip


def inspectors(*rows):
    """Each row: code, firm or None, county of base, capacity; and what differs."""
    table = [
        {
            "inspector_code": code, "firm_code": firm, "province_code": base[:2], "county_code": base,
            "latitude": np.nan, "longitude": np.nan, "capacity_count": capacity, "minimum_count": 0,
            "licensed_until": None, "plan_kinds": "any", "province_codes": base[:2],
        } | (more[0] if more else {})
        for code, firm, base, capacity, *more in rows
    ]  # fmt: skip
    return pd.DataFrame(table)


def firms(**capacity):
    return pd.DataFrame({"firm_code": list(capacity), "capacity_count": list(capacity.values()), "minimum_count": 0})


def ties(*rows):
    return pd.DataFrame(rows, columns=["plan_id", "subject_code", "tie_kind"], dtype=object)


def assigned(these, staff, companies, tied=NO_TIES, before=NOBODY_BEFORE, points=NO_POINTS, rules=FLAT):
    return assignment.assign_plans(these, staff, companies, tied, before, points, rules, ON)


def who(found):
    return dict(zip(found.assigned["plan_id"], found.assigned["inspector_code"], strict=True))


THREE = plans(a="0001", b="0001", c="0002")
TWO = inspectors(("F1-01", "F1", "0001", 2), ("F2-01", "F2", "0001", 1))
COMPANIES = firms(F1=9, F2=9)


def test_three_plans_and_two_inspectors_worked_by_hand():
    # F1-01 may not see a, so F2-01's one place goes to it: 10 + 10 + 50 = 70 km.
    found = assigned(THREE, TWO, COMPANIES, ties(("a", "F1-01", "introduced")))
    assert who(found) == {"a": "F2-01", "b": "F1-01", "c": "F1-01"}
    assert (found.cost_km, found.gap_km, found.status) == (70, 0, "OPTIMAL")
    assert found.assigned["cost_km"].tolist() == [10, 10, 50]
    assert found.assigned["reasons"].tolist() == ["own_county", "own_county", "other_county"]


def test_load_grows_dearer_by_the_steps_of_the_guideline():
    # Places of four: two free, two at 3 km. Both inspectors reach all; each takes two, and nothing is added.
    staff = inspectors(("A", None, "0001", 4), ("B", None, "0001", 4))
    found = assigned(plans(**{f"p{n}": "0001" for n in range(4)}), staff, COMPANIES, rules=RULES)
    assert sorted(who(found).values()) == ["A", "A", "B", "B"]
    assert found.cost_km == 40
    # Six plans: two of them stand at 3 km.
    assert assigned(plans(**{f"p{n}": "0001" for n in range(6)}), staff, COMPANIES, rules=RULES).cost_km == 66


def test_a_firm_gets_its_least_load_and_what_it_lacks_is_counted():
    # F2 sits 40 km further, but lacking one of its two plans would cost 100.
    staff = inspectors(("F1-01", "F1", "0001", 9), ("F2-01", "F2", "0002", 9))
    companies = COMPANIES.assign(minimum_count=[0, 2])
    found = assigned(plans(a="0001", b="0001", c="0001"), staff, companies)
    assert sorted(who(found).values()) == ["F1-01", "F2-01", "F2-01"]
    assert (found.cost_km, found.shortfall_count) == (110, 0)
    found = assigned(plans(a="0001"), staff, companies)
    assert (found.cost_km, found.shortfall_count) == (50 + 100, 1)


def test_a_firm_full_up_hands_over_to_the_next():
    found = assigned(THREE, TWO, firms(F1=1, F2=9))
    assert len(found.unassigned) == 1
    assert found.unassigned["reason_code"].tolist() == ["capacity_short"]
    assert found.unassigned["detail"].tolist() == ["1 places short"]


def test_distances_are_great_circles_between_points():
    # A degree of a meridian is 6371.0088 * pi / 180 = 111.195 km; Tehran to Isfahan about 340 km.
    assert distance.haversine_km([30], [50], [31], [50])[0] == pytest.approx(111.195, abs=1e-3)
    assert distance.haversine_km([35.6892], [51.3890], [32.6539], [51.6660])[0] == pytest.approx(338.5, abs=0.5)


def test_the_nearer_inspector_goes_by_point_else_by_the_centre_of_the_county():
    these = plans(a="0001", b="0002", c="0003")
    these.loc[0, ["latitude", "longitude"]] = [30.0, 50.0]
    staff = inspectors(("N", None, "0001", 9, {"latitude": 31.0, "longitude": 50.0}), ("S", None, "0002", 9))
    points = pd.DataFrame({"county_code": ["0002"], "latitude": [29.5], "longitude": [50.0]})
    found = assigned(these, staff, COMPANIES, points=points)
    # From S's county (29.5) to a: half a degree; b lies in its own county; of c no point is known.
    assert who(found)["a"] == who(found)["b"] == "S"
    assert found.assigned["distance_km"].tolist()[:2] == [55.6, 0]
    assert pd.isna(found.assigned["distance_km"][2])
    assert found.assigned["reasons"].tolist() == ["from_point", "from_county_centre", "other_county"]


@pytest.mark.parametrize("kind", ["introduced", "advised"])
def test_nobody_inspects_what_he_or_his_firm_introduced_or_advised(kind):
    staff = inspectors(("F1-01", "F1", "0001", 9), ("F1-02", "F1", "0001", 9), ("F2-01", "F2", "0099", 9))
    for subject in ("F1", "F1-01"):
        assert who(assigned(plans(a="0001"), staff, COMPANIES, ties(("a", subject, kind)))) == {"a": "F2-01"}


def test_a_tie_of_the_inspector_alone_leaves_his_colleague_and_a_tie_that_costs_is_weighed():
    staff = inspectors(("F1-01", "F1", "0001", 9), ("F1-02", "F1", "0002", 9))
    tied = ties(("a", "F1-01", "kin"))
    # 10 + 20 for the kinsman in the county, 50 for the other: the guideline says what outweighs what.
    assert who(assigned(plans(a="0001"), staff, COMPANIES, tied)) == {"a": "F1-01"}
    strict = FLAT | {"tie_cost_km": FLAT["tie_cost_km"] | {"kin": "forbidden"}}
    assert who(assigned(plans(a="0001"), staff, COMPANIES, tied, rules=strict)) == {"a": "F1-02"}


def test_rotation_sends_another_where_one_was_last_year():
    staff = inspectors(("A", "F1", "0001", 9), ("B", "F2", "0002", 9))
    before = pd.DataFrame(
        {"inspector_code": ["A"], "firm_code": ["F1"], "county_code": ["0001"], "agency_code": ["P01"]}
    )

    def turned(price):
        rules = FLAT | {"rotation_cost_km": FLAT["rotation_cost_km"] | {"inspector_county": price}}
        return who(assigned(plans(a="0001"), staff, COMPANIES, before=before, rules=rules))["a"]

    assert [turned("39"), turned("41"), turned("forbidden")] == ["A", "B", "B"]


@pytest.mark.parametrize(
    ("staff", "tied", "reason"),
    [
        (inspectors(("A", None, "0101", 9)), NO_TIES, "no_licence_in_province"),
        (inspectors(("A", None, "0001", 9, {"licensed_until": datetime.date(2024, 1, 1)})), NO_TIES, "licence_expired"),
        (inspectors(("A", "F9", "0001", 9)), NO_TIES, "firm_not_registered"),
        (inspectors(("A", None, "0001", 9, {"plan_kinds": "enterprise"})), NO_TIES, "plan_kind_not_licensed"),
        (inspectors(("A", "F1", "0001", 9)), ties(("a", "F1", "advised")), "only_tied_inspectors"),
        (inspectors(("A", "F1", "0001", 0)), NO_TIES, "capacity_short"),
    ],
)
def test_a_plan_left_says_why_and_stops_the_flow_unless_the_guideline_goes_on(staff, tied, reason):
    found = assigned(plans(a="0001"), staff, COMPANIES, tied)
    assert found.assigned.empty
    assert found.unassigned[["plan_id", "reason_code"]].to_numpy().tolist() == [["a", reason]]
    with pytest.raises(AssignmentImpossible, match=f"province 00: 1 plans, {reason}"):
        assignment.require_complete(found, RULES, "assignment 1403-1, county")
    assignment.require_complete(found, RULES | {"when_impossible": "list"}, "assignment")


def test_without_any_inspector_every_plan_is_left():
    found = assigned(THREE, TWO.head(0), COMPANIES)
    assert found.unassigned["reason_code"].tolist() == ["no_inspector_of_level"] * 3


def test_no_plan_is_left_for_the_sake_of_kilometres():
    # One place each; only X reaches b, so a must go 400 km abroad with Y.
    staff = inspectors(
        ("X", None, "0001", 1, {"province_codes": "00 01"}), ("Y", None, "2301", 1, {"province_codes": ""})
    )
    found = assigned(plans(a="0001", b="0101"), staff.assign(province_codes=["00 01", "00"]), COMPANIES)
    assert who(found) == {"a": "Y", "b": "X"}


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"load_cost_km": {"0.5": "5", "1": "3"}}, "costs that do not fall"),
        ({"load_cost_km": {"0.5": "5"}}, "end with 1"),
        ({"own_county_km": "far"}, "own_county_km"),
        ({"own_county_km": "1e9"}, "from 0 to 100,000"),
        ({"tie_cost_km": {}}, "nothing of kin"),
    ],
)
def test_a_guideline_that_cannot_be_is_named(rules, named):
    with pytest.raises(SettingWrong, match=named):
        assigned(THREE, TWO, COMPANIES, ties(("a", "F1", "kin")), rules=RULES | rules)
    with pytest.raises(SettingWrong, match="refuse or list"):
        assignment.require_complete(assigned(THREE, TWO, COMPANIES), RULES | {"when_impossible": "perhaps"}, "x")


def test_limits_of_the_guideline_cut_what_firms_say_they_can_take():
    staff, companies = assignment.within_limits(
        TWO.assign(capacity_count=[80, 3], level="county"),
        pd.DataFrame({"firm_code": ["F1", "F2"], "province_code": ["00", "01"], "capacity_count": [9, 9]}),
        THREE,
        {
            "plans_per_inspector": {"county": "60"},
            "largest_firm_share": Decimal("0.5"),
            "least_load_share": {"inspector": "0", "firm": "0.5"},
        },
    )  # fmt: skip
    assert staff["capacity_count"].tolist() == [60, 3]
    # Half of three plans is 1.5, so at most 2; in province 01 there is nothing to share.
    assert companies[["capacity_count", "minimum_count"]].to_numpy().tolist() == [[2, 1], [0, 0]]


def test_what_is_in_hand_leaves_no_place_for_more():
    load = pd.DataFrame({"firm_code": ["F1", "F1"], "inspector_code": ["F1-01", "F1-09"], "plan_count": [1, 9]})
    staff, companies = assignment.less_load(TWO, COMPANIES, load)
    assert staff["capacity_count"].tolist() == [1, 1]
    assert companies["capacity_count"].tolist() == [0, 9]


def test_firms_without_a_delivered_staff_get_numbered_inspectors():
    companies = pd.DataFrame({"firm_code": ["F1", "F2"], "province_code": ["00", "01"], "capacity_count": [125, 60]})
    found = assignment.synthetic_inspectors(companies, 60)
    assert found["inspector_code"].tolist() == ["F1-01", "F1-02", "F1-03", "F2-01"]
    assert found["capacity_count"].tolist() == [60, 60, 5, 60]


# laws -------------------------------------------------------------------------------------------


@st.composite
def countries(draw):
    """A small country: two provinces, four counties, three firms, a few ties and points of no matter."""
    county = st.sampled_from(["0001", "0002", "0101", "0102"])
    these = plans(**{f"p{n}": code for n, code in enumerate(draw(st.lists(county, min_size=1, max_size=9)))})
    staff = [
        (f"i{n}", draw(st.sampled_from(["F1", "F2", "F3", None])), draw(county), draw(st.integers(0, 4)),
         {"minimum_count": draw(st.integers(0, 2)), "province_codes": draw(st.sampled_from(["00", "01", "00 01", ""]))})
        for n in range(draw(st.integers(1, 5)))
    ]  # fmt: skip
    companies = firms(**{code: draw(st.integers(0, 6)) for code in ("F1", "F2", "F3")})
    companies["minimum_count"] = [draw(st.integers(0, 2)) for _ in range(3)]
    subject = st.sampled_from(["F1", "F2", *(row[0] for row in staff)])
    kind = st.sampled_from(["introduced", "advised", "kin"])
    tied = draw(st.lists(st.tuples(st.sampled_from(these["plan_id"].tolist()), subject, kind), max_size=6))
    return these, inspectors(*staff), companies, ties(*sorted(set(tied)))


def cost_of(plan, inspector, tied, firm_of):
    """The stated cost of one pair [km], worked out pair by pair; None where it is not allowed."""
    codes = inspector["province_codes"].split()
    if codes and plan["province_code"] not in codes:
        return None
    cost = 10 if plan["county_code"] == inspector["county_code"] else 50
    cost = cost if plan["province_code"] == inspector["province_code"] else 400
    kin = False
    for _, tie in tied[tied["plan_id"] == plan["plan_id"]].iterrows():
        is_own = tie["subject_code"] in (inspector["inspector_code"], inspector["firm_code"])
        if tie["tie_kind"] == "kin":
            kin |= is_own
        elif is_own or (inspector["firm_code"] and firm_of.get(tie["subject_code"]) == inspector["firm_code"]):
            return None
    return cost + 20 * kin


def firms_of(staff):
    return dict(zip(staff["inspector_code"], staff["firm_code"], strict=True))


def least_cost(these, staff, companies, tied):
    """The same problem as a linear programme: cost [km], and how many are left."""
    firm_of = firms_of(staff)
    pairs = {
        ("pair", p, i): cost
        for p, plan in these.iterrows()
        for i, inspector in staff.iterrows()
        if (cost := cost_of(plan, inspector, tied, firm_of)) is not None
    }
    costs = {("left", p): 1e6 for p in these.index} | pairs | places("i", staff) | places("f", companies)
    rows = [[float(n[0] in ("left", "pair") and n[1] == p) for n in costs] for p in these.index]
    rows += [[float(n[0] == "pair" and n[2] == i) - float(n[:2] == ("i", i)) for n in costs] for i in staff.index]
    for f, code in companies["firm_code"].items():
        mine = set(staff.index[staff["firm_code"] == code])
        rows.append([float(n[0] == "i" and n[1] in mine) - float(n[:2] == ("f", f)) for n in costs])
    wanted = [1] * len(these) + [0] * (len(staff) + len(companies))
    solved = linprog(list(costs.values()), A_eq=np.array(rows), b_eq=wanted, bounds=(0, 1), method="highs")
    unmet = sum(value for name, value in zip(costs, solved.x, strict=True) if name[0] == "left")
    lacking = 100 * sum(np.minimum(rows["minimum_count"], rows["capacity_count"]).sum() for rows in (staff, companies))
    return solved.fun - 1e6 * unmet + lacking, round(unmet)


def places(side, rows):
    """Each place of an inspector or firm with its cost: 3 km above half, 100 less where it fills the least load."""
    return {
        (side, r, place): (0 if place < row["capacity_count"] // 2 else 3) - 100 * (place < row["minimum_count"])
        for r, row in rows.iterrows()
        for place in range(row["capacity_count"])
    }


@settings(deadline=None, max_examples=60)
@given(countries())
def test_the_cost_is_the_least_a_linear_programme_finds(country):
    these, staff, companies, tied = country
    found = assigned(these, staff, companies, tied, rules=RULES)
    expected, left = least_cost(these, staff, companies, tied)
    assert len(found.unassigned) == left
    assert float(found.cost_km) == pytest.approx(expected, abs=1e-6)
    assert found.gap_km == 0


def test_what_costs_the_same_falls_by_the_hash_of_the_seed_and_not_by_the_order_of_rows():
    these = plans(**{f"p{n:02d}": "0001" for n in range(12)})
    staff = inspectors(*((f"i{n}", None, "0001", 3) for n in range(4)))
    once = who(assigned(these, staff, COMPANIES))
    assert who(assigned(these.iloc[::-1], staff.iloc[::-1], COMPANIES)) == once
    assert who(assigned(these, staff, COMPANIES, rules=FLAT | {"assignment_seed": "another"})) != once
    assert list(once.values()) != sorted(once.values())


@settings(deadline=None, max_examples=30)
@given(countries(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(country, chance):
    def shuffled(table):
        rows = list(range(len(table)))
        chance.shuffle(rows)
        return table.iloc[rows].reset_index(drop=True)

    once = assigned(*country, rules=RULES)
    again = assigned(*map(shuffled, country), rules=RULES)
    pd.testing.assert_frame_equal(once.assigned, again.assigned)
    pd.testing.assert_frame_equal(once.unassigned, again.unassigned)


@settings(deadline=None, max_examples=30)
@given(countries())
def test_places_licences_and_ties_hold(country):
    these, staff, companies, tied = country
    found = assigned(these, staff, companies, tied, rules=RULES)
    every = found.assigned.merge(these, on="plan_id")
    for _, row in every.iterrows():
        inspector = staff[staff["inspector_code"] == row["inspector_code"]].iloc[0]
        assert cost_of(row, inspector, tied, firms_of(staff)) == row["cost_km"]
    load = found.assigned["inspector_code"].value_counts()
    assert (load <= staff.set_index("inspector_code")["capacity_count"].reindex(load.index)).all()
    of_firm = found.assigned["firm_code"].value_counts()
    assert (of_firm <= companies.set_index("firm_code")["capacity_count"].reindex(of_firm.index)).all()
    assert sorted([*found.assigned["plan_id"], *found.unassigned["plan_id"]]) == sorted(these["plan_id"])


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 7), st.data())
def test_one_place_each_is_the_classic_assignment_problem(size, data):
    spot = st.tuples(st.floats(25, 39), st.floats(44, 63))
    there = np.round(np.array(data.draw(st.lists(spot, min_size=size, max_size=size))), 2)
    here = np.round(np.array(data.draw(st.lists(spot, min_size=size, max_size=size))), 2)
    these = plans(**{f"p{n}": "0001" for n in range(size)})
    these[["latitude", "longitude"]] = there
    staff = inspectors(*((f"i{n}", None, "0001", 1) for n in range(size)))
    staff[["latitude", "longitude"]] = here
    way = distance.haversine_km(there[:, [0]], there[:, [1]], here[:, 0], here[:, 1])
    rows, columns = linear_sum_assignment(np.rint(way * 10))
    found = assigned(these, staff, COMPANIES)
    assert float(found.cost_km) * 10 == pytest.approx(np.rint(way * 10)[rows, columns].sum())


def test_a_flow_that_is_not_the_best_shows_its_gap(monkeypatch):
    # The only plan is moved to the other inspector: the bound stays where it was, so the gap is what the move costs.
    solve = assignment._Part.solved
    monkeypatch.setattr(assignment._Part, "solved", lambda part: (solve(part)[0][::-1].copy(), solve(part)[1]))
    staff = inspectors(("A", None, "0001", 1), ("B", None, "0002", 1))
    found = assigned(plans(a="0001"), staff, COMPANIES.head(0))
    assert (found.cost_km, found.gap_km) == (50, 40)
