"""The site as a reader finds it: fixed addresses, what stands and what was superseded, search, feed, figures."""

import json
import re
from xml.etree import ElementTree

import pytest

from methods.errors import EditionUnfit, SettingWrong
from tasks import site as work
from tasks.edges.site import archive

FIRST, SECOND = "2026-10-23", "2026-11-23"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def build(tmp_path, monkeypatch):
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))
    monkeypatch.setenv("PAYESH_SITE_URL", "https://example.org/payesh/")

    def built():
        work.build_site(tmp_path / "site", lambda line: None)
        return tmp_path / "site"

    return built


def script(path):
    """Read what a script of the site hands over."""
    text = path.read_text(encoding="utf-8")
    return json.loads(re.fullmatch(r"payesh\.\w+ = (.*);\n", text, re.DOTALL)[1])


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_edition_lies_at_an_address_that_stays(edition, build):
    printed = edition(FIRST)
    site = build()
    assert contents(site / "1403/1" / FIRST).items() >= contents(printed).items()
    assert f"../../../1403/1/{FIRST}/index.html" in (site / "1403/1/latest/index.html").read_text(encoding="utf-8")
    assert f"../1403/1/{FIRST}/index.html" in (site / "latest/index.html").read_text(encoding="utf-8")


def test_a_superseded_edition_leads_on_and_its_data_stay_byte_for_byte(edition, build):
    old = edition(FIRST)
    edition(SECOND, number=2, kind="revised", supersedes=FIRST, reasons=["data", "method"])
    site = build()
    before, now = contents(old), contents(site / "1403/1" / FIRST)
    changed = {path for path in before if before[path] != now[path]}
    assert changed == {path for path in before if path.suffix == ".html"}
    page = (site / "1403/1" / FIRST / "province-03-1403-1.html").read_text(encoding="utf-8")
    assert f'href="../{SECOND}/province-03-1403-1.html"' in page
    assert page.index("جای خود را") < page.index("<main>")
    standing = (site / "1403/1" / SECOND / "index.html").read_text(encoding="utf-8")
    assert "دادهٔ تازه و روش یا شیوه‌نامه" in standing
    assert f"../../../1403/1/{SECOND}/index.html" in (site / "1403/1/latest/index.html").read_text(encoding="utf-8")


def test_built_again_it_is_the_same_bytes(edition, build):
    edition(FIRST)
    assert contents(build()) == contents(build())


def test_search_finds_places_and_agencies_of_what_stands(edition, build):
    edition(FIRST)
    edition(SECOND, number=2, supersedes=FIRST)
    entries = script(build() / "search-index.js")
    assert ["شهرستان تبریز (آذربایجان شرقی)", "1403-1", f"1403/1/{SECOND}/county-0303-1403-1.html"] in entries
    assert {title for title, _, _ in entries} >= {"کشور", "استان آذربایجان شرقی", "دستگاه نمایشی ۱"}
    assert not [address for _, _, address in entries if FIRST in address]


def test_every_link_of_the_site_leads_somewhere(edition, build):
    edition(FIRST)
    edition(SECOND, number=2, supersedes=FIRST)
    edition(FIRST, year=1402)
    site = build()
    pages = [page for page in site.rglob("*.html") if page.parent.name != "data"]
    assert len(pages) > 40
    for page in pages:
        for link in re.findall(r'(?:href|src)="([^"#]+)', page.read_text(encoding="utf-8")):
            assert link.startswith("https://") or (page.parent / link).exists(), (page, link)


def test_the_feed_is_well_formed_and_names_every_edition(edition, build):
    edition(FIRST)
    edition(SECOND, number=2, kind="revised", supersedes=FIRST, reasons=["error"])
    feed = ElementTree.parse(build() / "feed.atom").getroot()
    assert [entry.find(f"{ATOM}id").text for entry in feed.iter(f"{ATOM}entry")] == [
        f"https://example.org/payesh/1403/1/{cutoff}/" for cutoff in (SECOND, FIRST)
    ]
    assert feed.find(f"{ATOM}updated").text == f"{SECOND}T00:00:00+03:30"


def test_the_explorer_holds_the_figures_as_published(edition, build):
    edition(FIRST)
    site = build()
    (choices,) = script(site / "explorer-index.js")
    assert choices["address"] == f"1403/1/{FIRST}"
    assert ["accuracy_rate", "نرخ صحت", "share"] in choices["indicators"]
    text = (site / "explorer/1403/1" / FIRST / "confirmed_plan_count.js").read_text(encoding="utf-8")
    rows = json.loads(re.search(r"\[\[.*\]\]", text)[0])
    assert rows == [["counted", "county", "0303", "all", *[None] * 6, "c"]]


def test_the_catalogue_of_open_data_leads_to_the_files_of_every_edition(edition, build):
    for cutoff in (FIRST, SECOND):
        edition(cutoff)
    site = build()
    catalogue = json.loads((site / "catalog.jsonld").read_text(encoding="utf-8"))
    assert [one["@id"] for one in catalogue["dcat:dataset"]] == [f"1403/1/{cutoff}/data/" for cutoff in (SECOND, FIRST)]
    for one in catalogue["dcat:dataset"]:
        links = [
            one["dcat:landingPage"]["@id"],
            *(file["dcat:downloadURL"]["@id"] for file in one["dcat:distribution"]),
        ]
        assert len(links) == 3
        assert [link for link in links if not (site / link).is_file()] == []


def test_a_name_that_is_code_stays_a_name(edition, build):
    edition(FIRST, agency="<script>alert(1)</script>")
    site = build()
    for page in [*site.glob("*.html"), site / "1403/1" / FIRST / "index.html"]:
        assert "<script>alert" not in page.read_text(encoding="utf-8")
    assert "</script>alert" not in (site / "search-index.js").read_text(encoding="utf-8")


def test_without_an_edition_the_site_says_so(build):
    site = build()
    assert "هنوز ویرایشی منتشر نشده است" in (site / "index.html").read_text(encoding="utf-8")
    assert script(site / "explorer-index.js") == []


def test_the_calendar_reaches_a_year_ahead(edition, build):
    edition(FIRST)
    text = (build() / "calendar.html").read_text(encoding="utf-8")
    days = re.findall(r'<bdi dir="ltr">(\d{4}-\d\d-\d\d)</bdi>', text)
    # 89 days lie between this release and the next: four more fit into the year.
    assert days == ["2027-01-20", "2027-04-19", "2027-07-17", "2027-10-14"]


def test_a_build_that_fails_leaves_the_site_as_it_was(edition, build, monkeypatch):
    edition(FIRST)
    site = build()
    stood = contents(site)
    edition(SECOND, number=2, supersedes=FIRST)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tasks.edges.site.build._write_figures", full)
    with pytest.raises(OSError, match="No space"):
        build()
    assert contents(site) == stood
    assert [path.name for path in site.parent.iterdir() if path.name.startswith("site")] == ["site"]


def test_an_edition_in_another_place_than_its_own_is_refused(edition, bulletins, build):
    folder = edition(FIRST)
    folder.rename(folder.with_name(SECOND))
    with pytest.raises(EditionUnfit, match=f"the edition 1403/1/{FIRST}"):
        build()


def test_a_site_address_that_is_none_is_refused(edition, build, monkeypatch):
    monkeypatch.setenv("PAYESH_SITE_URL", "ftp://example.org")
    with pytest.raises(SettingWrong, match="PAYESH_SITE_URL"):
        build()


def test_sheets_are_told_by_their_names(edition):
    folder = edition(FIRST)
    (folder / "national-1403-1.en.html").write_text("<body></body>", encoding="utf-8")
    (one,) = archive.read(folder.parents[2])
    assert one.sheet("national").forms == {"html": "national-1403-1.html", "pdf": "national-1403-1.pdf"}
    assert one.sheet("national", language="en").forms == {"html": "national-1403-1.en.html"}
    assert one.sheet("county", "0303").forms["pdf"] == "county-0303-1403-1.pdf"


def test_english_bulletins_are_listed_beside_the_persian_ones(edition, build):
    folder = edition(FIRST)
    for stem in ("national", "province-03"):
        (folder / f"{stem}-1403-1.en.html").write_text('<body class="nation"></body>', encoding="utf-8")
        (folder / f"{stem}-1403-1.en.pdf").write_bytes(b"%PDF-")
    site = build()
    of_edition = (site / "1403/1" / FIRST / "index.html").read_text(encoding="utf-8")
    of_place = (site / "places/03.html").read_text(encoding="utf-8")
    for page, stem in ((of_edition, "national"), (of_edition, "province-03"), (of_place, "province-03")):
        for form in ("html", "pdf"):
            assert re.search(rf'href="[^"]*1403/1/{FIRST}/{stem}-1403-1\.en\.{form}" hreflang="en"', page)
    assert "of East Azerbaijan" in of_place
    assert 'hreflang="en"' not in (site / "places/04.html").read_text(encoding="utf-8")


def test_a_superseded_page_says_so_in_its_own_language(edition, build):
    for cutoff in (FIRST, SECOND):
        folder = edition(cutoff, number=1 + (cutoff == SECOND), supersedes=None if cutoff == FIRST else FIRST)
        page = '<!doctype html>\n<html lang="en"><body class="nation">\n<main></main></body></html>'
        (folder / "national-1403-1.en.html").write_text(page, encoding="utf-8")
    page = (build() / "1403/1" / FIRST / "national-1403-1.en.html").read_text(encoding="utf-8")
    link = f'<a href="../{SECOND}/national-1403-1.en.html" style="color:#5c2700">edition of {SECOND}</a>'
    assert page.index("superseded by a newer one") < page.index(link) < page.index("<main>")
    assert not re.search("[\u0600-\u06ff]", page)
