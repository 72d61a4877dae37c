import csv
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from methods.errors import HeaderMismatch, SourceUnreadable
from tasks.edges.reading import text
from tasks.edges.readings import Reading

TEXT = "کد,نام,مبلغ\r\nF1,شرکت نمونه,10\r\nF2,گروه پارس,20\r\n"
ROWS = [["F1", "شرکت نمونه", "10"], ["F2", "گروه پارس", "20"]]
CP1256 = TEXT.replace("ی", "ي")  # windows-1256 has the Arabic letter alone


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(text, "LARGEST_CELL", 1000)
    monkeypatch.setattr(text, "LARGEST_LINE", 5000)
    monkeypatch.setattr(text, "BLOCK_BYTES", 512)
    yield
    csv.field_size_limit(1024**2)


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp1256", "cp1256"),
        ("utf-16", "utf-16"), ("utf-16-le", "utf-16"), ("utf-16-be", "utf-16"),
    ],
)  # fmt: skip
def test_the_encoding_is_found_and_noted(read, codec, name):
    found = read(TEXT.encode(codec))
    assert found.header == ["کد", "نام", "مبلغ"]
    assert found.rows == ROWS
    assert f"encoding {name} (found)" in found.notes


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "cp1256"])
def test_the_encoding_that_is_said_is_not_noted(read, codec):
    found = read(TEXT.encode(codec), encoding=codec, delimiter=",")
    assert (found.rows, found.notes) == (ROWS, [])


@pytest.mark.parametrize("block", [1, 3, 7])
def test_letters_across_two_blocks_are_whole(read, monkeypatch, block):
    monkeypatch.setattr(text, "BLOCK_BYTES", block)
    assert read(TEXT.encode()).rows == ROWS
    assert read(TEXT.encode("cp1256")).rows == ROWS


@pytest.mark.parametrize("block", [1, 5, 1024**2])
def test_a_byte_that_utf8_does_not_have_is_placed(read, monkeypatch, block):
    monkeypatch.setattr(text, "BLOCK_BYTES", block)
    content = TEXT.encode() + b"F3,\xff\xfe,30\r\n"
    with pytest.raises(SourceUnreadable) as refusal:
        read(content)
    place = content.index(b"\xff")
    assert f"source X1, line 4, byte {place}: found the byte 0xff" in str(refusal.value)


@pytest.mark.parametrize("block", [1, 5, 1024**2])
def test_a_letter_cut_in_half_is_placed_where_it_begins(read, monkeypatch, block):
    monkeypatch.setattr(text, "BLOCK_BYTES", block)
    content = TEXT.encode() + b"F3,\xd8,30\r\n"
    with pytest.raises(
        SourceUnreadable, match=rf"line 4, byte {content.index(bytes([0xD8, 44]))}: found the byte 0xd8"
    ):
        read(content)


def test_utf8_in_a_file_that_begins_as_cp1256_is_placed(read):
    start = TEXT.encode("cp1256")
    with pytest.raises(SourceUnreadable, match=f"line 4, byte {len(start) + 3}: found text in utf-8"):
        read(start + "F3,مشارکت,30\r\n".encode())


def test_cp1256_in_a_file_that_begins_as_utf8_is_placed(read):
    with pytest.raises(SourceUnreadable, match=f"line 4, byte {len(TEXT.encode()) + 3}"):
        read(TEXT.encode() + "F3,مشارکت,30\r\n".encode("cp1256"))


def test_utf8_under_the_name_cp1256_is_refused(read):
    with pytest.raises(SourceUnreadable, match="text in utf-8"):
        read(TEXT.encode(), encoding="cp1256")


def test_a_legacy_file_without_persian_letters_is_refused(read):
    with pytest.raises(SourceUnreadable, match=r"line 2, byte 14: found the byte 0xe9"):
        read("kod,nam,mbl\nF1é,Café,3\n".encode("latin-1"), headers=())


@pytest.mark.parametrize("codec", ["utf-8", "cp1256"])
def test_a_zero_byte_is_placed(read, codec):
    content = (TEXT + "F3,\x00,30\r\n").encode(codec)
    with pytest.raises(SourceUnreadable, match=f"line 4, byte {content.index(0)}: found a byte of zero"):
        read(content)


def test_utf16_that_breaks_off_is_refused(read):
    with pytest.raises(SourceUnreadable, match="utf-16 does not have there"):
        read(TEXT.encode("utf-16")[:-1])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_which_splits_the_header(read, delimiter):
    content = TEXT.replace(",", delimiter).replace("10", '"1,0;0"')
    found = read(content.encode())
    assert found.header == ["کد", "نام", "مبلغ"]
    assert found.rows[0][2] == "1,0;0"
    assert f"delimiter {'tab' if delimiter == chr(9) else delimiter} (found)" in found.notes


def test_a_delimiter_is_found_without_expected_headers(read):
    assert read(b"a;b\n1;2,5\n", headers=()).rows == [["1", "2,5"]]


def test_the_header_is_found_below_titles(read):
    found = read(("فهرست شرکت‌ها,,\r\nسال 1403,,\r\n\r\n" + TEXT).encode())
    assert found.rows == ROWS
    assert "header in row 4" in found.notes


def test_headers_of_other_letters_are_found(read):
    content = "عنوان;x\nكد;نام ;مبلغ\nF1;a;1\n"
    found = read(content.encode())
    assert (found.header, found.rows) == (["كد", "نام", "مبلغ"], [["F1", "a", "1"]])


def test_the_header_row_that_is_said_is_taken(read):
    assert read(("x,y,z\n" + TEXT).encode(), header_row=1).header == ["x", "y", "z"]


def test_a_header_row_beyond_the_file_is_refused(read):
    with pytest.raises(SourceUnreadable, match="no row 9"):
        read(TEXT.encode(), header_row=9)


def test_two_headers_alike_name_both_columns(read):
    with pytest.raises(HeaderMismatch, match="'كد' over column 1 and 'کد' over column 4"):
        read("كد,نام,مبلغ,کد\n1,2,3,4\n".encode())


def test_blank_lines_and_rows_of_nothing_are_no_rows(read):
    assert read((TEXT + "\r\n,,\r\n\r\n").encode()).rows == ROWS


def test_rows_of_another_width_are_given_as_they_are(read):
    assert read((TEXT + "F3\r\nF4,a,1,2\r\n").encode()).rows[2:] == [["F3"], ["F4", "a", "1", "2"]]


def test_a_total_at_the_foot_is_left_out_and_noted(read):
    found = read((TEXT + "جمع کل,,30\r\n,,\r\n").encode())
    assert found.rows == ROWS
    assert "1 total row at the foot left out" in found.notes
    assert read((TEXT + ",مجموع:,30\r\n").encode(), foot="keep").rows[-1] == ["", "مجموع:", "30"]


@pytest.mark.parametrize(
    ("foot", "note"),
    [
        ("جمع,,30\nجمع کل,,60\n", "2 total rows at the foot left out"),
        (" ,جمع,30\nامضای مدیر,,\n", "1 total row at the foot and 1 of one cell below left out"),
        ("Grand Total,,30\n", "1 total row at the foot left out"),
    ],
)
def test_totals_and_who_signed_below_them_are_left_out(read, foot, note):
    found = read((TEXT + foot).encode())
    assert found.rows == ROWS
    assert note in found.notes


def test_a_record_below_a_total_keeps_both(read):
    assert read((TEXT + "جمع,,30\nF9,x,5\n").encode()).rows[2:] == [["جمع", "", "30"], ["F9", "x", "5"]]


@pytest.mark.parametrize("name", ["کلات", "جمعیت هلال احمر", "summary"])
def test_a_name_that_only_begins_like_a_total_is_a_record(read, name):
    assert read((TEXT + f"{name},x,1\r\n").encode()).rows[-1][0] == name


def test_a_total_that_is_not_at_the_foot_stays(read):
    assert ["جمع", "", "5"] in read(("کد,نام,مبلغ\nجمع,,5\nF1,a,1\n").encode()).rows


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \r\n\r\n"])
def test_an_empty_file_is_refused(read, content):
    with pytest.raises(SourceUnreadable, match="an empty file"):
        read(content)


def test_a_header_alone_is_a_table_without_rows(read):
    found = read("کد,نام,مبلغ".encode())
    assert (found.header, found.rows) == (["کد", "نام", "مبلغ"], [])


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_system(read, ending):
    assert read(TEXT.replace("\r\n", ending).encode()).rows == ROWS


def test_a_cell_of_two_lines_is_one_cell(read):
    assert read((TEXT + 'F3,"a\r\nb",1\r\n').encode()).rows[-1] == ["F3", "a\r\nb", "1"]


@pytest.mark.parametrize("swallowed", ["", "F5,a,1\r\n" * 3, "F5,a,1\r\n" * 1000])
def test_a_quote_left_open_names_the_line_where_it_began(read, small_limits, swallowed):
    with pytest.raises(SourceUnreadable, match="source X1, line 4: found a quotation mark that is not closed"):
        read((TEXT + 'F4,"open,1\r\n' + swallowed).encode())


def test_a_quote_left_open_in_the_header_is_named(read):
    with pytest.raises(SourceUnreadable, match="line 1: found a quotation mark"):
        read('کد,نام,"مبلغ\r\n1,2,3\r\n'.encode())


def test_a_large_cell_names_its_line(read, small_limits):
    with pytest.raises(SourceUnreadable, match="source X1, line 4: found a cell of more than 1000 characters"):
        read((TEXT + f"F3,{'x' * 1001},1\r\nF4,b,1\r\n").encode())


def test_a_long_line_names_its_line(read, small_limits):
    with pytest.raises(SourceUnreadable, match="source X1, line 4: found a line of more than 5000 characters"):
        read((TEXT + "x," * 4000).encode())


def test_a_file_of_one_endless_line_is_refused_within_bounds(tmp_path):
    path = tmp_path / "endless.csv"
    with path.open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 1024**2)
    tracemalloc.start()
    with pytest.raises(SourceUnreadable, match="a line of more than"):
        text.find_encoding("source X1", path, "auto")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 1024**2


def test_a_long_table_is_read_within_bounds(tmp_path, read):
    from methods import persian
    from tasks.edges.reading import open_table

    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write("کد,نام,مبلغ\n".encode())
        for _ in range(100):
            file.write(f"F1,{'شرکت نمونه ' * 5},10\n".encode() * 3000)
    tracemalloc.start()
    with open_table("source X1", path, "long.csv", Reading(), persian.conform, ["کد"]) as table:
        count = sum(1 for _ in table.rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 300_000
    assert peak < 8 * 1024**2 < path.stat().st_size


@pytest.mark.parametrize("wrong", [{"format": "doc"}, {"delimiter": ",,"}, {"header_row": 0}, {"colour": "red"},
                                   {"sheet_code": "("}, {"sheet_code": "[0-9]{4}"}])  # fmt: skip
def test_a_reading_says_only_what_can_be_read(wrong):
    with pytest.raises(ValidationError):
        Reading(**wrong)


WORD = st.text(st.sampled_from('آابپتجچحدرزژسشعغفقکگلمنوهی ,;"\n=0123456789'), min_size=1, max_size=12)


@given(st.lists(st.tuples(WORD, WORD, WORD), max_size=20), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_what_is_written_is_read(tmp_path_factory, rows, codec):
    from methods import persian
    from tasks.edges.reading import open_table

    path = tmp_path_factory.mktemp("law") / "delivery.csv"
    with path.open("w", encoding=codec, newline="") as file:
        csv.writer(file).writerows([("کد", "نام", "مبلغ"), *rows])
    with open_table("x", path, "x.csv", Reading(foot="keep"), persian.conform, ["کد", "نام", "مبلغ"]) as table:
        assert list(table.rows) == [list(row) for row in rows]
