"""Figures: from verdicts of a stratified sample to every indicator of county, province and nation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from methods import bulletin
from methods.estimate import domains
from methods.estimate.definitions import LEVELS, QUOTIENTS, Definitions, Dimension, Indicator, Variable
from methods.estimate.intervals import effective_size, proportion_interval
from methods.estimate.strata import ratio, stratum_totals

NATION = "IR"
# Multiples of 2**-20 add without rounding up to 2**33, so totals add up to the last bit at every level.
PLAN_QUANTUM = 2.0**-20
COLUMNS = (
    "indicator", "basis", "level", "unit_code", "domain", "weight", "numerator", "denominator", "exclusions", "n",
    "estimate", "standard_error", "lower", "upper", "quality", "method",
)  # fmt: skip
DESIGN = ["stratum_code", "stratum_population_count", "stratum_sample_count", "inclusion_probability"]
PLACES = ["province_code", "county_code"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Totals:
    """Totals of every unit and domain, a row each.

    Attributes:
        table: index (level, unit_code, domain); for each variable its count `v`, and for those of the sample
            the weighted total `v_total` and variance `v_variance`, for each pair `v_w_covariance`;
            degrees_of_freedom.
    """

    table: pd.DataFrame


def figures(
    plans: pd.DataFrame, frame: pd.DataFrame, definitions: Definitions, rules: Mapping[str, Any]
) -> pd.DataFrame:
    """Turn the verdicts of an issued sample into figures of every level and domain.

    Args:
        plans: plan_id, is_supervised, is_decided, is_confirmed, verdict, province_code, county_code,
            stratum_code, stratum_population_count, stratum_sample_count, inclusion_probability, the measures
            of the sample's variables, the columns of the dimensions; one row an issued plan.
        frame: plan_id, province_code, county_code, the measures of the frame's variables, the columns of
            the dimensions; one row an eligible plan.
        definitions: indicators, variables and dimensions in force.
        rules: confidence_level and the publication thresholds.

    Returns:
        One row a figure, with the columns COLUMNS; exclusions as JSON text, reason -> count. `counted` figures
        are of the plans looked at, `estimated` ones of the frame. Counts and totals add up exactly from county
        to province to nation in each domain.

    Raises:
        FrameMismatch: see `stratum_totals`.
    """
    # Float sums depend on the order of their terms; in one order they are the same bit for bit.
    sample = _added_up(plans.sort_values("plan_id", ignore_index=True), definitions, "sample", DESIGN)
    everyone = _added_up(frame.sort_values("plan_id", ignore_index=True), definitions, "frame", [])
    totals = Totals(pd.concat([_levels(sample, everyone, definitions, one) for one in (None, *definitions.dimensions)]))
    parts = [part for one in definitions.indicators for part in _both(totals, one, rules)]
    table = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    return table.sort_values(["level", "unit_code", "domain", "indicator", "basis"], ignore_index=True)


def _added_up(plans: pd.DataFrame, definitions: Definitions, source: str, design: Sequence[str]) -> pd.DataFrame:
    values = {one.code: value(plans, one) for one in definitions.of(source)}
    labels = domains.label(plans, definitions.dimensions)
    return pd.concat([plans[[*PLACES, *design]], labels, pd.DataFrame(values, index=plans.index)], axis=1)


def value(plans: pd.DataFrame, variable: Variable) -> FloatArray:
    """Say what each plan adds to a variable.

    Args:
        plans: the columns of its facts, and of its measure.
        variable: see `Variable`.

    Returns:
        A number a plan [unit of the measure, or plans].
    """
    holds = np.ones(len(plans), dtype=bool)
    for column, wanted in variable.where.items():
        held = plans[column]
        # A flag is written 1 or 0.
        text = held.astype(int).astype(str) if held.dtype == bool else held.astype(str)
        holds &= text.isin(wanted).to_numpy()
    if variable.measure is None:
        return holds.astype(np.float64)
    amounts = pd.to_numeric(plans[variable.measure]).to_numpy(dtype=np.float64, na_value=0.0)
    found: FloatArray = np.where(holds, amounts, 0.0)
    return found


def _levels(
    sample: pd.DataFrame, everyone: pd.DataFrame, definitions: Definitions, dimension: Dimension | None
) -> pd.DataFrame:
    """Add strata up to counties, counties to provinces, provinces to the nation."""
    domain = [dimension.code] if dimension else []
    names, pairs = [one.code for one in definitions.of("sample")], definitions.pairs()
    base = stratum_totals(sample, names, pairs, [*PLACES, *domain]).assign(stratum_count=1)
    county = base.groupby([*PLACES, *domain], sort=True).sum()
    for name in names:
        quantum = 1.0 if (definitions.variables[name].measure or "").endswith("_rial") else PLAN_QUANTUM
        county[f"{name}_total"] = np.round(county[f"{name}_total"] / quantum) * quantum
    of_frame = [one.code for one in definitions.of("frame")]
    county = county.join(everyone.groupby([*PLACES, *domain])[of_frame].sum(), how="outer").fillna(0)
    province = county.groupby(["province_code", *domain], sort=True).sum()
    nation = province.groupby(domain, sort=True).sum() if domain else province.sum().to_frame(NATION).T
    units = {
        "county": county.index.get_level_values("county_code"),
        "province": province.index.get_level_values("province_code"),
        "nation": pd.Index([NATION] * len(nation)),
    }
    tables = {"county": county, "province": province, "nation": nation}
    levels = dimension.levels if dimension else LEVELS
    return pd.concat([_indexed(tables[level], level, units[level], domain) for level in levels])


def _indexed(table: pd.DataFrame, level: str, units: pd.Index, domain: Sequence[str]) -> pd.DataFrame:
    names = table.index.get_level_values(domain[0]) if domain else [domains.ALL] * len(table)
    index = pd.MultiIndex.from_arrays([[level] * len(table), units, names], names=["level", "unit_code", "domain"])
    freedom = np.maximum(table["unit_count"] - table["stratum_count"], 1)
    return table.assign(degrees_of_freedom=freedom).set_axis(index)


def _both(totals: Totals, indicator: Indicator, rules: Mapping[str, Any]) -> list[pd.DataFrame]:
    work = {"counted": _counted, "estimated": _estimated}
    return [work[basis](totals, indicator, rules) for basis in indicator.bases]


def _counted(totals: Totals, indicator: Indicator, rules: Mapping[str, Any]) -> pd.DataFrame:
    table = totals.table
    shared: dict[str, Any] = {"basis": "counted", "quality": "exact", "method": "count"}
    y = table[indicator.numerator]
    if indicator.denominator is None:
        return _part(totals, indicator, shared, estimate=y)
    x = table[indicator.denominator]
    value = y / x.where(x != 0)
    shared["quality"] = np.where(value.isna(), "undefined", "exact")
    return _part(totals, indicator, shared, estimate=value, numerator=y, denominator=x)


def _estimated(totals: Totals, indicator: Indicator, rules: Mapping[str, Any]) -> pd.DataFrame:
    table, a, b = totals.table, indicator.numerator, indicator.denominator
    if indicator.kind not in QUOTIENTS or b is None:
        total = table[f"{a}_total"]
        stated = _amount(totals, total, np.sqrt(table[f"{a}_variance"]), rules) | {"method": "stratified expansion"}
        return _part(totals, indicator, stated | {"basis": "estimated"}, estimate=total)
    value, error = ratio(
        table[f"{a}_total"], table[f"{b}_total"], table[f"{a}_variance"], table[f"{b}_variance"],
        table[f"{a}_{b}_covariance"],
    )  # fmt: skip
    state = _proportion if indicator.kind == "proportion" else _quotient
    stated = state(totals, indicator, value, error, rules) | {"basis": "estimated"}
    parts = {"numerator": table[f"{a}_total"], "denominator": table[f"{b}_total"]}
    return _part(totals, indicator, stated, estimate=value, **parts)


def _proportion(
    totals: Totals, indicator: Indicator, value: FloatArray, error: FloatArray, rules: Mapping[str, Any]
) -> dict[str, Any]:
    confidence = float(rules["confidence_level"])
    n = totals.table[indicator.observed].to_numpy()
    size = effective_size(value, error, n, totals.table["degrees_of_freedom"], confidence)
    lower, upper = proportion_interval(value, size, confidence)
    return {
        "method": "stratified ratio, Korn-Graubard interval",
        "standard_error": error,
        "lower": lower,
        "upper": upper,
        "quality": _proportion_quality(value, lower, upper, np.minimum(size, n), rules),
    }


def _quotient(
    totals: Totals, indicator: Indicator, value: FloatArray, error: FloatArray, rules: Mapping[str, Any]
) -> dict[str, Any]:
    return _amount(totals, value, error, rules) | {"method": "stratified ratio"}


def _amount(totals: Totals, value: Any, error: Any, rules: Mapping[str, Any]) -> dict[str, Any]:
    tail = (1 + float(rules["confidence_level"])) / 2
    values, errors = np.asarray(value, dtype=np.float64), np.asarray(error, dtype=np.float64)
    reach = stats.t.ppf(tail, totals.table["degrees_of_freedom"].to_numpy()) * errors
    with np.errstate(divide="ignore", invalid="ignore"):
        variation = errors / np.abs(values)
    quality = np.where(np.isnan(values), "undefined", _letter(variation, rules["largest_variation_share"]))
    # Neither plans, jobs nor rials can be fewer than none.
    return {
        "standard_error": errors,
        "lower": np.maximum(values - reach, 0),
        "upper": values + reach,
        "quality": quality,
    }


def _proportion_quality(
    value: FloatArray, lower: FloatArray, upper: FloatArray, size: FloatArray, rules: Mapping[str, Any]
) -> npt.NDArray[np.str_]:
    letter = _letter(upper - lower, rules["largest_interval_width"])
    printable = bulletin.presentable(value, lower, upper, size, rules)
    found = np.where(printable, letter, "withheld")
    return np.where(np.isnan(value), "undefined", found)


def _letter(measure: FloatArray, bands: Mapping[str, str]) -> npt.NDArray[np.str_]:
    ordered = sorted(bands.items())
    found = np.select([measure <= float(limit) for _, limit in ordered], [name for name, _ in ordered], "withheld")
    return np.asarray(found, dtype=np.str_)


def _part(totals: Totals, indicator: Indicator, shared: Mapping[str, Any], **columns: Any) -> pd.DataFrame:
    table = totals.table
    blank = {"numerator": np.nan, "denominator": np.nan, "standard_error": np.nan, "lower": np.nan, "upper": np.nan}
    values = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
    about = {
        "indicator": indicator.code,
        "weight": indicator.weight,
        "n": table[indicator.observed].to_numpy().astype(np.int64),
        "exclusions": _exclusions(table, indicator.exclusions),
    }
    return table.index.to_frame(index=False).assign(**(blank | dict(shared) | values | about))


def _exclusions(table: pd.DataFrame, reasons: Sequence[str]) -> npt.NDArray[Any]:
    """Write what the denominator leaves out, by reason, as JSON."""
    written = np.full(len(table), "{", dtype=object)
    for place, reason in enumerate(reasons):
        count = table[reason].astype("int64").astype(str).to_numpy(dtype=object)
        written = written + f'{", " if place else ""}"{reason}": ' + count
    found: npt.NDArray[Any] = written + "}"
    return found
