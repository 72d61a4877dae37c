"""The archive: every edition that was printed, read from its folder alone."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from methods.errors import EditionUnfit

ABOUT = "edition.json"
DATA = "data"
# national-1403-1.html, province-03-1403-1.en.pdf, county-0301-1403-1.html, agency-P01-1403-1.xlsx
SHEET = re.compile(
    r"(?P<level>national|province|county|agency|methods|revision)(-(?P<code>[A-Z0-9_]+))?-\d{4}-\d"
    r"(\.(?P<language>en))?\.(?P<form>html|pdf|xlsx)"
)


@dataclass(frozen=True)
class Sheet:
    """One bulletin in one language, with the forms it comes in.

    Attributes:
        level: national, province, county, agency, methods or revision.
        code: of the unit; empty for the nation, the methods and the revision.
        forms: html, pdf, xlsx -> file name.
    """

    level: str
    code: str
    language: str
    forms: dict[str, str]


@dataclass(frozen=True)
class Edition:
    """A printed edition.

    Attributes:
        folder: where it lies; nothing in it is ever changed.
        supersedes: cut-off of the edition whose place it took, if it took any.
        superseded_by: the edition of the same period that took its place, if one did.
    """

    folder: Path
    year: int
    phase: int
    cutoff: datetime.date
    number: int
    kind: str
    released_on: datetime.date
    next_release_on: datetime.date
    supersedes: datetime.date | None
    reasons: tuple[str, ...]
    is_rehearsal: bool
    contact: str
    agencies: dict[str, str]
    superseded_by: datetime.date | None = None

    @property
    def address(self) -> str:
        """Where it lies on the site, and will for good."""
        return f"{self.year}/{self.phase}/{self.cutoff.isoformat()}"

    @cached_property
    def sheets(self) -> list[Sheet]:
        """Its bulletins, by level, code and language."""
        found: dict[tuple[str, str, str], dict[str, str]] = {}
        for path in sorted(self.folder.iterdir()):
            match = SHEET.fullmatch(path.name)
            if match:
                key = (match["level"], match["code"] or "", match["language"] or "fa")
                found.setdefault(key, {})[match["form"]] = path.name
        return [Sheet(*key, forms) for key, forms in found.items()]

    def sheet(self, level: str, code: str = "", language: str = "fa") -> Sheet | None:
        """Look up one bulletin."""
        return next(
            (one for one in self.sheets if (one.level, one.code, one.language) == (level, code, language)), None
        )

    @property
    def data_files(self) -> list[Path]:
        """Its open data."""
        folder = self.folder / DATA
        return sorted(folder.iterdir()) if folder.is_dir() else []


def read(bulletins: Path) -> list[Edition]:
    """Read every edition below a folder, the newest cut-off of the newest period first.

    Raises:
        EditionUnfit: a folder says of itself what its place does not.
    """
    found = [_edition(about) for about in sorted(bulletins.glob(f"*/*/*/{ABOUT}"))]
    found.sort(key=lambda one: (one.year, one.phase, one.cutoff))
    linked = [_linked(one, found) for one in found]
    return linked[::-1]


def about_text(about: dict[str, Any]) -> bytes:
    """Write what an edition says of itself, for the file beside its bulletins."""
    text = json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True, default=str)
    return (text + "\n").encode("utf-8")


def newest(editions: Sequence[Edition]) -> list[Edition]:
    """Keep the edition of each period that stands, in the order they came in."""
    return [one for one in editions if one.superseded_by is None]


def _edition(path: Path) -> Edition:
    about = json.loads(path.read_text(encoding="utf-8"))
    day = datetime.date.fromisoformat
    edition = Edition(
        folder=path.parent,
        year=int(about["year"]),
        phase=int(about["phase"]),
        cutoff=day(about["cutoff"]),
        number=int(about["number"]),
        kind=str(about["kind"]),
        released_on=day(about["released_on"]),
        next_release_on=day(about["next_release_on"]),
        supersedes=day(about["supersedes"]) if about["supersedes"] else None,
        reasons=tuple(about["reasons"]),
        is_rehearsal=bool(about["is_rehearsal"]),
        contact=str(about["contact"]),
        agencies=dict(about["agencies"]),
    )
    place = "/".join(path.parent.parts[-3:])
    if place != edition.address:
        raise EditionUnfit(place=str(path), found=f"the edition {edition.address}", wanted=place)
    return edition


def _linked(edition: Edition, editions: Sequence[Edition]) -> Edition:
    later = [
        one.cutoff
        for one in editions
        if (one.year, one.phase) == (edition.year, edition.phase) and one.cutoff > edition.cutoff
    ]
    # A superseded edition leads to the one that stands, not to another superseded one.
    return replace(edition, superseded_by=max(later)) if later else edition
