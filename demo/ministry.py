"""What the agencies of the rehearsal deliver for a year, written where real agencies would."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from demo import field_staff, layouts, population, scenario
from methods.errors import SettingWrong

# P05 keeps a database, which is written year by year beside these.
WRITERS = {
    "P01": layouts.write_p01,
    "P02": layouts.write_p02,
    "P03": layouts.write_p03,
    "P04": layouts.write_p04,
    "P06": layouts.write_p06,
}

# Agencies that declare what they lent, and whether they do so by county.
DECLARING = {"P01": True, "P03": False}
# Agencies that list the jobs of their plans.
LISTING_JOBS = ("P04", "P05")


def stage(home: Path, year: int, scale: str = "full") -> list[Path]:
    """Deliver what the six agencies, the call centre and the registries of the field have for a year.

    Staging again writes nothing; a file that was lost or changed is written again, as it was.

    Args:
        home: folder of everything generated; inbox/ and rehearsal/ inside it are written.
        year: Jalali year of the plans.
        scale: full, small, or the path of another scenario YAML.

    Returns:
        The files of the year, agency by agency; the last are the registries of firms, inspectors and ties.

    Raises:
        SettingWrong: no such scale, or a year it does not cover.
    """
    settings = scenario.load(scale)
    settings.year(year)
    places = _places(home, year)
    fingerprint = _fingerprint(scale, year)
    stamp = _stamp(home, year)
    if _stands(stamp, places, year, fingerprint):
        return list(places.values())
    every_plan = population.plans(settings, year)
    plans = dict(tuple(every_plan.groupby("agency_code", sort=True)))
    for code, write in WRITERS.items():
        _write(partial(write, plans[code]), places[code])
    for code, by_county in DECLARING.items():
        declared = population.totals(every_plan, code, by_county)
        _write(partial(layouts.write_totals, declared), places[f"{code}_TOTAL"])
    for code in LISTING_JOBS:
        listed = population.jobs(plans[code], settings, year)
        _write(partial(layouts.write_jobs, listed), places[f"{code}_JOBS"])
    _write(partial(layouts.write_contacts, population.desk_contacts(every_plan, settings, year)), places["DESK"])
    _write(partial(layouts.write_firms, population.firms(settings, year)), places["FIRMS"])
    staff = field_staff.inspectors(settings, year)
    _write(partial(field_staff.write_inspectors, staff), places["INSPECTORS"])
    _write(partial(field_staff.write_ties, field_staff.ties(every_plan, staff, settings, year)), places["TIES"])
    if not layouts.p05_stands(places["P05"], year, fingerprint):
        layouts.write_p05(plans["P05"], places["P05"], year, fingerprint)
    _write_stamp(stamp, places, scale, fingerprint)
    return list(places.values())


def staged_scale(home: Path, year: int) -> str:
    """Say at which scale a year was delivered.

    Raises:
        SettingWrong: it was not.
    """
    stamp = _stamp(home, year)
    if not stamp.exists():
        raise SettingWrong(
            place=f"rehearsal of {year}", found="nothing staged", wanted="the deliveries of the year",
            remedy="Run `payesh demo`, or stage the year first.",
        )  # fmt: skip
    return str(json.loads(stamp.read_text(encoding="utf-8"))["scale"])


def p04_file(home: Path, year: int) -> Path:
    """Name the file that the service of agency P04 pages through."""
    return home / "rehearsal" / f"p04-{year}.jsonl"


def p05_file(home: Path) -> Path:
    """Name the database of agency P05, which holds every year."""
    return home / "rehearsal" / "p05.sqlite"


def _places(home: Path, year: int) -> dict[str, Path]:
    inbox = home / "inbox"
    return {
        "P01": inbox / "P01" / str(year) / "plans.csv",
        "P02": inbox / "P02" / str(year) / "plans.csv",
        "P03": inbox / "P03" / str(year) / "plans.xlsx",
        "P04": p04_file(home, year),
        "P05": p05_file(home),
        "P06": inbox / "P06" / str(year) / "plans.csv",
        "P01_TOTAL": inbox / "P01_TOTAL" / str(year) / "totals.csv",
        "P03_TOTAL": inbox / "P03_TOTAL" / str(year) / "totals.csv",
        "P04_JOBS": inbox / "P04_JOBS" / str(year) / "jobs.csv",
        "P05_JOBS": inbox / "P05_JOBS" / str(year) / "jobs.csv",
        "DESK": inbox / "DESK" / str(year) / "contacts.csv",
        "FIRMS": inbox / "FIRMS" / str(year) / "firms.xlsx",
        "INSPECTORS": inbox / "INSPECTORS" / str(year) / "inspectors.csv",
        "TIES": inbox / "TIES" / str(year) / "ties.csv",
    }


def _write(write: Callable[[Path], None], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A reader never sees half a delivery.
    half = path.with_suffix(f".{os.getpid()}.part")
    write(half)
    half.replace(path)


def _fingerprint(scale: str, year: int) -> str:
    """Hash everything the deliveries are made from: settings, names, places and this code."""
    here = Path(__file__).resolve().parent
    made_from = [scenario.path(scale)]
    made_from += [population.REFERENCE / name for name in ("counties.csv", "provinces.csv")]
    made_from += [here / name for name in ("names.yaml", "chance.py", "population.py", "layouts.py", "field_staff.py")]
    digest = hashlib.sha256(str(year).encode())
    for file in made_from:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _stamp(home: Path, year: int) -> Path:
    return home / "rehearsal" / f"staged-{year}.json"


def _write_stamp(stamp: Path, places: dict[str, Path], scale: str, fingerprint: str) -> None:
    written = {"scale": scale, "made_from": fingerprint, "files": _hashes(places)}
    stamp.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def _stands(stamp: Path, places: dict[str, Path], year: int, fingerprint: str) -> bool:
    if not stamp.exists() or not all(path.exists() for path in places.values()):
        return False
    written = json.loads(stamp.read_text(encoding="utf-8"))
    if written["made_from"] != fingerprint or written["files"] != _hashes(places):
        return False
    return layouts.p05_stands(places["P05"], year, fingerprint)


def _hashes(places: dict[str, Path]) -> dict[str, str]:
    # The database of P05 holds other years too, so it vouches for itself.
    files = {code: path for code, path in places.items() if code != "P05"}
    return {code: hashlib.sha256(path.read_bytes()).hexdigest() for code, path in files.items()}
