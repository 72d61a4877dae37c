"""Workbooks by the rules of accessible spreadsheets, as openpyxl and calamine read them."""

import io
import re
import zipfile
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from invented_figures import FORMULA, LONG_NAME, SCRIPT, at, edition, figures_of
from python_calamine import CalamineWorkbook

from methods.errors import FiguresUnfit
from tasks.edges.annex import folder, marks, workbook

FIGURES = figures_of()
UNITS = [("nation", "IR"), ("province", "06"), ("county", "0601"), ("agency", "P01"), ("agency", "P02")]
FRONT = ["جلد", "فهرست", "یادداشت‌ها", "تعریف‌ها"]
TABLES = ["نرخ‌ها", "شمارش طرح‌ها", "پول و شغل"]
SHOWN = {"مقدار": "estimate", "صورت": "numerator", "مخرج": "denominator", "شمار مشاهده": "n"}
BELOW = {"IR": "استان‌ها", "06": "شهرستان‌ها", "0601": None}
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def annexes():
    return workbook.Annexes(marks.publish(FIGURES, edition()))


@pytest.fixture(scope="module")
def built(annexes):
    return {unit: annexes.build(*unit) for unit in UNITS}


@pytest.fixture(scope="module")
def opened(built):
    return {unit: openpyxl.load_workbook(io.BytesIO(content)) for unit, content in built.items()}


def build(level, unit, figures, told):
    return workbook.Annexes(marks.publish(figures, told)).build(level, unit)


def rows_of(content, sheet):
    header, *rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(sheet).to_python()
    return [dict(zip(header, row, strict=True)) for row in rows]


def row_of(content, sheet, **wanted):
    (found,) = [row for row in rows_of(content, sheet) if all(row[name] == value for name, value in wanted.items())]
    return found


@pytest.mark.parametrize(
    ("unit", "more"),
    [
        (("nation", "IR"), ["گروه‌ها", "استان‌ها"]),
        (("province", "06"), ["گروه‌ها", "شهرستان‌ها"]),
        (("county", "0601"), []),
        (("agency", "P01"), ["استان‌ها"]),
    ],
)
def test_cover_contents_and_notes_come_before_the_tables(opened, unit, more):
    book = opened[unit]
    assert book.sheetnames == [*FRONT, *TABLES, *more]
    assert all(len(name) < 31 for name in book.sheetnames)
    listed = [book["فهرست"].cell(row, 1).value for row in range(2, book["فهرست"].max_row + 1)]
    assert listed == [name for name in book.sheetnames if name != "فهرست"]
    link = book["فهرست"]["A2"].hyperlink
    assert (link.location, link.target) == ("'جلد'!A1", None)


@pytest.mark.parametrize("unit", UNITS)
def test_each_sheet_is_one_named_table_from_its_first_cell(opened, unit):
    names = []
    for sheet in opened[unit]:
        (table,) = sheet.tables.values()
        names.append(table.name)
        # The table covers all there is: nothing above, beside or below it.
        assert table.ref == sheet.dimensions
        assert table.ref.startswith("A1:")
        assert table.headerRowCount == 1
        headers = [cell.value for cell in sheet[1]]
        assert headers == [column.name for column in table.tableColumns]
        assert len(set(headers)) == len(headers)
        assert not [header for header in headers if not header or re.search("[A-Za-z]", header)]
        assert not sheet.merged_cells.ranges
        assert sheet.sheet_view.rightToLeft
        assert sheet.freeze_panes == "A2"
        assert all(any(cell.value is not None for cell in row) for row in sheet.iter_rows())
    assert len(set(names)) == len(names)


def test_a_sheet_says_how_far_it_reaches(built):
    with zipfile.ZipFile(io.BytesIO(built["province", "06"])) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                root = ElementTree.fromstring(archive.read(name))
                last = list(root.iter(f"{MAIN}row"))[-1].get("r")
                assert root.find(f"{MAIN}dimension").get("ref").endswith(last)


def test_the_document_says_what_it_is(opened, built):
    properties = opened["province", "06"].properties
    assert properties.title == "پایش اشتغال کشور: استان خوزستان، سال ۱۴۰۳، دورهٔ ۱"
    assert properties.language == "fa-IR"
    assert properties.created.year == 2000
    assert "ساختگی" in properties.description
    with zipfile.ZipFile(io.BytesIO(built["province", "06"])) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_cover_names_edition_licence_and_that_the_data_are_made_up(built):
    told = {row["مشخصه"]: row["شرح"] for row in rows_of(built["county", "0601"], "جلد")}
    assert told["شهرستان"].startswith("شهرستان ")
    assert told["ویرایش"] == "موقت"
    assert "۱ آبان ۱۴۰۵ (2026-10-23)" in told["تاریخ انتشار"]
    assert "CC" in told["پروانه"] or "Creative Commons" in told["پروانه"]
    assert "ساختگی" in told["هشدار"]
    real = build("county", "0601", FIGURES, edition(is_rehearsal=False))
    assert "هشدار" not in {row["مشخصه"] for row in rows_of(real, "جلد")}


def test_numbers_are_numbers_and_the_stored_ones(opened, built):
    for basis, word in (("counted", "شمارش"), ("estimated", "برآورد")):
        frozen = FIGURES[at(FIGURES, "accuracy_rate", basis=basis)].iloc[0]
        row = row_of(built["province", "06"], "نرخ‌ها", **{"کد شاخص": "accuracy_rate", "مبنا": word})
        for header, column in {
            "مقدار": "estimate",
            "صورت": "numerator",
            "مخرج": "denominator",
            "شمار مشاهده": "n",
        }.items():
            assert isinstance(row[header], (int, float))
            assert row[header] == frozen[column]
    sheet = opened["province", "06"]["نرخ‌ها"]
    place = [cell.value for cell in sheet[1]].index("مقدار") + 1
    assert sheet.cell(2, place).data_type == "n"
    formats = {sheet.cell(row, place).number_format for row in range(2, sheet.max_row + 1)}
    assert formats == {"0.00%", "0.000"}


def test_every_figure_of_a_unit_stands_in_its_workbook_once(built):
    for level, unit, children in (
        ("nation", "IR", "استان‌ها"),
        ("province", "06", "شهرستان‌ها"),
        ("county", "0601", None),
    ):
        content = built[level, unit]
        own = FIGURES[FIGURES["unit_code"] == unit]
        whole = sum(len(rows_of(content, name)) for name in TABLES)
        assert whole == own["domain"].eq("all").sum()
        if children:
            assert len(rows_of(content, "گروه‌ها")) == own["domain"].ne("all").sum()
            below = FIGURES["level"].eq("province" if level == "nation" else "county") & FIGURES["domain"].eq("all")
            inside = below & (FIGURES["unit_code"].str.startswith("06") | (level == "nation"))
            assert len(rows_of(content, children)) == inside.sum() > 0


def test_an_agency_has_its_own_figures_and_those_of_its_provinces(built):
    content = built["agency", "P01"]
    frozen = FIGURES[at(FIGURES, "decided_plan_count", unit="IR", domain="agency=P01")].iloc[0]
    row = row_of(content, "شمارش طرح‌ها", **{"کد شاخص": "decided_plan_count", "مبنا": "شمارش"})
    assert row["مقدار"] == frozen["estimate"]
    inside = FIGURES["domain"].eq("agency=P01") & FIGURES["level"].eq("province")
    assert len(rows_of(content, "استان‌ها")) == inside.sum()


def test_indicators_stand_in_the_order_of_the_reference(built):
    counts = [row["کد شاخص"] for row in rows_of(built["county", "0601"], "شمارش طرح‌ها")]
    assert counts[:4] == ["eligible_plan_count", "issued_plan_count", "supervised_plan_count", "decided_plan_count"]


def test_exclusions_are_told_in_persian(built):
    row = row_of(built["province", "06"], "نرخ‌ها", **{"کد شاخص": "crude_confirmation_rate", "مبنا": "شمارش"})
    assert re.fullmatch("برای بازدید آن اقدام نشده: [۰-۹]+", row["کنارگذاشته‌ها"])


def test_an_exclusion_that_is_confidential_has_its_mark():
    where = at(FIGURES, "crude_confirmation_rate")
    content = build(
        "province",
        "06",
        FIGURES.assign(exclusions=FIGURES["exclusions"].mask(where, '{"not_attempted": null}')),
        edition(),
    )
    row = row_of(content, "نرخ‌ها", **{"کد شاخص": "crude_confirmation_rate", "مبنا": "شمارش"})
    assert row["کنارگذاشته‌ها"] == "برای بازدید آن اقدام نشده: [c]"


def test_marks_stand_beside_the_value_and_are_explained(built):
    weak = FIGURES["quality"].mask(at(FIGURES, "accuracy_rate", basis="estimated"), "withheld")
    content = build("province", "06", FIGURES.assign(quality=weak, is_revised=True), edition())
    rows = {row["کد شاخص"]: row for row in rows_of(content, "نرخ‌ها") if row["مبنا"] == "برآورد"}
    assert (rows["accuracy_rate"]["نشان"], rows["accuracy_rate"]["مقدار"]) == ("[u]", "")
    assert rows["deviation_rate"]["نشان"] == "[p] [r]"
    notes = {row["نشان یا ستون"] for row in rows_of(content, "یادداشت‌ها")}
    assert {"[u]", "[c]", "[z]", "[x]", "[p]", "[r]"} <= notes


def test_no_number_that_may_not_be_told_is_in_any_part_of_the_file():
    hidden = at(FIGURES, "violation_plan_count") | at(FIGURES, "pending_plan_count")
    content = build("province", "06", FIGURES.assign(is_suppressed=hidden), edition())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name).decode("utf-8") for name in archive.namelist()}
    secret = [str(int(number)) for number in FIGURES.loc[hidden, "estimate"]]
    persian = [text.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")) for text in secret]
    for text in [*secret, *persian]:
        assert not [name for name, part in parts.items() if text in part]
    # The check itself sees what is told, in a cell and in words.
    told = FIGURES.loc[at(FIGURES, "non_contact_plan_count"), "estimate"].item()
    everything = "".join(parts.values())
    assert str(int(told)) in everything
    assert str(int(told)).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")) in everything


def test_the_same_figures_give_the_same_bytes(built):
    again = workbook.Annexes(marks.publish(FIGURES.sample(frac=1, random_state=3), edition()))
    for unit, content in built.items():
        assert again.build(*unit) == content


def test_a_name_never_becomes_a_formula_a_link_or_a_tag(opened, built):
    told = {row["مشخصه"]: row["شرح"] for row in rows_of(built["agency", "P02"], "جلد")}
    assert told["دستگاه"] == FORMULA
    groups = {row["گروه"] for row in rows_of(built["nation", "IR"], "گروه‌ها")}
    assert {FORMULA, SCRIPT, LONG_NAME} <= groups
    for content in built.values():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                root = ElementTree.fromstring(archive.read(name))
                assert not list(root.iter(f"{MAIN}f"))
                assert "script" not in {element.tag.rpartition("}")[2] for element in root.iter()}
    assert len(LONG_NAME) == 120
    assert LONG_NAME in opened["agency", "P01"].properties.title


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@settings(max_examples=20)
@example("a\x01\x0b_x0041_")
@example("'=1+1\n@x")
@given(words)
def test_any_name_is_read_back_as_it_was_given(name):
    few = FIGURES[FIGURES["domain"].isin(["all", "agency=P01"]) & FIGURES["unit_code"].eq("IR")]
    content = build("agency", "P01", few, edition(names={"agency": {"P01": name}}))
    assert openpyxl.load_workbook(io.BytesIO(content)).properties.title
    told = {row["مشخصه"]: row["شرح"] for row in rows_of(content, "جلد")}
    # A cell cannot tell one line ending from another.
    found, given = (re.sub("\r\n?", "\n", text) for text in (told["دستگاه"], name))
    assert found == given


def test_a_county_without_figures_gets_a_workbook_that_says_so(annexes):
    content = annexes.build("county", "0003")
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == FRONT
    assert "رقمی" in rows_of(content, "جلد")[0]["شرح"]


def test_a_year_with_nothing_decided_has_marks_and_no_numbers():
    rates = FIGURES["denominator"].notna()
    empty = {name: FIGURES[name].mask(rates, 0.0) for name in ("numerator", "denominator")}
    blank = {name: FIGURES[name].mask(rates, np.nan) for name in ("estimate", "standard_error", "lower", "upper")}
    undecided = FIGURES.assign(quality=FIGURES["quality"].mask(rates, "undefined"), n=0, **empty, **blank)
    rows = rows_of(build("county", "0601", undecided, edition()), "نرخ‌ها")
    assert {row["نشان"] for row in rows} == {"[z]"}
    assert {row["مقدار"] for row in rows} == {""}
    assert {row["مخرج"] for row in rows} == {0}


@pytest.mark.parametrize(
    ("level", "code"), [("county", "9999"), ("agency", "P77"), ("province", "IR"), ("village", "1")]
)
def test_a_unit_nobody_knows_is_refused(annexes, level, code):
    with pytest.raises(FiguresUnfit, match=code):
        annexes.build(level, code)


def test_a_unit_alone_is_as_it_is_among_all(built):
    few = FIGURES[FIGURES["unit_code"].eq("06") | FIGURES["unit_code"].str.startswith("06")]
    assert build("province", "06", few, edition()) == built["province", "06"]


def test_a_file_is_put_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "annex" / "province-06.xlsx"
    folder.put(path, b"first")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", _full)
        with pytest.raises(OSError, match="No space"):
            folder.put(path, b"second")
    assert path.read_bytes() == b"first"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def _full(*_):
    raise OSError(28, "No space left on device")
