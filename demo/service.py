"""The rehearsal's HTTP service: the plans of agency P04 and the visits of the inspectors, on 127.0.0.1."""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import pandas as pd
import uvicorn
from fastapi import FastAPI, Header, HTTPException, Query, Response

from demo import layouts, ministry, scenario, truth
from methods.errors import Refusal

ISSUED_COLUMNS = {
    "plan_id", "agency_code", "province_code", "county_code", "firm_code", "inspector_code", "plan_kind",
    "registered_job_count",
}  # fmt: skip
CONTACT_OUTCOMES = {
    "contacted": "مراجعه شد",
    "non_contact": "عدم دسترسی",
    "refused": "امتناع",
    "moved": "تغییر نشانی",
}
LOAN_USES = {"approved_purpose": "محل مصوب", "other_purpose": "محل دیگر"}
LEVELS = {"county": "شهرستان", "provincial": "استان", "national": "کشور"}
REINSPECTED_COLUMNS = {"plan_id", "level", "firm_code", "inspector_code"}
LARGEST_PAGE = 50_000

Year = Annotated[int, Query(ge=1390, le=1450)]
Phase = Annotated[int, Query(ge=1, le=2)]
PageNumber = Annotated[int, Query(ge=1)]
PageSize = Annotated[int, Query(ge=1, le=LARGEST_PAGE)]
Bearer = Annotated[str, Header(alias="Authorization")]


def application(home: Path) -> FastAPI:
    """Build the service over a folder; its tokens come from the environment, and it refuses without them."""
    service = FastAPI(title="Payesh rehearsal", docs_url=None, redoc_url=None, openapi_url=None)

    @service.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @service.get("/p04/plans")
    def plans(year: Year, page: PageNumber = 1, size: PageSize = 5000, authorization: Bearer = "") -> Response:
        _admit(authorization, "PAYESH_P04_TOKEN")
        file = ministry.p04_file(home, year)
        if not file.exists():
            raise HTTPException(404, f"No plans of {year} are here.")
        return _page(_plan_lines(file, file.stat().st_mtime_ns), page, size)

    @service.get("/field/visits")
    def visits(
        year: Year, phase: Phase = 1, page: PageNumber = 1, size: PageSize = 5000, authorization: Bearer = ""
    ) -> Response:
        _admit(authorization, "PAYESH_FIELD_TOKEN")
        return _page(_visit_lines(home, year, phase), page, size)

    return service


def visit_table(
    issued: pd.DataFrame, scale: str, year: int, phase: int, reinspected: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Write the visits to an issued list, and their repeats, with the headers and words of the inspectors' system."""
    report = truth.visits(issued, scenario.load(scale), year, phase, reinspected)
    report["level"] = report["level"].map(LEVELS)
    report["contact_outcome"] = report["contact_outcome"].map(CONTACT_OUTCOMES)
    report["loan_use"] = report["loan_use"].map(LOAN_USES)
    return report


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m demo.service", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of everything generated")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    asked = parser.parse_args()
    uvicorn.run(application(asked.home.resolve()), host="127.0.0.1", port=asked.port, log_level="warning")


def _admit(authorization: str, token_name: str) -> None:
    token = os.environ.get(token_name, "")
    if not token or not secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        raise HTTPException(401, "The token is missing or wrong.", headers={"WWW-Authenticate": "Bearer"})


def _page(lines: list[bytes], page: int, size: int) -> Response:
    pages = max(1, -(-len(lines) // size))
    if page > pages:
        raise HTTPException(404, f"There is no page {page}: the last is {pages}.")
    items = b",".join(lines[(page - 1) * size : page * size])
    # The lines are JSON already; taking them apart to write them again would cost most of the time.
    body = b'{"items":[%b],"page":%d,"pages":%d,"total":%d}' % (items, page, pages, len(lines))
    return Response(body, media_type="application/json")


@lru_cache(maxsize=4)
def _plan_lines(file: Path, _changed: int) -> list[bytes]:
    return file.read_bytes().splitlines()


def _visit_lines(home: Path, year: int, phase: int) -> list[bytes]:
    file = home / "outbox" / f"{year}-{phase}" / "issued_plan.csv"
    if not file.exists():
        raise HTTPException(409, f"No list of issued plans of {year}-{phase} was handed out.")
    try:
        scale = ministry.staged_scale(home, year)
        made_from = scenario.path(scale).read_bytes()
    except Refusal as refusal:
        raise HTTPException(409, str(refusal)) from refusal
    repeats = file.with_name("reinspection.csv")
    content = file.read_bytes() + (repeats.read_bytes() if repeats.exists() else b"")
    return _visits_of(file, hashlib.sha256(content + made_from).hexdigest(), scale, year, phase)


@lru_cache(maxsize=4)
def _visits_of(file: Path, _content: str, scale: str, year: int, phase: int) -> list[bytes]:
    issued = _listed(file, ISSUED_COLUMNS, f"issued list of {year}-{phase}")
    repeats = file.with_name("reinspection.csv")
    reinspected = None
    if repeats.exists():
        reinspected = _listed(repeats, REINSPECTED_COLUMNS, f"list of repeats of {year}-{phase}")
    return layouts.json_lines(visit_table(issued, scale, year, phase, reinspected)).splitlines()


def _listed(file: Path, columns: set[str], what: str) -> pd.DataFrame:
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    missing = sorted(columns - set(rows.columns))
    if missing:
        raise HTTPException(409, f"The {what} has no column {', '.join(missing)}.")
    return rows


if __name__ == "__main__":
    main()
