import csv
import io

import pytest

from methods import persian
from methods.errors import HeaderMismatch, SourceUnreadable
from methods.period import Period
from tasks.edges import deliveries
from tasks.edges.sources import Source

HEADERS = {"firm_code": "کد", "firm_name": "نام", "province": "استان", "capacity_count": "ظرفیت"}
ROW = ("F001", "شرکت نمایشی ۱", "00", "10")


def source(**said):
    return Source.model_validate(
        {
            "code": "X1", "agency_code": "X1", "agency_name": "دستگاه", "form": "firm", "columns": HEADERS,
            "years": {"from": 1401, "to": 1404},
            "pull": {"kind": "file", "address": "{inbox}/X1/{year}.csv"},
        } | said
    )  # fmt: skip


def table(*rows, delimiter=","):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


@pytest.fixture
def read(tmp_path):
    def rows_of(given, content):
        path = tmp_path / "delivery"
        path.write_bytes(content)
        with deliveries.opened(given, path, "plans.csv", persian.conform) as found:
            return [dict(zip(["row_fault", *found.columns], row, strict=True)) for row in found.rows]

    return rows_of


def test_columns_are_found_by_header_in_any_order(read):
    content = table(list(reversed(HEADERS.values())), list(reversed(ROW)))
    assert read(source(), content) == [dict(zip(HEADERS, ROW, strict=True)) | {"row_fault": ""}]


def test_a_row_of_another_width_is_given_back_not_lost(read):
    rows = read(source(), table(HEADERS.values(), ROW, ROW[:2], [*ROW, "more"]))
    assert [row["row_fault"] for row in rows] == ["", "row_width", "row_width"]


def test_an_unknown_header_is_named(read):
    with pytest.raises(HeaderMismatch, match="source X1, header row: found unknown header 'تلفن'"):
        read(source(), table([*HEADERS.values(), "تلفن"], [*ROW, "1"]))


def test_a_header_that_may_be_ignored_is(read):
    given = source(ignored_columns=["تلفن"])
    assert "تلفن" not in read(given, table([*HEADERS.values(), "تلفن"], [*ROW, "1"]))[0]


def test_a_missing_header_is_named(read):
    with pytest.raises(HeaderMismatch, match="no header 'ظرفیت'"):
        read(source(), table(list(HEADERS.values())[:3], ROW[:3]))


def test_a_missing_file_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))
    with (
        pytest.raises(SourceUnreadable, match=r"source X1, .*1403\.csv: found no file; .*"),
        deliveries.received(source(), Period(1403)),
    ):
        pass


def test_the_same_bytes_are_kept_once_and_come_back_as_received(tmp_path, monkeypatch):
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))
    folder = tmp_path / "inbox" / "X1"
    folder.mkdir(parents=True)
    (folder / "1403.csv").write_bytes(b"some bytes")
    with deliveries.received(source(), Period(1403)) as fetched:
        first = deliveries.keep(fetched)
        stamp = first.stat().st_mtime_ns
        assert deliveries.keep(fetched) == first
    assert first.stat().st_mtime_ns == stamp
    with deliveries.unpacked(fetched.sha256) as path:
        assert path.read_bytes() == b"some bytes"
    assert [path for path in (tmp_path / "spool").rglob("*") if path.is_file()] == []
