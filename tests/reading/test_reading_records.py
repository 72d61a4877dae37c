import datetime as dt
import gzip
import io
import json
import zipfile
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet

from methods.errors import HeaderMismatch, SourceUnreadable
from tasks.edges.reading import records

RECORDS = [
    {"کد": "F1", "place": {"province": "تهران", "county": {"code": 2301}}, "tags": ["a", 1, 0.5]},
    {"کد": "F2", "is_open": True, "tags": [], "paid": None},
    {"کد": "F3", "is_open": False, "paid": 12.50, "place": {}},
]
HEADER = ["کد", "place/province", "place/county/code", "tags", "is_open", "paid"]
ROWS = [
    ["F1", "تهران", "2301", '["a", 1, 0.5]', None, None],
    ["F2", None, None, "[]", "1", ""],
    ["F3", None, None, None, "0", "12.5"],
]


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def document(body):
    return json.dumps(body, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("content", "reading"),
    [
        (lines(RECORDS), {}),
        (lines(RECORDS), {"format": "jsonl"}),
        (b"\xef\xbb\xbf" + lines(RECORDS), {}),
        (lines(RECORDS).decode().encode("utf-16"), {}),
        (gzip.compress(lines(RECORDS)), {}),
        (document(RECORDS), {}),
        (document(RECORDS).decode().encode("utf-16-be"), {}),
        (document({"records": RECORDS}), {}),
        (document({"answer": {"items": RECORDS}}), {"rows": "answer.items"}),
        (document([{"items": RECORDS[:1]}, {"items": RECORDS[1:]}]), {"rows": "items"}),
        (document({"pages": [{"items": RECORDS[:1]}, {"items": RECORDS[1:]}]}), {"rows": "pages.items"}),
    ],
)
def test_records_are_rows_wherever_they_stand(read, content, reading):
    found = read(content, **reading)
    assert (found.header, found.rows) == (HEADER, ROWS)


def test_one_record_a_line_is_told_from_a_document_by_its_name(read):
    assert read(lines([{"records": 1}]), name="a.JSONL").rows == [["1"]]
    assert read(lines([{"records": [{"a": 1}]}]), name="a.json").rows == [["1"]]


def test_pages_in_a_zip_are_read_in_the_order_of_their_numbers(read, zipped):
    pages = {f"page-{number}.json": document({"items": [{"n": number}]}) for number in (10, 2, 1)}
    assert read(zipped(pages), rows="items").rows == [["1"], ["2"], ["10"]]
    assert read(zipped({"a": document([{"n": 7}])}), format="pages").rows == [["7"]]


def test_hashes_beside_pages_join_their_records(read, zipped):
    beside = {"key": "__id", "column": "visit/photo", "sha256": {"2": "f" * 64}}
    pages = {
        "page-00001.json": document({"items": [{"__id": 1}, {"__id": 2}]}),
        "photographs.json": json.dumps(beside).encode(),
    }
    found = read(zipped(pages), rows="items", format="pages")
    assert (found.header, found.rows) == (["__id", "visit/photo/sha256"], [["1", ""], ["2", "f" * 64]])
    with pytest.raises(SourceUnreadable, match="photographs.json: found another shape"):
        read(zipped(pages | {"photographs.json": b"[]"}), rows="items", format="pages")


def test_hashes_beside_pages_that_are_damaged_are_refused(read):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("page-00001.json", document({"items": [{"__id": 1}]}))
        archive.writestr("photographs.json", '{"key": "__id", "column": "photo", "sha256": {}}')
    damaged = stream.getvalue().replace(b'"photo"', b'"phono"')
    with pytest.raises(SourceUnreadable, match="found a broken archive .*'photographs.json'"):
        read(damaged, rows="items", format="pages")


@pytest.mark.parametrize(
    ("number", "text"),
    [("10", "10"), ("10.0", "10"), ("1e3", "1000"), ("0.10", "0.10"), ("12345678901234567.89", "12345678901234567.89"),
     ("1e999999999", "1E+999999999"), ("123456789012345678901234567890", "123456789012345678901234567890")],
)  # fmt: skip
def test_numbers_keep_their_digits(read, number, text):
    assert read(f'[{{"a": {number}}}]'.encode()).rows == [[text]]


def test_half_of_a_sign_is_no_sign(read):
    assert read(b'[{"a": "x\\ud83d", "b": ["\\ud83d"]}]').rows == [["x\ufffd", '["\ufffd"]']]


@pytest.mark.parametrize(
    ("cell", "found"), [("a\0b", "a character of zero"), ("x" * 10_000_000, "10000000 characters")]
)
def test_what_no_table_of_text_can_hold_is_refused_with_its_place(read, tmp_path, cell, found):
    records = [{"a": "1"}, {"a": cell}]
    with pytest.raises(SourceUnreadable, match=f"line 2: found {found}"):
        read("\n".join(map(json.dumps, records)).encode(), format="jsonl")
    with pytest.raises(SourceUnreadable, match=f"record 2: found {found}"):
        read(json.dumps(records).encode(), format="json")
    parquet.write_table(pa.Table.from_pylist(records), tmp_path / "plans.parquet")
    with pytest.raises(SourceUnreadable, match=f"row 2: found {found}"):
        read((tmp_path / "plans.parquet").read_bytes())


def test_a_key_that_comes_late_is_refused_with_its_record(read, monkeypatch):
    monkeypatch.setattr(records, "HEADER_RECORDS", 2)
    rows = [{"a": 1}, {"b": 2}, {"a": 3}, {"a": 4, "c": 5}, {"d": 6, "c": 7}]
    with pytest.raises(HeaderMismatch) as refusal:
        read(lines(rows))
    assert "line 4" in refusal.value.place
    assert "'c' (line 4)" in refusal.value.found
    assert "'d' (line 5)" in refusal.value.found


def test_two_keys_alike_are_refused(read):
    with pytest.raises(HeaderMismatch, match="'كد' over column 2"):
        read(lines([{"کد": 1, "كد": 2}]), format="jsonl")
    with pytest.raises(SourceUnreadable, match="the key 'a' twice"):
        read(b'[{"a": 1, "a": 2}]')


@pytest.mark.parametrize(
    ("content", "reading", "found"),
    [
        (b'{"a": 1}\n{"a": \n', {}, "line 2: found no JSON at character"),
        (b'[{"a": 1},\n {"a"', {}, "line 2: found no JSON"),
        (b'{"a": 1}\n[1]\n', {"format": "jsonl"}, "line 2: found '.1.'; wanted an object"),
        (b'[{"a": 1}, 5]', {}, "record 2: found '5'"),
        (b'[{"a": NaN}]', {}, "NaN, which is no number"),
        (b'{"rows": []}', {}, "found the keys rows; wanted the key records"),
        (b'{"records": {"a": 1}}', {}, "no list of records"),
        (b"[" * 100_000, {}, "recursion"),
        (b"kod,nam\n1,2\n", {"format": "json"}, "no JSON"),
    ],
)
def test_what_is_no_record_is_placed(read, content, reading, found):
    with pytest.raises(SourceUnreadable, match=found):
        read(content, **reading)


def test_a_page_in_fault_is_named(read, zipped):
    pages = {"1.json": document({"items": []}), "2.json": document({"error": "late"})}
    with pytest.raises(SourceUnreadable, match=r"source X1, 2\.json: found the keys error"):
        read(zipped(pages), rows="items")


def test_no_records_are_a_table_without_rows(read):
    found = read(b"[]")
    assert (found.header, found.rows) == ([], [])


def test_a_document_too_large_to_hold_is_refused(read, monkeypatch):
    monkeypatch.setattr(records, "LARGEST_DOCUMENT", 10)
    with pytest.raises(SourceUnreadable, match="Ask the agency for JSON lines"):
        read(document(RECORDS))


# Parquet -----------------------------------------------------------------------------------------


def stored(tmp_path, columns, **options):
    path = tmp_path / "made.parquet"
    parquet.write_table(pa.table(columns), path, **options)
    return path.read_bytes()


def test_parquet_cells_of_every_type_are_text(read, tmp_path):
    moment = dt.datetime(2024, 3, 1, 5, 6)
    content = stored(
        tmp_path,
        {
            "کد": pa.array(["F1", None]),
            "dictionary": pa.array(["a", "b"]).dictionary_encode(),
            "count": pa.array([1, None], pa.int64()),
            "share": pa.array([0.5, 1e-7]),
            "whole": pa.array([10.0, None]),
            "rial": pa.array([Decimal("1E+3"), Decimal("2.50")], pa.decimal128(20, 2)),
            "on": pa.array([dt.date(2024, 3, 1), None]),
            "at": pa.array([moment, None], pa.timestamp("ns")),
            "is_open": pa.array([True, False]),
            "tags": pa.array([["a"], None]),
            "place": pa.array([{"code": 1}, None]),
        },
    )
    found = read(content)
    assert found.header[0] == "کد"
    assert found.rows == [
        ["F1", "a", "1", "0.5", "10", "1000.00", "2024-03-01", "2024-03-01 05:06:00", "1", '["a"]', '{"code": 1}'],
        [None, "b", None, "0.0000001", None, "2.50", None, None, "0", None, None],
    ]


def test_parquet_of_many_row_groups_keeps_its_order(read, tmp_path):
    found = read(stored(tmp_path, {"n": list(range(10_000))}, row_group_size=3000))
    assert found.rows == [[str(number)] for number in range(10_000)]


def test_parquet_that_breaks_off_is_refused(read, tmp_path):
    with pytest.raises(SourceUnreadable, match="wanted a whole Parquet file"):
        read(stored(tmp_path, {"n": [1]})[:-20])


def test_parquet_with_a_damaged_page_is_refused(read, tmp_path):
    content = bytearray(stored(tmp_path, {"n": [str(number) for number in range(1000)]}))
    content[10:200] = b"\xff" * 190
    with pytest.raises(SourceUnreadable, match="wanted a whole Parquet file"):
        read(bytes(content))


def test_parquet_of_a_row_group_too_large_is_refused(read, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "LARGEST_ROW_GROUP", 100)
    with pytest.raises(SourceUnreadable, match="row groups of at most 100 bytes"):
        read(stored(tmp_path, {"n": list(range(1000))}))


def test_parquet_headers_alike_are_refused(read, tmp_path):
    with pytest.raises(HeaderMismatch, match="over column 1 and '.*' over column 2"):
        read(stored(tmp_path, {"کد": [1], "كد": [2]}))
