"""The reserve of a round: what is released joins the list, and every figure knows it."""

import datetime
import os
import subprocess
import sys

import pandas as pd
import pytest
from store import change, rows

from methods import sample as draw_methods
from methods.period import Period
from tasks import handout, inspection, sample
from tasks.edges import warehouse
from tasks.edges.settings import settings

ROUND = Period(1403)
ISSUED_AT = "select * from sample.issued_at(1403, 1, cast(:cutoff as date)) order by plan_id"


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "payesh.cli", "sample", *map(str, arguments)],
        capture_output=True, text=True, env=os.environ, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def stratum(rehearsed):
    """The stratum with the largest reserve, as it stands before anything is released."""
    state = sample.reserve_state(ROUND).set_index("stratum_code")
    assert (state["released_plan_count"] == 0).all()
    return state.loc[state["reserve_plan_count"].idxmax()]


@pytest.fixture(scope="module")
def released(rehearsed, stratum):
    """Two plans of its reserve out, and all as before once the tests are over."""
    yield command("release", 1403, f"{stratum.name}=2")
    change(
        "delete from sample.assignment where (year, phase, plan_id) in"
        " (select year, phase, plan_id from sample.released_plan)",
        "delete from sample.released_plan",
    )
    sample.write_lists(ROUND)
    handout.hand_out(ROUND)


def today():
    return settings().today


def test_a_reserve_is_shown_by_stratum(stratum):
    shown = command("reserve", 1403)
    assert shown.returncode == 0, shown.stderr
    line = next(line.split() for line in shown.stdout.splitlines() if line.split()[0] == stratum.name)
    assert line[-2:] == [str(stratum["reserve_plan_count"]), "0"]


def test_released_plans_are_the_first_of_the_reserve_with_one_probability_for_all(released, stratum):
    assert released.returncode == 0, released.stderr
    assert "2 plans released, 2 given to inspectors" in released.stdout
    own = rows(ISSUED_AT, cutoff=today()).query("stratum_code == @stratum.name")
    n = stratum["listed_plan_count"] + 2
    assert len(own) == n
    assert own["inclusion_probability"].unique().tolist() == [n / stratum["eligible_plan_count"]]
    assert (1 / own["inclusion_probability"]).sum() == pytest.approx(stratum["eligible_plan_count"])
    first = rows("select plan_id from sample.reserve_plan where year = 1403 and stratum_code = :code"
                 " and release_order <= 2 order by 1", code=stratum.name)  # fmt: skip
    assert own.loc[own["is_released"], "plan_id"].tolist() == first["plan_id"].tolist()
    assert own["inspector_code"].notna().all()


def test_everyone_elses_probability_stays_to_the_last_bit(released, stratum):
    now = rows(ISSUED_AT, cutoff=today()).query("stratum_code != @stratum.name").set_index("plan_id")
    issued = rows("select * from sample.issued_plan where year = 1403").set_index("plan_id")
    assert now["inclusion_probability"].eq(issued.loc[now.index, "inclusion_probability"]).all()


def test_a_cutoff_before_the_release_knows_nothing_of_it(released, stratum):
    before = rows(ISSUED_AT, cutoff=today() - datetime.timedelta(days=1))
    assert not before["is_released"].any()
    assert len(before) == len(rows("select 1 from sample.issued_plan where year = 1403"))


def test_inspectors_find_them_in_their_lists_and_on_their_phones(released, stratum):
    outbox = settings().outbox / "1403-1"
    own = rows(ISSUED_AT, cutoff=today()).query("is_released")
    listed = pd.read_csv(outbox / "issued_plan.csv", dtype=str).set_index("plan_id")
    phones = pd.read_csv(outbox / "xlsform" / "county" / "plans.csv", dtype=str)
    for plan in own.to_dict("records"):
        assert listed.loc[plan["plan_id"], "inspector_code"] == plan["inspector_code"]
        assert plan["plan_id"] in set(phones["plan_id"])


def test_releasing_again_changes_nothing_and_nothing_is_taken_back(released, stratum):
    again = command("release", 1403, f"{stratum.name}=2")
    assert (again.returncode, again.stdout.split("\n")[0]) == (0, "1403-1: 0 plans released, 0 given to inspectors")
    assert "as handed out already" in again.stdout
    less = command("release", 1403, f"{stratum.name}=1")
    assert less.returncode == 2
    assert "wanted at least 2, which are out already" in less.stderr


@pytest.fixture
def judged(released):
    """Verdicts of tomorrow, which no edition reads; those of today are the rehearsal's."""
    cutoff = today() + datetime.timedelta(days=1)
    inspection.judge_visits.fn(ROUND, cutoff)
    inspection.judge_repeats.fn(ROUND, cutoff)
    yield cutoff
    for table in ("verdict", "reinspection"):
        change(f"delete from inspection.{table} where cutoff = '{cutoff}'")  # noqa: S608


def test_repeats_know_that_the_list_they_were_drawn_from_is_a_part_of_it(judged, stratum):
    drawn = rows("select plan_id, level, inclusion_probability from sample.reinspected_plan where year = 1403")
    found = rows("select plan_id, level, inclusion_probability from inspection.reinspection where cutoff = :cutoff",
                 cutoff=judged)  # fmt: skip
    own = rows("select plan_id from sample.issued_plan where year = 1403 and stratum_code = :code", code=stratum.name)[
        "plan_id"
    ]
    both = drawn.merge(found, on=["plan_id", "level"], suffixes=("_drawn", "_found"), validate="1:1")
    grown = both["plan_id"].isin(own) & (both["level"] == "provincial")
    assert grown.any()
    share = stratum["listed_plan_count"] / (stratum["listed_plan_count"] + 2)
    assert both["inclusion_probability_found"].to_numpy() == pytest.approx(
        (both["inclusion_probability_drawn"] * grown.map({True: share, False: 1})).to_numpy(), rel=1e-15
    )


def test_whoever_sets_plans_beside_visits_sees_them_with_the_grown_stratum(released, stratum):
    visits = warehouse.read("inspection/issued_visit.sql", year=1403, phase=1, cutoff=today())
    assert visits["plan_id"].is_unique
    assert len(visits) == len(rows("select 1 from sample.issued_plan where year = 1403")) + 2
    own = visits[visits["stratum_code"] == stratum.name]
    assert set(own["stratum_sample_count"]) == {stratum["listed_plan_count"] + 2}


@pytest.mark.parametrize(("days", "count"), [(1, 2), (0, 0)])
def test_a_round_without_overlap_moves_past_what_was_released_before_its_seed(released, stratum, days, count):
    # Numbers of the stratum in their order: those drawn, then those released by then.
    order = rows("select max(random_number) as last from sample.drawn_plan where year = 1403 and stratum_code = :code",
                 code=stratum.name)  # fmt: skip
    reserve = rows("select plan_id from sample.reserve_plan where year = 1403 and stratum_code = :code"
                   " order by release_order limit 2", code=stratum.name)["plan_id"]  # fmt: skip
    seed = rows("select certificate::json ->> 'seed' as seed from sample.draw_certificate where year = 1403")["seed"]
    numbers = draw_methods.random_numbers(reserve, seed.item())
    committed = today() + datetime.timedelta(days=days)
    change(f"insert into sample.seed_commitment values (1403, 2, 'x', '{committed}')")  # noqa: S608
    try:
        rules = {"design": {"method": "srs", "overlap_share": "0"}}
        moved, root = sample._coordinated(Period(1403, 2), rules)
    finally:
        change("delete from sample.seed_commitment where year = 1403 and phase = 2")
    assert root == seed.item()
    assert moved[stratum.name] == (numbers[-1] if count else order["last"].item())
    assert numbers[0] > order["last"].item()


def test_an_auditor_sees_that_nobody_jumped_the_queue(released, stratum):
    certificate = settings().home / "certificates" / "1403-1" / "draw_certificate.json"
    assert sample.verify(certificate) == []
    change(f"update sample.released_plan set plan_id = (select plan_id from sample.reserve_plan"  # noqa: S608
           f" where year = 1403 and stratum_code = '{stratum.name}' and release_order = 3)"
           " where plan_id = (select plan_id from sample.reserve_plan"
           f" where year = 1403 and stratum_code = '{stratum.name}' and release_order = 2)")  # fmt: skip
    try:
        text = "; ".join(map(str, sample.verify(certificate)))
        assert f"released before its turn: certified none; found 1: {stratum.name}" in text
    finally:
        change(f"update sample.released_plan set plan_id = (select plan_id from sample.reserve_plan"  # noqa: S608
               f" where year = 1403 and stratum_code = '{stratum.name}' and release_order = 2)"
               " where plan_id = (select plan_id from sample.reserve_plan"
               f" where year = 1403 and stratum_code = '{stratum.name}' and release_order = 3)")  # fmt: skip
    assert sample.verify(certificate) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["1403", "9999=1"], 1, "reserve, stratum 9999: found 1 plans to release; wanted at most 0"),
        (["1403", "0101"], 2, "STRATUM=COUNT: found 0101"),
        (["1403", "0101=-1"], 2, "STRATUM=COUNT: found 0101=-1"),
        (["1398", "0101=1"], 2, "no issued list"),
    ],
)
def test_what_cannot_be_released_is_refused_in_one_line(rehearsed, arguments, code, said):
    done = command("release", *arguments)
    assert done.returncode == code
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
