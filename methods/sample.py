"""Sampling: allocation over levels, and the draw."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.errors import FrameMismatch

FloatArray = npt.NDArray[np.float64]


def allocate(
    population: pd.Series, n: int, minimum: int | pd.Series = 0, maximum: int | pd.Series | None = None
) -> pd.Series:
    """Share n units among strata in proportion to their size, within bounds.

    A stratum at a bound gives what it cannot take to the others; whole units go by largest remainder.

    Args:
        population: stratum -> N_h [units].
        n: units to share.
        minimum: least units of a stratum, cut to N_h.
        maximum: most units of a stratum; None is N_h.

    Returns:
        stratum -> n_h [units], in the order of `population`, with sum n.

    Raises:
        FrameMismatch: the bounds leave no allocation of n.
    Source:
        Cochran (1977), Sampling Techniques, 3rd ed., 5.5; largest remainder (Hamilton) for whole units.
    """
    size = population.to_numpy(dtype=np.float64)
    ceiling = np.minimum(size, size if maximum is None else np.asarray(maximum, dtype=np.float64))
    floor = np.minimum(ceiling, np.asarray(minimum, dtype=np.float64))
    if not floor.sum() <= n <= ceiling.sum():
        binding = "the minimum" if n < floor.sum() else "the population or the maximum"
        raise FrameMismatch(
            place="allocation",
            found=f"{n} units to share",
            wanted=f"from {int(floor.sum())} to {int(ceiling.sum())}; {binding} binds",
            remedy="Change the sample size or the bounds in guidelines/sampling.yaml.",
        )
    share = _bounded_share(size, n, floor, ceiling)
    return pd.Series(_whole(share, n, ceiling), index=population.index)


def allocate_levels(plans: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Allocate the sample from the nation to provinces, and from each province to its counties.

    Args:
        plans: province_code, county_code, one row a plan of the frame.
        rules: issued_plan_count, minimum_plans_per_county.

    Returns:
        province_code, county_code, eligible_plan_count, sample_plan_count, one row a county.

    Raises:
        FrameMismatch: the frame cannot bear the allocation, or a county lies in two provinces.
    """
    counties = plans.groupby(["province_code", "county_code"], sort=True).size().rename("eligible_plan_count")
    _refuse_county_in_two_provinces(counties)
    minimum = counties.clip(upper=int(rules["minimum_plans_per_county"]))
    by_province = counties.groupby("province_code")
    provinces = allocate(by_province.sum(), int(rules["issued_plan_count"]), minimum.groupby("province_code").sum())
    parts = [allocate(counties.loc[[code]], int(provinces[code]), minimum.loc[[code]]) for code in provinces.index]
    sizes = pd.concat(parts).rename("sample_plan_count")
    table: pd.DataFrame = pd.concat([counties, sizes], axis=1).reset_index()
    return table


def random_numbers(codes: pd.Series, seed: str) -> FloatArray:
    """Give each unit its permanent random number: a hash of seed and code, so row order changes nothing.

    Args:
        codes: unit codes.
        seed: public seed of the draw.

    Returns:
        Numbers in [0, 1): the first 53 bits of SHA-256 of `seed|code`, which anyone can compute again.
    """
    prefix = hashlib.sha256(f"{seed}|".encode())

    def bits(code: str) -> int:
        digest = prefix.copy()
        digest.update(code.encode())
        return int.from_bytes(digest.digest()[:8], "big") >> 11

    return np.fromiter(map(bits, codes), dtype=np.float64, count=len(codes)) * 2.0**-53


def draw_plans(plans: pd.DataFrame, rules: Mapping[str, Any], seed: str) -> pd.DataFrame:
    """Draw the plans to inspect: in each county the n_h plans with the smallest permanent random numbers.

    Given the allocation this is simple random sampling without replacement in each county.

    Args:
        plans: plan_id, province_code, county_code, one row a plan of the frame.
        rules: issued_plan_count, minimum_plans_per_county.
        seed: public seed of the draw.

    Returns:
        plan_id, province_code, county_code, stratum_code, stratum_population_count, stratum_sample_count,
        inclusion_probability, random_number, one row a drawn plan, by plan_id.

    Raises:
        FrameMismatch: see `allocate_levels`.
    Source:
        Permanent random numbers: Ohlsson (1995), Coordination of samples, in Business Survey Methods.
    """
    levels = allocate_levels(plans, rules)[["county_code", "eligible_plan_count", "sample_plan_count"]]
    every = plans[["plan_id", "province_code", "county_code"]].merge(levels, on="county_code", validate="m:1")
    every["random_number"] = random_numbers(every["plan_id"], seed)
    every = every.sort_values(["county_code", "random_number", "plan_id"])
    drawn = every[every.groupby("county_code").cumcount() < every["sample_plan_count"]]
    drawn = drawn.rename(
        columns={"eligible_plan_count": "stratum_population_count", "sample_plan_count": "stratum_sample_count"}
    )
    drawn = drawn.assign(
        stratum_code=drawn["county_code"],
        inclusion_probability=drawn["stratum_sample_count"] / drawn["stratum_population_count"],
    )
    return drawn.sort_values("plan_id").reset_index(drop=True)


def _bounded_share(size: FloatArray, n: int, floor: FloatArray, ceiling: FloatArray) -> FloatArray:
    """Find the factor f for which the sum of f * N_h, cut to the bounds, is n."""
    positive = size > 0
    breaks = np.unique(np.concatenate([floor[positive] / size[positive], ceiling[positive] / size[positive]]))
    sums = np.clip(breaks[:, None] * size, floor, ceiling).sum(axis=1) if len(size) else np.zeros(1)
    place = int(np.clip(np.searchsorted(sums, n), 1, len(breaks) - 1)) if len(breaks) > 1 else 0
    if len(breaks) < 2:
        return np.clip(np.full_like(size, n / max(size.sum(), 1)) * size, floor, ceiling)
    low, high = breaks[place - 1], breaks[place]
    rise = sums[place] - sums[place - 1]
    factor = high if rise == 0 else low + (high - low) * (n - sums[place - 1]) / rise
    share: FloatArray = np.clip(factor * size, floor, ceiling)
    return share


def _whole(share: FloatArray, n: int, ceiling: FloatArray) -> npt.NDArray[np.int64]:
    # Nine decimals keep a share of 2.9999999999 from losing its unit to a float's last bit.
    base = np.floor(np.round(share, 9))
    rest = np.where(base < ceiling, np.round(share - base, 9), -1.0)
    left = n - int(base.sum())
    order = np.lexsort((np.arange(len(share)), -share, -rest))
    base[order[:left]] += 1
    return base.astype(np.int64)


def _refuse_county_in_two_provinces(counties: pd.Series) -> None:
    codes = counties.index.get_level_values("county_code")
    if codes.has_duplicates:
        repeated = ", ".join(sorted(set(codes[codes.duplicated()])))
        raise FrameMismatch(
            place=f"frame, county {repeated}", found="two provinces", wanted="each county in one province"
        )
