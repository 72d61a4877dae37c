"""An edition is shown whole or not at all, and what was shown stays as it was."""

import errno
from pathlib import Path

import pytest
from invented_edition import DAY, PERIOD, Store

from methods.errors import EditionUnwritable, FigureMissing, FrozenConflict
from tasks import printing
from tasks.bulletin import Edition
from tasks.edges import rendering, warehouse
from tasks.edges.edition import EditionFolder


@pytest.fixture
def printed(monkeypatch, tmp_path):
    """A store behind the tasks, and pages that cost nothing."""
    store = Store()
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))
    monkeypatch.setattr(warehouse, "read", store.read)
    monkeypatch.setattr(rendering, "render", lambda template, *_: (template.encode(), b"%PDF"))
    monkeypatch.setattr(printing, "create_link_artifact", lambda **_: None)
    return store


def print_all():
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
    names = {path.name for path in folder.shown.iterdir()}
    # Provinces and counties, six agencies, the nation and the report on methods, each in two forms;
    # the nation and the provinces in English too.
    assert len(names - {"edition.json"}) == 2 * (len(printed.units) + 6 + 2 + 1 + 31)
    assert {
        "national-1403-1.html",
        "province-06-1403-1.pdf",
        "county-0601-1403-1.html",
        "agency-P01-1403-1.pdf",
        "national-1403-1.en.html",
        "province-06-1403-1.en.pdf",
    } < names
    assert "methods-1403-1.pdf" in names
    stems = printing.stems(Edition(PERIOD, DAY))
    assert names - {"edition.json"} == {f"{stem}{suffix}" for stem in stems for suffix in (".html", ".pdf")}


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
    printing.begin_edition.fn(PERIOD, DAY)
    assert list(folder.hidden.iterdir()) == []


@pytest.fixture
def standing(printed):
    folder = EditionFolder(PERIOD, DAY)
    folder.shown.mkdir(parents=True)
    (folder.shown / "national-1403-1.html").write_bytes(b"as printed")
    printed.recorded = folder.files()
    return folder


def test_an_edition_that_stands_as_recorded_is_not_printed_again(standing):
    assert not printing.begin_edition.fn(PERIOD, DAY)
    assert not standing.hidden.exists()


@pytest.mark.parametrize("change", ["other", "gone", "more"])
def test_an_edition_that_was_changed_is_named(standing, change):
    path = standing.shown / "national-1403-1.html"
    if change == "other":
        path.write_bytes(b"changed")
    elif change == "gone":
        path.unlink()
    else:
        (standing.shown / "extra.html").write_bytes(b"")
    with pytest.raises(FrozenConflict, match=r"extra\.html" if change == "more" else r"national-1403-1\.html"):
        printing.begin_edition.fn(PERIOD, DAY)


def test_an_edition_shown_but_not_yet_recorded_is_left_to_be_recorded(standing, printed):
    printed.recorded = printed.recorded.iloc[:0]
    assert not printing.begin_edition.fn(PERIOD, DAY)


def test_a_shown_edition_is_not_written_over(standing):
    standing.hidden.mkdir()
    with pytest.raises(FrozenConflict, match="stands already"):
        standing.show([])
    assert (standing.shown / "national-1403-1.html").read_bytes() == b"as printed"
