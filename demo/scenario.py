"""Scenarios: how large a rehearsal is, and what its inspectors will find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from methods.errors import SettingWrong

FOLDER = Path(__file__).resolve().parent / "scenarios"


@dataclass(frozen=True)
class Year:
    """The counts that one year of a rehearsal comes to."""

    eligible_plan_count: int
    supervised_plan_count: int
    decided_plan_count: int
    confirmed_plan_count: int


@dataclass(frozen=True)
class Agency:
    """An agency's share of the plans, and the share of its decided plans that holds at a visit."""

    share: float
    accuracy: float


@dataclass(frozen=True)
class Scenario:
    """One rehearsal, as its YAML says."""

    title: str
    seed: str
    firm_count: int
    least_plans_per_county: int
    years: Mapping[int, Year]
    agencies: Mapping[str, Agency]
    extra_rows: Mapping[str, float]
    undecided: Mapping[str, float]
    not_confirmed: Mapping[str, float]
    visits: Mapping[str, Any]
    first_visit_errors: Mapping[str, float]

    def year(self, year: int) -> Year:
        """Return the counts of a year.

        Raises:
            SettingWrong: the rehearsal does not cover the year.
        """
        if year not in self.years:
            raise SettingWrong(
                place=f"rehearsal «{self.title}»",
                found=f"year {year}",
                wanted=f"a year from {min(self.years)} to {max(self.years)}",
            )
        return self.years[year]


def path(scale: str) -> Path:
    """Find the YAML of a scale: full, small, or the path of another scenario.

    Raises:
        SettingWrong: there is no such scenario.
    """
    file = Path(scale) if scale.endswith(".yaml") else FOLDER / f"{scale}.yaml"
    if not file.is_file():
        names = ", ".join(sorted(one.stem for one in FOLDER.glob("*.yaml")))
        raise SettingWrong(
            place="scale of the rehearsal",
            found=repr(scale),
            wanted=f"{names}, or the path of a scenario YAML",
        )
    return file


def load(scale: str) -> Scenario:
    """Read the scenario of a scale."""
    written = yaml.safe_load(path(scale).read_text(encoding="utf-8"))
    years = {int(year): Year(**counts) for year, counts in written.pop("years").items()}
    agencies = {code: Agency(**agency) for code, agency in written.pop("agencies").items()}
    return Scenario(years=years, agencies=agencies, **written)
