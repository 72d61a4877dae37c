"""Bulletin stage, printing: the pages of an edition, written beside their place and shown as one."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

from methods.errors import FrozenConflict
from methods.period import Period
from tasks import translation
from tasks.bulletin import Edition
from tasks.edges import rendering, warehouse
from tasks.edges.edition import EditionFolder, page_name
from tasks.edges.language import ENGLISH
from tasks.edges.site import archive
from tasks.edges.site.archive import ABOUT
from tasks.edges.warehouse import Receipt

FORMATS = (".html", ".pdf")


@task(task_run_name="begin-edition-{period}-{cutoff}", cache_policy=NO_CACHE)
def begin_edition(period: Period, cutoff: datetime.date) -> bool:
    """Make room for an edition; one that stands as it was recorded is not printed again.

    Returns:
        Whether it has to be printed.

    Raises:
        FrozenConflict: files of it are no longer what was printed.
    """
    folder = EditionFolder(period, cutoff)
    if not folder.shown.exists():
        folder.begin()
        _under_way.cache_clear()
        return True
    partition = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    standing, recorded = (
        dict(zip(rows["file_name"], rows["sha256"], strict=True))
        for rows in (folder.files(), warehouse.read("bulletin/file.sql", **partition))
    )
    changed = sorted(name for name in standing.keys() | recorded.keys() if standing.get(name) != recorded.get(name))
    # Cut off between the two, an edition is shown and not yet recorded.
    if recorded and changed:
        raise FrozenConflict(
            place=str(folder.shown), found=f"{', '.join(changed[:3])} changed or missing ({len(changed)} in all)",
            wanted="the files as printed",
            remedy="Put them back; or move the folder away and the same bytes are printed again.",
        )  # fmt: skip
    return False


@task(task_run_name="print-nation-{period}-{cutoff}", cache_policy=NO_CACHE)
def print_nation(period: Period, cutoff: datetime.date) -> Receipt:
    """Print the national bulletin, and the report on methods and quality."""
    edition = _under_way(period, cutoff)
    pages = [("national", "national", edition.national()), ("methods", "methods", edition.methods_report())]
    return _print(edition, f"national-{period}", pages)


@task(task_run_name="print-province-{province_code}-{period}-{cutoff}", cache_policy=NO_CACHE)
def print_province(period: Period, cutoff: datetime.date, province_code: str) -> Receipt:
    """Print the bulletin of a province, and the sheet of each of its counties."""
    edition = _under_way(period, cutoff)
    province = edition.provincial(province_code)
    sheets = (
        ("county", f"county-{unit['code']}", edition.county(province, unit["code"])) for unit in province["counties"]
    )
    first = ("provincial", f"province-{province_code}", province)
    return _print(edition, f"province-{province_code}-{period}", [first, *sheets])


@task(task_run_name="print-agencies-{period}-{cutoff}", cache_policy=NO_CACHE)
def print_agencies(period: Period, cutoff: datetime.date) -> Receipt:
    """Print the sheet of each agency."""
    edition = _under_way(period, cutoff)
    codes = [card["agency_code"] for card in edition.agencies]
    sheets = (("agency", f"agency-{code}", edition.agency(code)) for code in codes)
    return _print(edition, f"agencies-{period}", sheets)


@task(task_run_name="show-edition-{period}-{cutoff}", cache_policy=NO_CACHE)
def show_edition(period: Period, cutoff: datetime.date) -> Receipt:
    """Move the edition into place, once every bulletin of it is there."""
    edition, folder = _under_way(period, cutoff), EditionFolder(period, cutoff)
    folder.write(ABOUT, archive.about_text(_about(edition)))
    folder.show([f"{stem}{suffix}" for stem in stems(edition) for suffix in FORMATS])
    page = folder.shown / f"national-{period}.html"
    create_link_artifact(key=f"bulletin-{period}", link=page.as_uri(), link_text=f"Bulletin {period}")
    files = folder.files()
    return Receipt("bulletin.file", str(period), len(files), _hash("".join(files["sha256"]).encode()))


def _about(edition: Edition) -> dict[str, Any]:
    """What the archive reads of an edition, beside its pages."""
    record, named = edition.record, edition.edition
    kept = ("year", "phase", "cutoff", "number", "kind", "released_on", "supersedes", "reasons")
    agencies = {card["agency_code"]: card["agency_name"] for card in edition.agencies}
    about = {name: record[name] for name in kept} | {"agencies": agencies}
    return about | {name: named[name] for name in ("next_release_on", "is_rehearsal", "contact")}


def stems(edition: Edition) -> list[str]:
    """Name every bulletin of an edition in each of its languages, without its format."""
    units = edition.units
    of_level = {level: sorted(units.loc[units["level"] == level, "unit_code"]) for level in ("province", "county")}
    names = ["national", "methods"]
    names += [f"{level}-{code}" for level, codes in of_level.items() for code in codes]
    names += [f"agency-{card['agency_code']}" for card in edition.agencies]
    english = ["national", *(f"province-{code}" for code in of_level["province"])]
    pages = [page_name(name, edition.period) for name in names]
    return pages + [page_name(name, edition.period, ENGLISH) for name in english]


@lru_cache(maxsize=1)
def _under_way(period: Period, cutoff: datetime.date) -> Edition:
    """Give all tasks of one printing the same edition; the next printing begins with another."""
    return Edition(period, cutoff)


def _print(edition: Edition, label: str, pages: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Receipt:
    folder = EditionFolder(edition.period, edition.cutoff)
    hashes = []
    for template, stem, context in pages:
        for language in context["languages"]:
            said, filters = translation.put(context, language), translation.FILTERS[language]
            contents = rendering.render(f"{template}.html.j2", said, filters, edition.cutoff, language)
            for suffix, content in zip(FORMATS, contents, strict=True):
                folder.write(f"{page_name(stem, edition.period, language)}{suffix}", content)
                hashes.append(hashlib.sha256(content).hexdigest())
    return Receipt("bulletin.file", label, len(hashes), _hash("".join(hashes).encode()))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
