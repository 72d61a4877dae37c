"""Editions: stored figures as a template looks them up, and a folder that appears whole or not at all."""

from __future__ import annotations

import datetime
import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from methods.errors import EditionUnwritable, FigureMissing, FrozenConflict
from methods.period import Period
from tasks.edges.settings import settings

FIELDS = (
    "estimate", "numerator", "denominator", "n", "standard_error", "lower", "upper", "quality", "method",
    "is_suppressed", "is_revised",
)  # fmt: skip
NUMBERS = ("estimate", "numerator", "denominator", "n", "standard_error", "lower", "upper")
# What the columns of disclosure control and of a revision say where an edition has none yet.
FLAGS = {"is_suppressed": False, "is_revised": False}


@dataclass(frozen=True)
class Figure:
    """One stored figure as a template reads it."""

    estimate: float | None
    numerator: float | None
    denominator: float | None
    n: int | None
    standard_error: float | None
    lower: float | None
    upper: float | None
    quality: str
    method: str
    is_suppressed: bool = False
    is_revised: bool = False

    @property
    def mark(self) -> str | None:
        """What stands in the place of the number: c confidential, u too weak, z not applicable; None: the number."""
        if self.is_suppressed:
            return "c"
        if self.quality == "withheld":
            return "u"
        return "z" if self.quality == "undefined" or self.estimate is None else None


# Of a unit in which nothing was estimated.
NOTHING = Figure(None, None, None, 0, None, None, None, "undefined", "")
Key = tuple[str, str, str, str]


class Figures:
    """The stored figures of an edition, looked up by code; a missing one is an error, not a blank."""

    def __init__(self, rows: pd.DataFrame, unit_code: str) -> None:
        rows = rows.assign(**{name: value for name, value in FLAGS.items() if name not in rows})
        keys = rows[["indicator", "basis", "unit_code", "domain"]].itertuples(index=False, name=None)
        columns = _without_withheld(rows[list(FIELDS)])
        values = columns.astype(object).where(columns.notna(), None).itertuples(index=False, name=None)
        self._figures: Mapping[Key, Figure] = {key: Figure(*value) for key, value in zip(keys, values, strict=True)}
        self._unit_code = unit_code
        self._domains = _domains(self._figures)

    def get(self, indicator: str, basis: str = "counted", unit: str | None = None, domain: str = "all") -> Figure:
        """Look up one figure.

        Raises:
            FigureMissing: the edition holds no such figure.
        """
        key = (indicator, basis, unit or self._unit_code, domain)
        if key not in self._figures:
            raise FigureMissing(
                place="bulletin", found=f"no figure {' / '.join(key)}", wanted="each figure the template names"
            )
        return self._figures[key]

    def has(self, unit: str | None = None, domain: str = "all") -> bool:
        """Say whether anything was estimated for a unit and domain: without plans, nothing was."""
        return domain in self._domains.get(unit or self._unit_code, ())

    def domains(self, dimension: str) -> frozenset[str]:
        """List the domains of a dimension in which the unit has plans, as `female` of `sex`."""
        of_unit = self._domains.get(self._unit_code, set())
        return frozenset(one.partition("=")[2] for one in of_unit if one.startswith(f"{dimension}="))

    def of(self, unit_code: str) -> Figures:
        """Look at the same figures from another unit."""
        return self._with(self._figures, unit_code)

    def _with(self, figures: Mapping[Key, Figure], unit_code: str) -> Figures:
        other = object.__new__(Figures)
        other._figures, other._unit_code, other._domains = figures, unit_code, self._domains
        return other


def _without_withheld(rows: pd.DataFrame) -> pd.DataFrame:
    """Take the numbers out of confidential figures, so that no template can print what it should not."""
    is_withheld = rows["is_suppressed"].astype(bool)
    return rows.assign(**{name: rows[name].astype(object).mask(is_withheld, None) for name in NUMBERS})


def _domains(figures: Mapping[Key, Figure]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for _, _, unit_code, domain in figures:
        found.setdefault(unit_code, set()).add(domain)
    return found


@dataclass(frozen=True)
class EditionFolder:
    """The files of one edition. They are written beside their place, and moved there as one when all are there."""

    period: Period
    cutoff: datetime.date

    @property
    def shown(self) -> Path:
        """Where readers find the edition."""
        parent = settings().bulletins / str(self.period.year) / str(self.period.phase)
        return parent / self.cutoff.isoformat()

    @property
    def hidden(self) -> Path:
        """Where it is written."""
        return self.shown.with_name(f".{self.shown.name}.part")

    def begin(self) -> None:
        """Clear away what a run that was cut off left, and make room."""
        with self._writing(self.hidden):
            shutil.rmtree(self.hidden, ignore_errors=True)
            self.hidden.mkdir(parents=True)

    def write(self, name: str, content: bytes) -> None:
        """Write one file of the edition, which nobody sees yet.

        Raises:
            EditionUnwritable: the disk is full, or does not let us.
        """
        path = self.hidden / name
        with self._writing(path):
            path.write_bytes(content)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give the place of a folder of the edition, for who writes one whole.

        Raises:
            EditionUnwritable: the disk is full, or does not let us.
        """
        with self._writing(self.hidden / name):
            yield self.hidden / name

    def show(self, names: Collection[str]) -> None:
        """Move the edition into place.

        Args:
            names: files it must have, those of its folders as `data/figures.csv`.

        Raises:
            EditionUnwritable: a file is missing, or the folder cannot be moved.
            FrozenConflict: another edition stands there.
        """
        missing = sorted(set(names) - {_name(path, self.hidden) for path in _files(self.hidden)})
        if missing:
            raise EditionUnwritable(
                place=str(self.hidden), found=f"no {', '.join(missing[:3])} ({len(missing)} missing)",
                wanted="every bulletin of the edition", remedy="Publish again.",
            )  # fmt: skip
        if self.shown.exists():
            raise FrozenConflict(
                place=str(self.shown), found="an edition that stands already", wanted="none",
                remedy="An edition that was shown never changes: publish a revised one.",
            )  # fmt: skip
        with self._writing(self.shown):
            self.hidden.rename(self.shown)

    def files(self, is_shown: bool = True) -> pd.DataFrame:
        """List the files that are shown, or still hidden, with those of folders: file_name, byte_count, sha256."""
        folder = self.shown if is_shown else self.hidden
        rows = [(_name(path, folder), path.stat().st_size, _sha256(path)) for path in _files(folder)]
        return pd.DataFrame(sorted(rows), columns=["file_name", "byte_count", "sha256"])

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise EditionUnwritable(
                place=str(path), found=error.strerror or str(error), wanted="room for the edition, and leave to write",
                remedy="Nothing of it is shown. Make room and publish again.",
            ) from error  # fmt: skip


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
