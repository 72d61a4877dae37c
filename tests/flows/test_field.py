"""What comes back from the field: refused by name, judged beside its repeat, and flagged where it cannot be."""

import datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from demo import ministry, scenario
from flows.collect import collect
from flows.prepare import prepare
from flows.pull import pull
from methods.period import Period
from tasks.edges import warehouse
from tasks.inspection import flag_inspectors, judge_repeats, judge_visits, refuse_visits

ROUND = Period(1403)
SMALL = scenario.load("small")
REPEATED = (
    "year, phase, plan_id, level, stratum_code, stratum_population_count, stratum_sample_count,"
    " inclusion_probability, random_number"
)
# What a test changes, and what is put back after it.
KEPT = ("staging.visit", "sample.reinspected_plan", "sample.assignment")


def run(statement, **values):
    with warehouse.transaction() as connection:
        return connection.execute(sa.text(statement), values)


def rows(statement, **values):
    with warehouse.transaction() as connection:
        result = connection.execute(sa.text(statement), values)
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


@pytest.fixture
def cutoff(rehearsed):
    """The day of the round's figures, with nothing repeated yet; what a test adds is gone after it."""
    day = rows("select max(cutoff) as cutoff from inspection.verdict where year = 1403")["cutoff"].item()
    for table in KEPT:
        run(f"create table public.{kept(table)} as select * from {table} where year = 1403")
    run("delete from staging.visit where year = 1403 and level <> 'county'")
    run("delete from sample.reinspected_plan where year = 1403")
    run("delete from sample.assignment where year = 1403 and level <> 'county'")
    judge(day)
    yield day
    for table in KEPT:
        run(f"delete from {table} where year = 1403")
        run(f"insert into {table} select * from public.{kept(table)}")
        run(f"drop table public.{kept(table)}")
    judge(day)


def kept(table):
    return "kept_" + table.partition(".")[2]


def judge(day):
    return [task(ROUND, day) for task in (judge_visits, refuse_visits, judge_repeats, flag_inspectors)]


def add_visit(visit_id, plan_id, like=0, **changed):
    """Return a visit more to the delivery in force: one of its rows, with what is changed."""
    columns = list(rows("select * from staging.visit limit 0").columns)
    own = {"visit_id": visit_id, "plan_id": plan_id} | changed
    spelt = ", ".join(f":{name}" if name in own else name for name in columns if name != "row_number")
    names = ", ".join(name for name in columns if name != "row_number")
    number = "(select max(row_number) + 1 from staging.visit where year = 1403)"
    run(f"insert into staging.visit ({names}, row_number) select {spelt}, {number} from public.kept_visit"
        f" where level = 'county' order by visit_id limit 1 offset {like}", **own)  # fmt: skip


def refused():
    return rows("select * from inspection.refused_visit where year = 1403").set_index("visit_id")


def first_issued(place=0):
    return rows("select * from sample.issued_plan where year = 1403 order by plan_id").iloc[place]


def test_nothing_of_an_honest_round_is_refused_and_no_visit_is_flagged(rehearsed):
    assert refused().empty
    assert rows("select * from inspection.inspector_flag where year = 1403").empty
    repeats = rows("select * from inspection.reinspection where year = 1403")
    drawn = rows("select * from sample.reinspected_plan where year = 1403")
    assert len(repeats) == len(drawn) > 100
    assert repeats["visit_id"].notna().all()


def test_visits_nobody_was_sent_on_are_refused_by_name_and_change_no_verdict(cutoff):
    before = judge_visits(ROUND, cutoff)
    outside = rows("select plan_id from frame.eligible_plan where year = 1403 except"
                   " select plan_id from sample.issued_plan order by 1 limit 1")["plan_id"].item()  # fmt: skip
    plan = first_issued()
    add_visit("X1", outside)
    add_visit("X2", plan["plan_id"], firm_code=plan["firm_code"], inspector_code="Z-99")
    add_visit("X3", plan["plan_id"], firm_code="F999", inspector_code=plan["inspector_code"])
    add_visit("X4", plan["plan_id"], level="national", firm_code=None, inspector_code="N-01")
    # However late: a visit by another inspector never stands before the right one.
    add_visit("X5", plan["plan_id"], firm_code="F999", inspector_code="Z-99", visited_on=datetime.date(2030, 1, 1))
    after = judge(cutoff)[0]
    assert after == before
    found = refused()
    assert found["reason_code"].to_dict() == {
        "X1": "plan_not_issued",
        "X2": "wrong_inspector",
        "X3": "wrong_inspector",
        "X4": "plan_not_reinspected",
        "X5": "wrong_inspector",
    }
    delivery = found["delivery_id"].iloc[0]
    assert found.loc["X2", "place"] == f"{delivery}, row {found.loc['X2', 'row_number']}, visit X2"
    assert found.loc["X2", "found"] == f"Z-99 of {plan['firm_code']}"
    assert found.loc["X2", "wanted"] == f"{plan['inspector_code']} of {plan['firm_code']}"
    assert (found.loc["X1", "found"], found.loc["X1", "wanted"]) == (
        f"{outside}, county", "a plan of the issued list of 1403-1",
    )  # fmt: skip
    assert found.loc["X4", "wanted"] == "a plan of the list of national repeats of 1403-1"
    flagged = rows("select subject_code from inspection.inspector_flag where year = 1403 and subject_kind = 'visit'")
    assert not set(flagged["subject_code"]) & set(found.index)


def test_refused_visits_go_back_to_their_source(cutoff, rehearsed):
    add_visit("X1", "P99-1")
    judge(cutoff)
    (file,) = (rehearsed.home / "feedback" / "FIELD").glob("*/refused-visits.csv")
    sheet = pd.read_csv(file, encoding="utf-8-sig")
    assert sheet["visit_id"].tolist() == ["X1"]
    assert sheet["reason_fa"].item() == "این طرح برای بازرسی ابلاغ نشده است."


def test_a_plan_that_only_the_wrong_inspector_visited_was_not_visited(cutoff):
    plan = first_issued()
    run("update staging.visit set inspector_code = 'Z-99' where year = 1403 and plan_id = :plan", plan=plan["plan_id"])
    judge(cutoff)
    verdict = rows("select verdict from inspection.verdict where year = 1403 and plan_id = :plan", plan=plan["plan_id"])
    assert verdict["verdict"].item() == "not_attempted"
    assert len(refused()) == 1
    from tasks.gates import pass_gate

    pass_gate("inspection", ROUND, cutoff)
    measures = warehouse.read("inspection/gate.sql", year=1403, phase=1, cutoff=cutoff).iloc[0]
    assert (measures["refused_counted_count"], measures["plan_without_verdict_count"]) == (0, 0)
    assert measures["refused_visit_share"] == pytest.approx(1 / SMALL.year(1403).supervised_plan_count)


def repeat(plan_id, level, inspector_code, firm_code=None):
    who = {"plan_id": plan_id, "level": level, "firm_code": firm_code, "inspector_code": inspector_code}
    drawn = {"plan_id": plan_id, "level": level}
    run(f"insert into sample.reinspected_plan ({REPEATED}) values (1403, 1, :plan_id, :level, '00', 100, 10, 0.1, 0.5)",
        **drawn)  # fmt: skip
    run("insert into sample.assignment (year, phase, plan_id, level, firm_code, inspector_code, assigned_on)"
        " values (1403, 1, :plan_id, :level, :firm_code, :inspector_code, '2020-01-01')", **who)  # fmt: skip


def test_a_repeat_gets_its_verdict_beside_the_first(cutoff):
    before = judge_visits(ROUND, cutoff)
    verdicts = rows("select plan_id, visit_id from inspection.verdict where year = 1403 and is_confirmed order by 1")
    one, two, three = verdicts["plan_id"].iloc[:3]
    repeat(one, "provincial", "P-01")
    repeat(one, "national", "N-01")
    repeat(two, "provincial", "F001-77", "F001")
    repeat(three, "national", "N-01")
    said = {"contact_outcome": "contacted", "is_final": True, "has_rule_breach": False, "loan_use": "approved_purpose",
            "is_running": True, "jobs_found_count": 99}  # fmt: skip
    add_visit("R1", one, level="provincial", firm_code=None, inspector_code="P-01", **said)
    add_visit(
        "R2", one, level="national", firm_code=None, inspector_code="N-01", **said | {"loan_use": "other_purpose"}
    )
    add_visit("R3", two, level="provincial", firm_code="F001", inspector_code="F001-77", **said | {"is_final": False})
    # Another inspector than the one it was given to.
    add_visit("R4", three, level="national", firm_code=None, inspector_code="N-02", **said)
    assert judge(cutoff)[0] == before
    found = rows("select * from inspection.reinspection where year = 1403").set_index(["plan_id", "level"])
    assert found["verdict"].to_dict() == {
        (one, "provincial"): "confirmed",
        (one, "national"): "deviation",
        (two, "provincial"): "pending",
        (three, "national"): "not_attempted",
    }
    assert found["first_verdict"].unique().tolist() == ["confirmed"]
    assert found.loc[(one, "national"), "first_visit_id"] == verdicts["visit_id"].iloc[0]
    assert found["is_decided"].tolist().count(True) == 2
    assert refused()["reason_code"].to_dict() == {"R4": "wrong_inspector"}


def test_what_cannot_have_been_is_flagged_with_its_evidence(cutoff):
    run("update staging.visit set started_minute = 1400, ended_minute = 1430 where visit_id ="
        " (select min(visit_id) from staging.visit where year = 1403)")  # fmt: skip
    run("update staging.visit set photo_sha256 = 'same' where visit_id in (select visit_id from staging.visit"
        " where year = 1403 and contact_outcome = 'contacted' order by visit_id desc limit 3)")  # fmt: skip
    judge(cutoff)
    found = rows("select flag, count(*), min(evidence::text) as evidence from inspection.inspector_flag"
                 " where year = 1403 and subject_kind = 'visit' group by flag").set_index("flag")  # fmt: skip
    assert found["count"].to_dict() == {"at_night": 1, "photo_reused": 3}
    assert '"started_minute": 1400' in found.loc["at_night", "evidence"]
    again = flag_inspectors(ROUND, cutoff)
    assert flag_inspectors(ROUND, cutoff) == again


def test_a_round_with_repeats_comes_back_whole(rehearsed):
    ministry.stage(rehearsed.home, 1402, "small")
    pull(1402)
    prepare(1402)
    collect(1402)
    year = SMALL.year(1402)
    verdict = rows("select count(*) filter (where is_decided) as decided, count(*) filter (where is_confirmed) as"
                   " confirmed from inspection.verdict where year = 1402")  # fmt: skip
    assert verdict.iloc[0].tolist() == [year.decided_plan_count, year.confirmed_plan_count]
    repeats = rows("select * from inspection.reinspection where year = 1402")
    drawn = rows("select level, count(*) as drawn from sample.reinspected_plan where year = 1402 group by level")
    assert len(repeats) == drawn["drawn"].sum() > 100
    assert repeats["visit_id"].notna().all()
    assert (repeats["is_decided"] == repeats["first_is_decided"]).all()
    share = (repeats["is_confirmed"] != repeats["first_is_confirmed"]).mean()
    assert 0 < share < 0.1
    assert rows("select * from inspection.refused_visit where year = 1402").empty
    assert rows("select * from inspection.inspector_flag where year = 1402 and subject_kind = 'visit'").empty
