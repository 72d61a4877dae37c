"""Figures as SDMX-CSV 2.0: series by place, indicator, basis and domain, with what each rests on as attributes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from methods.errors import FiguresUnfit
from tasks.edges.annex import table
from tasks.edges.annex.codes import ALL, NATION, Codes
from tasks.edges.annex.edition import Edition

TOTAL = "_T"
DIMENSIONS = ("FREQ", "REF_AREA", "INDICATOR", "BASIS", "DOMAIN", "DOMAIN_VALUE", "PHASE", "TIME_PERIOD")
# Mark that takes a value out -> SDMX CL_OBS_STATUS: suppressed, low reliability, cannot exist, missing.
STATUS = {"c": "Q", "u": "U", "z": "M", "x": "O"}
NORMAL, PROVISIONAL = "A", "P"
FREE, CONFIDENTIAL = "F", "C"
NOT_OF_A_CODE = re.compile(r"[^A-Za-z0-9_@$-]")


def write(path: Path, rows: pd.DataFrame, codes: Codes, edition: Edition) -> None:
    """Write figures that `marks.blank` gave back.

    Source:
        SDMX 3.0 Technical Specifications, SDMX-CSV 2.0; SDMX cross-domain code lists CL_OBS_STATUS 2.2 and
        CL_CONF_STATUS 1.2.
    """
    places = codes.places(rows)
    indicator, unit, domain = places.indicator, places.unit_code, places.domain
    columns: dict[str, pa.Array] = {
        "STRUCTURE": _same("dataflow", rows),
        "STRUCTURE_ID": _same(structure(edition), rows),
        "ACTION": _same("I", rows),
        "FREQ": _same("A", rows),
        "REF_AREA": table.coded(unit, [area(code) for code in codes.units.index]),
        "INDICATOR": table.coded(indicator, codes.indicators.index.tolist()),
        "BASIS": table.text(rows["basis"]),
        "DOMAIN": table.coded(domain, [one or TOTAL for one in codes.domains["dimension"]]),
        "DOMAIN_VALUE": table.coded(domain, _values(codes)),
        "PHASE": _same(str(edition.period.phase), rows),
        "TIME_PERIOD": _same(f"{edition.first_day.isoformat()}/P1Y", rows),
        "OBS_VALUE": pa.array(rows["estimate"], from_pandas=True),
        "UNIT_MEASURE": table.coded(indicator, codes.indicators["unit"].tolist()),
        "WEIGHT": table.text(rows["weight"]),
    }
    for name in ("numerator", "denominator", "n", "standard_error", "lower", "upper"):
        columns[name.upper()] = pa.array(rows[name], from_pandas=True)
    columns |= {name.upper(): table.text(rows[name]) for name in ("exclusions", "quality")}
    status, confidentiality = _statuses(rows["mark"])
    columns |= {
        "OBS_STATUS": table.text(pd.Series(status)),
        "CONF_STATUS": table.text(pd.Series(confidentiality)),
        "MARK": table.text(rows["mark"].where(rows["mark"] != "", None)),
        "METHOD": table.text(rows["method"]),
        "GUIDELINE": table.text(rows["guideline"]),
        "JALALI_YEAR": _same(str(edition.period.year), rows),
        "CUTOFF": _same(edition.cutoff.isoformat(), rows),
    }
    table.write_csv(path, pa.table(columns))


def structure(edition: Edition) -> str:
    """Name the data flow; made-up figures are one of their own."""
    return f"PAYESH:{'REHEARSAL_FIGURE' if edition.is_rehearsal else 'FIGURE'}(1.0)"


def area(unit_code: str) -> str:
    """Write a place as IR, IR-00, IR-0001: no reader takes that for a number and drops its zeros."""
    return unit_code if unit_code == NATION else f"{NATION}-{unit_code}"


def _values(codes: Codes) -> list[str]:
    values = [TOTAL if code == ALL else str(value) for code, value in codes.domains["value"].items()]
    # SDMX codes are Latin: another sign is written as its number, between dollar signs.
    found = [NOT_OF_A_CODE.sub(lambda sign: f"${ord(sign[0]):x}$", value) for value in values]
    keys = list(zip(codes.domains["dimension"], found, strict=True))
    if len(set(keys)) != len(keys):
        raise FiguresUnfit(place="annex, SDMX", found="two values of one code", wanted="a code a value")
    return found


def _statuses(mark: pd.Series) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    status = np.select([mark == sign for sign in STATUS], list(STATUS.values()), NORMAL)
    status = np.where(mark.str.startswith("p"), PROVISIONAL, status)
    return status, np.where(mark == "c", CONFIDENTIAL, FREE)


def _same(value: str, rows: pd.DataFrame) -> pa.DictionaryArray:
    return table.coded(np.zeros(len(rows), dtype=np.int32), [value])
