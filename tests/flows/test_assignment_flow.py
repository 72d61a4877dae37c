"""Who inspects which plan, on the small rehearsal: from the registries to the table of progress."""

import datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from methods.errors import AssignmentImpossible
from methods.period import Period
from tasks import assignment
from tasks.edges import progress, warehouse
from tasks.progress import record_progress

PERIOD = Period(1403)
TODAY = datetime.date(2026, 10, 23)


def rows_of(statement, **values):
    with warehouse.transaction() as connection:
        result = connection.execute(sa.text(statement), values)
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def change(*statements):
    with warehouse.transaction() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


@pytest.fixture
def first(rehearsed):
    return rows_of("select * from sample.assignment where year = 1403 and level = 'county' order by plan_id")


def test_every_drawn_plan_has_an_inspector_who_may_go_there(first):
    assert len(first) == len(rows_of("select 1 from sample.drawn_plan where year = 1403"))
    wrong = rows_of(
        """
        select given.plan_id from sample.assignment as given
        inner join frame.eligible_plan as plan
            on plan.year = given.year and plan.phase = given.phase and plan.plan_id = given.plan_id
        inner join staging.inspector as staff
            on staff.year = given.year and staff.inspector_code = given.inspector_code
        where given.year = 1403 and given.level = 'county' and (
            staff.province_code <> plan.province_code or staff.firm_code <> given.firm_code
            or staff.plan_kinds not in ('any', plan.plan_kind) or plan.advising_firm_code = given.firm_code
            or staff.licensed_until < given.assigned_on
        )
        """
    )
    assert wrong.empty


def test_declared_ties_are_kept_apart(first):
    tied = rows_of(
        """
        select plan.plan_id, tie.subject_code, tie.tie_kind from staging.tie as tie
        inner join staging.loan_plan as plan
            on plan.year = tie.year and tie.object_code in (plan.plan_id, plan.national_id)
        where tie.year = 1403
        """
    )
    beside = first.merge(tied, on="plan_id")
    assert len(beside) > 5
    of_firm = beside["subject_code"].str.split("-").str[0]
    is_own = beside["subject_code"] == beside["inspector_code"]
    assert not is_own.any()
    assert not ((beside["tie_kind"] != "kin") & (of_firm == beside["firm_code"])).any()


def test_places_of_inspectors_and_firms_hold(first):
    staff = rows_of("select inspector_code, capacity_count from staging.inspector where year = 1403")
    companies = rows_of("select firm_code, capacity_count from staging.firm where year = 1403")
    for code, table in (("inspector_code", staff), ("firm_code", companies)):
        load = first[code].value_counts()
        assert (load <= table.set_index(code)["capacity_count"].reindex(load.index)).all()


def test_assigning_again_gives_the_same_and_the_issued_list_names_it(first):
    assignment.assign_plans(PERIOD)
    again = rows_of("select * from sample.assignment where year = 1403 and level = 'county' order by plan_id")
    pd.testing.assert_frame_equal(first, again)
    issued = rows_of("select plan_id, firm_code, inspector_code from sample.issued_plan where year = 1403 order by 1")
    pd.testing.assert_frame_equal(first[["plan_id", "firm_code", "inspector_code"]], issued)


def test_without_a_registry_of_inspectors_firms_number_their_own(first):
    change("update landing.delivery set phase = 9 where form = 'inspector' and year = 1403")
    try:
        assignment.assign_plans(PERIOD)
        codes = rows_of(
            "select firm_code, inspector_code, reasons from sample.assignment where year = 1403 and level = 'county'"
        )
        # Nobody knows where they sit.
        assert set(codes["reasons"]) == {"other_county"}
        assert codes["inspector_code"].str.fullmatch(r"F\d{3}-\d{2}").all()
        assert (codes["inspector_code"].str[:4] == codes["firm_code"]).all()
    finally:
        change("update landing.delivery set phase = 1 where form = 'inspector' and year = 1403")
        assignment.assign_plans(PERIOD)


def test_a_province_without_a_valid_licence_stops_the_flow_with_its_list(first):
    change("update staging.inspector set capacity_count = capacity_count + 1000, licensed_until = '2020-01-01'"
           " where year = 1403 and province_code = '05'")  # fmt: skip
    try:
        with pytest.raises(AssignmentImpossible, match=r"province 05: \d+ plans, licence_expired") as refusal:
            assignment.assign_plans(PERIOD)
        assert "\n" not in str(refusal.value)
        left = rows_of("select province_code, reason_code from sample.unassigned_plan where year = 1403")
        assert len(left) == (first["plan_id"].isin(plans_of("05"))).sum()
        assert set(left.itertuples(index=False, name=None)) == {("05", "licence_expired")}
    finally:
        change("update staging.inspector set capacity_count = capacity_count - 1000, licensed_until = '2032-03-19'"
               " where year = 1403 and province_code = '05'")  # fmt: skip
        assignment.assign_plans(PERIOD)
    assert rows_of("select 1 from sample.unassigned_plan where year = 1403").empty


def plans_of(province):
    return set(
        rows_of("select plan_id from sample.drawn_plan where year = 1403 and province_code = :p", p=province)["plan_id"]
    )


@pytest.fixture
def repeated(first):
    return rows_of("select * from sample.reinspected_plan where year = 1403")


def test_another_inspects_again_at_each_level(repeated):
    receipts = assignment.assign_reinspections(PERIOD)
    assert len(receipts) == 2
    held = rows_of(
        """
        select
            given.plan_id, given.level, given.inspector_code, staff.level as of_level, staff.province_code,
            plan.province_code as plan_province_code
        from sample.assignment as given
        inner join staging.inspector as staff
            on staff.year = given.year and staff.inspector_code = given.inspector_code
        inner join sample.drawn_plan as plan on plan.year = given.year and plan.plan_id = given.plan_id
        where given.year = 1403
        """
    )
    again = held[held["level"] != "county"]
    assert len(again) == len(repeated) > 50
    assert (held["of_level"] == held["level"]).all()
    own = again[again["level"] == "provincial"]
    assert (own["province_code"] == own["plan_province_code"]).all()
    assert not held.duplicated(["plan_id", "inspector_code"]).any()
    # One of the Ministry came from an agency: none of its plans is his.
    assert held.loc[held["inspector_code"] == "NAT-01", "plan_id"].str.startswith("P01").sum() == 0


def test_progress_counts_what_is_inspected_again_beside_the_first_visits(repeated, rehearsed):
    assignment.assign_reinspections(PERIOD)
    cutoff = rows_of("select max(cutoff) as cutoff from inspection.verdict where year = 1403")["cutoff"][0]
    record_progress(PERIOD, cutoff)
    nation = progress.read(1403, unit_kind="nation").set_index("level")
    assert nation["issued_plan_count"].to_dict()["provincial"] == (repeated["level"] == "provincial").sum()
    visited = rows_of("select level, visit_id from inspection.reinspection where year = 1403 and visit_id is not null")
    assert nation.loc["provincial", "attempted_plan_count"] == (visited["level"] == "provincial").sum() > 50


def test_a_repeat_counts_in_progress_by_who_was_in_charge_on_its_day(repeated, rehearsed):
    cutoff = rows_of("select max(cutoff) as cutoff from inspection.verdict where year = 1403")["cutoff"][0]
    record_progress(PERIOD, cutoff)
    before = progress.read(1403, unit_kind="nation").set_index("level")["attempted_plan_count"].to_dict()
    change("insert into sample.reassignment (year, phase, plan_id, level, reassigned_on, to_inspector_code, reason)"
           " select year, phase, plan_id, level, cutoff, 'LATER', 'overdue' from inspection.reinspection"
           " where year = 1403 and level = 'provincial' and visited_on < cutoff order by plan_id limit 1")  # fmt: skip
    try:
        record_progress(PERIOD, cutoff)
        after = progress.read(1403, unit_kind="nation").set_index("level")["attempted_plan_count"].to_dict()
    finally:
        change("delete from sample.reassignment where to_inspector_code = 'LATER'")
        record_progress(PERIOD, cutoff)
    assert after == before


@pytest.fixture
def idle(first):
    """Three plans whose firms never went."""
    plans = first["plan_id"].head(3).tolist()
    listed = ", ".join(f"'{one}'" for one in plans)
    change(f"update staging.visit set firm_code = 'X' || firm_code, inspector_code = 'X' || inspector_code"
           f" where year = 1403 and plan_id in ({listed})")  # fmt: skip
    yield first[first["plan_id"].isin(plans)].set_index("plan_id")
    change(
        f"update staging.visit set firm_code = substr(firm_code, 2), inspector_code = substr(inspector_code, 2)"
        f" where year = 1403 and plan_id in ({listed})",
        "delete from sample.reassignment where year = 1403",
    )


def charge_on(day):
    found = rows_of("select * from sample.assignment_at(1403, 1, :day) where level = 'county'", day=day)
    return found.set_index("plan_id")


def test_what_lies_too_long_goes_to_another_and_the_old_assignment_is_kept(idle):
    due, late = TODAY + datetime.timedelta(60), TODAY + datetime.timedelta(61)
    assert assignment.reassign_overdue(PERIOD, due).row_count == 0
    assert assignment.reassign_overdue(PERIOD, late).row_count == 3
    moved = rows_of("select * from sample.reassignment where year = 1403").set_index("plan_id").loc[idle.index]
    assert moved["from_inspector_code"].tolist() == idle["inspector_code"].tolist()
    assert not (moved["to_inspector_code"] == idle["inspector_code"]).any()
    now, then = charge_on(late).loc[idle.index], charge_on(due).loc[idle.index]
    assert now["inspector_code"].tolist() == moved["to_inspector_code"].tolist()
    assert then["inspector_code"].tolist() == idle["inspector_code"].tolist()
    issued = rows_of("select plan_id, inspector_code from sample.issued_plan where year = 1403").set_index("plan_id")
    assert issued.loc[idle.index, "inspector_code"].tolist() == idle["inspector_code"].tolist()
    # The same day again moves nothing: the new inspector has his days too.
    assert assignment.reassign_overdue(PERIOD, late).row_count == 3


def test_a_plan_is_handed_over_no_more_often_than_the_guideline_says(idle):
    days = [TODAY + datetime.timedelta(61 * number) for number in (1, 2, 3)]
    assert [assignment.reassign_overdue(PERIOD, day).row_count for day in days] == [3, 6, 6]
    held = rows_of(
        "select plan_id, inspector_code from sample.assignment_history where year = 1403 and level = 'county'"
    )
    mine = held[held["plan_id"].isin(idle.index)]
    assert len(mine) == 9
    assert not mine.duplicated().any()


def test_progress_by_province_and_firm_adds_up_to_the_nation(rehearsed):
    rows = progress.read(1403)
    counts = [name for name in progress.SHOWN if name.endswith("_plan_count")]
    sums = rows[rows["level"] == "county"].groupby("unit_kind")[counts].sum()
    assert (sums.loc["province"] == sums.loc["nation"]).all()
    assert (sums.loc["firm"] == sums.loc["nation"]).all()
    verdict = rows_of(
        "select count(*) as issued, count(*) filter (where is_supervised) as attempted,"
        " count(*) filter (where is_decided) as decided from inspection.verdict where year = 1403"
        " and cutoff = (select max(cutoff) from inspection.verdict where year = 1403)"
    ).iloc[0]
    nation = sums.loc["nation"]
    assert nation["issued_plan_count"] == nation["assigned_plan_count"] == verdict["issued"]
    assert nation["attempted_plan_count"] == verdict["attempted"]
    assert nation["decided_plan_count"] == verdict["decided"]
    assert verdict["decided"] <= nation["visited_plan_count"] <= verdict["attempted"]
    assert rows.loc[rows["unit_kind"] == "province", "unit_name"].str.contains("[آ-ی]").all()


def test_an_earlier_cutoff_shows_what_was_overdue_then(rehearsed):
    record_progress(PERIOD, TODAY - datetime.timedelta(1))
    early = progress.read(1403, cutoff=TODAY - datetime.timedelta(1), unit_kind="nation").iloc[0]
    change(f"delete from inspection.progress where cutoff = date '{TODAY - datetime.timedelta(1)}'")
    assert (early["attempted_plan_count"], early["overdue_plan_count"]) == (0, 0)
