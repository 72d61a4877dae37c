"""What an agency sends again: corrections, changed files, increments, known faults that were mended."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openpyxl
import pytest
import sqlalchemy as sa
import yaml

from flows.pull import pull
from methods.errors import SourceFailed
from tasks.edges import warehouse

YEAR = 1396
HEADERS = {"firm_code": "کد", "firm_name": "نام", "province": "استان", "capacity_count": "ظرفیت"}
SOURCE = {
    "code": "REG", "agency_code": "REG", "agency_name": "فهرست نمایشی", "form": "firm", "is_rehearsal": True,
    "years": {"from": YEAR, "to": YEAR}, "columns": HEADERS,
    "pull": {"kind": "file", "address": "{inbox}/REG/{year}.csv"},
    "cadence": {"due_days": 30, "grace_days": 5},
}  # fmt: skip
# Enough sound rows that one fault in them stays below the gate's share.
SOUND = [(f"F{number:03d}", f"شرکت {number}", "23", "10") for number in range(1, 21)]


@pytest.fixture
def agency(stack, tmp_path, monkeypatch):
    monkeypatch.setenv("PAYESH_SOURCES", str(tmp_path))
    yield Agency(stack.home, tmp_path)
    with warehouse.transaction() as connection:
        connection.execute(sa.text("delete from landing.delivery where year = :year"), {"year": YEAR})


class Agency:
    def __init__(self, home, folder):
        self.home, self.folder = home, folder
        self.say()

    def say(self, **changed):
        text = yaml.safe_dump(SOURCE | changed, allow_unicode=True)
        (self.folder / "REG.yaml").write_text(text, encoding="utf-8")

    def deliver(self, *rows):
        path = self.home / "inbox" / "REG" / f"{YEAR}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [",".join(row) for row in (HEADERS.values(), *rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        pull(YEAR)

    def deliveries(self):
        return self.rows(
            "select delivery.delivery_id, version, is_correction, status, row_count, rejected_row_count, notes"
            " from landing.delivery as delivery"
            " left join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id"
            " where year = :year order by version"
        )

    def firms(self):
        newest = self.deliveries()[-1].delivery_id
        rows = self.rows("select firm_code, province_code from staging.firm where delivery_id = :newest", newest=newest)
        return {row.firm_code: row.province_code for row in rows}

    def answer(self, delivery_id):
        return self.home / "feedback" / "REG" / delivery_id

    def rows(self, statement, **parameters):
        with warehouse.transaction() as connection:
            return connection.execute(sa.text(statement), {"year": YEAR, **parameters}).all()


def test_rows_given_back_are_corrected_in_their_workbook_and_patch_the_delivery(agency):
    agency.deliver(*SOUND, ("F090", "شرکت ۹۰", "تهرن", "10"), ("F091", "شرکت ۹۱", "23", "ده"))
    (first,) = agency.deliveries()
    assert (first.status, first.row_count, first.rejected_row_count) == ("accepted", 22, 2)
    folder = agency.answer(first.delivery_id)
    assert "تهرن" in (folder / "report.html").read_text(encoding="utf-8")

    book = openpyxl.load_workbook(folder / "correct-and-return.xlsx")
    sheet = book["ردیف‌های برگشتی"]
    header = [cell.value for cell in sheet[1]]
    (wrong,) = [row for row in sheet.iter_rows(min_row=2) if row[header.index("استان")].value == "تهرن"]
    assert "تهران" in wrong[-1].value
    wrong[header.index("استان")].value = "تهران"
    returned = agency.home / "inbox" / "feedback" / "REG"
    returned.mkdir(parents=True, exist_ok=True)
    book.save(returned / "back.xlsx")
    # What a spreadsheet program puts beside a file it holds open.
    (returned / "~$back.xlsx").write_bytes(b"x" * 165)
    pull(YEAR)

    first_again, second = agency.deliveries()
    assert first_again == first
    assert (second.is_correction, second.status) == (True, "accepted")
    assert (second.row_count, second.rejected_row_count) == (22, 1)
    assert agency.firms()["F090"] == "23"
    assert "F091" not in agency.firms()
    change = agency.rows("select added_count, gone_count, altered_count from staging.delivery_change")[-1]
    assert tuple(change) == (1, 0, 0)

    # Both the file and the workbook still lie there: nothing is new.
    pull(YEAR)
    assert agency.deliveries() == [first, second]
    for left in returned.iterdir():
        left.unlink()


def test_a_changed_file_is_a_new_version_and_what_changed_is_told(agency):
    agency.deliver(*SOUND)
    agency.deliver(*SOUND[1:], ("F099", "شرکت ۹۹", "23", "10"), (*SOUND[0][:2], "03", "10"))
    first, second = agency.deliveries()
    assert (first.version, second.version) == (1, 2)
    (change,) = agency.rows(
        "select added_count, gone_count, altered_count, altered_columns from staging.delivery_change"
        " where delivery_id = :newest",
        newest=second.delivery_id,
    )
    assert tuple(change) == (1, 0, 1, {"province_code": 1})


def test_how_late_a_delivery_came_lowers_its_quality(agency):
    agency.deliver(*SOUND)
    shares = dict(agency.rows("select dimension, share from staging.delivery_quality where year = :year"))
    assert shares["validity"] == 1
    assert shares["timeliness"] < 1


def test_a_known_fault_is_mended_until_the_agency_mends_it(agency):
    fault = {"column": "province", "found": "پایتخت", "becomes": "تهران", "why": "نامهٔ ۱۲", "expect": 1}
    agency.say(faults=[fault])
    agency.deliver(*SOUND, ("F090", "شرکت ۹۰", "پایتخت", "10"))
    assert agency.firms()["F090"] == "23"
    with pytest.raises(SourceFailed, match="found 0 rows that show it; wanted at least 1"):
        agency.deliver(*SOUND)
    assert [row.status for row in agency.deliveries()] == ["accepted", "refused"]


def test_an_increment_adds_to_what_stands_and_replaces_by_key(agency, monkeypatch):
    asked = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            rows = [dict(zip(HEADERS.values(), row, strict=True)) for row in SOUND]
            if "since=2026-10-01" in self.path:
                rows = [dict(zip(HEADERS.values(), row, strict=True)) for row in (("F001", "نو", "03", "7"), NEW)]
            elif "since=" in self.path:
                rows = []
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"items": rows, "pages": 1}).encode())

        def log_message(self, *arguments):
            pass

    NEW = ("F099", "شرکت ۹۹", "23", "10")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/firms"
        agency.say(pull={"kind": "api", "address": address, "pages": "pages", "since_parameter": "since"})
        monkeypatch.setenv("PAYESH_TODAY", "2026-10-01")
        pull(YEAR)
        monkeypatch.setenv("PAYESH_TODAY", "2026-10-02")
        pull(YEAR)
        assert "since=2026-10-01" in asked[-1]
        # Days on which nothing changed: the first such answer is kept, the same again is none.
        for day in (3, 4):
            monkeypatch.setenv("PAYESH_TODAY", f"2026-10-0{day}")
            pull(YEAR)
    finally:
        server.shutdown()
        server.server_close()
    assert [(row.version, row.status) for row in agency.deliveries()] == [(number, "accepted") for number in (1, 2, 3)]
    assert len(agency.firms()) == len(SOUND) + 1
    assert (agency.firms()["F001"], agency.firms()["F002"]) == ("03", "23")


def test_the_file_accepted_before_one_that_was_refused_can_be_put_back(agency):
    agency.deliver(*SOUND)
    with pytest.raises(SourceFailed, match="at most 20 %"):
        agency.deliver(*((code, name, "تهرن", count) for code, name, _, count in SOUND))
    assert [row.status for row in agency.deliveries()] == ["accepted", "refused"]
    agency.deliver(*SOUND)
    assert [row.status for row in agency.deliveries()] == ["accepted", "refused"]
    agency.deliver(*SOUND[1:])
    assert [(row.version, row.status) for row in agency.deliveries()][1:] == [(2, "refused"), (3, "accepted")]


def test_a_corrected_workbook_may_come_the_way_deliveries_do(agency):
    agency.say(pull={"kind": "file", "address": "{inbox}/REG/{year}*"})
    agency.deliver(*SOUND, ("F090", "شرکت ۹۰", "تهرن", "10"))
    (first,) = agency.deliveries()
    book = openpyxl.load_workbook(agency.answer(first.delivery_id) / "correct-and-return.xlsx")
    sheet = book["ردیف‌های برگشتی"]
    sheet.cell(2, [cell.value for cell in sheet[1]].index("استان") + 1).value = "استان تهران"
    back = agency.home / "inbox" / "REG" / f"{YEAR}_back.xlsx"
    book.save(back)
    try:
        pull(YEAR)
        pull(YEAR)
    finally:
        back.unlink()
    assert [row.is_correction for row in agency.deliveries()] == [False, True]
    assert agency.firms()["F090"] == "23"


def test_what_tells_rows_apart_is_held_by_the_table_also_where_rows_repeat(agency):
    again, endless = ("F001", "شرکت دیگر", "03", "4"), ("F" * 101, "شرکت دراز", "23", "10")
    held = (
        "select index.indexdef from pg_indexes as index inner join staging.firm as firm"
        " on firm.tableoid = format('%s.%s', index.schemaname, index.tablename)::regclass"
        " where firm.delivery_id = :newest and firm.firm_code = 'F002'"
    )
    agency.deliver(*SOUND, again, endless)
    # Conformed once more, in the place where its rows stand.
    for changed in ({}, {"agency_name": "فهرست دیگر"}):
        agency.say(**changed)
        pull(YEAR)
        (delivery,) = agency.deliveries()
        assert (delivery.status, delivery.rejected_row_count) == ("accepted", 2)
        own = {"newest": delivery.delivery_id}
        given_back = "select row_number, reason_code, found from staging.rejected_row where delivery_id = :newest"
        assert {tuple(row) for row in agency.rows(given_back, **own)} == {
            (21, "repeated", "F001"), (22, "code_too_long", "F" * 101),
        }  # fmt: skip
        ((index,),) = agency.rows(held, **own)
        assert index.startswith("CREATE UNIQUE INDEX") and index.endswith("(firm_code)")
    assert agency.firms()["F001"] == "23"
    assert agency.rows("select tablename from pg_tables where tablename like '%\\_shown'") == []
