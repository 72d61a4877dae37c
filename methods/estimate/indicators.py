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
from methods.estimate.intervals import effective_size, proportion_interval
from methods.estimate.strata import ratio, stratum_totals

NATION = "IR"
# Multiples of 2**-20 add without rounding up to 2**33, so totals add up to the last bit at every level.
PLAN_QUANTUM = 2.0**-20
COUNTS = ("confirmed", "decided", "deviation", "violation", "discrepancy")
COUNTED_ONLY = ("issued", "supervised", "non_contact", "pending")
AMOUNTS = {"jobs": "realised_job_count", "loan": "loan_paid_rial"}
RATES = {"crude_confirmation_rate": ("confirmed", "supervised"), "accuracy_rate": ("confirmed", "decided")}
COST = ("loan", "jobs")
VARIABLES = (*COUNTED_ONLY, *COUNTS, *AMOUNTS)
PAIRS = (*RATES.values(), COST)
COLUMNS = (
    "indicator", "basis", "level", "unit_code", "domain", "numerator", "denominator", "n", "estimate",
    "standard_error", "lower", "upper", "quality", "method",
)  # fmt: skip

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Totals:
    """Totals of one level and kind of domain, a row a unit and domain.

    Attributes:
        level: nation, province or county.
        table: index (unit_code, domain); for each variable its count `v`, weighted total `v_total`
            and variance `v_variance`, for each pair `v_w_covariance`; eligible; degrees_of_freedom.
    """

    level: str
    table: pd.DataFrame


def figures(plans: pd.DataFrame, frame: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Turn the verdicts of an issued sample into figures of every level.

    Args:
        plans: plan_id, province_code, county_code, agency_code, stratum_code, stratum_population_count,
            stratum_sample_count, inclusion_probability, is_supervised, is_decided, is_confirmed, verdict,
            loan_paid_rial, realised_job_count, one row an issued plan.
        frame: county_code, province_code, agency_code, eligible_plan_count, loan_paid_rial.
        rules: confidence_level and the publication thresholds.

    Returns:
        One row a figure, with the columns COLUMNS. `counted` figures are of the issued plans, `estimated`
        ones of the frame. Totals add up exactly from county to province to nation.

    Raises:
        FrameMismatch: see `stratum_totals`.
    """
    # Float sums depend on the order of their terms; in one order they are the same bit for bit.
    observed = _observed(plans.sort_values("plan_id", ignore_index=True))
    levels = [*_levels(observed, frame, "all"), *_levels(observed, frame, "agency")[1:]]
    parts = [part for totals in levels for part in (*_counted(totals), *_estimated(totals, rules))]
    table = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    return table.sort_values(["level", "unit_code", "domain", "indicator", "basis"], ignore_index=True)


def _observed(plans: pd.DataFrame) -> pd.DataFrame:
    verdict = plans["verdict"]
    decided = plans["is_decided"].astype(bool)
    found: dict[str, Any] = {
        "issued": 1,
        "supervised": plans["is_supervised"].astype(bool),
        "decided": decided,
        "non_contact": verdict == "non_contact",
        "pending": verdict == "pending",
        "jobs": plans["realised_job_count"].where(decided, 0),
        "loan": plans["loan_paid_rial"].where(decided, 0),
    }
    found |= {name: verdict == name for name in ("confirmed", "deviation", "violation", "discrepancy")}
    kept = ["province_code", "county_code", "agency_code"]
    design = ["stratum_code", "stratum_population_count", "stratum_sample_count", "inclusion_probability"]
    return plans[kept + design].assign(**found)


def _levels(observed: pd.DataFrame, frame: pd.DataFrame, kind: str) -> list[Totals]:
    """Add strata up to counties, counties to provinces, provinces to the nation."""
    domain = ["agency_code"] if kind == "agency" else []
    keys = ["province_code", "county_code", *domain]
    base = stratum_totals(observed, VARIABLES, PAIRS, keys)
    base["stratum_count"] = 1
    county = base.groupby(keys, sort=True).sum()
    for name in VARIABLES:
        quantum = 1.0 if name == "loan" else PLAN_QUANTUM
        county[f"{name}_total"] = np.round(county[f"{name}_total"] / quantum) * quantum
    county = county.join(frame.groupby(keys)["eligible_plan_count"].sum().rename("eligible"), how="outer").fillna(0)
    province = county.groupby(["province_code", *domain], sort=True).sum()
    nation = province.groupby(domain, sort=True).sum() if domain else province.sum().to_frame(NATION).T
    units = {
        "county": county.index.get_level_values("county_code"),
        "province": province.index.get_level_values("province_code"),
        "nation": pd.Index([NATION] * len(nation)),
    }
    tables = {"county": county, "province": province, "nation": nation}
    return [Totals(level, _indexed(tables[level], units[level], domain)) for level in tables]


def _indexed(table: pd.DataFrame, units: pd.Index, domain: Sequence[str]) -> pd.DataFrame:
    names = "agency=" + table.index.get_level_values("agency_code") if domain else ["all"] * len(table)
    index = pd.MultiIndex.from_arrays([units, names], names=["unit_code", "domain"])
    freedom = np.maximum(table["unit_count"] - table["stratum_count"], 1)
    return table.assign(degrees_of_freedom=freedom).set_axis(index)


def _counted(totals: Totals) -> list[pd.DataFrame]:
    table = totals.table
    shared = {"basis": "counted", "quality": "exact", "method": "count"}
    parts = [
        _part(totals, f"{name}_plan_count", shared, estimate=table[name], n=table[name])
        for name in (*COUNTED_ONLY, *COUNTS)
    ]
    parts.append(_part(totals, "eligible_plan_count", shared, estimate=table["eligible"], n=table["eligible"]))
    parts += [
        _part(totals, indicator, shared, estimate=table[name], n=table["decided"])
        for name, indicator in AMOUNTS.items()
    ]
    quotients = {
        **{indicator: (table[a], table[b], table[b]) for indicator, (a, b) in RATES.items()},
        "coverage_rate": (table["supervised"], table["eligible"], table["eligible"]),
        "cost_per_job_rial": (table["loan"], table["jobs"], table["decided"]),
    }
    for indicator, (y, x, n) in quotients.items():
        value = y / x.where(x != 0)
        rest = shared | {"quality": np.where(value.isna(), "undefined", "exact")}
        parts.append(_part(totals, indicator, rest, estimate=value, numerator=y, denominator=x, n=n))
    return parts


def _estimated(totals: Totals, rules: Mapping[str, Any]) -> list[pd.DataFrame]:
    names = {name: f"{name}_plan_count" for name in COUNTS} | AMOUNTS
    parts = [_estimated_total(totals, name, indicator, rules) for name, indicator in names.items()]
    parts += [_estimated_rate(totals, indicator, pair, rules) for indicator, pair in RATES.items()]
    return [*parts, _estimated_cost(totals, rules)]


def _estimated_total(totals: Totals, name: str, indicator: str, rules: Mapping[str, Any]) -> pd.DataFrame:
    table = totals.table
    value, error = table[f"{name}_total"], np.sqrt(table[f"{name}_variance"])
    shared = {"basis": "estimated", "method": "stratified expansion", **_amount(totals, value, error, rules)}
    return _part(totals, indicator, shared, estimate=value, n=table["supervised"])


def _estimated_rate(totals: Totals, indicator: str, pair: tuple[str, str], rules: Mapping[str, Any]) -> pd.DataFrame:
    table, (a, b) = totals.table, pair
    value, error = _ratio_of(table, a, b)
    confidence = float(rules["confidence_level"])
    n = table[b].to_numpy()
    size = effective_size(value, error, n, table["degrees_of_freedom"], confidence)
    lower, upper = proportion_interval(value, size, confidence)
    shared = {
        "basis": "estimated",
        "method": "stratified ratio, Korn-Graubard interval",
        "standard_error": error,
        "lower": lower,
        "upper": upper,
        "quality": _proportion_quality(value, lower, upper, np.minimum(size, n), rules),
    }
    parts = {"numerator": table[f"{a}_total"], "denominator": table[f"{b}_total"]}
    return _part(totals, indicator, shared, estimate=value, n=table[b], **parts)


def _estimated_cost(totals: Totals, rules: Mapping[str, Any]) -> pd.DataFrame:
    table, (a, b) = totals.table, COST
    value, error = _ratio_of(table, a, b)
    shared = {"basis": "estimated", "method": "stratified ratio", **_amount(totals, value, error, rules)}
    parts = {"numerator": table[f"{a}_total"], "denominator": table[f"{b}_total"]}
    return _part(totals, "cost_per_job_rial", shared, estimate=value, n=table["decided"], **parts)


def _ratio_of(table: pd.DataFrame, a: str, b: str) -> tuple[FloatArray, FloatArray]:
    return ratio(
        table[f"{a}_total"],
        table[f"{b}_total"],
        table[f"{a}_variance"],
        table[f"{b}_variance"],
        table[f"{a}_{b}_covariance"],
    )


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


def _part(totals: Totals, indicator: str, shared: Mapping[str, Any], **columns: Any) -> pd.DataFrame:
    blank = {"numerator": np.nan, "denominator": np.nan, "standard_error": np.nan, "lower": np.nan, "upper": np.nan}
    values = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
    part = totals.table.index.to_frame(index=False).assign(
        **(blank | dict(shared) | values), indicator=indicator, level=totals.level
    )
    return part.assign(n=part["n"].astype("int64"))
