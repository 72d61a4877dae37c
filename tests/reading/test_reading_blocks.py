"""Plain text read in blocks of columns holds what is read row by row, or says that it is not plain."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from methods import persian
from methods.errors import Refusal
from tasks.edges.reading import NotPlain, blocks, open_table
from tasks.edges.readings import Reading

HEADER = ["a", "b", "c"]
CELLS = st.text(st.sampled_from("ab ي،\"',;\t\n\r\\0"), max_size=5) | st.sampled_from(
    ["", "", "جمع", "Total 3", "کلات"]
)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=12)
READING = Reading()


def read_both(folder, content, reading=READING):
    """What each road finds: rows of the header's width and notes; None for a block road that gives way."""
    path = folder / "delivery.csv"
    path.write_bytes(content)
    found = []
    for road in (rows_of, blocks_of):
        try:
            with open_table("x", path, "delivery.csv", reading, persian.conform, HEADER) as table:
                found.append((road(table), table.notes))
        except NotPlain:
            found.append(None)
        except Refusal as refusal:
            found.append(str(refusal))
    return found


def rows_of(table):
    return [[cell or "" for cell in row] for row in table.rows]


def blocks_of(table):
    return [list(row) for block in table.blocks for row in zip(*block.to_pydict().values(), strict=True)]


def written(rows, **dialect):
    stream = io.StringIO()
    csv.writer(stream, **dialect).writerows([HEADER, *rows])
    return stream.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("blocks")


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.booleans())
@settings(deadline=None, max_examples=300)
def test_what_a_writer_of_csv_writes_is_read_alike(folder, rows, end, quoting, is_kept):
    reading = Reading(encoding="utf-8", delimiter=",", header_row=1, foot="keep" if is_kept else "auto")
    by_row, by_block = read_both(folder, written(rows, lineterminator=end, quoting=quoting).encode(), reading)
    assert by_block in (None, by_row)


@given(st.text(st.sampled_from('ab,"\n\r \\é'), max_size=40), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
@example('1,2,3\n"4"x,5,6\n', "utf-8")
@example('1,2,3\n4,5"6,7"\n', "utf-8")
@example('1,2,3\n4,"5,6\n', "utf-8")
@example('1,2,3\n"4""",5,""\n\n,,\n"","",""\n7,8,9', "utf-8")
@settings(deadline=None, max_examples=500)
def test_any_text_is_read_alike_or_row_by_row(folder, body, encoding):
    reading = Reading(encoding=encoding.removesuffix("-sig"), delimiter=",", header_row=1)
    by_row, by_block = read_both(folder, f"a,b,c\n{body}".encode(encoding), reading)
    assert by_block in (None, by_row)


def test_blocks_of_few_rows_are_not_held_until_the_end(folder, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 60)
    text = b"a,b,c\n" + b"".join(b"%04d,xxxxxxxxxx,y\n" % number for number in range(200)) + "جمع,,1\n".encode()
    opened = lambda: io.TextIOWrapper(io.BytesIO(text), encoding="utf-8")  # noqa: E731
    found = list(blocks.read_blocks(opened, ",", 1, 3, persian.conform, []))
    assert sum(block.num_rows for block in found) == 200
    assert max(block.num_rows for block in found) <= 8


def test_a_plain_file_is_read_in_blocks(folder, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 500)
    rows = [[str(number), 'a "quoted", \n' * (number % 3), "سلام"] for number in range(1000)]
    by_row, by_block = read_both(folder, written([["", "", ""], *rows, ["جمع", "", "7"]]).encode())
    assert by_block == by_row
    assert by_block[0] == rows
    assert "1 total row at the foot left out" in by_block[1]


@pytest.mark.parametrize(
    "body",
    ["1,2\n", "1,2,3,4\n", '1,2"3,4\n', '1,"2" ,3\n', "1,2,3\r4,5,6\n", '1,2,"3\n', "", " \n",
     '1,"' + "x" * (2**20 + 1) + '",3\n'],
    ids=["short", "long", "mark inside", "mark and more", "lone return", "open mark", "no row", "blank", "huge cell"],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_reader_of_rows(folder, body):
    assert read_both(folder, f"a,b,c\n{body}".encode())[1] is None
