"""Bulletin stage, work: the only code that writes schema `bulletin` and the folder of editions."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

from methods import bulletin, calendar, persian
from methods.errors import FigureMissing
from methods.period import Period
from tasks.edges import law, register, rendering, sources, warehouse
from tasks.edges.settings import settings
from tasks.edges.warehouse import Receipt, Rowset

NATION = "IR"
# The parts of two sums the flow of plans prints: decided but not confirmed, supervised but not decided.
REFUSED_COUNTS = ("deviation_plan_count", "violation_plan_count", "discrepancy_plan_count")
UNDECIDED_COUNTS = ("non_contact_plan_count", "pending_plan_count")
FILTERS: dict[str, Callable[..., Any]] = {
    "fa": persian.digits,
    "number": persian.number,
    "percent": persian.percent,
    "jalali": calendar.jalali_text_fa,
}


@dataclass(frozen=True)
class Figure:
    """One stored figure as a template reads it."""

    estimate: float | None
    numerator: float | None
    denominator: float | None
    n: int
    standard_error: float | None
    lower: float | None
    upper: float | None
    quality: str
    method: str


class Figures:
    """The stored figures of an edition, looked up by code; a missing one is an error, not a blank."""

    def __init__(self, rows: pd.DataFrame, unit_code: str) -> None:
        self._unit_code = unit_code
        fields = list(Figure.__dataclass_fields__)
        keys = rows[["indicator", "basis", "unit_code", "domain"]].itertuples(index=False, name=None)
        values = rows[fields].astype(object).where(rows[fields].notna(), None).itertuples(index=False, name=None)
        self._figures = {key: Figure(*value) for key, value in zip(keys, values, strict=True)}

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


@task(task_run_name="freeze-figures-{period}-{cutoff}", cache_policy=NO_CACHE)
def freeze_figures(period: Period, cutoff: datetime.date) -> Receipt:
    """Freeze the figures of an edition as they will be printed."""
    partition = _partition(period, cutoff)
    return warehouse.freeze("bulletin.printed_figure", partition, Rowset("bulletin/printed_figure.sql", partition))


@task(task_run_name="print-bulletin-{unit_code}-{period}-{cutoff}", cache_policy=NO_CACHE)
def print_bulletin(period: Period, cutoff: datetime.date, unit_code: str) -> Receipt:
    """Print the bulletin of the nation or of one province as HTML and PDF."""
    edition = Edition(period, cutoff)
    template = "national.html.j2" if unit_code == NATION else "provincial.html.j2"
    html, pdf = rendering.render(template, edition.context(unit_code), FILTERS, cutoff)
    stem = f"{'national' if unit_code == NATION else f'province-{unit_code}'}-{period}"
    for name, content in ((f"{stem}.html", html), (f"{stem}.pdf", pdf)):
        _write(edition.folder / name, content)
    if unit_code == NATION:
        create_link_artifact(
            key=f"bulletin-{period}", link=(edition.folder / f"{stem}.html").as_uri(), link_text=f"Bulletin {period}"
        )
    return Receipt("bulletin.file", stem, 2, hashlib.sha256(html + pdf).hexdigest()[:16])


@task(task_run_name="record-files-{period}-{cutoff}", cache_policy=NO_CACHE)
def record_files(period: Period, cutoff: datetime.date) -> Receipt:
    """Record the files of an edition with their hashes."""
    partition = _partition(period, cutoff)
    folder = Edition(period, cutoff).folder
    rows = [
        {
            "file_name": path.name,
            "byte_count": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.iterdir())
        if path.suffix in (".html", ".pdf")
    ]
    return warehouse.replace("bulletin.file", partition, pd.DataFrame(rows).assign(**partition))


def province_codes() -> list[str]:
    """List the provinces a bulletin is printed for."""
    units = warehouse.read("bulletin/unit.sql")
    return sorted(units.loc[units["level"] == "province", "unit_code"])


def withheld_counts(figures: Figures, minimum: int) -> frozenset[str]:
    """Name the counts of a unit's flow of plans that would disclose too few."""
    parts = (
        {name: int(figures.get(name).estimate or 0) for name in names} for names in (REFUSED_COUNTS, UNDECIDED_COUNTS)
    )
    return frozenset().union(*(bulletin.withheld_parts(counts, minimum) for counts in parts))


def printable_progress(rows: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Leave out the visited plans of a unit where they would give away how few were not met or not settled."""
    unmet = rows["attempted_plan_count"] - rows["visited_plan_count"]
    unsettled = rows["visited_plan_count"] - rows["decided_plan_count"]
    few = unmet.between(1, minimum - 1) | unsettled.between(1, minimum - 1)
    return rows.assign(visited_plan_count=rows["visited_plan_count"].astype("Int64").mask(few))


class Edition:
    """All an edition is printed from, read once from the warehouse."""

    def __init__(self, period: Period, cutoff: datetime.date) -> None:
        self.period = period
        self.cutoff = cutoff

    @property
    def folder(self) -> Path:
        """Folder of the edition's files."""
        return settings().bulletins / str(self.period.year) / str(self.period.phase) / self.cutoff.isoformat()

    def context(self, unit_code: str) -> dict[str, Any]:
        """Put together what a template may name for one unit."""
        units = self.units
        level = "nation" if unit_code == NATION else "province"
        name = "کشور" if unit_code == NATION else str(units.set_index("unit_code").loc[unit_code, "name_fa"])
        figures = Figures(self._figures(unit_code), unit_code)
        of_province = units[(units["level"] == "county") & (units["province_code"] == unit_code)]
        return {
            "edition": self.edition,
            "unit": {"level": level, "code": unit_code, "name": name},
            "figures": figures,
            "provinces": _sorted_units(units[units["level"] == "province"]),
            "counties": _sorted_units(of_province),
            "agencies": self.agencies,
            "rejected": self.rejected,
            "progress": self._progress(unit_code),
            "not_covered": self.not_covered,
            "minimum_count": int(self.rules["minimum_count"]),
            "withheld": withheld_counts(figures, int(self.rules["minimum_count"])),
        }

    def _figures(self, unit_code: str) -> pd.DataFrame:
        return warehouse.read("bulletin/figure.sql", **_partition(self.period, self.cutoff), unit_code=unit_code)

    def _progress(self, unit_code: str) -> list[dict[str, Any]]:
        rows = warehouse.read("bulletin/progress.sql", **_partition(self.period, self.cutoff), unit_code=unit_code)
        rows = printable_progress(rows, int(self.rules["minimum_count"]))
        # Firms stand by code, provinces by name.
        return sorted(_records(rows), key=lambda row: persian.sort_key(row["unit_name"]) if unit_code == NATION else ())

    @cached_property
    def units(self) -> pd.DataFrame:
        """Every province and county."""
        return warehouse.read("bulletin/unit.sql")

    @cached_property
    def rules(self) -> Mapping[str, Any]:
        """Publication rules in force."""
        return law.section("publication", self.period)

    @cached_property
    def agencies(self) -> list[dict[str, Any]]:
        """Scorecards, best first."""
        rows = warehouse.read("bulletin/scorecard.sql", **_partition(self.period, self.cutoff))
        return _records(rows)

    @cached_property
    def rejected(self) -> list[dict[str, Any]]:
        """Rows given back, by agency."""
        rows = warehouse.read("staging/reject_summary.sql", **_partition(self.period, self.cutoff))
        return _records(rows.rename(columns={"rejected_row_count": "rejected_count"}))

    @cached_property
    def not_covered(self) -> list[str]:
        """Agencies that deliver in this year but stand in no figure."""
        covered = {agency["agency_code"] for agency in self.agencies}
        return [
            source.agency_name
            for source in sources.load_all().values()
            if source.form == "loan_plan" and source.delivers(self.period) and source.agency_code not in covered
        ]

    @cached_property
    def edition(self) -> dict[str, Any]:
        """What names the edition."""
        period, names = self.period, ("sampling", "field", "verdicts", "publication", "quotas")
        sections = {name: law.section(name, period) for name in names}
        delay = int(self.rules["release_delay_days"])
        return {
            "year": period.year,
            "phase": period.phase,
            "cutoff": self.cutoff,
            "released_on": self.cutoff + datetime.timedelta(days=delay),
            "kind": str(self.rules["edition_kind"]),
            "contact": str(self.rules["contact"]),
            "next_release_on": self.cutoff + datetime.timedelta(days=delay + int(self.rules["release_interval_days"])),
            "address": f"/{period.year}/{period.phase}/{self.cutoff.isoformat()}/",
            "is_rehearsal": register.rests_on_rehearsal(period),
            "guideline_version": "+".join(section.version for section in sections.values()),
            "assumed": sorted({label for section in sections.values() for label in section.assumed}),
        }


def _partition(period: Period, cutoff: datetime.date) -> dict[str, Any]:
    return {"year": period.year, "phase": period.phase, "cutoff": cutoff}


def _sorted_units(units: pd.DataFrame) -> list[dict[str, Any]]:
    rows = _records(units.rename(columns={"unit_code": "code", "name_fa": "name"}))
    return sorted(rows, key=lambda row: persian.sort_key(row["name"]))


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return [{str(key): value for key, value in record.items()} for record in records]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    half.write_bytes(content)
    half.rename(path)
