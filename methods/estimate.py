"""Estimation: from verdicts of a stratified sample to figures of county, province and nation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from methods import bulletin
from methods.errors import FrameMismatch

NATION = "IR"
# Multiples of 2**-20 add without rounding up to 2**33, so totals add up to the last bit at every level.
PLAN_QUANTUM = 2.0**-20
# From here on a plan was taken for sure.
CERTAIN = 1 - 1e-12
# Less than this part of a plan is none: beta quantiles overflow on the last bits of a share.
NO_HIT = 1e-9
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


def stratum_totals(
    plans: pd.DataFrame, variables: Sequence[str], pairs: Sequence[tuple[str, str]], by: Sequence[str]
) -> pd.DataFrame:
    """Expand a stratified sample to totals of domains, with their variances and covariances.

    A domain is a part of the whole design: plans outside it count as zeros in their stratum. Variances are
    those of a design of fixed size and high entropy (random order before systematic drawing); under simple
    random sampling they are the usual N^2 (1 - n/N) s^2 / n. Plans taken for sure add none, and neither does
    the only other plan of a stratum (treated as certain).

    Args:
        plans: stratum_code, stratum_population_count, stratum_sample_count, inclusion_probability, the columns
            of `by` and the variables, one row a drawn plan.
        variables: columns to expand.
        pairs: pairs of variables whose covariance is wanted.
        by: columns that, within a stratum, make up a domain.

    Returns:
        Index stratum_code and `by`; for each variable its sample sum `v`, total `v_total` and variance
        `v_variance`, for each pair `v_w_covariance`; unit_count.

    Raises:
        FrameMismatch: a stratum has fewer plans in the frame than in the sample, or rows are missing; a
            probability outside of (0, 1].
    Source:
        Cochran (1977), Sampling Techniques, 3rd ed., 2.11-2.13 (domains) and 5A.14; Hájek (1964) and
        Deville (1999) for unequal probabilities, in Tillé (2006), Sampling Algorithms, 7.3.
    """
    _refuse_broken_strata(plans)
    values = plans[[*variables]].astype(np.float64)
    expanded = values.div(plans["inclusion_probability"], axis=0)
    spread = _spread_weights(plans)
    weighed = {f"{name}~": spread * expanded[name] for name in variables}
    products = {f"{a}*{b}": weighed[f"{a}~"] * expanded[b] for a, b in _with_squares(variables, pairs)}
    totals = expanded.add_suffix("_total")
    keys = ["stratum_code", *by]
    columns = [plans[keys], values, totals, pd.DataFrame(weighed), pd.DataFrame(products)]
    groups = pd.concat(columns, axis=1).groupby(keys, sort=True)
    sums = groups.sum()
    whole = spread.groupby(plans["stratum_code"]).sum()
    # A stratum taken for sure has no spread at all, so what it is divided by does not matter.
    divisor = whole.where(whole > 0, 1.0).reindex(sums.index.get_level_values("stratum_code")).to_numpy()
    found = {name: sums[name] for name in variables} | {name: sums[name] for name in totals.columns}
    for a, b in _with_squares(variables, pairs):
        moment = sums[f"{a}*{b}"] - sums[f"{a}~"] * sums[f"{b}~"] / divisor
        found[f"{a}_variance" if a == b else f"{a}_{b}_covariance"] = moment.clip(lower=0) if a == b else moment
    return pd.DataFrame(found).assign(unit_count=groups.size())


def _spread_weights(plans: pd.DataFrame) -> pd.Series:
    """Weigh each plan's distance from its stratum's mean: (1 - pi) n / (n - 1), n those not taken for sure."""
    chance = plans["inclusion_probability"].astype(np.float64)
    open_units = (chance < CERTAIN).astype(np.float64)
    n = open_units.groupby(plans["stratum_code"]).transform("sum")
    weights: pd.Series = ((1 - chance) * n / (n - 1).clip(lower=1)).where((open_units > 0) & (n > 1), 0.0)
    return weights


def ratio(
    numerator: npt.ArrayLike,
    denominator: npt.ArrayLike,
    numerator_variance: npt.ArrayLike,
    denominator_variance: npt.ArrayLike,
    covariance: npt.ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Divide two estimated totals; NaN where the denominator is zero.

    Returns:
        Ratio and its standard error by Taylor linearisation.
    Source:
        Särndal, Swensson and Wretman (1992), 5.6.
    """
    y, x = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    safe = np.where(x == 0, np.nan, x)
    value = y / safe
    variance = (
        np.asarray(numerator_variance, dtype=np.float64)
        + value**2 * np.asarray(denominator_variance, dtype=np.float64)
        - 2 * value * np.asarray(covariance, dtype=np.float64)
    )
    return value, np.sqrt(np.maximum(variance, 0)) / np.abs(safe)


def effective_size(
    share: npt.ArrayLike,
    standard_error: npt.ArrayLike,
    n: npt.ArrayLike,
    degrees_of_freedom: npt.ArrayLike,
    confidence: float = 0.95,
) -> FloatArray:
    """Give the size of a simple random sample that would know a proportion as well.

    A share of 0 or 1 shows no spread, so its effective size is n. A census is infinite.

    Source:
        Korn and Graubard (1998), Confidence intervals for proportions with small expected number of
        positive counts estimated from survey data, Survey Methodology 24(2).
    """
    p, se = np.asarray(share, dtype=np.float64), np.asarray(standard_error, dtype=np.float64)
    size = np.asarray(n, dtype=np.float64)
    freedom = np.maximum(np.asarray(degrees_of_freedom, dtype=np.float64), 1)
    tail = (1 + confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = p * (1 - p) / se**2
        adjusted = plain * (stats.t.ppf(tail, np.maximum(size - 1, 1)) / stats.t.ppf(tail, freedom)) ** 2
    found: FloatArray = np.where((p <= 0) | (p >= 1), size, adjusted)
    return found


def proportion_interval(
    share: npt.ArrayLike, n_effective: npt.ArrayLike, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Bound a proportion by the Clopper-Pearson interval at its effective size.

    Returns:
        Lower and upper bound; the share itself where the effective size is infinite.
    Source:
        Korn and Graubard (1998), as above.
    """
    p, size = np.asarray(share, dtype=np.float64), np.asarray(n_effective, dtype=np.float64)
    exact = np.isinf(size)
    finite = np.where(exact, 1.0, size)
    hits = np.where(exact, 0.5, p * finite)
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(hits < NO_HIT, 0.0, stats.beta.ppf(tail, np.maximum(hits, NO_HIT), finite - hits + 1))
        high = np.where(
            finite - hits < NO_HIT, 1.0, stats.beta.ppf(1 - tail, hits + 1, np.maximum(finite - hits, NO_HIT))
        )
    return np.where(exact, p, np.minimum(low, p)), np.where(exact, p, np.maximum(high, p))


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


def _with_squares(variables: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [*((name, name) for name in variables), *pairs]


def _refuse_broken_strata(plans: pd.DataFrame) -> None:
    size = plans.groupby("stratum_code").agg(
        rows=("stratum_code", "size"),
        sample=("stratum_sample_count", "first"),
        population=("stratum_population_count", "first"),
    )
    broken = size[(size["rows"] != size["sample"]) | (size["sample"] > size["population"])]
    if len(broken):
        first = broken.iloc[0]
        raise FrameMismatch(
            place=f"stratum {broken.index[0]}",
            found=f"{first['rows']} rows for {first['sample']} drawn of {first['population']} plans",
            wanted="a row for each drawn plan, and no more of them than the frame holds",
        )
    chance = plans["inclusion_probability"]
    outside = ~((chance > 0) & (chance <= 1))
    if outside.any():
        first_plan = plans[outside].iloc[0]
        raise FrameMismatch(
            place=f"stratum {first_plan['stratum_code']}",
            found=f"an inclusion probability of {first_plan['inclusion_probability']}",
            wanted="0 < probability <= 1",
        )
