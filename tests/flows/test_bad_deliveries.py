"""What can be wrong with a delivery: a stated error, the other sources go on, and nothing accepted changes."""

import gzip
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa
import xlsxwriter
import yaml

from flows.pull import pull
from methods.errors import SourceFailed
from tasks.edges import reading, warehouse

YEAR = 1397
HEADERS = {"firm_code": "کد", "firm_name": "نام", "province": "استان", "capacity_count": "ظرفیت"}
HEADER = tuple(HEADERS.values())
ROWS = [(f"F{number:03d}", f"شرکت {number}", "23", "10") for number in range(1, 11)]


def csv_of(*rows, header=HEADER):
    return "".join(",".join(row) + "\n" for row in (header, *rows)).encode()


def zip_of(name, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def workbook():
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate((HEADER, *ROWS)):
            sheet.write_row(place, 0, row)
    return stream.getvalue()


GOOD = csv_of(*ROWS)
BAD = {
    "zip bomb": ("plans.zip", zip_of("plans.csv", b"0" * 300_000_000), "unpack"),
    "a name that climbs out of its zip": ("plans.zip", zip_of("../plans.csv", GOOD), r"\.\./plans\.csv"),
    "truncated gzip": ("plans.csv.gz", gzip.compress(GOOD)[:-10], "broken archive"),
    "truncated zip": ("plans.zip", zip_of("plans.csv", GOOD)[:-30], "zip"),
    "HTML that is called XLSX": ("plans.xlsx", b"<html><body><table><tr><td>1</td></tr></table>", "HTML"),
    "half a workbook": ("plans.xlsx", workbook()[:2000], "workbook"),
    "empty": ("plans.csv", b"", "empty file"),
    "header only": ("plans.csv", csv_of(), "rows below its header"),
    "two headers alike": ("plans.csv", csv_of(*ROWS, header=("کد", "نام", "استان", "نام")), "'نام'"),
    "a column missing": ("plans.csv", csv_of(*(row[:3] for row in ROWS), header=HEADER[:3]), "ظرفیت"),
    "a column nobody knows": (
        "plans.csv",
        csv_of(*((*row, "1") for row in ROWS), header=(*HEADER, "تلفن")),
        "unknown header 'تلفن'",
    ),
    "mixed encodings": ("plans.csv", GOOD + "F100,شركة,23,10\n".encode("cp1256"), "byte"),
    "NUL bytes": ("plans.csv", GOOD + b"F100,a\0b,23,10\n", "line 12, byte 261: found a byte of zero"),
    "10 MB in one cell": ("plans.csv", GOOD + b"F100," + b"x" * 10_000_000 + b",23,10\n", "line 12"),
    "an unclosed quote": (
        "plans.csv",
        GOOD + b'F100,"x,23,10\n' * 5,
        "source BAD, line 16: found a quotation mark that is not closed",
    ),
}


@pytest.fixture
def agencies(stack, tmp_path, monkeypatch):
    monkeypatch.setenv("PAYESH_SOURCES", str(tmp_path))
    folder = stack.home / "inbox" / "bad"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "good.csv").write_bytes(GOOD)
    say(tmp_path, "GOOD", {"kind": "file", "address": "{inbox}/bad/good.csv"})
    yield tmp_path, folder
    with warehouse.transaction() as connection:
        connection.execute(sa.text("delete from landing.delivery where year = :year"), {"year": YEAR})


def say(folder, code, pull_from, **said):
    source = {
        "code": code, "agency_code": code, "agency_name": "نمایشی", "form": "firm", "is_rehearsal": True,
        "years": {"from": YEAR, "to": YEAR}, "columns": HEADERS, "pull": pull_from,
    } | said  # fmt: skip
    (folder / f"{code}.yaml").write_text(yaml.safe_dump(source, allow_unicode=True), encoding="utf-8")


def accepted():
    """Rows in force, by source."""
    statement = sa.text(
        "select delivery.source_code, count(*) from staging.firm as firm"
        " inner join staging.delivery_in_force(:year, 1, 'firm', 'infinity') as delivery"
        " on delivery.delivery_id = firm.delivery_id group by 1"
    )
    with warehouse.transaction() as connection:
        return dict(connection.execute(statement, {"year": YEAR}).all())


def refused(match):
    with pytest.raises(SourceFailed, match=match) as refusal:
        pull(YEAR)
    message = str(refusal.value)
    assert "source BAD" in message or "delivery BAD" in message
    assert "COPY" not in message
    return message


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_named_and_harms_nobody(agencies, what):
    sources, folder = agencies
    name, content, said = BAD[what]
    say(sources, "BAD", {"kind": "file", "address": f"{{inbox}}/bad/{name}"})
    # What it delivered well before stays in force.
    clean = folder / name
    clean.write_bytes({"zip": zip_of("plans.csv", GOOD + b"F100,x,23,10\n"), "gz": gzip.compress(GOOD, mtime=1),
                       "xlsx": workbook(), "csv": GOOD + b"F100,x,23,10\n"}[name.rpartition(".")[2]])  # fmt: skip
    pull(YEAR)
    before = accepted()
    assert before["GOOD"] == len(ROWS)
    assert before["BAD"] >= len(ROWS)
    clean.write_bytes(content)
    try:
        refused(said)
    finally:
        clean.unlink()
    assert accepted() == before


def test_a_delimiter_behind_the_last_cell_is_no_fault(agencies):
    sources, folder = agencies
    say(sources, "BAD", {"kind": "file", "address": "{inbox}/bad/behind.csv"})
    header, *rows = csv_of(*ROWS).splitlines()
    (folder / "behind.csv").write_bytes(b"\n".join([header, *(row + b"," for row in rows)]) + b"\n")
    pull(YEAR)
    assert accepted() == {"GOOD": len(ROWS), "BAD": len(ROWS)}


def test_a_moved_column_is_no_fault(agencies):
    sources, folder = agencies
    say(sources, "BAD", {"kind": "file", "address": "{inbox}/bad/moved.csv"})
    turned = [tuple(reversed(row)) for row in ROWS]
    (folder / "moved.csv").write_bytes(csv_of(*turned, header=HEADER[::-1]))
    pull(YEAR)
    assert accepted() == {"GOOD": len(ROWS), "BAD": len(ROWS)}


def test_a_line_without_an_end_is_refused_before_it_is_read(agencies, monkeypatch):
    # The limit is lowered, so that the test writes no gigabytes: the reader stops at it, whatever follows.
    sources, folder = agencies
    monkeypatch.setattr(reading.text, "LARGEST_LINE", 1 << 20)
    say(sources, "BAD", {"kind": "file", "address": "{inbox}/bad/line.csv"})
    (folder / "line.csv").write_bytes(GOOD + b"x" * (3 << 20))
    refused("line 12")
    assert accepted() == {"GOOD": len(ROWS)}


def test_values_that_cannot_be_are_given_back_one_by_one(agencies):
    sources, folder = agencies
    say(sources, "BAD", {"kind": "file", "address": "{inbox}/bad/odd.csv"})
    odd = [("F900", "=cmd|'/c calc'!A1", "23", "10"), ("F901", "x", "23", "1" + "0" * 30), ("F902", "x", "99", "10")]
    (folder / "odd.csv").write_bytes(csv_of(*ROWS, *odd))
    pull(YEAR)
    with warehouse.transaction() as connection:
        kept = connection.execute(sa.text("select firm_name from staging.firm where firm_code = 'F900'")).scalar_one()
        faults = connection.execute(
            sa.text("select row_number, reason_code from staging.rejected_row where year = :year order by 1"),
            {"year": YEAR},
        ).all()
    # What looks like a formula is a name like any other; nothing ever runs it.
    assert kept == "=cmd|'/c calc'!A1"
    assert [tuple(fault) for fault in faults] == [(12, "number_out_of_range"), (13, "province_unknown")]


class Misbehaving(BaseHTTPRequestHandler):
    """A service that answers as the path says."""

    release = threading.Event()

    def do_GET(self):
        if self.path.startswith("/late"):
            self.release.wait(20)
        body = {
            "/html": b"<html>please log in</html>",
            "/loop": b'{"items": [{"a": "1"}], "next_cursor": "same"}',
            "/half": b'{"items": [',
            "/late": b"{}",
        }[self.path.partition("?")[0]]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) * (2 if self.path.startswith("/half") else 1)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, *arguments):
        pass


@pytest.fixture
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Misbehaving.release.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    Misbehaving.release.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "paging", "said"),
    [
        ("html", "page", "HTML"),
        ("loop", "cursor", "loop|before"),
        ("half", "page", "whole|half"),
        ("late", "page", "answer"),
    ],
)
def test_a_service_that_misbehaves_is_named(agencies, service, monkeypatch, path, paging, said):
    from tasks import landing

    # A network that failed is tried again later; here once is enough.
    monkeypatch.setattr(landing.receive_delivery, "retries", 0)
    sources, _ = agencies
    address = {"kind": "api", "address": f"{service}/{path}", "paging": paging, "timeout_seconds": 0.3}
    say(sources, "BAD", address)
    refused(said)
    assert accepted() == {"GOOD": len(ROWS)}
