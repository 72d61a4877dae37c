"""`payesh source`, as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from tasks.edges import sources, warehouse

ROOT = Path(__file__).parents[2]


def payesh(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "payesh.cli", "source", *map(str, arguments)],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def count(statement):
    with warehouse.transaction() as connection:
        return connection.execute(sa.text(statement)).scalar_one()


def test_every_source_of_the_project_checks():
    found = payesh("check", *sorted((ROOT / "sources").glob("*.yaml")))
    assert found.returncode == 0, found.stderr
    assert "P01.yaml: ok: P01, loan_plan, 21 columns, 0 changes" in found.stdout


def test_a_wrong_source_is_named_in_one_line_and_the_others_are_checked(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((ROOT / "sources" / "P01.yaml").read_text(encoding="utf-8").replace("kind: file", "kind: pigeon"))
    found = payesh("check", wrong, ROOT / "sources" / "P02.yaml", tmp_path / "none.yaml")
    assert found.returncode == 2
    assert "P02.yaml: ok" in found.stdout
    pigeon, none = found.stderr.strip().splitlines()
    assert "wrong.yaml, pull" in pigeon
    assert "none.yaml: found no file" in none


def test_a_code_in_two_files_is_named(tmp_path):
    twin = tmp_path / "twin.yaml"
    twin.write_bytes((ROOT / "sources" / "P01.yaml").read_bytes())
    found = payesh("check", ROOT / "sources" / "P01.yaml", twin)
    assert found.returncode == 2
    assert "found P01 in 2 files" in found.stderr


def test_the_schema_is_printed_for_editors():
    assert json.loads(payesh("schema").stdout) == sources.schema()


@pytest.mark.parametrize("code", ["P01", "P02", "P06"])
def test_a_new_source_is_drafted_as_a_person_wrote_it(rehearsed, tmp_path, code):
    sample = rehearsed.home / "inbox" / code / "1403" / "plans.csv"
    found = payesh("new", sample, "--code", "N01", "--out", tmp_path / "N01.yaml", "--yes")
    assert found.returncode == 0, found.stderr
    drafted, written = sources.load(tmp_path / "N01.yaml"), sources.load(ROOT / "sources" / f"{code}.yaml")
    assert drafted.columns == written.columns
    assert set(drafted.units.values()) == (set(written.units.values()) or {"rial"})
    assert drafted.codes.get("plan_kind", {}).items() <= written.codes["plan_kind"].items()
    # Words that are like no label get no code, and are told.
    for word in set(written.codes["plan_kind"]) - set(drafted.codes.get("plan_kind", {})):
        assert f"plan_kind {word!r}: no code proposed" in found.stdout
    assert payesh("new", sample, "--code", "N01", "--out", tmp_path / "N01.yaml", "--yes").returncode == 2


def test_what_a_sample_lacks_is_said(tmp_path):
    (tmp_path / "s.csv").write_text("کد ملی,استان\n0012345678,تهران\n", encoding="utf-8")
    found = payesh("new", tmp_path / "s.csv", "--code", "N02", "--out", tmp_path / "N02.yaml", "--yes")
    assert found.returncode == 1
    assert "found no header for plan_number, county" in found.stderr
    assert "# Not found in the sample: plan_number" in (tmp_path / "N02.yaml").read_text(encoding="utf-8")


def test_a_ragged_sample_and_answers_that_mean_nothing_are_borne(tmp_path):
    (tmp_path / "s.csv").write_text("x1,x2,مبلغ تسهیلات\n1\n2,3,4\n", encoding="utf-8")
    asked = subprocess.run(
        [sys.executable, "-m", "payesh.cli", "source", "new", str(tmp_path / "s.csv"), "--code", "N03",
         "--out", str(tmp_path / "new" / "N03.yaml")],
        cwd=ROOT, input="no such header\nx1\n" + "\n" * 60, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "found 'no such header'; wanted one of x1, x2" in asked.stdout
    assert "plan_number: x1" in (tmp_path / "new" / "N03.yaml").read_text(encoding="utf-8")
    assert "Traceback" not in asked.stderr


def test_a_code_that_no_source_may_have_is_refused_at_once(tmp_path):
    (tmp_path / "s.csv").write_text("a\n1\n", encoding="utf-8")
    found = payesh("new", tmp_path / "s.csv", "--code", "n03", "--out", tmp_path / "x.yaml", "--yes")
    assert (found.returncode, "--code: found 'n03'" in found.stderr) == (2, True)


@pytest.fixture
def unchanged(rehearsed):
    def state():
        tables = (
            "landing.delivery",
            "landing.loan_plan",
            "staging.loan_plan",
            "reference.source",
            "control.validation",
        )
        return [count(f"select count(*) from {table}") for table in tables], sorted(
            (rehearsed.home / "archive").rglob("*.zst")
        )

    before = state()
    yield
    assert state() == before


def test_a_source_is_tried_without_storing_anything(unchanged):
    found = payesh("try", ROOT / "sources" / "P02.yaml", "--year", "1403")
    assert found.returncode == 0, found.stderr
    assert "rows, " in found.stdout
    assert "Nothing was stored" in found.stdout


def test_a_delivery_that_would_be_refused_says_so_and_leaves_nothing(unchanged, tmp_path, rehearsed):
    rows = (rehearsed.home / "inbox" / "P01" / "1403" / "plans.csv").read_text(encoding="utf-8").replace("/", "x")
    (tmp_path / "plans.csv").write_text(rows, encoding="utf-8")
    text = (ROOT / "sources" / "P01.yaml").read_text(encoding="utf-8")
    text = text.replace("{inbox}/P01/{year}/plans.csv", str(tmp_path / "plans.csv"))
    (tmp_path / "P01.yaml").write_text(text, encoding="utf-8")
    found = payesh("try", tmp_path / "P01.yaml")
    assert found.returncode == 1
    assert "date_impossible" in found.stdout
    assert "REFUSED" in found.stdout


def test_a_file_that_is_not_there_is_one_line_and_exit_1(unchanged, tmp_path):
    text = (ROOT / "sources" / "P01.yaml").read_text(encoding="utf-8").replace("{inbox}", "/nowhere")
    (tmp_path / "P01.yaml").write_text(text, encoding="utf-8")
    found = payesh("try", tmp_path / "P01.yaml")
    assert found.returncode == 1
    assert len(found.stderr.strip().splitlines()) == 1
    assert "found no file" in found.stderr
