"""Small areas: what can be said of each county, by itself, by a model of all, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from methods.errors import AreaModelRefused, BenchmarkImpossible
from methods.estimate.area_covariates import chosen_covariates
from methods.estimate.area_model import FayHerriot, fay_herriot
from methods.estimate.intervals import effective_size, proportion_interval

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# How far a province's counties may be from its share: the last bits of a few hundred additions.
ADDING_UP = 1e-9
# So near to none or all that a share shows no spread, and so large a sample that it leaves no doubt.
AT_BOUND, KNOWN = 1e-9, 1e12
COLUMNS = (
    "county_code", "province_code", "n", "n_effective", "denominator", "direct", "direct_standard_error",
    "direct_lower", "direct_upper", "smoothed_standard_error", "direct_share", "model", "model_standard_error",
    "benchmarked", "benchmarked_standard_error", "model_lower", "model_upper", "published", "published_method",
    "reason_code", "lower", "upper", "quality",
)  # fmt: skip


@dataclass(frozen=True)
class SmallAreas:
    """The counties of one rate.

    Attributes:
        counties: columns COLUMNS, one row a county, by county_code.
        terms: what the model rests on: term, value, standard_error.
    """

    counties: pd.DataFrame
    terms: pd.DataFrame


@dataclass(frozen=True)
class Spread:
    """How far the shares of counties may be off, by what is known of all of them.

    Attributes:
        plan: variance of one plan's verdict.
        design: variance of the direct share about the share of all the county's plans; infinite for n = 0.
        around: variance of the share of all its plans about the rate they are drawn from.
        design_effect: variance of the direct shares over that of simple random samples of their size.
    """

    plan: FloatArray
    design: FloatArray
    around: FloatArray
    design_effect: float


def small_areas(counties: pd.DataFrame, covariates: Mapping[str, pd.DataFrame], rules: Mapping[str, Any]) -> SmallAreas:
    """Give each county the direct share, the model's, the one that adds up, and the one to be printed.

    The model is that of Fay and Herriot for the rate that a county's plans are drawn from. The share of all its
    plans is what was found for those seen, and that rate for those not seen. Counties large enough keep their
    direct share; the others' are moved until each province's counties reproduce its direct share.

    Args:
        counties: county_code, province_code, eligible_plan_count; of the rate n, numerator and denominator
            (expanded), estimate, standard_error, lower, upper (missing for n = 0); weighted_n, the n of equal
            weights that is worth as much; degrees_of_freedom. One row a county of the frame.
        covariates: see `area_covariates`, of the same counties.
        rules: those of guideline small_area; confidence_level and largest_interval_width of publication.

    Returns:
        The counties, and what the model rests on. The model's columns are missing where there is none: with no
        more counties seen than covariates, and in a province where nothing was seen.

    Raises:
        AreaModelRefused: a county with n above 0 whose rate, error, bounds or weights are missing, infinite or
            negative; see `chosen_covariates` and `fay_herriot`.
        BenchmarkImpossible: see `benchmark`.
    Source:
        Rao and Molina (2015), Small Area Estimation, 2nd ed., ch. 6; 7.1.1 (plans seen and not seen).
    """
    table = counties.sort_values("county_code", ignore_index=True)
    _refuse_unrated(table)
    spread = smoothed_variances(table, float(rules["smallest_pooled_n"]))
    seen = table["n"].to_numpy() > 0
    renamed = {"estimate": "direct", "standard_error": "direct_standard_error"}
    bounds = {"lower": "direct_lower", "upper": "direct_upper"}
    direct = table.rename(columns=renamed | bounds).astype({name: np.float64 for name in (renamed | bounds).values()})
    direct["n_effective"] = _effective_n(table, spread, float(rules["confidence_level"]))
    direct["smoothed_standard_error"] = np.sqrt(np.where(seen, spread.design, np.nan))
    x = chosen_covariates(
        covariates, rules["area_covariates"], pd.Index(table.loc[seen, "county_code"]),
        float(rules["counties_per_covariate"]),
    ).reindex(table["county_code"])  # fmt: skip
    fit = _fit(direct, x, spread, seen, rules["fitting_method"])
    modelled = direct.join(_modelled(direct, x, spread, fit))
    alone = _standing_alone(modelled, rules)
    moved = modelled.join(_moved(modelled, alone != "", spread, rules))
    found = moved.join(_choice(moved, alone, rules))
    return SmallAreas(found[list(COLUMNS)], _terms(fit, spread))


def _refuse_unrated(table: pd.DataFrame) -> None:
    needed = table[["estimate", "standard_error", "lower", "upper", "denominator", "weighted_n"]].astype(np.float64)
    values, is_seen = needed.to_numpy(), table[["n"]].to_numpy() > 0
    wrong = is_seen & (~np.isfinite(values) | (values < 0))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise AreaModelRefused(
            place=f"county {table['county_code'].iloc[row]}, {needed.columns[column]}",
            found=f"{values[row, column]} for n = {table['n'].iloc[row]}",
            wanted="a finite number, 0 or above, of each county where a plan was seen",
        )


def smoothed_variances(counties: pd.DataFrame, smallest_pooled_n: float) -> Spread:
    """Smooth the sampling variances of county shares, which a handful of plans cannot know by itself.

    The variance of a direct share is d P (1 - P) (1 - f) / n*: P the province's share, with half a plan added on
    either side so that none is 0; f the part of the county's plans that was seen; n* = weighted_n; d one design
    effect for all, the sum of the counties' own variances over that of the same formula without d.

    Args:
        counties: see `small_areas`.
        smallest_pooled_n: least n of a county whose own variance goes into the design effect.

    Returns:
        The variances, in the order of the counties.
    Source:
        Rao and Molina (2015), Small Area Estimation, 2nd ed., 6.4.1; Wolter (2007), Introduction to Variance
        Estimation, 2nd ed., ch. 7.
    """
    plan = _plan_variance(counties)
    n, total = (counties[name].to_numpy(dtype=np.float64) for name in ("n", "denominator"))
    with np.errstate(divide="ignore", invalid="ignore"):
        simple = plan * np.maximum(1 - n / total, 0) / counties["weighted_n"].to_numpy(dtype=np.float64)
    own = counties["standard_error"].to_numpy(dtype=np.float64) ** 2
    pooled = (n >= max(smallest_pooled_n, 1)) & (simple > 0)
    # Where no county can tell, the design is taken for a simple random sample.
    effect = float(own[pooled].sum() / simple[pooled].sum()) if own[pooled].sum() > 0 else 1.0
    return Spread(plan, np.where(n > 0, effect * simple, np.inf), plan / _plan_totals(counties), effect)


def _plan_variance(counties: pd.DataFrame) -> FloatArray:
    sums = counties.groupby("province_code")[["n", "numerator", "denominator"]].sum()
    share = (sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)).fillna(0.5)
    drawn = (sums["n"] * share + 0.5) / (sums["n"] + 1)
    p = drawn.reindex(counties["province_code"]).to_numpy(dtype=np.float64)
    variance: FloatArray = p * (1 - p)
    return variance


def _plan_totals(counties: pd.DataFrame) -> FloatArray:
    """Count the plans that a county's share is a share of; where none was seen, by the part seen elsewhere."""
    total, eligible = (counties[name].to_numpy(dtype=np.float64) for name in ("denominator", "eligible_plan_count"))
    seen = total > 0
    part = total[seen].sum() / eligible[seen].sum() if seen.any() else 1.0
    return np.where(seen, total, np.maximum(eligible * part, 1.0))


def _effective_n(table: pd.DataFrame, spread: Spread, confidence: float) -> FloatArray:
    n = table["n"].to_numpy(dtype=np.float64)
    size = effective_size(table["estimate"], table["standard_error"], n, table["degrees_of_freedom"], confidence)
    # A stratum of one plan shows no variance; its county is not known for that. One that was seen whole is.
    return np.select([n == 0, spread.design == 0], [0.0, np.inf], np.minimum(size, n))


def _fit(table: pd.DataFrame, x: pd.DataFrame, spread: Spread, seen: BoolArray, method: Any) -> FayHerriot | None:
    if np.count_nonzero(seen) <= len(x.columns):
        return None
    direct = pd.Series(table.loc[seen, "direct"].to_numpy(), index=table.loc[seen, "county_code"])
    return fay_herriot(direct, (spread.design + spread.around)[seen], x[seen], method)


def _modelled(table: pd.DataFrame, x: pd.DataFrame, spread: Spread, fit: FayHerriot | None) -> pd.DataFrame:
    """Take the plans not seen by the model, of the provinces where one was seen."""
    names = ["direct_share", "model", "model_standard_error"]
    within = (table.groupby("province_code")["n"].transform("sum") > 0).to_numpy()
    if fit is None:
        return pd.DataFrame(np.nan, index=table.index, columns=names)
    seen = table["n"].to_numpy() > 0
    areas = pd.concat([fit.areas[["eblup", "mse", "gamma"]], fit.synthetic(x[~seen])]).reindex(x.index)
    rate, rate_mse, gamma = (areas[name].to_numpy() for name in ("eblup", "mse", "gamma"))
    # The part of a county's plans that has shown itself: all of a census, nothing where nobody was met.
    part = spread.around / (spread.around + spread.design)
    model = np.clip(np.where(seen, part * table["direct"], 0) + (1 - part) * rate, 0, 1)
    # The limit of part * design where the design tells nothing.
    rest = np.where(seen, part * np.where(seen, spread.design, 0), spread.around)
    mse = (1 - part) ** 2 * rate_mse + rest
    values = (part + (1 - part) * gamma, model, np.sqrt(mse))
    found = pd.DataFrame(dict(zip(names, values, strict=True)), index=table.index)
    found.loc[~within] = np.nan
    return found


def _standing_alone(table: pd.DataFrame, rules: Mapping[str, Any]) -> npt.NDArray[np.str_]:
    """Say why a county's direct share is the one to be printed; empty where it is not.

    It goes by what the county's own verdicts have no part in: a share far off by chance has a narrow interval.
    """
    z = stats.norm.ppf((1 + float(rules["confidence_level"])) / 2)
    width = 2 * z * table["smoothed_standard_error"]
    widest = max(float(limit) for limit in rules["largest_interval_width"].values())
    sound = (table["n_effective"] >= float(rules["direct_minimum_n"])) & (width <= widest)
    sound &= table["direct_upper"] - table["direct_lower"] <= widest
    conditions = {
        "direct_precise": sound & (width <= float(rules["direct_widest_interval"])),
        "direct_without_model": sound & table["model"].isna(),
        "direct_more_precise": sound & (table["model_standard_error"] >= table["smoothed_standard_error"]),
    }
    return np.asarray(np.select(list(conditions.values()), list(conditions), ""), dtype=np.str_)


def _moved(table: pd.DataFrame, is_alone: BoolArray, spread: Spread, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Bring provinces to their direct share; counties that stand alone stay, the others move."""
    share, error = (table[name].to_numpy(dtype=np.float64) for name in ("model", "model_standard_error"))
    start = np.where(is_alone, table["direct"], share)
    known = np.isfinite(start)
    target = start.copy()
    target[known] = _benchmarked(table[known], start[known], np.where(is_alone, 0, error**2)[known])
    moved_mse = error**2 + np.where(is_alone, 0, target - share) ** 2
    confidence, kind = float(rules["confidence_level"]), str(rules["model_interval"])
    lower, upper = model_interval(np.where(is_alone, share, target), moved_mse, spread.plan, confidence, kind)
    stated = np.where(is_alone, table["smoothed_standard_error"], np.sqrt(moved_mse))
    values = {"benchmarked": target, "benchmarked_standard_error": stated, "model_lower": lower, "model_upper": upper}
    return pd.DataFrame(values, index=table.index)


def _benchmarked(table: pd.DataFrame, share: FloatArray, mse: FloatArray) -> FloatArray:
    group, codes = pd.factorize(table["province_code"])
    sums = table.groupby("province_code")[["numerator", "denominator"]].sum().reindex(codes)
    target = (sums["numerator"] / sums["denominator"]).to_numpy(dtype=np.float64)
    return benchmark(share, mse, table["denominator"], group, target, names=codes)


def benchmark(
    share: npt.ArrayLike,
    mse: npt.ArrayLike,
    weight: npt.ArrayLike,
    group: npt.ArrayLike,
    target: npt.ArrayLike,
    names: pd.Index | None = None,
) -> FloatArray:
    """Move shares until each group's weighted mean is its target, and none leaves [0, 1].

    A share moves in proportion to its mse: what is known for sure stays, and so does an area without weight. One
    that would leave [0, 1] stops at the bound, and the others take up what it leaves.

    Args:
        share: one an area, 0 to 1.
        mse: its mean squared error, 0 or above.
        weight: its weight in the group, 0 or above.
        group: 0-based number of its group.
        target: one a group, 0 to 1.
        names: of the groups, for messages.

    Returns:
        The shares, in the order of the areas.

    Raises:
        BenchmarkImpossible: a target that no such shares add up to.
    Source:
        Datta, Ghosh, Steorts and Maples (2011), Bayesian benchmarking with applications to small area
        estimation, TEST 20(3), theorem 1 with weights of loss w / mse; Rao and Molina (2015), 6.4.6.
    """
    x, m, w = (np.array(values, dtype=np.float64) for values in (share, mse, weight))
    number, goal = np.asarray(group, dtype=np.int64), np.asarray(target, dtype=np.float64)
    whole = np.bincount(number, w, len(goal))
    free = (w > 0) & (m > 0)
    # Whoever stops at a bound stays there, so each round has fewer to move.
    for _ in range(len(x) + 1):
        gap = goal * whole - np.bincount(number, w * x, len(goal))
        room = np.bincount(number[free], (w * m)[free], len(goal))
        step = np.divide(gap, room, out=np.zeros_like(gap), where=room > 0)
        wanted = x + np.where(free, step[number] * m, 0.0)
        x = np.clip(wanted, 0, 1)
        free &= wanted == x
        if (wanted == x).all():
            break
    left = np.abs(goal * whole - np.bincount(number, w * x, len(goal))) > ADDING_UP * whole
    if left.any():
        first = int(np.flatnonzero(left)[0])
        raise BenchmarkImpossible(
            place=f"group {first if names is None else names[first]}",
            found=f"shares of 0 to 1 that cannot have a mean of {goal[first]:g}",
            wanted="a target between the least and the greatest mean",
        )
    return x


def model_interval(
    share: npt.ArrayLike, mse: npt.ArrayLike, plan_variance: npt.ArrayLike, confidence: float, kind: str
) -> tuple[FloatArray, FloatArray]:
    """Bound a modelled share.

    `beta` is the Clopper-Pearson interval of a simple random sample that would know the share as well;
    `logit` is symmetric on the scale of log-odds, `normal` on that of shares, cut to [0, 1].

    Args:
        share: 0 to 1.
        mse: its mean squared error.
        plan_variance: variance of one plan, for a share of 0 or 1, which shows none.
        confidence: level.
        kind: beta, logit or normal.

    Returns:
        Lower and upper bound; the share itself where its mse is 0.

    Raises:
        AreaModelRefused: another kind.
    Source:
        Korn and Graubard (1998), Survey Methodology 24(2), with the model's mse for the design's variance.
    """
    p, m = np.asarray(share, dtype=np.float64), np.asarray(mse, dtype=np.float64)
    inside = (p > AT_BOUND) & (p < 1 - AT_BOUND)
    one = np.where(inside, p * (1 - p), np.asarray(plan_variance, dtype=np.float64))
    reach = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(m)
    if kind == "beta":
        size = np.divide(one, m, out=np.full_like(m, np.inf), where=m > one / KNOWN)
        return proportion_interval(p, size, confidence)
    if kind == "logit":
        odds = special.logit(np.clip(p, AT_BOUND, 1 - AT_BOUND))
        lower, upper = special.expit(odds - reach / one), special.expit(odds + reach / one)
        return np.minimum(lower, p), np.maximum(upper, p)
    if kind == "normal":
        return np.maximum(p - reach, 0), np.minimum(p + reach, 1)
    raise AreaModelRefused(place="guideline small_area, model_interval", found=kind, wanted="beta, logit or normal")


def _choice(table: pd.DataFrame, alone: npt.NDArray[np.str_], rules: Mapping[str, Any]) -> pd.DataFrame:
    """Choose what is printed: the direct share where it stands alone, else the model's, else nothing."""
    letters = sorted((str(name), float(limit)) for name, limit in rules["largest_interval_width"].items())
    width = (table["model_upper"] - table["model_lower"]).to_numpy()
    is_alone, has_n = alone != "", (table["n"] >= float(rules["model_minimum_n"])).to_numpy()
    conditions = {
        "n_too_small": ~has_n,
        "no_model": np.isnan(width),
        "model_more_precise": width <= letters[-1][1],
    }
    reason = np.where(is_alone, alone, np.select(list(conditions.values()), list(conditions), "interval_too_wide"))
    method = np.select([is_alone, reason == "model_more_precise"], ["direct", "model"], "withheld")
    picked = {
        name: np.select([method == "direct", method == "model"], [table[direct], table[model]], np.nan)
        for name, direct, model in (
            ("published", "direct", "benchmarked"),
            ("lower", "direct_lower", "model_lower"),
            ("upper", "direct_upper", "model_upper"),
        )
    }
    printed = picked["upper"] - picked["lower"]
    quality = np.select([printed <= limit for _, limit in letters], [name for name, _ in letters], "withheld")
    return pd.DataFrame(
        picked | {"published_method": method, "reason_code": reason, "quality": quality}, index=table.index
    )


def _terms(fit: FayHerriot | None, spread: Spread) -> pd.DataFrame:
    rows = [("design_effect", spread.design_effect, np.nan)]
    if fit is not None:
        rows.append(("between_county_variance", fit.sigma2_u, fit.sigma2_u_standard_error))
        errors = fit.beta_standard_error.to_numpy()
        rows += [(f"beta {name}", value, error) for (name, value), error in zip(fit.beta.items(), errors, strict=True)]
    return pd.DataFrame(rows, columns=["term", "value", "standard_error"])
