"""Reference data, work: the only code that writes schema `reference`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import calendar, persian
from tasks.edges import sources, warehouse
from tasks.edges.settings import settings


@task(task_run_name="load-reference", cache_policy=NO_CACHE)
def load_reference() -> None:
    """Bring the schema up to date and load what a reader of the codes needs."""
    load()


def load() -> None:
    """Bring the schema up to date and upsert provinces, counties, calendar, indicators and sources."""
    warehouse.migrate()
    tables = {
        "province": _provinces(),
        "county": _counties(),
        "county_name": _county_names(),
        "jalali_month": calendar.month_table(),
        "reject_reason": pd.read_csv(_folder() / "reject_reasons.csv", dtype=str),
        "indicator": _indicators(),
        "source": _sources(),
    }
    for table, rows in tables.items():
        warehouse.upsert_reference(table, rows)


def _folder() -> Path:
    return settings().root / "reference"


def _provinces() -> pd.DataFrame:
    rows = pd.read_csv(_folder() / "provinces.csv", dtype=str)
    rows["name_key"] = rows["name_fa"].map(_name_key)
    rows = rows.rename(columns={"code": "province_code"})
    return rows[["province_code", "name_fa", "name_en", "name_key", "tile_row", "tile_column"]]


def _counties() -> pd.DataFrame:
    rows = pd.read_csv(_folder() / "counties.csv", dtype=str).rename(columns={"code": "county_code"})
    for year in ("1395", "1402"):
        rows[f"is_in_{year}"] = rows[f"in_{year}"] == "1"
    return rows[["county_code", "province_code", "name_fa", "is_in_1395", "is_in_1402"]]


def _county_names() -> pd.DataFrame:
    """Every spelling of a county, by province.

    A name in force wins over an earlier name of another county (سرباز was 1108 until it became راسک);
    an earlier name that two counties share resolves to neither.
    """
    rows = pd.read_csv(_folder() / "counties.csv", dtype=str, keep_default_na=False)
    rows = rows.rename(columns={"code": "county_code"})
    current = _spelt(rows, rows["name_fa"])
    earlier = _spelt(rows, rows["alt_names"]).drop_duplicates(["province_code", "name_key"], keep=False)
    every = pd.concat([current, earlier])
    return every.loc[every["name_key"] != ""].drop_duplicates(["province_code", "name_key"])


def _spelt(counties: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    spelt = counties.assign(name=names.str.split("|")).explode("name")
    spelt["name_key"] = spelt["name"].map(_name_key)
    return spelt[["province_code", "name_key", "county_code"]].drop_duplicates()


def _indicators() -> pd.DataFrame:
    document: dict[str, Any] = yaml.safe_load((_folder() / "indicators.yaml").read_text(encoding="utf-8"))
    entries = document["indicators"]
    if isinstance(entries, dict):
        entries = [{"code": code, **entry} for code, entry in entries.items()]
    rows = pd.DataFrame(entries).rename(columns={"code": "indicator"})
    return rows[["indicator", "name_fa", "unit", "definition_fa"]]


def _sources() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "source_code": source.code,
                "agency_code": source.agency_code,
                "agency_name": source.agency_name,
                "form": source.form,
                "is_rehearsal": source.is_rehearsal,
            }
            for source in sources.load_all().values()
        ]
    )


def _name_key(name: str) -> str:
    return persian.conform(name).replace(" ", "")
