"""Bulletin stage, work on the site: the archive of editions as plain files for a web server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

from methods import calendar, persian
from methods.errors import SettingWrong
from tasks.edges.settings import settings
from tasks.edges.site import build
from tasks.edges.site.archive import Edition

FILTERS: dict[str, Callable[..., Any]] = {
    "fa": persian.digits,
    "number": persian.number,
    "jalali": calendar.jalali_text_fa,
}
# Where nobody said where the site will stand, its feed names an address that can be no other's.
NOWHERE = "https://payesh.invalid"


@task(task_run_name="build-site", cache_policy=NO_CACHE)
def publish_site() -> None:
    """Build the site anew from every printed edition."""
    build_site(settings().site, lambda line: None)
    create_link_artifact(key="site", link=(settings().site / "index.html").as_uri(), link_text="Site of bulletins")


def build_site(site: Path, say: Callable[[str], None]) -> list[Edition]:
    """Build the site into a folder; needs no database, only the editions below PAYESH_HOME.

    Raises:
        SettingWrong: PAYESH_SITE_URL is not an address of the web.
        EditionUnfit: see `build.build`.
    """
    address = (os.environ.get("PAYESH_SITE_URL") or NOWHERE).rstrip("/")
    if not address.startswith(("https://", "http://")):
        raise SettingWrong(place="PAYESH_SITE_URL", found=address, wanted="such as https://example.org/payesh")
    return build.build(settings().bulletins, site, build.Places(_provinces(), address), FILTERS, say)


def _provinces() -> list[dict[str, Any]]:
    folder = settings().root / "reference"
    counties = pd.read_csv(folder / "counties.csv", dtype=str, keep_default_na=False)
    listed = counties[counties["in_1402"] == "1"]
    provinces = pd.read_csv(folder / "provinces.csv", dtype=str)
    found = [
        {
            "code": code,
            "name_fa": name,
            "name_en": name_en,
            "counties": _sorted(listed[listed["province_code"] == code]),
        }
        for code, name, name_en in zip(provinces["code"], provinces["name_fa"], provinces["name_en"], strict=True)
    ]
    return sorted(found, key=lambda one: persian.sort_key(one["name_fa"]))


def _sorted(counties: pd.DataFrame) -> list[dict[str, Any]]:
    rows = counties[["code", "name_fa"]].to_dict("records")
    return sorted(
        ({str(key): value for key, value in row.items()} for row in rows),
        key=lambda row: persian.sort_key(row["name_fa"]),
    )
