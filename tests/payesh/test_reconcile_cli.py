"""`payesh reconcile`, as a process of its own, over the small rehearsal."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo import scenario

ROOT = Path(__file__).parents[2]
YEAR = scenario.load("small").year(1403)
CONFIRMED, DECIDED, SUPERVISED = YEAR.confirmed_plan_count, YEAR.decided_plan_count, YEAR.supervised_plan_count


def reconcile(*arguments, year=1403):
    return subprocess.run(
        [sys.executable, "-m", "payesh.cli", "reconcile", "--year", str(year), *map(str, arguments)],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def announced(rehearsed):
    """The announcement at a twentieth: 74 % beside counts that give 68 %."""
    return reconcile(
        "--claimed", 74, "--numerator", CONFIRMED, "--denominator", SUPERVISED, "--format", "json", "--all"
    )


def test_the_announced_rate_is_that_of_decided_plans(announced):
    assert announced.returncode == 0, announced.stderr
    found = json.loads(announced.stdout)
    assert found["verdict"] == "does_not_reconcile"
    assert found["statement"] == "1,633 / 2,400 = 68.04 %: does not reconcile"
    first = found["readings"][0]
    assert (first["numerator"], first["denominator"], first["exclusion"], first["weight"]) == (
        "confirmed", "decided", "none", "plan",
    )  # fmt: skip
    assert (first["numerator_value"], first["denominator_value"], first["percent"]) == (CONFIRMED, DECIDED, "73.99")
    assert (first["yields"], first["half_up"], first["truncated"]) == (True, "74", "73")
    # Every plan of the small round is attempted: both denominators of the announcement print 68.
    plain = {
        row["denominator"]: (row["numerator_value"], row["denominator_value"], row["yields"])
        for row in found["readings"]
        if (row["numerator"], row["exclusion"], row["weight"]) == ("confirmed", "none", "plan")
    }
    assert plain["issued"] == plain["supervised"] == (CONFIRMED, SUPERVISED, False)
    assert plain["eligible"] == (CONFIRMED, YEAR.eligible_plan_count, False)
    assert plain["registered"][1] > YEAR.eligible_plan_count
    assert DECIDED < plain["contacted"][1] < SUPERVISED


def test_every_way_of_reading_is_tried(announced):
    found = json.loads(announced.stdout)
    assert found["reading_count"] == len(found["readings"]) > 2000
    tried = {kind: {row[kind] for row in found["readings"]} for kind in ("numerator", "denominator", "weight")}
    assert {"mean_of_provinces", "mean_of_counties", "mean_of_agencies", "loan", "registered_job"} <= tried["weight"]
    assert {"estimated_plan", "estimated_loan", "estimated_job"} <= tried["weight"]
    assert {"reached_by_phone", "repeated_and_decided"} <= tried["denominator"]
    left_out = {row["exclusion"] for row in found["readings"]}
    assert {"agency P01", "plan kind self_employment", "moved", "non_contact, pending"} <= left_out
    assert set(found["never_yielding"]["denominator"]) >= {"eligible", "registered"}
    means = [row["denominator_value"] for row in found["readings"] if row["weight"] == "mean_of_provinces"]
    assert max(means) == 31


def test_the_table_says_what_a_reader_needs(rehearsed):
    found = reconcile("--claimed", 74, "--numerator", CONFIRMED, "--denominator", SUPERVISED)
    assert found.returncode == 0, found.stderr
    assert "1,633 / 2,400 = 68.04 %: does not reconcile." in found.stdout
    assert "1,633 needs a denominator of 2,192 to 2,221 (half-up)." in found.stdout
    assert "Readings of the store that yield it: " in found.stdout
    assert "No reading yields it by" in found.stdout
    # The plainest first, and what departs farther is only counted.
    readings = [line.split() for line in found.stdout.splitlines() if line.strip().startswith(("yes", "no "))]
    assert readings[0] == ["yes", "confirmed", "decided", "none", "plan", "1,633", "2,207", "73.99", "74", "73"]
    assert {line[0] for line in readings} == {"yes"} and len(readings) < 60
    assert "more depart farther from plain counting" in found.stdout


def test_csv_holds_the_readings_that_yield_it(rehearsed):
    found = reconcile("--claimed", "73.99", "--rounding", "half-up", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert rows and {row["yields"] for row in rows} == {"True"}
    assert {row["half_up"] for row in rows} == {"73.99"}


def test_a_rate_that_nothing_yields_ends_with_1_and_says_so(rehearsed):
    found = reconcile("--claimed", "99.999")
    assert found.returncode == 1
    assert "None can: no numerator, denominator, weight or exclusion" in found.stdout
    assert "rate only: no denominator was given; no denominator can be checked" in found.stdout


def test_counts_that_yield_the_rate_reconcile_whatever_the_store_holds(rehearsed):
    found = reconcile("--claimed", 98, "--numerator", 30721, "--denominator", 31310, "--format", "json")
    assert (found.returncode, json.loads(found.stdout)["verdict"]) == (0, "ok")


@pytest.mark.parametrize(
    ("arguments", "year", "said"),
    [
        (["--claimed", "174"], 1403, "wanted a percentage from 0 to 100"),
        (["--claimed", "74", "--denominator", "0"], 1403, "--denominator: found 0; wanted 1 or more"),
        (["--claimed", "74", "--numerator", "3", "--denominator", "2"], 1403, "wanted at most the denominator, 2"),
        (["--claimed", "74", "--rounding", "down"], 1403, "rounding"),
        (["--claimed", "74"], 1399, "verdicts of 1399-1: found none; wanted a round whose visits have been collected"),
        (["--claimed", "74", "--cutoff", "2001-01-01"], 1403, "found none up to 2001-01-01"),
        (["--claimed", "74", "--cutoff", "soon"], 1403, "cutoff"),
        ([], 1403, "claimed"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(rehearsed, arguments, year, said):
    found = reconcile(*arguments, year=year)
    assert found.returncode == 2
    assert len(found.stderr.strip().splitlines()) == 1
    assert said in found.stderr.lower() or said in found.stderr
