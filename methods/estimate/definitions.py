"""What is estimated, and for which domains: indicators, variables and dimensions in force on a date."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from methods.errors import GuidelineMissing

FILE = "reference/indicators.yaml"
KINDS = ("count", "total", "proportion", "ratio")
QUOTIENTS = ("proportion", "ratio")
BASES = ("counted", "estimated")
LEVELS = ("nation", "province", "county")


@dataclass(frozen=True)
class Variable:
    """What is added up over plans: a measure, where some facts hold.

    Attributes:
        source: `sample`, over the issued plans, or `frame`, over all eligible ones.
        measure: column that is added; None counts the plans.
        where: column -> the values of which it holds one; elsewhere the plan adds nothing.
        part_of: the variable that it makes up with all others of the same; None: of none.
        is_signed: a plan may add less than nothing.
    """

    code: str
    source: str
    measure: str | None
    where: Mapping[str, tuple[str, ...]]
    part_of: str | None = None
    is_signed: bool = False


@dataclass(frozen=True)
class Indicator:
    """One figure of a unit: a count, a total, or one variable divided by another.

    Attributes:
        kind: count and total add up over units; a proportion lies in [0, 1]; a ratio is any quotient.
        bases: counted (of the plans looked at), estimated (of the frame), or both.
        observed: variable that counts the plans the figure rests on (its n).
        weight: what each plan weighs in it: plan, loan or job.
        exclusions: variables that count what the denominator leaves out, by reason.
        whole_levels: levels an edition prints it for, of all plans.
        domain_levels: levels an edition prints it for, of domains.
    """

    code: str
    kind: str
    bases: tuple[str, ...]
    numerator: str
    denominator: str | None
    observed: str
    weight: str
    exclusions: tuple[str, ...]
    whole_levels: tuple[str, ...] = LEVELS
    domain_levels: tuple[str, ...] = LEVELS

    @property
    def tells(self) -> tuple[str, ...]:
        """Variables its figures tell: their two sides, and the plans they rest on."""
        named = (self.numerator, self.denominator, self.observed)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def is_printed(self, level: str, is_whole: bool) -> bool:
        """Say whether an edition prints it for a level."""
        return level in (self.whole_levels if is_whole else self.domain_levels)


@dataclass(frozen=True)
class Dimension:
    """A way to part plans into domains.

    Attributes:
        levels: those its domains are estimated for.
        edges: lower edges of bands of a number, with the code of each band, ascending; empty where the
            column's values are the domains.
    """

    code: str
    column: str
    levels: tuple[str, ...]
    edges: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Definitions:
    """All of them, in force on one date."""

    variables: Mapping[str, Variable]
    indicators: tuple[Indicator, ...]
    dimensions: tuple[Dimension, ...]

    @property
    def version(self) -> str:
        """Short hash of everything in force: it changes when any definition does."""
        return hashlib.sha256(repr((dict(self.variables), self.indicators, self.dimensions)).encode()).hexdigest()[:8]

    def of(self, source: str) -> list[Variable]:
        """List the variables of the sample or of the frame."""
        return [variable for variable in self.variables.values() if variable.source == source]

    def printed(self, level: str, is_whole: bool) -> list[Indicator]:
        """List the indicators an edition prints for a level, of all plans or of domains."""
        return [one for one in self.indicators if one.is_printed(level, is_whole)]

    def pairs(self) -> list[tuple[str, str]]:
        """List each numerator with its denominator, where a standard error is asked for."""
        found = {
            (one.numerator, str(one.denominator))
            for one in self.indicators
            if one.kind in QUOTIENTS and "estimated" in one.bases
        }
        return sorted(found)


def in_force(document: Mapping[str, Any], jalali_date: str) -> Definitions:
    """Read the definitions in force on a Jalali date such as `1403-01-01`.

    Args:
        document: variables, dimensions, indicators; of an indicator with several dated entries the newest
            that has begun counts, and one that has ended (`until`) is gone.
        jalali_date: the first day of the period.

    Raises:
        GuidelineMissing: an indicator names a variable nobody defined, or a kind or basis there is not.
    """
    variables = {entry["code"]: _variable(entry) for entry in document["variables"]}
    entries: dict[str, Mapping[str, Any]] = {}
    for entry in sorted(document["indicators"], key=lambda entry: str(entry["from"])):
        if str(entry["from"]) <= jalali_date:
            entries[entry["code"]] = entry
    indicators = tuple(_indicator(entry) for entry in entries.values() if str(entry.get("until", "9999")) > jalali_date)
    dimensions = tuple(_dimension(entry) for entry in document["dimensions"])
    _refuse_unknown(indicators, variables)
    return Definitions(variables, indicators, dimensions)


def _variable(entry: Mapping[str, Any]) -> Variable:
    where = {column: tuple(str(value) for value in values) for column, values in (entry.get("where") or {}).items()}
    return Variable(
        code=entry["code"],
        source=entry.get("of", "sample"),
        measure=entry.get("sum"),
        where=where,
        part_of=entry.get("part_of"),
        is_signed=bool(entry.get("is_signed", False)),
    )


def _indicator(entry: Mapping[str, Any]) -> Indicator:
    printed = entry.get("printed", {})
    return Indicator(
        code=entry["code"],
        kind=entry["kind"],
        bases=tuple(entry.get("bases", BASES)),
        numerator=entry["numerator"],
        denominator=entry.get("denominator"),
        observed=entry["observed"],
        weight=entry.get("weight", "plan"),
        exclusions=tuple(entry.get("exclusions", ())),
        whole_levels=tuple(printed.get("whole", LEVELS)),
        domain_levels=tuple(printed.get("domains", LEVELS)),
    )


def _dimension(entry: Mapping[str, Any]) -> Dimension:
    edges = tuple((float(band["at_least"]), str(band["code"])) for band in entry.get("bands", ()))
    levels = tuple(entry.get("levels", ("nation", "province")))
    return Dimension(entry["code"], entry["column"], levels, edges)


def _refuse_unknown(indicators: Sequence[Indicator], variables: Mapping[str, Variable]) -> None:
    for variable in variables.values():
        if variable.part_of is not None and variable.part_of not in variables:
            raise GuidelineMissing(
                place=f"{FILE}, {variable.code}",
                found=f"part of a variable {variable.part_of}",
                wanted=f"one of {', '.join(variables)}",
            )
    for one in indicators:
        unknown = [name for name in (*one.tells, *one.exclusions) if name not in variables]
        if unknown:
            raise _refusal(one, f"a variable {unknown[0]}", f"one of {', '.join(variables)}")
        if one.kind not in KINDS or (one.kind in QUOTIENTS) != (one.denominator is not None):
            raise _refusal(one, f"kind {one.kind}", f"one of {', '.join(KINDS)}; a denominator for the last two alone")
        off = [basis for basis in one.bases if basis not in BASES]
        of_frame = [name for name in (one.numerator, one.denominator) if name and variables[name].source == "frame"]
        if off or (of_frame and "estimated" in one.bases):
            raise _refusal(one, f"bases {', '.join(one.bases)}", "counted, and estimated where the sample is added up")


def _refusal(indicator: Indicator, found: str, wanted: str) -> GuidelineMissing:
    return GuidelineMissing(place=f"{FILE}, {indicator.code}", found=found, wanted=wanted)
