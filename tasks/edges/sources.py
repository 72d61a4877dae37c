"""Sources as data: what an agency's YAML may say, checked before anything is pulled."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from methods.errors import SettingWrong, SourceUnreadable
from methods.period import Period
from tasks.edges.settings import settings

Form = Literal["loan_plan", "firm", "visit", "census_county"]
Unit = Literal["rial", "toman", "million_rial"]

FORM_COLUMNS: dict[str, tuple[str, ...]] = {
    "loan_plan": (
        "plan_number", "national_id", "applicant_name", "province", "county", "budget_note",
        "activity_code", "plan_kind", "approved_on", "paid_on", "loan_approved_rial",
        "loan_paid_rial", "job_commitment_count", "registered_job_count", "advising_firm_code",
    ),
    "firm": ("firm_code", "firm_name", "province", "capacity_count"),
    "visit": (
        "visit_id", "plan_id", "firm_code", "inspector_code", "visited_on", "contact_outcome",
        "is_final", "has_rule_breach", "loan_use", "is_running", "jobs_found_count",
    ),
    "census_county": ("county", "measure", "person_count"),
}  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class Years(_Strict):
    """First and last Jalali year a source delivers."""

    first: int = Field(alias="from")
    last: int = Field(alias="to")


class SheetCells(_Strict):
    """One place in every sheet of a workbook that holds no table: the row by its label."""

    measure: str
    label: str
    column: int = Field(ge=1, description="1-based column of the value")


class FilePull(_Strict):
    """A file in a drop folder; several workbooks may stand in one zip."""

    kind: Literal["file"]
    address: str
    format: Literal["csv", "xlsx", "xls"]
    encoding: Literal["utf-8", "cp1256"] = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    header_row: int = Field(default=1, ge=1)
    archive: Literal["none", "zip"] = "none"
    sheet_code: str | None = Field(default=None, description="pattern whose group 1 is the county code")
    cells: tuple[SheetCells, ...] = ()


class ApiPull(_Strict):
    """A paginated JSON service behind a bearer token."""

    kind: Literal["api"]
    address: str
    token_env: str
    page_parameter: str = "page"
    size_parameter: str = "size"
    page_size: int = Field(default=5000, ge=1)
    rows: str = "items"
    pages: str = "pages"


class SqlPull(_Strict):
    """A query at an agency's database, sent in a read-only transaction."""

    kind: Literal["sql"]
    address: str
    query: str


class Source(_Strict):
    """One source: where it lives, and how its columns, units and codes map to a form."""

    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    agency_code: str
    agency_name: str
    form: Form
    is_rehearsal: bool = False
    years: Years
    pull: Annotated[FilePull | ApiPull | SqlPull, Field(discriminator="kind")]
    columns: dict[str, str] = {}
    ignored_columns: tuple[str, ...] = ()
    units: dict[str, Unit] = {}
    codes: dict[str, dict[str, str]] = {}

    @property
    def version(self) -> str:
        """Short hash of all it says: a changed mapping is another version."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def delivers(self, period: Period) -> bool:
        """Say whether this source delivers in a period."""
        return self.years.first <= period.year <= self.years.last


def load_all() -> dict[str, Source]:
    """Read every source YAML, by code."""
    sources: dict[str, Source] = {}
    for path in sorted(settings().source_folder.glob("*.yaml")):
        source = load(path)
        if source.code in sources:
            raise SettingWrong(
                place=path.name, found=f"the code {source.code} a second time", wanted="one YAML a source"
            )
        sources[source.code] = source
    return sources


def load(path: Path) -> Source:
    """Read one source YAML.

    Raises:
        SettingWrong: it is not readable as YAML, or says something no source may say.
    """
    try:
        source = Source.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingWrong(place=path.name, found=str(error).replace("\n", " "), wanted="YAML in UTF-8") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingWrong(
            place=f"{path.name}, {'.'.join(map(str, first['loc'])) or 'top level'}",
            found=repr(first.get("input"))[:80],
            wanted=first["msg"],
        ) from error
    _check_columns(path, source)
    return source


def address(source: Source, period: Period) -> str:
    """Fill the placeholders of a source's address: the inbox, the period, the environment."""

    def value(match: re.Match[str]) -> str:
        word = match.group(1)
        if word.startswith("env:"):
            return environment(source, word.removeprefix("env:"))
        known = {"inbox": str(settings().inbox), "year": str(period.year), "phase": str(period.phase)}
        if word not in known:
            raise SettingWrong(
                place=f"sources: {source.code} pull.address",
                found=f"{{{word}}}",
                wanted="{inbox}, {year}, {phase} or {env:NAME}",
            )
        return known[word]

    return re.sub(r"\{([^{}]+)\}", value, source.pull.address)


def environment(source: Source, name: str) -> str:
    """Read an address or a credential that a source names."""
    value = os.environ.get(name)
    if not value:
        raise SourceUnreadable(
            place=f"source {source.code}",
            found=f"no environment variable {name}",
            wanted="the address or credential it names",
            remedy=f"Set {name}; in a rehearsal `payesh` sets it.",
        )
    return value


def _check_columns(path: Path, source: Source) -> None:
    if isinstance(source.pull, FilePull) and source.pull.cells:
        return
    unknown = sorted(set(source.columns) - set(FORM_COLUMNS[source.form]))
    missing = sorted(set(FORM_COLUMNS[source.form]) - set(source.columns))
    if unknown or missing:
        raise SettingWrong(
            place=f"{path.name}, columns",
            found=f"unknown {unknown}" if unknown else f"no mapping for {missing}",
            wanted=f"one header for each column of the form {source.form}",
        )
