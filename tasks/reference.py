"""Reference data, work: the only code that writes schema `reference`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import calendar, geography
from methods.errors import SettingWrong
from tasks.edges import definitions, forms, sources, warehouse
from tasks.edges.settings import settings

# Measures of the census of 1395, and what they are called in the warehouse.
CENSUS = {
    "population_1395": "population_count",
    "active_15plus_1395": "active_person_count",
    "unemployed_15plus_1395": "unemployed_person_count",
}


@task(task_run_name="load-reference", cache_policy=NO_CACHE)
def load_reference() -> None:
    """Bring the schema up to date and load what a reader of the codes needs."""
    load()


def load() -> None:
    """Bring the schema up to date and make the tables of every form, and upsert what codes mean."""
    reasons = _reject_reasons()
    warehouse.migrate()
    for form in forms.load_all().values():
        warehouse.make_tables(forms.table_statements(form))
    tables = {
        "province": _provinces(),
        "county": _counties(),
        "jalali_month": calendar.month_table(),
        "reject_reason": reasons,
        "indicator": _indicators(),
        "source": _sources(),
    }
    for table, rows in tables.items():
        warehouse.upsert_reference(table, rows)


def _folder() -> Path:
    return settings().root / "reference"


def _reject_reasons() -> pd.DataFrame:
    """Read why rows are given back; rejected rows are not checked one by one against it, so forms are."""
    rows = pd.read_csv(_folder() / "reject_reasons.csv", dtype=str)
    for form in forms.load_all().values():
        unexplained = sorted({rule.reason for rule in form.rules} - set(rows["reason_code"]))
        if unexplained:
            raise SettingWrong(
                place=f"form {form.form}, rules",
                found=f"reasons that nobody explains: {', '.join(unexplained)}",
                wanted="those of reference/reject_reasons.csv",
                remedy="Add them there, with what an agency is to do about it.",
            )
    return rows


def _provinces() -> pd.DataFrame:
    rows = pd.read_csv(_folder() / "provinces.csv", dtype=str).rename(columns={"code": "province_code"})
    return rows[["province_code", "name_fa", "name_en", "tile_row", "tile_column", "alt_names"]]


def _counties() -> pd.DataFrame:
    rows = pd.read_csv(_folder() / "counties.csv", dtype=str, keep_default_na=False)
    rows = rows.rename(columns={"code": "county_code"})
    lists = [f"in_{year}" for year in geography.LISTS]
    rows[[f"is_{name}" for name in lists]] = rows[lists] == "1"
    rows = rows.rename(columns=CENSUS)
    return rows[
        ["county_code", "province_code", "name_fa", "alt_names", *(f"is_{name}" for name in lists), *CENSUS.values()]
    ]


def _indicators() -> pd.DataFrame:
    rows = pd.DataFrame(definitions.indicators()["indicators"]).rename(columns={"code": "indicator"})
    # What a code means now; figures of a former definition carry their guideline and cut-off.
    newest = rows.sort_values("from", kind="stable").drop_duplicates("indicator", keep="last")
    return newest[["indicator", "name_fa", "unit", "kind", "definition_fa"]]


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
