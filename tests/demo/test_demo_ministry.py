import csv
import io
import json
import shutil
import sqlite3

import pytest
from python_calamine import CalamineWorkbook

from demo import ministry, population, scenario
from methods.errors import SettingWrong


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    ministry.stage(folder, 1403, "small")
    return folder


@pytest.fixture(scope="module")
def plans():
    return population.plans(scenario.load("small"), 1403)


def of(plans, agency):
    return plans[plans["agency_code"] == agency]


def content(home):
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def test_the_same_seed_writes_the_same_bytes(home, tmp_path):
    ministry.stage(tmp_path, 1403, "small")
    assert content(tmp_path) == content(home)


def test_staging_again_writes_nothing(home):
    files = ministry.stage(home, 1403, "small")
    before = {file: file.stat().st_mtime_ns for file in files}
    assert ministry.stage(home, 1403, "small") == files
    assert {file: file.stat().st_mtime_ns for file in files} == before


def test_a_changed_file_is_written_again_as_it_was(home, tmp_path):
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    spoilt = tmp_path / "inbox" / "P01" / "1403" / "plans.csv"
    spoilt.write_bytes(spoilt.read_bytes()[:1000])
    (tmp_path / "inbox" / "P03" / "1403" / "plans.xlsx").unlink()
    ministry.stage(tmp_path, 1403, "small")
    assert content(tmp_path) == content(home)


def test_another_scenario_takes_the_place_of_the_first(home, tmp_path):
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    own = tmp_path / "own.yaml"
    small = (scenario.FOLDER / "small.yaml").read_text(encoding="utf-8")
    own.write_text(small.replace("eligible_plan_count: 12000", "eligible_plan_count: 9000"), encoding="utf-8")
    ministry.stage(tmp_path, 1403, str(own))
    assert ministry.staged_scale(tmp_path, 1403) == str(own)
    assert len(ministry.p04_file(tmp_path, 1403).read_bytes()) < len(ministry.p04_file(home, 1403).read_bytes())


def test_years_stand_beside_each_other_in_the_database_of_p05(home, tmp_path, plans):
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    ministry.stage(tmp_path, 1402, "small")
    ministry.stage(tmp_path, 1402, "small")
    with sqlite3.connect(ministry.p05_file(tmp_path)) as connection:
        counts = dict(connection.execute("select sal, count(*) from tarh group by sal"))
    assert counts[1403] == len(of(plans, "P05"))
    assert 0 < counts[1402] < counts[1403]


def test_p01_writes_persian_letters_and_digits(home, plans):
    text = (home / "inbox/P01/1403/plans.csv").read_bytes().decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(of(plans, "P01"))
    assert not set(text) & set("0123456789يك٠")
    digits = str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")
    assert [row["شماره طرح"].translate(digits) for row in rows] == of(plans, "P01")["plan_number"].tolist()


def test_p02_writes_the_code_page_of_windows_in_million_rial(home, plans):
    text = (home / "inbox/P02/1403/plans.csv").read_bytes().decode("cp1256")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))
    mine = of(plans, "P02")
    assert len(rows) == len(mine)
    paid = [int(row["پرداخت ميليون ريال"]) * 1_000_000 for row in rows]
    assert paid == mine["loan_paid_rial"].tolist()
    assert any("/1/" in row["تاريخ پرداخت"] for row in rows)


def test_p03_has_a_title_above_its_header(home, plans):
    book = CalamineWorkbook.from_path(home / "inbox/P03/1403/plans.xlsx")
    title, header, *rows = book.get_sheet_by_index(0).to_python()
    assert "نمایشی" in title[0]
    mine = of(plans, "P03")
    assert [row[header.index("کد شهرستان")] for row in rows] == mine["county"].tolist()
    assert [int(row[header.index("تسهیلات پرداختی")]) for row in rows] == mine["loan_paid_rial"].tolist()


def test_p04_is_one_object_a_line(home, plans):
    lines = ministry.p04_file(home, 1403).read_bytes().splitlines()
    assert [json.loads(line)["planNo"] for line in lines] == of(plans, "P04")["plan_number"].tolist()


def test_p06_writes_arabic_letters_and_digits_and_sections_in_toman(home, plans):
    text = (home / "inbox/P06/1403/plans.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert not set(text) & set("0123456789یک۰")
    mine = of(plans, "P06")
    assert [int(row["وام پرداختي تومان"]) * 10 for row in rows] == mine["loan_paid_rial"].tolist()
    assert {row["بخش فعاليت"] for row in rows} == set("ACGHIJPS")


def test_the_registry_of_firms_is_whole(home):
    book = CalamineWorkbook.from_path(home / "inbox/FIRMS/1403/firms.xlsx")
    header, *rows = book.get_sheet_by_index(0).to_python()
    assert header == ["کد شرکت", "نام شرکت", "کد استان", "ظرفیت"]
    assert rows[0][:3] == ["F001", "شرکت نمایشی ۱", "00"]
    assert len(rows) == 120


def test_a_year_outside_the_rehearsal_is_refused(tmp_path):
    with pytest.raises(SettingWrong):
        ministry.stage(tmp_path, 1399, "small")
    assert list(tmp_path.iterdir()) == []


def test_a_year_not_staged_is_named(tmp_path):
    with pytest.raises(SettingWrong, match="1403"):
        ministry.staged_scale(tmp_path, 1403)
