"""Open data of an edition: its figures in five formats, with what is needed to read and to trust them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tasks.edges.annex import datapackage, dcat, folder, sdmx, table
from tasks.edges.annex.codes import Codes
from tasks.edges.annex.edition import Edition
from tasks.edges.annex.marks import Published

FIGURES_CSV, FIGURES_JSON, FIGURES_PARQUET = "figures.csv", "figures.json", "figures.parquet"
FIGURES_SDMX, DATAPACKAGE, DCAT = "figures.sdmx.csv", "datapackage.json", "dcat.jsonld"
FILES = (
    FIGURES_CSV, FIGURES_JSON, FIGURES_PARQUET, FIGURES_SDMX, DATAPACKAGE, DCAT,
    *(f"{name}.csv" for name in datapackage.KEYS),
)  # fmt: skip
# Labels stand in code lists too; CSV and Parquet carry them beside the codes.
LABELS = ("indicator_name_fa", "unit_name_fa", "unit_name_en", "domain_name_fa", "domain_name_en")


def write(into: Path, published: Published) -> list[Path]:
    """Write the open data of an edition; the same figures give the same bytes, in whatever order they come.

    Args:
        into: folder that holds them and nothing else; what stood there is replaced at once, or not at all.
        published: the figures, see `marks.publish`.

    Returns:
        The files, in the order of their names.

    Raises:
        OSError: they could not be written; what stood there before still does.
    """
    rows, codes, edition = published.rows, published.codes, published.edition
    with folder.swapped_in(into) as half:
        _write_figures(half, figure_table(rows, codes, edition))
        for name, listed in datapackage.code_lists(codes).items():
            table.write_csv(half / f"{name}.csv", table.of_frame(listed))
        sdmx.write(half / FIGURES_SDMX, rows, codes, edition)
        package = datapackage.describe(half, rows, codes, edition)
        _write_json(half / DATAPACKAGE, package)
        _write_json(half / DCAT, dcat.entry(package, edition))
    return sorted(into.iterdir())


def figure_table(rows: pd.DataFrame, codes: Codes, edition: Edition) -> pa.Table:
    """Put the labels of its codes beside each figure; a row a figure, in the order of print."""
    places = codes.places(rows)
    indicator, unit, domain = places.indicator, places.unit_code, places.domain
    columns: dict[str, pa.Array] = {
        "year": table.constant(pa.scalar(edition.period.year), len(rows)),
        "phase": table.constant(pa.scalar(edition.period.phase), len(rows)),
        "cutoff": table.constant(pa.scalar(edition.cutoff), len(rows)),
        "is_rehearsal": table.constant(pa.scalar(edition.is_rehearsal), len(rows)),
        "indicator": table.coded(indicator, codes.indicators.index.tolist()),
        "indicator_name_fa": table.coded(indicator, codes.indicators["name_fa"].tolist()),
        "measure_unit": table.coded(indicator, codes.indicators["unit"].tolist()),
        "basis": table.text(rows["basis"]),
        "level": table.text(rows["level"]),
        "unit_code": table.coded(unit, codes.units.index.tolist()),
        "unit_name_fa": table.coded(unit, codes.units["name_fa"].tolist()),
        "unit_name_en": table.coded(unit, _filled(codes.units["name_en"])),
        "domain": table.coded(domain, codes.domains.index.tolist()),
        "domain_name_fa": table.coded(domain, codes.domains["name_fa"].tolist()),
        "domain_name_en": table.coded(domain, _filled(codes.domains["name_en"])),
    }
    for name in rows.columns[rows.columns.get_loc("weight") :]:
        is_number = pd.api.types.is_numeric_dtype(rows[name])
        columns[str(name)] = pa.array(rows[name], from_pandas=True) if is_number else table.text(rows[name])
    columns["mark"] = table.text(rows["mark"].where(rows["mark"] != "", None))
    return pa.table(columns)


def _write_figures(half: Path, figures: pa.Table) -> None:
    table.write_csv(half / FIGURES_CSV, figures)
    table.write_parquet(half / FIGURES_PARQUET, figures)
    table.write_json(half / FIGURES_JSON, figures.drop_columns(list(LABELS)), raw=("exclusions",))


def _filled(names: pd.Series) -> list[str | None]:
    return [name or None for name in names]


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
