"""Stratified samples of plans: totals of domains with their variances, and ratios of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.errors import FrameMismatch

# From here on a plan was taken for sure.
CERTAIN = 1 - 1e-12

FloatArray = npt.NDArray[np.float64]


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
