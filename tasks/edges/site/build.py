"""The site: plain files that any web server carries, made from the archive of editions alone."""

from __future__ import annotations

import datetime
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from tasks.edges.annex import dcat
from tasks.edges.annex.edition import PROGRAMME_FA
from tasks.edges.annex.open_data import DCAT
from tasks.edges.settings import ROOT
from tasks.edges.site import archive, explorer
from tasks.edges.site.archive import DATA, Edition

TEMPLATES = ROOT / "report_templates" / "site"
STATIC = ("site.css", "search.js", "explorer.js")
# Of the open data of every edition, for whoever harvests catalogues.
CATALOGUE = "catalog.jsonld"
BANNER = (
    '<p role="note" style="margin:0 0 1.5rem;padding:.6rem 1rem;border-inline-start:4px solid #8a3b00;'
    'background:#fff3e0;color:#5c2700">{words}: <a href="{address}" style="color:#5c2700">{edition}</a>.</p>'
)
# By language of the page: what happened, and what its link leads to.
SUPERSEDED = {
    "fa": ("این ویرایش جای خود را به ویرایش تازه‌تری داده است", "ویرایش {jalali}"),
    "en": ("This edition has been superseded by a newer one", "edition of {iso}"),
}
BODY = re.compile("<body[^>]*>")

Filters = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Places:
    """Units by name.

    Attributes:
        provinces: code, name_fa, name_en, counties (code, name_fa), in the order of the alphabet.
        address: where the site will stand, for the feed; such as https://example.org/payesh.
    """

    provinces: Sequence[Mapping[str, Any]]
    address: str


def build(bulletins: Path, site: Path, places: Places, filters: Filters, say: Callable[[str], None]) -> list[Edition]:
    """Build the whole site anew; a reader sees the one before, or this one, never half of it.

    Args:
        bulletins: folder of editions.
        site: folder that becomes the site; it is replaced.
        places: names of provinces and counties.
        filters: Persian digits, numbers and dates for the templates.
        say: is told what is being built.

    Returns:
        The editions, the newest first.

    Raises:
        EditionUnfit: see `archive.read`.
    """
    editions = archive.read(bulletins)
    half = site.with_name(site.name + ".part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        _write(half, editions, places, filters, say)
        _swap(half, site)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return editions


def _write(site: Path, editions: list[Edition], places: Places, filters: Filters, say: Callable[[str], None]) -> None:
    pages = _Pages(site, places, filters)
    for name in STATIC:
        shutil.copyfile(TEMPLATES / name, site / name)
    for edition in editions:
        say(f"edition {edition.address}")
        _copy(edition, site, filters)
        pages.put(f"{edition.address}/index.html", "edition.html.j2", edition=edition, of_data=_data_rows(edition))
        _write_figures(edition, site)
    standing = archive.newest(editions)
    for edition in standing:
        pages.redirect(f"{edition.year}/{edition.phase}/latest/index.html", f"../../../{edition.address}/index.html")
    if standing:
        pages.redirect("latest/index.html", f"../{standing[0].address}/index.html")
    say("indexes")
    _write_indexes(pages, editions, standing, places)


def _write_indexes(pages: _Pages, editions: list[Edition], standing: list[Edition], places: Places) -> None:
    shared = {"editions": editions, "standing": standing}
    pages.put("index.html", "index.html.j2", **shared)
    pages.put("places.html", "places.html.j2", **shared)
    for province in places.provinces:
        pages.put(f"places/{province['code']}.html", "place.html.j2", **shared, province=province)
    pages.put("agencies.html", "agencies.html.j2", **shared, agencies=_agencies(editions))
    pages.put("calendar.html", "calendar.html.j2", **shared, releases=calendar(standing))
    pages.put("explorer.html", "explorer.html.j2", **shared)
    pages.put("feed.atom", "feed.atom.j2", **shared)
    entries = search_entries(standing, places)
    (pages.site / "search-index.js").write_text(explorer.script("entries", entries), encoding="utf-8")
    shown = [one for one in editions if explorer.has_figures(one)]
    catalogue = dcat.catalogue(_entries(editions), f"دادهٔ باز {PROGRAMME_FA}", PROGRAMME_FA)
    text = json.dumps(catalogue, ensure_ascii=False, indent=1) + "\n"
    (pages.site / CATALOGUE).write_text(text, encoding="utf-8")
    choices = [{"address": one.address, "year": one.year, "phase": one.phase, **explorer.choices(one)} for one in shown]
    (pages.site / "explorer-index.js").write_text(explorer.script("editions", choices), encoding="utf-8")


class _Pages:
    """Writes pages of the site from their templates."""

    def __init__(self, site: Path, places: Places, filters: Filters) -> None:
        self.site = site
        self._places = places
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            undefined=jinja2.StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(filters)

    def put(self, name: str, template: str, **context: Any) -> None:
        """Render a page; links in it lead from `root`, so that the site may stand in any folder."""
        depth = name.count("/")
        shared = {"root": "../" * depth, "provinces": self._places.provinces, "address": self._places.address}
        path = self.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._environment.get_template(template).render(**shared, **context), encoding="utf-8")

    def redirect(self, name: str, to: str) -> None:
        """Lead from an address that moves on to the one that stays."""
        self.put(name, "redirect.html.j2", to=to)


def _copy(edition: Edition, site: Path, filters: Filters) -> None:
    """Carry an edition over byte for byte; only the pages of a superseded one get a line that leads on."""
    into = site / edition.address
    shutil.copytree(edition.folder, into, ignore=shutil.ignore_patterns(".*", "*.part"))
    if edition.superseded_by is None:
        return
    for sheet in edition.sheets:
        if "html" in sheet.forms:
            page = into / sheet.forms["html"]
            newer = f"../{edition.superseded_by.isoformat()}/{sheet.forms['html']}"
            words, link = SUPERSEDED[sheet.language]
            day = edition.superseded_by
            link = link.format(jalali=filters["jalali"](day), iso=day.isoformat())
            banner = BANNER.format(words=words, address=newer, edition=link)
            page.write_text(_below_body(page.read_text(encoding="utf-8"), banner), encoding="utf-8")


def _below_body(page: str, banner: str) -> str:
    return BODY.sub(lambda found: found[0] + banner, page, count=1)


def _write_figures(edition: Edition, site: Path) -> None:
    if not explorer.has_figures(edition):
        return
    folder = explorer.folder(site, edition)
    folder.mkdir(parents=True)
    for name, text in explorer.files(edition):
        (folder / name).write_text(text, encoding="utf-8")


def _data_rows(edition: Edition) -> list[dict[str, Any]]:
    return [{"name": f"{DATA}/{path.name}", "byte_count": path.stat().st_size} for path in edition.data_files]


def _entries(editions: Sequence[Edition]) -> list[dict[str, Any]]:
    found = []
    for edition in editions:
        path = edition.folder / DATA / DCAT
        if path.is_file():
            entry = json.loads(path.read_text(encoding="utf-8"))
            found.append(dcat.from_afar(entry, f"{edition.address}/{DATA}/", f"{edition.address}/index.html"))
    return found


def _agencies(editions: Sequence[Edition]) -> dict[str, str]:
    found: dict[str, str] = {}
    for edition in editions:
        found = edition.agencies | found
    return dict(sorted(found.items()))


def calendar(standing: Sequence[Edition]) -> list[dict[str, Any]]:
    """Foresee the releases of a year ahead, at the distance the newest edition names."""
    if not standing:
        return []
    newest = max(standing, key=lambda one: one.released_on)
    distance = max(newest.next_release_on - newest.released_on, datetime.timedelta(days=1))
    days = [newest.released_on + distance * step for step in range(1, 366 // distance.days + 1)]
    return [{"day": day, "year": newest.year, "phase": newest.phase} for day in days]


def search_entries(standing: Sequence[Edition], places: Places) -> list[list[str]]:
    """List what the search finds: title and address of each bulletin that stands, and of each page of a place."""
    names = {"": ""}
    for province in places.provinces:
        names[str(province["code"])] = str(province["name_fa"])
        names |= {
            str(county["code"]): f"{county['name_fa']} ({province['name_fa']})" for county in province["counties"]
        }
    titles = {"national": "کشور", "province": "استان {}", "county": "شهرستان {}", "agency": "{}",
              "methods": "روش و کیفیت", "revision": "یادداشت بازنگری"}  # fmt: skip
    found = []
    for edition in standing:
        known = names | edition.agencies
        for sheet in edition.sheets:
            if sheet.language == "fa" and "html" in sheet.forms:
                title = titles[sheet.level].format(known.get(sheet.code, sheet.code))
                when = f"{edition.year}-{edition.phase}"
                found.append([title, when, f"{edition.address}/{sheet.forms['html']}"])
    return found


def _swap(half: Path, site: Path) -> None:
    before = site.with_name(site.name + ".before")
    shutil.rmtree(before, ignore_errors=True)
    if site.exists():
        site.rename(before)
    half.rename(site)
    shutil.rmtree(before, ignore_errors=True)
