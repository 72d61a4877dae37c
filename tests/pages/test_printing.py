"""An edition is shown whole or not at all, and what was shown stays as it was."""

import csv
import errno
import io
import re
import resource
import zipfile
from pathlib import Path

import frictionless
import pytest
from invented_edition import AGENCIES, DAY, PERIOD, STRONG_COUNTY, Store
from python_calamine import CalamineWorkbook

from methods.errors import EditionUnwritable, FigureMissing, FrozenConflict
from tasks import annex, printing
from tasks.bulletin import Edition
from tasks.edges import rendering, warehouse
from tasks.edges.annex.workbook import Annexes
from tasks.edges.edition import EditionFolder

FORMULA, SCRIPT = "=cmd|' /C calc'!A0", "<script>alert(1)</script>"


@pytest.fixture
def printed(monkeypatch, tmp_path):
    """A store behind the tasks, and pages that cost nothing."""
    store = Store()
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))
    monkeypatch.setattr(warehouse, "read", store.read)
    monkeypatch.setattr(warehouse, "read_in_parts", store.read_in_parts)
    monkeypatch.setattr(rendering, "render", lambda template, *_: (template.encode(), b"%PDF"))
    monkeypatch.setattr(printing, "create_link_artifact", lambda **_: None)
    return store


def print_all():
    printing.write_open_data.fn(PERIOD, DAY)
    printing.print_nation.fn(PERIOD, DAY)
    printing.print_agencies.fn(PERIOD, DAY)
    for number in range(31):
        printing.print_province.fn(PERIOD, DAY, f"{number:02d}")


def test_an_edition_appears_at_the_end_with_every_bulletin(printed):
    folder = EditionFolder(PERIOD, DAY)
    assert printing.begin_edition.fn(PERIOD, DAY)
    print_all()
    assert not folder.shown.exists()
    printing.show_edition.fn(PERIOD, DAY)
    assert not folder.hidden.exists()
    names = set(folder.files()["file_name"])
    # Provinces and counties, six agencies and the nation, each in three forms; the report on methods has two, as have
    # the nation and the provinces in English.
    beside = {name for name in names if "/" not in name and name != "edition.json"}
    assert len(beside) == 3 * (len(printed.units) + 6 + 1) + 2 + 2 * 32
    assert {
        "national-1403-1.html",
        "province-06-1403-1.pdf",
        "county-0601-1403-1.html",
        "county-0601-1403-1.xlsx",
        "agency-P01-1403-1.pdf",
        "national-1403-1.en.html",
        "province-06-1403-1.en.pdf",
        "agency-P06-1403-1.xlsx",
        "methods-1403-1.pdf",
        "data/figures.csv",
        "data/datapackage.json",
    } < names
    assert names == set(printing.file_names(Edition(PERIOD, DAY)))
    assert frictionless.validate(str(folder.shown / "data" / "datapackage.json")).valid


def test_printed_again_an_edition_is_the_same_bytes(printed):
    def contents():
        printing.begin_edition.fn(PERIOD, DAY)
        printing.write_open_data.fn(PERIOD, DAY)
        printing.print_nation.fn(PERIOD, DAY)
        printing.print_agencies.fn(PERIOD, DAY)
        printing.print_province.fn(PERIOD, DAY, "06")
        folder = EditionFolder(PERIOD, DAY).hidden
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    first = contents()
    # In whatever order the warehouse gives its figures back.
    printed.figures = printed.figures.sample(frac=1, random_state=5)
    second = contents()
    assert len(first) > 40
    assert [str(name) for name in first if first[name] != second[name]] == []


@pytest.mark.parametrize("template", ["national", "county", "agency", "methods"])
def test_a_page_leads_to_files_that_lie_beside_it(printed, monkeypatch, template):
    monkeypatch.setattr(
        rendering, "render", lambda template, *told: (rendering.render_page(template, *told[:2]).encode(), b"%PDF")
    )
    printing.begin_edition.fn(PERIOD, DAY)
    print_all()
    printing.show_edition.fn(PERIOD, DAY)
    stem = {"county": f"county-{STRONG_COUNTY}", "agency": "agency-P02"}.get(template, template)
    folder = EditionFolder(PERIOD, DAY).shown
    page = (folder / f"{stem}-1403-1.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"#]+)"', page)
    # The open data, the workbook, and the page in its two languages.
    assert len(links) == 5 + (template != "methods") + 2 * (template == "national")
    assert [link for link in links if not (folder / link).is_file()] == []


def test_what_may_not_be_published_is_in_no_annex(printed):
    printed.suppressed = ("violation_plan_count",)
    published = annex.publish(Edition(PERIOD, DAY))
    hidden = published.rows[published.rows["indicator"].isin(["violation_plan_count", "violation_rate"])]
    assert set(hidden["mark"]) == {"c"}
    assert hidden[["estimate", "numerator", "denominator", "n", "lower", "exclusions"]].isna().all().all()
    content = Annexes(published).build("province", "06")
    header, *rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("شمارش طرح‌ها").to_python()
    told = [dict(zip(header, row, strict=True)) for row in rows]
    assert {row["مقدار"] for row in told if row["کد شاخص"] == "violation_plan_count"} == {""}
    assert all(row["مقدار"] != "" for row in told if row["کد شاخص"] == "eligible_plan_count")


def test_what_a_page_withholds_its_annex_withholds_too(printed):
    edition = Edition(PERIOD, DAY)
    rows = annex.publish(edition).rows
    keys = rows[["indicator", "basis", "unit_code", "domain"]].itertuples(index=False, name=None)
    told = dict(zip(keys, rows["mark"], strict=True))
    contexts = [edition.national(), *(edition.provincial(code) for code in ("00", "01", "06")), edition.agency("P02")]
    withheld = {
        key: figure.mark for context in contexts for key, figure in context["figures"]._figures.items() if figure.mark
    }
    assert {"c", "u"} <= set(withheld.values())
    assert {key: mark for key, mark in withheld.items() if mark != "z" and told[key] not in (mark, "c")} == {}


def test_a_name_that_is_code_is_a_text_in_every_annex(printed):
    # An agency that no source names any more has the name of its scorecard.
    printed.names = AGENCIES | {"P03": SCRIPT, "P91": FORMULA}
    printed.figures = printed.figures.replace({"domain": {"agency=P02": "agency=P91"}})
    del printed.names["P02"]
    printing.begin_edition.fn(PERIOD, DAY)
    printing.write_open_data.fn(PERIOD, DAY)
    printing.print_agencies.fn(PERIOD, DAY)
    folder = EditionFolder(PERIOD, DAY).hidden
    with (folder / "data" / "domains.csv").open(encoding="utf-8", newline="") as file:
        names = {row["domain"]: row["name_fa"] for row in csv.DictReader(file)}
    assert names["agency=P91"] == "'" + FORMULA
    book = CalamineWorkbook.from_path(folder / "agency-P91-1403-1.xlsx")
    assert ["دستگاه", FORMULA] in book.get_sheet_by_name("جلد").to_python()
    with zipfile.ZipFile(folder / "agency-P91-1403-1.xlsx") as archive:
        assert not [name for name in archive.namelist() if b"<f>" in archive.read(name)]


def test_a_province_alone_has_the_workbook_it_has_among_all(printed):
    edition = Edition(PERIOD, DAY)
    whole = Annexes(annex.publish(edition)).build("province", "06")
    rows = printed.figures
    printed.figures = rows[rows["unit_code"].str.startswith("06")]
    assert Annexes(annex.publish(edition, "06")).build("province", "06") == whole


def test_an_edition_printed_otherwise_than_it_was_recorded_is_not_shown(printed, monkeypatch):
    folder = EditionFolder(PERIOD, DAY)
    for style in (b"%PDF", b"%PDF of another style", b"%PDF"):
        monkeypatch.setattr(rendering, "render", lambda template, *_, style=style: (template.encode(), style))
        printing.begin_edition.fn(PERIOD, DAY)
        print_all()
        if style == b"%PDF":
            printing.show_edition.fn(PERIOD, DAY)
            printed.recorded = folder.files()
            folder.shown.rename(folder.shown.with_name(f"lost-{len(list(folder.shown.parent.iterdir()))}"))
        else:
            with pytest.raises(FrozenConflict, match="agency-P01-1403-1.pdf, .* printed otherwise than recorded"):
                printing.show_edition.fn(PERIOD, DAY)
            assert not folder.shown.exists()


def test_an_edition_that_lacks_a_bulletin_is_not_shown(printed):
    folder = EditionFolder(PERIOD, DAY)
    printing.begin_edition.fn(PERIOD, DAY)
    printing.print_nation.fn(PERIOD, DAY)
    with pytest.raises(EditionUnwritable, match=r"agency-P01-1403-1\.html"):
        printing.show_edition.fn(PERIOD, DAY)
    assert not folder.shown.exists()


def test_a_full_disk_is_named_and_shows_nothing(printed, monkeypatch):
    folder, written = EditionFolder(PERIOD, DAY), []

    def write_until_full(path, content):
        written.append(path)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return Path.open(path, "wb").write(content)

    printing.begin_edition.fn(PERIOD, DAY)
    monkeypatch.setattr(Path, "write_bytes", write_until_full)
    with pytest.raises(EditionUnwritable, match="No space left on device"):
        printing.print_nation.fn(PERIOD, DAY)
    assert not folder.shown.exists()
    assert [path.name for path in folder.shown.parent.iterdir()] == [f".{DAY.isoformat()}.part"]


def test_a_disk_that_fills_up_under_the_open_data_shows_nothing(printed):
    folder = EditionFolder(PERIOD, DAY)
    printing.begin_edition.fn(PERIOD, DAY)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(EditionUnwritable, match=r"/data"):
            printing.write_open_data.fn(PERIOD, DAY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not folder.shown.exists()
    assert list(folder.hidden.iterdir()) == []


@pytest.mark.parametrize("name", ["data/figures.parquet", "county-0601-1403-1.xlsx"])
def test_an_edition_that_lacks_an_annex_or_data_is_not_shown(printed, name):
    folder = EditionFolder(PERIOD, DAY)
    printing.begin_edition.fn(PERIOD, DAY)
    print_all()
    (folder.hidden / name).unlink()
    with pytest.raises(EditionUnwritable, match=re.escape(name)):
        printing.show_edition.fn(PERIOD, DAY)
    assert not folder.shown.exists()


def test_a_missing_figure_stops_the_edition(printed, monkeypatch):
    printed.figures = printed.figures.query("indicator != 'accuracy_rate' or unit_code != 'IR'")
    printing.begin_edition.fn(PERIOD, DAY)
    with pytest.raises(FigureMissing, match="accuracy_rate"):
        printing.print_nation.fn(PERIOD, DAY)
    assert not EditionFolder(PERIOD, DAY).shown.exists()


def test_what_a_run_that_was_cut_off_left_is_cleared_away(printed):
    folder = EditionFolder(PERIOD, DAY)
    folder.hidden.mkdir(parents=True)
    (folder.hidden / "county-0601-1403-1.html").write_text("half")
    (folder.hidden / "data.part").mkdir()
    (folder.hidden / "data.part" / "figures.csv").write_text("half")
    printing.begin_edition.fn(PERIOD, DAY)
    assert list(folder.hidden.iterdir()) == []


@pytest.fixture
def standing(printed):
    folder = EditionFolder(PERIOD, DAY)
    folder.shown.mkdir(parents=True)
    (folder.shown / "national-1403-1.html").write_bytes(b"as printed")
    (folder.shown / "data").mkdir()
    (folder.shown / "data" / "figures.csv").write_bytes(b"as written")
    printed.recorded = folder.files()
    return folder


def test_an_edition_that_stands_as_recorded_is_not_printed_again(standing):
    assert not printing.begin_edition.fn(PERIOD, DAY)
    assert not standing.hidden.exists()


@pytest.mark.parametrize("name", ["national-1403-1.html", "data/figures.csv"])
@pytest.mark.parametrize("change", ["other", "gone", "more"])
def test_an_edition_that_was_changed_is_named(standing, name, change):
    path = standing.shown / name
    if change == "other":
        path.write_bytes(b"changed")
    elif change == "gone":
        path.unlink()
    else:
        path.with_name("extra.csv").write_bytes(b"")
    changed = name.replace(path.name, "extra.csv") if change == "more" else name
    with pytest.raises(FrozenConflict, match=rf"found {re.escape(changed)} changed"):
        printing.begin_edition.fn(PERIOD, DAY)


def test_an_edition_shown_but_not_yet_recorded_is_left_to_be_recorded(standing, printed):
    printed.recorded = printed.recorded.iloc[:0]
    assert not printing.begin_edition.fn(PERIOD, DAY)


def test_a_shown_edition_is_not_written_over(standing):
    standing.hidden.mkdir()
    with pytest.raises(FrozenConflict, match="stands already"):
        standing.show([])
    assert (standing.shown / "national-1403-1.html").read_bytes() == b"as printed"
