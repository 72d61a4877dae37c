"""What the inspectors of the small rehearsal have in hand once its sample is issued."""

import io
import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from pyxform.xls2xform import convert

from methods.period import Period
from tasks import handout

ROOT = Path(__file__).parents[2]
PERIOD = Period(1403)


def payesh(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "payesh.cli", "field", *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def outbox(rehearsed):
    return rehearsed.home / "outbox" / "1403-1"


@pytest.fixture(scope="module")
def issued(outbox):
    return pd.read_csv(outbox / "issued_plan.csv", dtype=str)


def test_every_issued_plan_stands_in_its_inspectors_list_and_in_no_other(outbox, issued):
    listed = []
    for path in sorted((outbox / "work-lists").rglob("*.xlsx")):
        rows = list(openpyxl.load_workbook(path, read_only=True).active.iter_rows(values_only=True))
        header = list(rows[3])
        for row in rows[4:]:
            told = dict(zip(header, row, strict=True))
            # Inspectors of the Ministry have no firm: their lists lie in the folder of their level.
            assert (told["کد شرکت"] or path.parent.name, told["کد بازرس"]) == (path.parent.name, path.stem)
            listed.append((told["شناسهٔ طرح"], path.stem))
    again = pd.read_csv(outbox / "reinspection.csv", dtype=str)
    every = pd.concat([issued, again])[["plan_id", "inspector_code"]]
    assert sorted(listed) == sorted(every.itertuples(index=False, name=None))


def test_the_form_lies_beside_its_list_and_converts_without_a_warning(outbox, issued):
    folder = outbox / "xlsform" / "county"
    assert convert(io.BytesIO((folder / "visit.xlsx").read_bytes()), file_type=".xlsx").warnings == []
    plans = pd.read_csv(folder / "plans.csv", dtype=str)
    assert sorted(plans["plan_id"]) == sorted(issued["plan_id"])
    assert plans["visit_id_key"].is_unique and plans["qr_key"].is_unique


def test_handing_out_again_writes_nothing(outbox):
    before = {path: path.stat().st_mtime_ns for path in outbox.rglob("*") if path.is_file()}
    handout.hand_out(PERIOD)
    assert {path: path.stat().st_mtime_ns for path in outbox.rglob("*") if path.is_file()} == before


def test_the_lists_of_a_firm_are_printed_and_gone_once_lists_are_written_again(outbox, issued):
    firm = issued["firm_code"].min()
    found = payesh("print", "--year", "1403", "--firm", firm)
    assert found.returncode == 0, found.stderr
    printed = sorted(path.stem for path in (outbox / "work-lists").rglob("*.pdf"))
    assert printed == sorted(issued.loc[issued["firm_code"] == firm, "inspector_code"].unique())
    assert f"{len(printed)} work lists of 1403-1 printed" in found.stdout
    again = payesh("lists", "--year", "1403")
    assert again.returncode == 0, again.stderr
    repeats = pd.read_csv(outbox / "reinspection.csv")
    assert f"{2400 + len(repeats):,} visits, XLSForm" in again.stdout
    assert not list((outbox / "work-lists").rglob("*.pdf"))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["print", "--year", "1403", "--firm", "NONE"], 2, "--firm: found NONE; wanted a firm with plans in 1403-1"),
        (["lists", "--year", "1398"], 1, "Run `payesh prepare 1398 --phase 1` first."),
        (["push", "--year", "1403", "--source", "P99"], 2, "--source: found P99"),
        (["push", "--year", "1403", "--source", "FIELD"], 2, "found no `push`"),
        (["lists", "--year", "2024"], 2, "wanted a Jalali year"),
    ],
)
def test_bad_input_is_one_line(rehearsed, arguments, code, said):
    found = payesh(*arguments)
    assert found.returncode == code
    assert len(found.stderr.strip().splitlines()) == 1
    assert said in found.stderr


@pytest.mark.parametrize("command", ["lists", "print", "push"])
def test_every_command_has_help(command):
    found = payesh(command, "--help")
    assert found.returncode == 0
    assert len(found.stdout.splitlines()) > 8
