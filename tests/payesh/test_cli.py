"""The operator's door, as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "demo", "up", "down", "status", "pull", "prepare", "collect", "publish", "deliver", "run", "backfill", "figures",
    "progress", "reconcile", "site", "doctor",
]  # fmt: skip


def payesh(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "payesh.cli", *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    found = payesh(command, "--help")
    assert found.returncode == 0
    assert len(found.stdout.splitlines()) > 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "abc"], "year"),
        (["run", "2024"], "wanted a Jalali year from 1390 to 1450"),
        (["run", "1403", "--phase", "3"], "wanted 1 or 2"),
        (["run", "1403", "--cutoff", "yesterday"], "wanted a date such as 2025-10-14"),
        (["figures", "--year", "1403", "--level", "village"], "level"),
        (["runn", "1403"], "runn"),
        (["run"], "year"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, said, tmp_path):
    found = payesh(*arguments, PAYESH_HOME=str(tmp_path))
    assert found.returncode == 2
    assert len(found.stderr.strip().splitlines()) == 1
    assert said.lower() in found.stderr.lower()
    assert "Traceback" not in found.stderr


def test_figures_as_json_csv_and_table_hold_every_column(rehearsed):
    asked = ("figures", "--year", "1403", "--level", "nation", "--indicator", "accuracy_rate")
    rows = json.loads(payesh(*asked, "--format", "json").stdout)
    from payesh.cli import FIGURE_COLUMNS

    assert tuple(rows[0]) == FIGURE_COLUMNS
    national = next(row for row in rows if row["basis"] == "counted" and row["domain"] == "all")
    assert national["estimate"] == national["numerator"] / national["denominator"]
    table = payesh(*asked, "--format", "csv").stdout.splitlines()
    assert table[0] == ",".join(FIGURE_COLUMNS)
    assert len(table) == len(rows) + 1
    assert "accuracy_rate" in payesh(*asked).stdout


def test_figures_of_a_year_nobody_ran_are_refused(rehearsed):
    found = payesh("figures", "--year", "1399")
    assert found.returncode == 2
    assert "Run `payesh run 1399`" in found.stderr


def test_progress_by_province_and_firm_in_every_format(rehearsed):
    rows = json.loads(payesh("progress", "--year", "1403", "--format", "json").stdout)
    assert len([row for row in rows if row["level"] == "county"]) == 31
    assert {"issued_plan_count", "overdue_plan_count"} <= set(rows[0])
    table = payesh("progress", "--year", "1403", "--by", "firm", "--format", "csv").stdout.splitlines()
    assert len(table) > 100
    assert "شرکت نمایشی" in table[1]
    assert "مرکزی" in payesh("progress", "--year", "1403").stdout
    found = payesh("progress", "--year", "1399")
    assert (found.returncode, "Run `payesh collect 1399`" in found.stderr) == (2, True)


def test_status_names_every_part(rehearsed):
    found = payesh("status")
    assert found.returncode == 0
    for part in ("postgresql", "prefect", "rehearsal", "worker"):
        assert part in found.stdout


def test_doctor_finds_nothing_wrong(rehearsed):
    found = payesh("doctor")
    assert found.returncode == 0, found.stdout
    assert "PROBLEM" not in found.stdout


def test_work_that_fails_ends_with_1_and_names_the_source(rehearsed, tmp_path):
    text = (ROOT / "sources" / "FIRMS.yaml").read_text(encoding="utf-8").replace("code: FIRMS", "code: LOST")
    # Nothing was staged for 1399, so its file is missing.
    (tmp_path / "LOST.yaml").write_text(text.replace("from: 1401", "from: 1399"), encoding="utf-8")
    found = payesh("pull", "1399", "--scale", "off", PAYESH_SOURCES=str(tmp_path))
    assert found.returncode == 1
    assert len(found.stderr.strip().splitlines()) == 1
    assert "source LOST" in found.stderr
    assert "no file" in found.stderr
