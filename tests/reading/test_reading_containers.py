import gzip
import io
import random
import zipfile

import pytest

from methods.errors import SourceUnreadable
from tasks.edges.reading import containers

TEXT = "کد,نام,مبلغ\nF1,شرکت نمونه,10\n".encode()
ROWS = [["F1", "شرکت نمونه", "10"]]


def noise(size):
    return random.Random(1).randbytes(size)


def test_gzip_and_zip_are_opened_unasked(read, zipped):
    assert read(gzip.compress(TEXT)).rows == ROWS
    assert read(zipped({"a.csv": TEXT})).rows == ROWS
    assert read(zipped({"a.csv.gz": gzip.compress(TEXT)})).rows == ROWS


def test_a_workbook_in_a_zip_is_opened(read, zipped, workbook):
    content = zipped({"a.xlsx": workbook(["کد", "نام", "مبلغ"], ["F1", "شرکت نمونه", 10])})
    assert read(content).rows == ROWS


def test_the_member_is_picked_by_its_pattern(read, zipped):
    files = zipped({"list/a.csv": TEXT, "readme.txt": b"x", "__MACOSX/a.csv": b"y"})
    assert read(files, member="*.csv").rows == ROWS
    with pytest.raises(SourceUnreadable, match="2 files of list/a.csv, readme.txt; wanted one file"):
        read(files)
    with pytest.raises(SourceUnreadable, match="0 files that fit"):
        read(files, member="*.xls")


def test_another_container_than_the_yaml_says_is_refused(read, zipped):
    with pytest.raises(SourceUnreadable, match="found plain text; wanted a gzip file"):
        read(TEXT, container="gzip")
    with pytest.raises(SourceUnreadable, match="found a gzip file; wanted delimited text"):
        read(gzip.compress(TEXT), container="none", format="csv")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_what_breaks_off_is_refused(read, zipped, workbook, kept):
    body = TEXT + noise(3000).hex().encode()
    for content in (gzip.compress(body), zipped({"a.csv": body}), workbook(["کد"], ["F1"])):
        with pytest.raises(SourceUnreadable, match="wanted a whole"):
            read(content[: max(20, int(len(content) * kept))])


def test_a_damaged_archive_is_refused(read, zipped):
    content = bytearray(zipped({"a.csv": TEXT * 100}))
    content[60] ^= 0xFF
    with pytest.raises(SourceUnreadable, match="a broken archive"):
        read(bytes(content))


@pytest.mark.parametrize("wrap", ["gzip", "zip", "zip in zip", "gzip in zip"])
def test_a_bomb_is_refused(read, zipped, wrap):
    zeros = b"0" * 5_000_000
    content = {
        "gzip": lambda: gzip.compress(zeros),
        "zip": lambda: zipped({"a.csv": zeros}),
        "zip in zip": lambda: zipped({"a.zip": zipped({"a.csv": zeros})}),
        "gzip in zip": lambda: zipped({"a.gz": gzip.compress(zeros)}),
    }[wrap]()
    with pytest.raises(SourceUnreadable, match="wanted an archive of plausible size"):
        read(content)


def test_an_archive_whose_directory_points_nowhere_is_refused(read, zipped):
    content = bytearray(zipped({"a.csv": TEXT * 100}))
    # The end record's offset of the directory, drawn beyond the file: the file then seems to begin before its start.
    content[-6:-2] = (2**31).to_bytes(4, "little")
    with pytest.raises(SourceUnreadable, match="a broken archive"):
        read(bytes(content))


def test_an_archive_that_admits_to_too_little_is_refused(read, zipped):
    # The directory says 10 bytes where five million follow.
    content = bytearray(zipped({"a.csv": b"0" * 5_000_000}))
    size = (5_000_000).to_bytes(4, "little")
    while (at := content.find(size)) >= 0:
        content[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(SourceUnreadable, match="a broken archive"):
        read(bytes(content))


def test_a_large_archive_of_many_files_is_refused(read, zipped, monkeypatch):
    monkeypatch.setattr(containers, "LARGEST_UNPACKED_BYTES", 10_000)
    pages = {f"{number}.json": f'[{{"a": "{noise(2000).hex()}"}}]' for number in range(3)}
    with pytest.raises(SourceUnreadable, match="plausible size"):
        read(zipped(pages))


def test_a_workbook_that_is_a_bomb_is_refused(read, workbook, monkeypatch):
    monkeypatch.setattr(containers, "LARGEST_UNPACKED_BYTES", 20_000)
    with pytest.raises(SourceUnreadable, match="plausible size"):
        read(workbook(*[["x"] * 20] * 200))


def test_archives_inside_archives_end_somewhere(read, zipped):
    content = TEXT
    for number in range(5):
        content = zipped({f"{number}.zip": content})
    with pytest.raises(SourceUnreadable, match="archives inside archives"):
        read(content)


@pytest.mark.parametrize("name", ["../a.csv", "/a.csv", "x/../../a.csv", "C:/a.csv", "..\\a.csv"])
def test_a_name_that_leads_out_of_the_archive_is_refused(read, zipped, name):
    with pytest.raises(SourceUnreadable, match="leads out of the archive"):
        read(zipped({name: TEXT}))


def test_a_zip_behind_a_password_is_refused(read, zipped):
    content = bytearray(zipped({"a.csv": TEXT}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(SourceUnreadable, match="found a file behind a password"):
        read(bytes(content))


def test_too_many_files_are_refused(read, zipped, monkeypatch):
    monkeypatch.setattr(containers, "MOST_MEMBERS", 2)
    with pytest.raises(SourceUnreadable, match="3 files in a zip"):
        read(zipped({f"{number}.csv": TEXT for number in range(3)}))


def test_an_empty_zip_is_refused(read):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w"):
        pass
    with pytest.raises(SourceUnreadable, match="0 files of none"):
        read(stream.getvalue())


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<html><table><tr><td>1</td></tr></table></html>", "found HTML"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><p>", "found HTML"),
        ("<html><p>وارد شوید".encode("utf-16"), "found HTML"),
        (b"<table border=1><tr>", "found HTML"),
        (b'<?xml version="1.0"?><Workbook>', "found XML"),
        (b"%PDF-1.7", "found a PDF"),
        (b"Rar!\x1a\x07", "found a RAR archive"),
    ],
)
@pytest.mark.parametrize("form", ["auto", "xlsx", "csv"])
def test_what_is_no_table_is_called_by_its_name(read, content, found, form):
    with pytest.raises(SourceUnreadable, match=found):
        read(content, name="delivery.xls", format=form)


def test_nothing_unpacked_is_left_behind(read, zipped, tmp_path, monkeypatch):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    read(zipped({"a.csv.gz": gzip.compress(TEXT)}))
    with pytest.raises(SourceUnreadable):
        read(zipped({"a.csv.gz": gzip.compress(b"\x00")}))
    assert list(folder.iterdir()) == []
