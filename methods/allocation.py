"""Allocation: how many units of each stratum are drawn, within bounds, and how precise that will be."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize

from methods.errors import FrameMismatch

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
# How near to its target a variance counts as met: far below what any planning value is known to.
MET = 1e-9


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
    floor, ceiling = _bounds(size, n, minimum, maximum)
    return pd.Series(whole_shares(_bounded_share(size, n, floor, ceiling), n, ceiling), index=population.index)


def allocate_neyman(
    population: npt.ArrayLike,
    deviation: npt.ArrayLike,
    n: int,
    minimum: npt.ArrayLike = 0,
    maximum: npt.ArrayLike | None = None,
) -> IntArray:
    """Share n units so that the variance of the stratified total is the least any whole numbers give.

    Args:
        population: N_h [units], at least 1.
        deviation: S_h, standard deviation within the stratum [indicator unit]; one of 0 gets its minimum first.
        n: units to share.
        minimum: least units, for all strata or each; cut to N_h.
        maximum: most units, for all strata or each; None is N_h.

    Returns:
        n_h [units] with sum n, in the order given: the exact integer optimum of sum N_h^2 S_h^2 / n_h.

    Raises:
        FrameMismatch: the bounds leave no allocation of n, or n is below one unit a stratum that varies.
    Source:
        Neyman (1934), On the two different aspects of the representative method; Wright (2017), Exact
        optimal sample allocation: more efficient than Neyman, Statistics and Probability Letters 129.
    """
    size, spread = _checked(population, "stratum population", 1), _checked(deviation, "standard deviation", 0)
    return allocate_least_variance(size * spread, size, n, minimum, maximum)


def allocate_power(
    population: npt.ArrayLike,
    deviation: npt.ArrayLike,
    mean: npt.ArrayLike,
    power: float,
    n: int,
    minimum: npt.ArrayLike = 0,
    maximum: npt.ArrayLike | None = None,
) -> IntArray:
    """Share n units so that small strata get figures of their own: between Neyman (1) and equal precision (0).

    Args:
        population: N_h [units].
        deviation: S_h [indicator unit].
        mean: stratum mean [indicator unit], above 0.
        power: q of the size N_h^q that a stratum's relative variance is weighed by, 0 to 1.
        n: units to share.
        minimum: least units.
        maximum: most units.

    Returns:
        n_h [units] with sum n: the exact integer optimum of sum (N_h^q S_h / mean_h)^2 / n_h.

    Raises:
        FrameMismatch: see `allocate_neyman`; a mean of 0.
    Source:
        Bankier (1988), Power allocations: determining sample sizes for subnational areas,
        The American Statistician 42(3).
    """
    size, spread = _checked(population, "stratum population", 1), _checked(deviation, "standard deviation", 0)
    centre = _checked(mean, "stratum mean", np.nextafter(0.0, 1.0))
    return allocate_least_variance(size**power * spread / centre, size, n, minimum, maximum)


def allocate_least_variance(
    weight: FloatArray,
    size: FloatArray,
    n: int,
    minimum: npt.ArrayLike = 0,
    maximum: npt.ArrayLike | None = None,
) -> IntArray:
    """Find the whole numbers n_h of sum n, within bounds, for which the sum of (weight_h)^2 / n_h is least.

    The k-th unit of a stratum lowers that sum by weight^2 / (k (k - 1)); since each further unit lowers it
    less, the n most lowering ones are the optimum.

    Args:
        weight: what a stratum counts by; 0 for one that does not vary.
        size: N_h [units].
        n: units to share.
        minimum: least units.
        maximum: most units; None is N_h.

    Returns:
        n_h [units].

    Raises:
        FrameMismatch: see `allocate_neyman`.
    Source:
        Wright (2017), as above; Friedrich, Münnich, de Vries and Wagner (2015), Fast integer-valued
        algorithms for optimal allocations, Computational Statistics and Data Analysis 92.
    """
    floor, ceiling = (bound.astype(np.int64) for bound in _bounds(size, n, minimum, maximum))
    floor = np.maximum(floor, np.minimum(ceiling, (weight > 0).astype(np.int64)))
    if floor.sum() > n:
        raise FrameMismatch(
            place="allocation",
            found=f"{n} units to share",
            wanted=f"at least {int(floor.sum())}: one for each stratum that varies, and the minima",
            remedy="Raise the sample size, or join strata.",
        )
    taken = _above(_threshold(weight, n, floor, ceiling), weight, floor, ceiling)
    return _fill_up(taken, weight, n, ceiling)


def allocate_precision(
    population: npt.ArrayLike,
    variances: npt.ArrayLike,
    targets: npt.ArrayLike,
    minimum: npt.ArrayLike = 1,
    maximum: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> tuple[IntArray, list[str]]:
    """Find the fewest units that meet the wanted variance of several totals at once.

    Args:
        population: N_h [units].
        variances: one row a target, one column a stratum: S^2 of its indicator there, 0 outside its domain.
        targets: largest variance of each estimated total [indicator unit squared].
        minimum: least units; at least 1 where anything varies.
        maximum: most units; None is N_h.
        names: what a target is called in refusals and in the list that is returned.

    Returns:
        n_h [units], and the names of the targets that bind.

    Raises:
        FrameMismatch: a target that even the most units miss, by name.
    Source:
        Bethel (1989), Sample allocation in multivariate surveys, Survey Methodology 15(1); Chromy (1987),
        Design optimization with multiple objectives. Solved by the Lagrangian dual, so that bounds hold exactly.
    """
    size = _checked(population, "stratum population", 1)
    spread = np.atleast_2d(_checked(variances, "variance", 0))
    called = list(names) if names is not None else [f"target {place + 1}" for place in range(len(spread))]
    # sum a_jh / n_h <= 1, after what the finite population takes off.
    allowed = np.asarray(targets, dtype=np.float64) + spread @ size
    demand = spread * size**2 / allowed[:, None]
    ceiling = np.minimum(size, size if maximum is None else np.asarray(maximum, dtype=np.float64))
    floor = np.minimum(ceiling, np.maximum(np.asarray(minimum, dtype=np.float64), demand.any(axis=0)))
    _refuse_beyond_reach(demand, floor, ceiling, called)
    price = _prices(demand, np.maximum(floor, 1e-12), ceiling)
    taken = _spare(np.ceil(_answer(price, demand, floor, ceiling) - 1e-6), demand, floor, ceiling)
    used = demand @ (1 / np.maximum(taken, 1))
    # What one unit less would break is what binds; whole units leave a little room.
    binding = [name for name, part, worth in zip(called, used, price, strict=True) if worth > MET and part > 0.99]
    return taken.astype(np.int64), binding


def expected_errors(strata: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Say how precise a total and a share will be, before anything is issued.

    Args:
        strata: population_count, sample_count, planning_share (of plans that hold), weight_excess (the sum of
            1 / pi - 1 over the plans of the frame) and the columns of `by`.
        by: columns of the domains; none for the nation.

    Returns:
        By domain: population_count, sample_count, planning_share, standard_error of the share [0 to 1].

    Raises:
        FrameMismatch: a stratum with plans and no sample: nothing would be known of it.
    Source:
        Cochran (1977), 5.3 and 5.10; where pi follows sizes, the variance anticipated of a mark that does not:
        Isaki and Fuller (1982), Survey design under the regression superpopulation model, JASA 77.
    """
    size, taken = strata["population_count"].astype(float), strata["sample_count"].astype(float)
    if ((size > 0) & (taken == 0)).any():
        raise FrameMismatch(
            place="allocation", found="a stratum with plans and no sample", wanted="at least one plan of each stratum"
        )
    share = strata["planning_share"].astype(float)
    spread = planning_variances(share, size)
    parts = strata.assign(held=share * size, variance=strata["weight_excess"] * spread)
    names = ["population_count", "sample_count", "held", "variance"]
    sums = parts.groupby(list(by), sort=True)[names].sum() if by else parts[names].sum().to_frame().T
    whole = sums["population_count"]
    return pd.DataFrame(
        {
            "population_count": whole.astype(np.int64),
            "sample_count": sums["sample_count"].astype(np.int64),
            "planning_share": sums["held"] / whole,
            "standard_error": np.sqrt(sums["variance"]) / whole,
        }
    )


def binding_bounds(strata: pd.DataFrame) -> pd.Series:
    """Name the bound that each stratum's size stands at: population, maximum, minimum, or none.

    Args:
        strata: population_count, sample_count, minimum_count, maximum_count.
    """
    taken = strata["sample_count"]
    at = [taken == strata["population_count"], taken == strata["maximum_count"], taken == strata["minimum_count"]]
    return pd.Series(np.select(at, ["population", "maximum", "minimum"], "none"), index=strata.index)


def whole_shares(share: FloatArray, n: int, ceiling: FloatArray) -> IntArray:
    """Make whole numbers of shares by largest remainder, none above its ceiling."""
    # Nine decimals keep a share of 2.9999999999 from losing its unit to a float's last bit.
    base = np.floor(np.round(share, 9))
    rest = np.where(base < ceiling, np.round(share - base, 9), -1.0)
    left = n - int(base.sum())
    order = np.lexsort((np.arange(len(share)), -share, -rest))
    base[order[:left]] += 1
    return base.astype(np.int64)


def refuse_unusable(values: FloatArray, what: str, least: float, wanted: str, units: pd.Series | None = None) -> None:
    """Refuse values that are missing, infinite or too small, naming the first: by its code, or else its place from 1.

    Raises:
        FrameMismatch: naming place and value.
    """
    bad = ~(np.isfinite(values) & (values >= least))
    if bad.any():
        place = tuple(int(one) for one in np.argwhere(bad)[0])
        raise FrameMismatch(
            place=f"{what}, unit {place[-1] + 1 if units is None else units.iloc[place[-1]]}",
            found=f"{values[place]} ({int(bad.sum())} such)",
            wanted=wanted,
            remedy="Correct the frame or the planning values, or leave such units out by a rule of eligibility.",
        )


def _checked(given: npt.ArrayLike, what: str, least: float) -> FloatArray:
    values = np.asarray(given, dtype=np.float64)
    refuse_unusable(values, what, least, "a number above 0" if least > 0 else "a number from 0 on")
    return values


def _bounds(size: FloatArray, n: int, minimum: Any, maximum: Any) -> tuple[FloatArray, FloatArray]:
    ceiling = np.minimum(size, size if maximum is None else np.asarray(maximum, dtype=np.float64))
    wanted = np.broadcast_to(np.asarray(minimum, dtype=np.float64), size.shape)
    if (wanted > np.where(ceiling < size, ceiling, np.inf)).any():
        place = int(np.argmax(wanted > ceiling))
        raise FrameMismatch(
            place=f"allocation, stratum {place + 1}",
            found=f"a minimum of {wanted[place]:g} above the maximum of {ceiling[place]:g}",
            wanted="bounds that leave room",
            remedy="Change the bounds in guidelines/sampling.yaml.",
        )
    floor = np.minimum(ceiling, wanted)
    if not floor.sum() <= n <= ceiling.sum():
        binding = "the minimum" if n < floor.sum() else "the population or the maximum"
        raise FrameMismatch(
            place="allocation",
            found=f"{n} units to share",
            wanted=f"from {int(floor.sum())} to {int(ceiling.sum())}; {binding} binds",
            remedy="Change the sample size or the bounds in guidelines/sampling.yaml.",
        )
    return floor, ceiling


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


# least variance ----------------------------------------------------------------------------------


def _above(threshold: float, weight: FloatArray, floor: IntArray, ceiling: IntArray) -> IntArray:
    """Count the units whose gain weight / sqrt(k (k - 1)) reaches a threshold, within the bounds."""
    with np.errstate(over="ignore"):
        reach = (1 + np.sqrt(1 + 4 * (weight / threshold) ** 2)) / 2
    counted = np.where(weight > 0, np.floor(np.minimum(reach, ceiling.astype(np.float64))), 0)
    return np.clip(counted.astype(np.int64), floor, ceiling)


def _threshold(weight: FloatArray, n: int, floor: IntArray, ceiling: IntArray) -> float:
    """Find, to the last bit, the least gain at which no more than n units are taken."""
    low, high = np.finfo(float).tiny, float(weight.max(initial=0.0)) * 2 + 1
    while (middle := np.sqrt(low) * np.sqrt(high)) not in (low, high):
        if _above(middle, weight, floor, ceiling).sum() > n:
            low = middle
        else:
            high = middle
    return high


def _fill_up(taken: IntArray, weight: FloatArray, n: int, ceiling: IntArray) -> IntArray:
    """Give out what equal gains left over, one by one, the earlier stratum first."""
    gains = [
        (-weight[place] / np.sqrt(float(taken[place] * (taken[place] + 1)) or 1.0), place)
        for place in np.flatnonzero(taken < ceiling).tolist()
    ]
    heapq.heapify(gains)
    for _ in range(n - int(taken.sum())):
        _, place = heapq.heappop(gains)
        taken[place] += 1
        if taken[place] < ceiling[place]:
            heapq.heappush(gains, (-weight[place] / np.sqrt(float(taken[place] * (taken[place] + 1))), place))
    return taken


# precision ---------------------------------------------------------------------------------------


def _refuse_beyond_reach(demand: FloatArray, floor: FloatArray, ceiling: FloatArray, called: list[str]) -> None:
    with np.errstate(divide="ignore"):
        best = demand @ np.where(ceiling > 0, 1 / ceiling, 0)
    short = np.flatnonzero(best > 1 + MET)
    if len(short):
        worst = int(short[np.argmax(best[short])])
        raise FrameMismatch(
            place=f"allocation, {called[worst]}",
            found=f"{best[worst]:.3f} times the room its variance has, with the most units allowed",
            wanted="a precision that the upper bounds can reach",
            remedy="Ask for less precision there, or raise the workload limit in guidelines/sampling.yaml.",
        )


def _answer(price: FloatArray, demand: FloatArray, floor: FloatArray, ceiling: FloatArray) -> FloatArray:
    taken: FloatArray = np.clip(np.sqrt(price @ demand), floor, ceiling)
    return taken


def _prices(demand: FloatArray, floor: FloatArray, ceiling: FloatArray) -> FloatArray:
    """Maximise the concave dual: what a unit of each target's room is worth in sampled units."""

    def dual(price: FloatArray) -> tuple[float, FloatArray]:
        taken = _answer(price, demand, floor, ceiling)
        slack = demand @ (1 / taken) - 1
        return -float(taken.sum() + price @ slack), -slack

    start = np.square(np.sqrt(demand).sum(axis=1))
    found = optimize.minimize(
        dual, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start),
        options={"maxiter": 10_000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-10},
    )  # fmt: skip
    price: FloatArray = found.x
    return price


def _spare(taken: FloatArray, demand: FloatArray, floor: FloatArray, ceiling: FloatArray) -> FloatArray:
    """Make whole numbers that meet every target: add where one is missed, then take away what none needs."""
    taken = np.clip(taken, floor, ceiling)
    while (over := demand @ (1 / np.maximum(taken, 1)) - 1).max(initial=-1.0) > MET:
        gain = np.where(taken < ceiling, demand[over > MET].sum(axis=0) / np.maximum(taken * (taken + 1), 1), -1)
        taken[int(np.argmax(gain))] += 1
    for place in np.argsort(demand.max(axis=0) / np.maximum(taken, 1) ** 2, kind="stable").tolist():
        less = taken[place] - 1
        fits = (
            less >= max(floor[place], 1)
            and (demand @ (1 / np.maximum(np.where(np.arange(len(taken)) == place, less, taken), 1)) <= 1 + MET).all()
        )
        taken[place] = less if fits else taken[place]
    return taken


def planning_variances(share: npt.ArrayLike, population: npt.ArrayLike) -> FloatArray:
    """Give S^2 of a mark that a share of the plans of a stratum have."""
    held, size = np.asarray(share, dtype=np.float64), np.asarray(population, dtype=np.float64)
    spread: FloatArray = held * (1 - held) * size / np.maximum(size - 1, 1)
    return spread
