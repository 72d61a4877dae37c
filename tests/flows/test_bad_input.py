"""What an agency can get wrong: named, given back, and no harm to the others."""

import shutil

import pytest
import sqlalchemy as sa

from demo import ministry
from flows.full_run import full_run
from flows.pull import pull
from methods.errors import SourceFailed
from tasks.edges import warehouse

YEAR = 1404
# Sources of no plans.
OTHERS = {"FIRMS", "INSPECTORS", "TIES", "DESK", "P01_TOTAL", "P03_TOTAL", "P04_JOBS", "P05_JOBS"}


@pytest.fixture
def inbox(rehearsed):
    ministry.stage(rehearsed.home, YEAR, "small")
    yield rehearsed.home / "inbox"
    with warehouse.transaction() as connection:
        connection.execute(sa.text("delete from landing.delivery where year = :year"), {"year": YEAR})
    ministry.stage(rehearsed.home, YEAR, "small")


def outcomes():
    with warehouse.transaction() as connection:
        rows = connection.execute(
            sa.text(
                "select delivery.source_code, outcome.status, delivery.version, delivery.received_at"
                " from landing.delivery as delivery"
                " left join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id"
                " where delivery.year = :year order by delivery.source_code, delivery.version"
            ),
            {"year": YEAR},
        ).all()
    return {row.source_code: row for row in rows}


def test_a_missing_file_and_a_truncated_one_do_not_stop_the_others(inbox):
    kept = (inbox / "P03" / str(YEAR) / "plans.xlsx").read_bytes()
    (inbox / "P01" / str(YEAR) / "plans.csv").unlink()
    (inbox / "P03" / str(YEAR) / "plans.xlsx").write_bytes(kept[: len(kept) // 2])
    with pytest.raises(SourceFailed) as refusal:
        full_run(YEAR)
    message = str(refusal.value)
    assert "source P01" in message
    assert "no file" in message
    assert "source P03" in message
    assert "a whole workbook" in message
    found = outcomes()
    assert {code for code, row in found.items() if row.status == "accepted"} == OTHERS | {"P02", "P04", "P05", "P06"}
    assert found["P03"].status == "refused"

    # Mended, only what is missing is repeated.
    ministry.stage(inbox.parent, YEAR, "small")
    pull(YEAR)
    after = outcomes()
    assert {row.status for row in after.values()} == {"accepted"}
    assert after["P02"].received_at == found["P02"].received_at
    assert after["P03"].version == 2


def test_an_unknown_header_and_an_undecodable_byte_are_placed(inbox):
    path = inbox / "P01" / str(YEAR) / "plans.csv"
    path.write_bytes(path.read_bytes().replace("تبصره".encode(), "بند".encode(), 1))
    other = inbox / "P06" / str(YEAR) / "plans.csv"
    other.write_bytes(other.read_bytes() + b"\xff\xfe broken\n")
    with pytest.raises(SourceFailed) as refusal:
        pull(YEAR)
    assert "unknown header 'بند'" in str(refusal.value)
    assert "no header 'تبصره'" in str(refusal.value)
    assert "the byte 0xff" in str(refusal.value)


def test_the_file_of_another_year_is_a_duplicate_delivery(inbox):
    shutil.copy(inbox / "P02" / "1403" / "plans.csv", inbox / "P02" / str(YEAR) / "plans.csv")
    with pytest.raises(SourceFailed, match="the very bytes of P02-1403-1-v1"):
        pull(YEAR)
    assert "P02" not in outcomes()
    assert outcomes()["P04"].status == "accepted"


def test_a_delivery_with_too_many_bad_rows_is_refused_by_its_gate(inbox):
    path = inbox / "P01" / str(YEAR) / "plans.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    half = len(rows) // 2
    path.write_text(header + "".join([row.replace("/", "x") for row in rows[:half]] + rows[half:]), encoding="utf-8")
    with pytest.raises(SourceFailed, match="at most 20 % of the rows are given back"):
        pull(YEAR)
    found = outcomes()
    assert found["P01"].status == "refused"
    assert found["P02"].status == "accepted"


def test_an_operator_may_go_on_without_a_source(inbox):
    (inbox / "P01" / str(YEAR) / "plans.csv").unlink()
    pull(YEAR, without=("P01",))
    assert set(outcomes()) == OTHERS | {"P02", "P03", "P04", "P05", "P06"}


def test_an_empty_file_is_refused(inbox):
    (inbox / "P02" / str(YEAR) / "plans.csv").write_bytes(b"")
    with pytest.raises(SourceFailed, match="source P02, plans.csv: found an empty file"):
        pull(YEAR)


def test_a_wrong_token_is_named_without_being_shown(inbox, monkeypatch):
    monkeypatch.setenv("PAYESH_P04_TOKEN", "not-the-token")
    with pytest.raises(SourceFailed, match="status 401") as refusal:
        pull(YEAR)
    assert "credentials that its YAML names" in str(refusal.value)
    assert "not-the-token" not in str(refusal.value)
