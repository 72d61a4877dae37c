"""Data of the figure explorer: plain files that a page loads by itself, from a server or from a disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from tasks.edges.site.archive import DATA, Edition

FIGURES = "figures.parquet"
COLUMNS = [
    "indicator", "basis", "level", "unit_code", "domain", "estimate", "lower", "upper", "numerator", "denominator",
    "n", "mark",
]  # fmt: skip
# A figure is printed to so many digits at most; more would only make the files longer.
DIGITS = 12


def has_figures(edition: Edition) -> bool:
    """Say whether an edition came with open data."""
    return (edition.folder / DATA / FIGURES).is_file()


def files(edition: Edition) -> Iterator[tuple[str, str]]:
    """Write an edition's figures as one script an indicator.

    A script, not JSON: a page opened from a disk may load the one but not the other.

    Yields:
        File name, and text that hands over rows of basis, level, unit, domain, estimate, lower, upper, numerator,
        denominator, n, mark. What may not be published was taken out before it came into the open data.
    """
    rows = pd.read_parquet(edition.folder / DATA / FIGURES, columns=COLUMNS)
    for indicator, own in rows.groupby("indicator", sort=True, observed=True):
        values = own.drop(columns="indicator").to_json(orient="values", double_precision=DIGITS, force_ascii=False)
        yield f"{indicator}.js", f'payesh.take("{edition.address}", "{indicator}", {values});\n'


def choices(edition: Edition) -> dict[str, list[list[str]]]:
    """List what a reader may choose: indicators, domains and units of an edition with their names."""
    names = [
        "indicator", "indicator_name_fa", "measure_unit", "domain", "domain_name_fa", "level", "unit_code",
        "unit_name_fa",
    ]  # fmt: skip
    rows = pd.read_parquet(edition.folder / DATA / FIGURES, columns=names)
    return {
        "indicators": _distinct(rows, ["indicator", "indicator_name_fa", "measure_unit"]),
        "domains": _distinct(rows, ["domain", "domain_name_fa"]),
        "units": _distinct(rows, ["level", "unit_code", "unit_name_fa"]),
    }


def script(name: str, value: object) -> str:
    """Hand a value over to the pages under a name."""
    # A name with </script> in it must not end the script it stands in.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return f"payesh.{name} = {text};\n"


def folder(site: Path, edition: Edition) -> Path:
    """Say where an edition's scripts lie on the site."""
    return site / "explorer" / edition.address


def _distinct(rows: pd.DataFrame, columns: list[str]) -> list[list[str]]:
    return rows[columns].drop_duplicates().astype(str).to_numpy().tolist()
