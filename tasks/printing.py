"""Bulletin stage, printing: the pages of an edition, written beside their place and shown as one."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

from methods.errors import FrozenConflict
from methods.period import Period
from tasks import annex, translation
from tasks.bulletin import NATION, Edition, annex_name, file_stem, languages_of
from tasks.edges import rendering, warehouse
from tasks.edges.annex import open_data
from tasks.edges.annex.marks import Published
from tasks.edges.annex.workbook import Annexes
from tasks.edges.edition import EditionFolder
from tasks.edges.site import archive
from tasks.edges.site.archive import ABOUT
from tasks.edges.warehouse import Receipt

FORMATS = (".html", ".pdf")
# Levels whose bulletins have a workbook beside them; the reports on the edition itself have none.
WITH_ANNEX = ("nation", "province", "county", "agency")


@dataclass(frozen=True)
class Bulletin:
    """One bulletin, ready to be printed."""

    template: str
    level: str
    code: str
    context: Mapping[str, Any]


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
    standing, recorded = _by_name(folder.files()), _recorded(period, cutoff)
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
    """Print the national bulletin, the report on methods and quality, and what a revised edition says otherwise."""
    edition = _under_way(period, cutoff)
    bulletins = [
        Bulletin("national", "nation", NATION, edition.national()),
        Bulletin("methods", "methods", NATION, edition.methods_report()),
    ]
    if edition.has_revision_note:
        bulletins.append(Bulletin("revision", "revision", NATION, edition.revision_note()))
    return _print(edition, f"national-{period}", bulletins)


@task(task_run_name="print-province-{province_code}-{period}-{cutoff}", cache_policy=NO_CACHE)
def print_province(period: Period, cutoff: datetime.date, province_code: str) -> Receipt:
    """Print the bulletin of a province, and the sheet of each of its counties."""
    edition = _under_way(period, cutoff)
    province = edition.provincial(province_code)
    codes = [unit["code"] for unit in province["counties"]]
    sheets = (Bulletin("county", "county", code, edition.county(province, code)) for code in codes)
    first = Bulletin("provincial", "province", province_code, province)
    return _print(edition, f"province-{province_code}-{period}", [first, *sheets])


@task(task_run_name="print-agencies-{period}-{cutoff}", cache_policy=NO_CACHE)
def print_agencies(period: Period, cutoff: datetime.date) -> Receipt:
    """Print the sheet of each agency."""
    edition = _under_way(period, cutoff)
    codes = [card["agency_code"] for card in edition.agencies]
    sheets = (Bulletin("agency", "agency", code, edition.agency(code)) for code in codes)
    return _print(edition, f"agencies-{period}", sheets)


@task(task_run_name="write-open-data-{period}-{cutoff}", cache_policy=NO_CACHE)
def write_open_data(period: Period, cutoff: datetime.date) -> Receipt:
    """Write the figures of the edition for machines, beside its bulletins."""
    folder = EditionFolder(period, cutoff)
    published, _ = _annexes(_under_way(period, cutoff))
    with folder.writing(annex.DATA) as place:
        paths = open_data.write(place, published)
    return Receipt("bulletin.file", f"data-{period}", len(paths), _hash((place / open_data.DATAPACKAGE).read_bytes()))


@task(task_run_name="show-edition-{period}-{cutoff}", cache_policy=NO_CACHE)
def show_edition(period: Period, cutoff: datetime.date) -> Receipt:
    """Move the edition into place, once every file of it is there.

    Raises:
        FrozenConflict: it was recorded before, with other bytes.
    """
    edition, folder = _under_way(period, cutoff), EditionFolder(period, cutoff)
    folder.write(ABOUT, archive.about_text(_about(edition)))
    files = folder.files(is_shown=False)
    _refuse_other_bytes(period, cutoff, files)
    folder.show(file_names(edition))
    page = folder.shown / f"{file_stem('nation', NATION, period)}.html"
    create_link_artifact(key=f"bulletin-{period}", link=page.as_uri(), link_text=f"Bulletin {period}")
    # The figures of a whole edition are large.
    _annexes.cache_clear()
    return Receipt("bulletin.file", str(period), len(files), _hash("".join(files["sha256"]).encode()))


def _refuse_other_bytes(period: Period, cutoff: datetime.date, files: pd.DataFrame) -> None:
    """Refuse to show an edition again whose folder is gone, where another program or style prints it otherwise."""
    recorded = _recorded(period, cutoff)
    other = sorted(name for name, sha256 in _by_name(files).items() if recorded.get(name) != sha256)
    if recorded and other:
        raise FrozenConflict(
            place=str(EditionFolder(period, cutoff).shown),
            found=f"{', '.join(other[:3])} printed otherwise than recorded ({len(other)} in all)",
            wanted="the files as printed; nothing of these is shown",
            remedy="Put back the folder as it was; or print with the version of Payesh and the guidelines of that day.",
        )


def _recorded(period: Period, cutoff: datetime.date) -> dict[str, str]:
    rows = warehouse.read("bulletin/file.sql", year=period.year, phase=period.phase, cutoff=cutoff)
    return _by_name(rows)


def _by_name(files: pd.DataFrame) -> dict[str, str]:
    return dict(zip(files["file_name"], files["sha256"], strict=True))


def _about(edition: Edition) -> dict[str, Any]:
    """What the archive reads of an edition, beside its pages."""
    record, named = edition.record, edition.edition
    kept = ("year", "phase", "cutoff", "number", "kind", "released_on", "supersedes", "reasons")
    agencies = {card["agency_code"]: card["agency_name"] for card in edition.agencies}
    about = {name: record[name] for name in kept} | {"agencies": agencies}
    return about | {name: named[name] for name in ("next_release_on", "is_rehearsal", "contact")}


def file_names(edition: Edition) -> list[str]:
    """Name every file an edition is made of."""
    period, units = edition.period, edition.units
    bulletins = [("nation", NATION), ("methods", NATION)]
    bulletins += [("revision", NATION)] if edition.has_revision_note else []
    bulletins += [("agency", str(card["agency_code"])) for card in edition.agencies]
    for level in ("province", "county"):
        bulletins += [(level, code) for code in sorted(units.loc[units["level"] == level, "unit_code"])]
    pages = [
        f"{file_stem(level, code, period, language)}{suffix}"
        for level, code in bulletins
        for language in languages_of(level)
        for suffix in FORMATS
    ]
    annexes = [annex_name(level, code, period) for level, code in bulletins if level in WITH_ANNEX]
    return [*pages, *annexes, *annex.DATA_FILES, ABOUT]


@lru_cache(maxsize=1)
def _under_way(period: Period, cutoff: datetime.date) -> Edition:
    """Give all tasks of one printing the same edition; the next printing begins with another."""
    return Edition(period, cutoff)


@lru_cache(maxsize=1)
def _annexes(edition: Edition) -> tuple[Published, Annexes]:
    published = annex.publish(edition)
    return published, Annexes(published)


def _print(edition: Edition, label: str, bulletins: Iterable[Bulletin]) -> Receipt:
    folder, (_, workbooks) = EditionFolder(edition.period, edition.cutoff), _annexes(edition)
    hashes = []
    for one in bulletins:
        for name, content in _files(edition, one, workbooks).items():
            folder.write(name, content)
            hashes.append(hashlib.sha256(content).hexdigest())
    return Receipt("bulletin.file", label, len(hashes), _hash("".join(hashes).encode()))


def _files(edition: Edition, one: Bulletin, workbooks: Annexes) -> dict[str, bytes]:
    """Render a bulletin in its languages and formats, and the workbook beside it: file -> content."""
    files: dict[str, bytes] = {}
    for language in languages_of(one.level):
        said, filters = translation.put(one.context, language), translation.FILTERS[language]
        contents = rendering.render(f"{one.template}.html.j2", said, filters, edition.cutoff, language)
        stem = file_stem(one.level, one.code, edition.period, language)
        files |= dict(zip((f"{stem}{suffix}" for suffix in FORMATS), contents, strict=True))
    if one.level in WITH_ANNEX:
        files[annex_name(one.level, one.code, edition.period)] = workbooks.build(one.level, one.code)
    return files


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
