"""What describes the open data of an edition to a machine: a Data Package of the Frictionless standard."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.edges.annex import edition as wording
from tasks.edges.annex import marks
from tasks.edges.annex.codes import Codes
from tasks.edges.annex.edition import Edition

PROFILES = "https://datapackage.org/profiles/2.0"
# Name, type, Persian description.
FIELDS = (
    ("year", "integer", "سال شمسی"), ("phase", "integer", "دوره"), ("cutoff", "date", "آخرین روز رسیدن داده‌ها"),
    ("is_rehearsal", "boolean", "داده‌ها ساختگی است"), ("indicator", "string", "کد شاخص"),
    ("indicator_name_fa", "string", "نام شاخص"), ("measure_unit", "string", "یکا"),
    ("basis", "string", "شمارش یا برآورد"), ("level", "string", "سطح"), ("unit_code", "string", "کد جا"),
    ("unit_name_fa", "string", "نام جا"), ("unit_name_en", "string", "نام انگلیسی جا"),
    ("domain", "string", "گروه: all یا بُعد=مقدار"), ("domain_name_fa", "string", "نام گروه"),
    ("domain_name_en", "string", "نام انگلیسی گروه"), ("weight", "string", "وزن هر طرح"),
    ("numerator", "number", "صورت"), ("denominator", "number", "مخرج"),
    ("exclusions", "object", "آنچه مخرج کنار می‌گذارد: دلیل و شمار"), ("n", "integer", "شمار طرح‌های دیده‌شده"),
    ("estimate", "number", "مقدار"), ("standard_error", "number", "خطای معیار"),
    ("lower", "number", "کران پایین بازه"), ("upper", "number", "کران بالای بازه"),
    ("quality", "string", "کیفیت"), ("mark", "string", "نشان"), ("method", "string", "روش"),
    ("guideline", "string", "نسخهٔ شیوه‌نامه"),
)  # fmt: skip
REQUIRED = (*marks.KEY, "is_rehearsal", "measure_unit", "weight", "quality", "method", "guideline")
# Code lists, with their keys; of the first three the figures hold the key.
KEYS = {
    "indicators": ["indicator"], "units": ["unit_code"], "domains": ["domain"], "marks": ["mark"],
    "terms": ["list", "code"],
}  # fmt: skip
REFERRED = ("indicators", "units", "domains")
TITLES = {
    "figures": "رقم‌ها با کد و نام",
    "figures-json": "رقم‌ها در قالب JSON، تنها با کد",
    "figures-parquet": "رقم‌ها در قالب Parquet",
    "figures-sdmx": "رقم‌ها در قالب SDMX-CSV 2.0",
    "indicators": "شاخص‌ها و تعریف آن‌ها",
    "units": "کشور، استان‌ها و شهرستان‌ها",
    "domains": "گروه‌هایی که رقم‌ها برای آن‌هاست",
    "marks": "نشان‌ها",
    "terms": "واژه‌های دیگر ستون‌ها",
}
MEDIA = {
    ".csv": ("csv", "text/csv"),
    ".json": ("json", "application/json"),
    ".parquet": ("parquet", "application/vnd.apache.parquet"),
}


def describe(folder: Path, rows: pd.DataFrame, codes: Codes, edition: Edition) -> dict[str, Any]:
    """Describe the files of a folder: hashes, sizes, columns, keys, value lists, licence and sources.

    Args:
        folder: where they lie: figures in four formats and the code lists.
        rows: the figures, of which values that no code list names are listed too.
        codes: code lists of the edition.
        edition: whose figures they are.

    Source:
        Frictionless Data, Data Package 2.0 (2024): Data Package, Data Resource, Table Schema, Table Dialect.
    """
    figures = _schema(rows, codes)
    resources = [
        _resource(folder, "figures", "figures.csv", figures),
        _resource(folder, "figures-json", "figures.json", None),
        _resource(folder, "figures-parquet", "figures.parquet", None),
        _resource(folder, "figures-sdmx", "figures.sdmx.csv", None),
        *(_resource(folder, name, f"{name}.csv", _list_schema(name, rows)) for name, rows in code_lists(codes).items()),
    ]
    notes = [wording.LIMIT_FA, *([wording.REHEARSAL_NOTICE] if edition.is_rehearsal else [])]
    return {
        "$schema": f"{PROFILES}/datapackage.json",
        "name": f"payesh-{edition.code}",
        "title": f"{edition.title_fa}، {edition.period_fa}",
        "description": " ".join([f"رقم‌های {edition.period_fa}، داده‌های رسیده تا {edition.cutoff_fa}.", *notes]),
        "version": edition.code,
        "created": f"{edition.released_on.isoformat()}T00:00:00+03:30",
        "homepage": edition.address,
        "languages": ["fa", "en"],
        "keywords": ["اشتغال", "تسهیلات اشتغال‌زا", "پایش", "employment", "Iran"],
        "licenses": [{"name": wording.LICENCE, "title": wording.LICENCE_TITLE, "path": wording.LICENCE_ADDRESS}],
        "contributors": [{"title": edition.contact, "roles": ["publisher", "contact"]}],
        "sources": [{"title": wording.SOURCE_FA}],
        "edition": edition.kind,
        "citation": edition.citation_fa,
        "resources": resources,
    }


def code_lists(codes: Codes) -> dict[str, pd.DataFrame]:
    """Give the code lists as files hold them: name of the file -> rows of texts, an empty one as null."""
    indicators = codes.indicators.rename_axis("indicator").reset_index()
    indicators["exclusions"] = [" ".join(reasons) for reasons in indicators["exclusions"]]
    found = {
        "indicators": indicators,
        "units": codes.units.rename_axis("unit_code").reset_index(),
        "domains": codes.domains.rename_axis("domain").reset_index(),
        "marks": pd.DataFrame(marks.MARKS, columns=["mark", "name_fa", "name_en", "meaning_fa"]),
        "terms": codes.terms,
    }
    return {name: rows.astype(object).where(rows.notna() & (rows != ""), None) for name, rows in found.items()}


def _resource(folder: Path, name: str, file: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    path = folder / file
    kind, media = MEDIA[path.suffix]
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    told = {"name": name, "path": file, "title": TITLES[name], "format": kind, "mediatype": media}
    told |= {"encoding": "utf-8"} if kind != "parquet" else {}
    whole = told | {"bytes": path.stat().st_size, "hash": f"sha256:{digest}"}
    # The same figures in another format are held by their hash; `table` would have frictionless read them by extras.
    return whole | ({"type": "table", "schema": dict(schema)} if schema else {"type": "file"})


def _schema(rows: pd.DataFrame, codes: Codes) -> dict[str, Any]:
    lists = {"basis": "basis", "level": "level", "weight": "weight", "quality": "quality", "measure_unit": "unit"}
    allowed = {"mark": list(marks.COMBINATIONS)}
    for field, name in lists.items():
        used = set(rows[field].unique()) if field in rows else set()
        allowed[field] = [*codes.names(name), *sorted(used - set(codes.names(name)))]
    fields = [_field(name, kind, description, allowed.get(name)) for name, kind, description in FIELDS]
    keys = [{"fields": KEYS[name], "reference": {"resource": name, "fields": KEYS[name]}} for name in REFERRED]
    return {
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": fields,
        "missingValues": [""],
        "primaryKey": list(marks.KEY),
        "foreignKeys": keys,
    }


def _field(name: str, kind: str, description: str, allowed: Sequence[str] | None) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": True} if name in REQUIRED else {}
    constraints |= {"enum": list(allowed)} if allowed else {}
    told = {"name": name, "type": kind, "title": description}
    return told | ({"constraints": constraints} if constraints else {})


def _list_schema(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    keys = KEYS[name]
    fields = [
        {"name": str(column), "type": "string"} | ({"constraints": {"required": True}} if column in keys else {})
        for column in rows.columns
    ]
    return {
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": fields,
        "missingValues": [""],
        "primaryKey": keys,
    }
