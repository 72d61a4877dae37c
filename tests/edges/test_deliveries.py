import csv
import io
import zipfile

import pytest
import xlsxwriter

from methods import persian
from methods.errors import HeaderMismatch, SettingWrong, SourceUnreadable
from methods.period import Period
from tasks.edges import deliveries, sources
from tasks.edges.sources import Source

HEADERS = {"firm_code": "کد", "firm_name": "نام", "province": "استان", "capacity_count": "ظرفیت"}
ROW = ["F001", "شرکت نمایشی ۱", "00", "10"]


def source(**pull):
    return Source.model_validate(
        {
            "code": "X1", "agency_code": "X1", "agency_name": "دستگاه", "form": "firm", "columns": HEADERS,
            "years": {"from": 1401, "to": 1404},
            "pull": {"kind": "file", "address": "{inbox}/X1/{year}.csv", "format": "csv"} | pull,
        }
    )  # fmt: skip


def read(given, content):
    return list(deliveries.rows(given, content, persian.conform))


def table(*rows, delimiter=","):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def workbook(*rows):
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return stream.getvalue()


def test_utf8_with_a_byte_order_mark():
    assert read(source(), ("\ufeff" + table(HEADERS.values(), ROW)).encode()) == [[*ROW, None]]


def test_cp1256_with_semicolons_and_arabic_letters():
    headers = [name.replace("ی", "ي") for name in HEADERS.values()]
    content = table(headers, [ROW[0], "شركت نمايشي", "00", "10"], delimiter=";").encode("cp1256")
    assert read(source(encoding="cp1256", delimiter=";"), content)[0][1] == "شركت نمايشي"


def test_a_workbook_with_a_title_above_its_header():
    content = workbook(["فهرست شرکت‌ها"], list(HEADERS.values()), ["F001", "شرکت", 0, 10])
    assert read(source(format="xlsx", header_row=2), content) == [["F001", "شرکت", "0", "10", None]]


def test_columns_are_found_by_header_in_any_order():
    content = table(reversed(HEADERS.values()), reversed(ROW)).encode()
    assert read(source(), content) == [[*ROW, None]]


def test_a_row_of_another_width_is_given_back_not_lost():
    rows = read(source(), table(HEADERS.values(), ROW, ROW[:2], [*ROW, "more"]).encode())
    assert [row[-1] for row in rows] == [None, "row_width", "row_width"]


def test_an_unknown_header_is_named():
    with pytest.raises(HeaderMismatch, match="source X1, header row: found unknown header 'تلفن'"):
        read(source(), table([*HEADERS.values(), "تلفن"], [*ROW, "1"]).encode())


def test_a_missing_header_is_named():
    with pytest.raises(HeaderMismatch, match="no header 'ظرفیت'"):
        read(source(), table(list(HEADERS.values())[:3], ROW[:3]).encode())


def test_an_undecodable_byte_is_placed():
    content = table(HEADERS.values(), ROW).encode() + b"F002,\xff\xfe,00,1\r\n"
    with pytest.raises(SourceUnreadable, match=r"source X1, line 3, byte \d+: found the byte 0xff"):
        read(source(), content)


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_workbook_is_refused(kept):
    content = workbook(list(HEADERS.values()), ROW)
    with pytest.raises(SourceUnreadable, match="wanted a whole workbook"):
        read(source(format="xlsx"), content[: int(len(content) * kept)])


def test_a_truncated_archive_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.xls", b"x" * 1000)
    cells = [{"measure": "m", "label": "l", "column": 1}]
    with pytest.raises(SourceUnreadable, match="wanted a whole zip archive"):
        read(source(format="xls", archive="zip", cells=cells), stream.getvalue()[:-40])


def test_a_decompression_bomb_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xls", b"0" * 10_000_000)
    cells = [{"measure": "m", "label": "l", "column": 1}]
    with pytest.raises(SourceUnreadable, match="plausible size"):
        read(source(format="xls", archive="zip", cells=cells), stream.getvalue())


def test_a_missing_file_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))
    with pytest.raises(SourceUnreadable, match=r"1403\.csv: found no file; .* Ask the agency"):
        deliveries.fetch(source(), Period(1403))


def test_the_same_bytes_are_kept_once(tmp_path, monkeypatch):
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))
    fetched = deliveries.Fetched("a.csv", b"some bytes")
    first = deliveries.keep(fetched)
    stamp = first.stat().st_mtime_ns
    assert deliveries.keep(fetched) == first
    assert first.stat().st_mtime_ns == stamp
    assert deliveries.read_archived(fetched.sha256) == b"some bytes"


def test_a_database_that_is_not_there_is_a_refusal(tmp_path):
    given = source().model_copy(
        update={"pull": sources.SqlPull(kind="sql", address=f"sqlite:///{tmp_path}/no/such.db", query="select 1")}
    )
    with pytest.raises(SourceUnreadable, match="unable to open"):
        deliveries.fetch(given, Period(1403))


def test_an_address_without_its_environment_variable_names_it(monkeypatch):
    monkeypatch.delenv("PAYESH_NOWHERE", raising=False)
    with pytest.raises(SourceUnreadable, match="PAYESH_NOWHERE"):
        sources.address(source(address="{env:PAYESH_NOWHERE}/x"), Period(1403))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("code: [", "such"),
        ("code: p1\nform: loan_plan", "code"),
        ("surprise: 1", "surprise"),
    ],
)
def test_a_wrong_source_yaml_is_named_in_one_line(tmp_path, text, found):
    path = tmp_path / "such.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingWrong, match=found) as refusal:
        sources.load(path)
    assert "\n" not in str(refusal.value)


def test_every_source_of_the_project_is_readable():
    assert set(sources.load_all()) >= {"P01", "P02", "P03", "P04", "P05", "P06", "FIRMS", "FIELD"}
