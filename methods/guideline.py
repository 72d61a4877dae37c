"""Guideline look-up: law as dated values, each with its reference."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from methods.errors import GuidelineMissing


@dataclass(frozen=True)
class Section(Mapping[str, Any]):
    """The values of one guideline that are in force on a date, by parameter."""

    name: str
    on: str
    values_in_force: Mapping[str, Any]
    assumed: tuple[str, ...]

    def __getitem__(self, parameter: str) -> Any:
        """Look up a value.

        Raises:
            GuidelineMissing: the guideline knows no such parameter, or it is not in force on the date.
        """
        if parameter not in self.values_in_force:
            raise GuidelineMissing(
                place=f"guideline {self.name}, {parameter}",
                found=f"no value in force on {self.on}",
                wanted="a dated value with its reference",
                remedy=f"Add one to guidelines/{self.name}.yaml.",
            )
        return self.values_in_force[parameter]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_in_force)

    def __len__(self) -> int:
        return len(self.values_in_force)

    @property
    def version(self) -> str:
        """Short hash of every value in force: it changes when any of them does."""
        text = json.dumps(dict(self.values_in_force), sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]


def section(name: str, documents: Sequence[Mapping[str, Any]], on: str) -> Section:
    """Collect the values in force on a Jalali date.

    Args:
        name: name of the guideline, for messages.
        documents: parsed YAML, most specific first: the first that knows a parameter gives it.
        on: Jalali date such as `1403-01-01`.

    Returns:
        The values in force; a parameter before its first date or after its repeal is absent.
    """
    values: dict[str, Any] = {}
    assumed: list[str] = []
    settled: set[str] = set()
    for document in documents:
        for parameter, entry in document["parameters"].items():
            if parameter in settled:
                continue
            settled.add(parameter)
            current = _in_force(entry["values"], on)
            if current is None:
                continue
            values[parameter] = _typed(entry, current["value"])
            if current.get("status") == "assumed":
                assumed.append(entry["label"])
    return Section(name, on, values, tuple(assumed))


def _in_force(dated: Sequence[Mapping[str, Any]], on: str) -> Mapping[str, Any] | None:
    # Jalali dates of one width sort as text.
    begun = [entry for entry in dated if entry["from"] <= on]
    newest = max(begun, key=lambda entry: entry["from"], default=None)
    return None if newest is None or newest["value"] in (None, "null", "") else newest


def _typed(entry: Mapping[str, Any], value: Any) -> Any:
    return value if entry.get("kind") in ("text", "table") else Decimal(value)
