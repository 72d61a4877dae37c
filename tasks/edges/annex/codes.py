"""Code lists of an edition: what each code of a figure means, in the order a reader expects them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.errors import FiguresUnfit
from tasks.edges import definitions
from tasks.edges.annex.edition import Edition
from tasks.edges.settings import settings

ALL, NATION, UNKNOWN = "all", "IR", "unknown"
# List, code, Persian, English: words of the data that are no reference of the programme.
TERMS = (
    ("level", "nation", "کشور", "Nation"), ("level", "province", "استان", "Province"),
    ("level", "county", "شهرستان", "County"),
    ("basis", "counted", "شمارش", "Counted: of the plans looked at"),
    ("basis", "estimated", "برآورد", "Estimated: of all eligible plans"),
    ("weight", "plan", "طرح", "Each plan weighs one"), ("weight", "loan", "تسهیلات", "Each plan weighs its loan"),
    ("weight", "job", "شغل", "Each plan weighs its jobs"),
    ("unit", "plans", "طرح", "Plans"), ("unit", "share", "سهم", "Share, 0 to 1"), ("unit", "ratio", "نسبت", "Ratio"),
    ("unit", "rial", "ریال", "Rials"), ("unit", "jobs", "شغل", "Jobs"), ("unit", "days", "روز", "Days"),
    ("quality", "exact", "بدون خطای نمونه‌گیری", "No sampling error"),
    ("quality", "A", "بسیار دقیق", "Very precise"), ("quality", "B", "دقیق", "Precise"),
    ("quality", "C", "با احتیاط به کار رود", "Use with caution"),
    ("quality", "withheld", "ضعیف‌تر از آن که منتشر شود", "Too weak to publish"),
    ("quality", "confidential", "محرمانه", "Confidential"),
    ("quality", "undefined", "تعریف‌نشده", "Undefined"),
    ("exclusion", "not_attempted", "برای بازدید آن اقدام نشده", "Not attempted"),
    ("exclusion", "non_contact", "عدم دسترسی", "No contact"), ("exclusion", "pending", "در دست بررسی", "Pending"),
    ("exclusion", "job_unlisted", "دستگاه فهرست شغل‌ها را نداده", "Agency gave no list of jobs"),
    ("exclusion", "too_recent_6_months", "شغل تازه‌تر از ۶ ماه", "Job younger than 6 months"),
    ("exclusion", "too_recent_12_months", "شغل تازه‌تر از ۱۲ ماه", "Job younger than 12 months"),
    ("exclusion", "too_recent_24_months", "شغل تازه‌تر از ۲۴ ماه", "Job younger than 24 months"),
)  # fmt: skip
ALL_FA, ALL_EN = "همهٔ طرح‌ها", "All plans"
UNKNOWN_FA, UNKNOWN_EN = "نامعلوم", "Unknown"


@dataclass(frozen=True)
class Places:
    """Where the codes of each figure stand in the code lists, -1 where they do not: a place a figure."""

    indicator: npt.NDArray[np.intp]
    unit_code: npt.NDArray[np.intp]
    domain: npt.NDArray[np.intp]


@dataclass(frozen=True)
class Codes:
    """Code lists of one edition, each indexed by its code; the order of rows is the order of print.

    Attributes:
        indicators: name_fa, name_en, unit, kind, weight, numerator, denominator, observed, exclusions, definition_fa.
        units: level, parent_code, name_fa, name_en.
        domains: dimension, dimension_name_fa, value, name_fa, name_en.
        terms: list, code, name_fa, name_en; index without meaning.
    """

    indicators: pd.DataFrame
    units: pd.DataFrame
    domains: pd.DataFrame
    terms: pd.DataFrame

    def places(self, rows: pd.DataFrame) -> Places:
        """Look up indicator, unit_code and domain of figures."""
        lists = {"indicator": self.indicators, "unit_code": self.units, "domain": self.domains}
        return Places(**{name: listed.index.get_indexer(pd.Index(rows[name])) for name, listed in lists.items()})

    def names(self, of: str) -> dict[str, str]:
        """Give code -> Persian name of one list of terms."""
        rows = self.terms[self.terms["list"] == of]
        return dict(zip(rows["code"], rows["name_fa"], strict=True))


def read(edition: Edition, domains: Iterable[str], unit_codes: Iterable[str]) -> Codes:
    """Read the code lists of an edition.

    A value of a domain that has no name anywhere, such as a bank's code, is its own name.

    Args:
        edition: whose definitions are in force.
        domains: domains of its figures, `all` or `dimension=value`.
        unit_codes: units of its figures.

    Raises:
        FiguresUnfit: a domain's dimension is not defined, or a unit is not known.
    """
    document = definitions.indicators()
    terms = pd.DataFrame(TERMS, columns=["list", "code", "name_fa", "name_en"])
    return Codes(
        _indicators(document, edition.period.reference_date),
        _units(set(unit_codes)),
        _domains(document, set(domains) | {ALL}, edition.names),
        terms,
    )


def _indicators(document: Mapping[str, Any], day: str) -> pd.DataFrame:
    entries: dict[str, Mapping[str, Any]] = {}
    for entry in sorted(document["indicators"], key=lambda entry: str(entry["from"])):
        if str(entry["from"]) <= day < str(entry.get("until", "9999")):
            entries[entry["code"]] = entry
    order = [entry["code"] for entry in document["indicators"]]
    rows = [_indicator(entries[code]) for code in dict.fromkeys(order) if code in entries]
    return pd.DataFrame(rows).set_index("code")


def _indicator(entry: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: entry[name] for name in ("code", "name_fa", "unit", "kind", "numerator", "observed")}
    given = {"denominator": entry.get("denominator"), "exclusions": tuple(entry.get("exclusions", ()))}
    names = {"name_en": entry.get("name_en", ""), "definition_fa": entry.get("definition_fa", "")}
    return told | given | names | {"weight": entry.get("weight", "plan")}


def _units(used: set[str]) -> pd.DataFrame:
    folder = settings().root / "reference"
    provinces = pd.read_csv(folder / "provinces.csv", dtype=str, keep_default_na=False)
    counties = pd.read_csv(folder / "counties.csv", dtype=str, keep_default_na=False)
    # Counties that were, when an old year is printed again; else those that are.
    counties = counties[(counties["in_1402"] == "1") | counties["code"].isin(used)]
    nation = pd.DataFrame([{"code": NATION, "name_fa": "کشور", "name_en": "Iran"}])
    parts = [
        nation.assign(level="nation", parent_code=""),
        provinces.assign(level="province", parent_code=NATION),
        counties.assign(level="county", parent_code=counties["province_code"], name_en=""),
    ]
    units = pd.concat([part[["code", "level", "parent_code", "name_fa", "name_en"]] for part in parts])
    _refuse_unknown("unit", used - set(units["code"]), "a code of reference/provinces.csv or counties.csv")
    return units.set_index("code")


def _domains(document: Mapping[str, Any], used: set[str], names: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    dimensions = {entry["code"]: entry for entry in document["dimensions"]}
    split = [(code, *code.partition("=")[::2]) for code in sorted(used - {ALL})]
    strange = {code for code, dimension, value in split if dimension not in dimensions or not value}
    _refuse_unknown("domain", strange, "`all`, or a dimension of reference/indicators.yaml, = and a value")
    ranks = {code: rank for rank, code in enumerate(dimensions)}
    known = {code: _value_names(entry) | dict(names.get(code, {})) for code, entry in dimensions.items()}
    orders = {code: {value: rank for rank, value in enumerate(found)} for code, found in known.items()}
    last = len(used) + 1000
    # In the order the reference names them; what is unknown closes its dimension.
    split.sort(key=lambda one: (ranks[one[1]], one[2] == UNKNOWN, orders[one[1]].get(one[2], last), one[2]))
    english = _activity_titles("title_en")
    rows = [
        {
            "code": code,
            "dimension": dimension,
            "dimension_name_fa": dimensions[dimension]["name_fa"],
            "value": value,
            "name_fa": UNKNOWN_FA if value == UNKNOWN else known[dimension].get(value, value),
            "name_en": UNKNOWN_EN if value == UNKNOWN else english.get(value, "") if dimension == "activity" else "",
        }
        for code, dimension, value in split
    ]
    whole = {"code": ALL, "dimension": "", "dimension_name_fa": "", "value": "", "name_fa": ALL_FA, "name_en": ALL_EN}
    return pd.DataFrame([whole, *rows]).set_index("code")


def _value_names(dimension: Mapping[str, Any]) -> dict[str, str]:
    bands = {str(band["code"]): band["name_fa"] for band in dimension.get("bands", ())}
    values = {str(value): name for value, name in dimension.get("values_fa", {}).items()}
    titles = _activity_titles("title_fa") if dimension["code"] == "activity" else {}
    return bands | values | titles


def _activity_titles(column: str) -> dict[str, str]:
    titles = definitions.activities()
    sections = titles[titles["level"] == "1"]
    return dict(zip(sections["code"], sections[column], strict=True))


def _refuse_unknown(what: str, codes: set[str], wanted: str) -> None:
    if codes:
        some = ", ".join(sorted(codes)[:5])
        raise FiguresUnfit(place=f"annex, {what}", found=f"{len(codes)} unknown: {some}", wanted=wanted)
