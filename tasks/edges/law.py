"""Law as data: read the guidelines and give the values in force for a period."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from methods import guideline
from methods.errors import SettingWrong
from methods.guideline import Section
from methods.period import Period
from tasks.edges.settings import settings


def section(name: str, period: Period) -> Section:
    """Collect the values of a guideline in force when a period begins.

    Raises:
        SettingWrong: no folder holds such a guideline, or it is not YAML.
    """
    return section_on(name, period.reference_date)


def section_on(name: str, jalali_date: str) -> Section:
    """Collect the values of a guideline in force on a Jalali date such as `1403-01-01`.

    Raises:
        SettingWrong: no folder holds such a guideline, or it is not YAML.
    """
    paths = [folder / f"{name}.yaml" for folder in settings().guideline_folders]
    documents = [_document(path) for path in paths if path.exists()]
    if not documents:
        raise SettingWrong(
            place="PAYESH_GUIDELINES",
            found=f"no {name}.yaml in {', '.join(str(path.parent) for path in paths)}",
            wanted="a folder of guidelines",
        )
    return guideline.section(name, documents, jalali_date)


def stated(name: str, period: Period) -> list[dict[str, Any]]:
    """List what a guideline says on the day a period begins, each value with its label, status and reference."""
    paths = [folder / f"{name}.yaml" for folder in settings().guideline_folders]
    entries: dict[str, Any] = {}
    for path in reversed([path for path in paths if path.exists()]):
        entries |= _document(path)["parameters"]
    in_force = section(name, period)
    rows = []
    for parameter, value in in_force.items():
        begun = [one for one in entries[parameter]["values"] if one["from"] <= period.reference_date]
        newest = max(begun, key=lambda one: str(one["from"]))
        about = {name: entries[parameter][name] for name in ("label", "unit")}
        rows.append(about | newest | {"value": value})
    return rows


def _document(path: Path) -> dict[str, Any]:
    try:
        # Every scalar stays text, so that no number passes through binary fractions.
        document: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise SettingWrong(place=path.name, found=str(error).replace("\n", " "), wanted="YAML") from error
    return document
