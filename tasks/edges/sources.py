"""Sources as data: what an agency's YAML may say, checked before anything is pulled."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from methods.errors import SettingWrong, SourceUnreadable
from methods.period import Period
from tasks.edges import forms
from tasks.edges.forms import Form
from tasks.edges.pulls import ApiPull, FilePull, KoboPull, KoboPush, OdkPull, OdkPush, Pull, Push, SqlPull
from tasks.edges.readings import Reading
from tasks.edges.settings import settings

CODE = r"^[A-Z][A-Z0-9_]*$"
Unit = Literal["rial", "toman", "million_rial"]
RIAL: dict[Unit, int] = {"rial": 1, "toman": 10, "million_rial": 1_000_000}
JALALI_DATE = r"^1[34][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class Years(_Strict):
    """First and last Jalali year a source delivers."""

    first: int = Field(alias="from", ge=1300, le=1503)
    last: int = Field(alias="to", ge=1300, le=1503)

    @model_validator(mode="after")
    def _in_order(self) -> Years:
        if self.last < self.first:
            raise ValueError("wanted `to` not before `from`")
        return self


class Cadence(_Strict):
    """When a delivery is due, and how long it may be late without being called so."""

    due_days: int = Field(ge=0, description="days after the first day of the period")
    grace_days: int = Field(default=0, ge=0)


class Fault(_Strict):
    """A known fault of an agency: a value it writes wrongly until it mends its system."""

    column: str
    found: str = Field(description="what it writes")
    becomes: str = Field(description="what it means")
    why: str
    expect: int = Field(ge=1, description="least number of rows that show it; fewer fail, since it may be mended")


class Layout(_Strict):
    """How a delivery maps to its form; what is left out stays as it was before."""

    pull: Pull | None = None
    push: Push | None = None
    read: Reading | None = None
    columns: dict[str, str] | None = None
    ignored_columns: tuple[str, ...] | None = None
    units: dict[str, Unit] | None = None
    codes: dict[str, dict[str, str]] | None = None
    faults: tuple[Fault, ...] | None = None


class Change(Layout):
    """A layout that holds from a Jalali date on."""

    holds_from: str = Field(alias="from", pattern=JALALI_DATE)
    note: str = Field(default="", description="why it changed: a letter, a new system")


class Source(_Strict):
    """One source: where it lives, when it is due, and how its columns, units and codes map to a form."""

    code: str = Field(pattern=CODE)
    agency_code: str
    agency_name: str
    agency_name_en: str = Field(default="", description="as English pages print it; without one, code and Persian name")
    form: str
    is_rehearsal: bool = False
    is_optional: bool = Field(default=False, description="a file in a drop folder that may not have come yet")
    years: Years
    cadence: Cadence | None = None
    pull: Pull
    push: Push | None = Field(default=None, description="where the form its rows answer is pushed to")
    read: Reading = Reading()
    columns: dict[str, str] = Field(default={}, description="column of the form -> header as delivered")
    ignored_columns: tuple[str, ...] = Field(default=(), description="headers; one that ends in * is a beginning")
    units: dict[str, Unit] = Field(default={}, description="unit of a column of money; rial where none is named")
    codes: dict[str, dict[str, str]] = Field(default={}, description="column -> value as delivered -> code")
    faults: tuple[Fault, ...] = ()
    changes: tuple[Change, ...] = Field(default=(), description="layouts that replaced the one above, oldest first")

    @field_validator("changes")
    @classmethod
    def _in_order(cls, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        dates = [change.holds_from for change in changes]
        if dates != sorted(set(dates)):
            raise ValueError("wanted one change a date, oldest first")
        return changes

    @property
    def version(self) -> str:
        """Short hash of all it says, its form with it: a changed mapping is another version."""
        # Where a form goes out to, and an agency's name in English, change nothing of how rows are read.
        out: Any = {"push": True, "agency_name_en": True, "changes": {"__all__": {"push"}}}
        said = [self.model_dump(mode="json", by_alias=True, exclude=out), self.its_form.model_dump(mode="json")]
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]

    @property
    def its_form(self) -> Form:
        """The form it delivers."""
        return forms.load_all()[self.form]

    @property
    def reading(self) -> Reading:
        """How its deliveries are read: as its YAML says, and as what it is pulled from implies."""
        if isinstance(self.pull, FilePull) or self.read.format != "auto":
            return self.read
        if isinstance(self.pull, SqlPull):
            return self.read.model_copy(
                update={"format": "csv", "encoding": "utf-8", "delimiter": ",", "header_row": 1}
            )
        rows = {"odk": "value", "kobo": "results"}.get(self.pull.kind) or getattr(self.pull, "rows", "")
        return self.read.model_copy(update={"format": "pages", "rows": self.read.rows or rows})

    @property
    def units_in_rial(self) -> dict[str, int]:
        """Rial in one delivered unit, by column of money."""
        return {column: RIAL[unit] for column, unit in self.units.items()}

    @property
    def is_incremental(self) -> bool:
        """Say whether a delivery holds only what changed since the one before."""
        if isinstance(self.pull, ApiPull):
            return self.pull.since_parameter is not None
        return isinstance(self.pull, SqlPull) and ":since" in self.pull.query

    def delivers(self, period: Period) -> bool:
        """Say whether this source delivers in a period."""
        return self.years.first <= period.year <= self.years.last

    def at(self, period: Period) -> Source:
        """Take the layout that holds in a period, so that a backfill reads old layouts."""
        # Jalali dates of one width sort as text.
        begun = [change for change in self.changes if change.holds_from <= period.reference_date]
        layout: dict[str, Any] = {"changes": ()}
        for change in begun:
            layout |= {name: value for name in Layout.model_fields if (value := getattr(change, name)) is not None}
        return self.model_copy(update=layout)


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


def in_force(code: str, period: Period) -> Source:
    """Read one source with the layout that holds in a period."""
    return load_all()[code].at(period)


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
        is_secret = first["loc"][:1] in (("pull",), ("push",)) and isinstance(first.get("input"), str)
        raise SettingWrong(
            place=f"{path.name}, {'.'.join(map(str, first['loc'])) or 'top level'}",
            # It may be a password, which no log is to hold.
            found="what stands there" if is_secret else repr(first.get("input"))[:80],
            wanted=first["msg"],
        ) from error
    for layout in (source, *(source.model_copy(update=_stated(change)) for change in source.changes)):
        _check_layout(path, layout)
    return source


def schema() -> dict[str, Any]:
    """Describe what a source YAML may say, as JSON Schema for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Source.model_json_schema(by_alias=True)


def secret(source_code: str, name: str) -> str:
    """Read a credential or address that a source names: `env:NAME` or `block:NAME`, a Prefect Secret.

    Raises:
        SourceUnreadable: there is none of that name.
    """
    where, _, word = name.partition(":")
    value = _prefect_secret(word) if where == "block" else os.environ.get(word or where)
    if not value:
        raise SourceUnreadable(
            place=f"source {source_code}",
            found=f"no Prefect Secret block {word}" if where == "block" else f"no environment variable {word or where}",
            wanted="the address or credential it names",
            remedy=f"Create the block {word} in the Prefect UI." if where == "block" else f"Set {word or where}.",
        )
    return value


def _prefect_secret(name: str) -> str | None:
    from prefect.blocks.system import Secret

    try:
        secret: Any = Secret.load(name)
        return str(secret.get())
    except ValueError:
        return None


def _stated(change: Change) -> dict[str, Any]:
    return {name: value for name in Layout.model_fields if (value := getattr(change, name)) is not None}


def _check_layout(path: Path, source: Source) -> None:
    known = forms.load_all()
    if source.form not in known:
        raise SettingWrong(place=f"{path.name}, form", found=source.form, wanted=f"one of {', '.join(known)}")
    form = known[source.form]
    unknown = sorted({*source.columns, *source.codes, *source.units} - set(form.columns))
    needed = [name for name, column in form.columns.items() if column.required and name not in source.columns]
    if unknown or (needed and not source.read.cells):
        raise SettingWrong(
            place=f"{path.name}, columns",
            found=f"unknown {unknown}" if unknown else f"no mapping for {needed}",
            wanted=f"columns of the form {source.form}, and a header for each that is required",
        )
    _check_values(path, source, form)
    _check_push(path, source)


def _check_push(path: Path, source: Source) -> None:
    pull, push = source.pull, source.push
    places = [(one.kind, getattr(one, "project", None), getattr(one, "form", getattr(one, "asset", None)))
              for one in (pull, push) if isinstance(one, OdkPull | KoboPull | OdkPush | KoboPush)]  # fmt: skip
    if len(places) == 2 and places[0] != places[1]:
        raise SettingWrong(
            place=f"{path.name}, push",
            found=" ".join(map(str, places[1])),
            wanted=f"{' '.join(map(str, places[0]))}, from which the answers are pulled",
        )


def _check_values(path: Path, source: Source, form: Form) -> None:
    for column in source.units:
        if form.columns[column].kind != "money":
            raise SettingWrong(place=f"{path.name}, units", found=column, wanted="a column of money")
    coded = [name for name, column in form.read_once.items() if column.kind != "date"]
    for column, codes in source.codes.items():
        if column not in coded:
            raise SettingWrong(
                place=f"{path.name}, codes", found=column, wanted=f"a column of codes: {', '.join(coded)}"
            )
        allowed = form.columns[column].choices
        wrong = sorted(set(codes.values()) - set(allowed)) if allowed else []
        if wrong:
            raise SettingWrong(
                place=f"{path.name}, codes.{column}", found=", ".join(wrong), wanted=f"one of {', '.join(allowed)}"
            )
    for fault in source.faults:
        if fault.column not in form.read_once:
            raise SettingWrong(
                place=f"{path.name}, faults",
                found=fault.column,
                wanted=f"a column with few values: {', '.join(form.read_once)}",
            )
