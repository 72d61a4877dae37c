"""Means of ten variables in 480 counties with the variance of two stages, against svy on the same design.

svy is an optional dependency: `pip install -e ".[benchmark]"`. Both start from a table in memory of their own kind and
declare the design anew in each round; ours gives design effects too, svy is spared them. The largest relative
difference of means, errors and degrees of freedom is printed with the ratio. Rounds alternate, and the fastest of each
counts, since other work on the machine only slows.

    python -m benchmarks.county_means --rows 48000
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from methods import estimate

COUNTIES = 480
TOWNS = 5
GROUP = 8
VARIABLES = [*(f"mark_{number}" for number in range(5)), *(f"amount_{number}" for number in range(5))]


def main() -> None:
    """Time both in turn, print the ratio and how far the results are apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=48_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    data = visits(asked.rows)
    for name, population in {"two stages": ("town_count", "plan_count"), "with replacement": ()}.items():
        _compare(f"{name}, {asked.rows:,} visits", data, population, asked.rounds)


def visits(rows: int) -> pd.DataFrame:
    """Invent visits: strata of eight counties, five towns in each county, the same number of visits in a town."""
    chance = np.random.default_rng(1)
    town = np.repeat(np.arange(COUNTIES * TOWNS), rows // (COUNTIES * TOWNS))
    stratum = town // (TOWNS * GROUP)
    town_count = chance.integers(50, 400, COUNTIES)[stratum]
    plan_count = chance.integers(30, 400, COUNTIES * TOWNS)[town]
    size, effect = rows // (COUNTIES * TOWNS), chance.normal(0, 0.5, COUNTIES * TOWNS)[town]
    data = {name: (chance.normal(effect) > 0.3).astype(np.float64) for name in VARIABLES[:5]}
    data |= {name: chance.lognormal(effect + 1, 0.6) for name in VARIABLES[5:]}
    return pd.DataFrame(
        {
            "stratum_code": stratum,
            "county_code": town // TOWNS,
            "town_code": town,
            "visit": np.arange(len(town)),
            "town_count": town_count,
            "plan_count": plan_count,
            "weight": town_count / (TOWNS * GROUP) * plan_count / size,
            **data,
        }
    )


def _compare(name: str, data: pd.DataFrame, population: tuple[str, ...], rounds: int) -> None:
    theirs = _svy(data, population)
    mine, its = [], []
    for _ in range(rounds):
        spent, found = _timed(lambda: _ours(data, population))
        mine.append(spent)
        if theirs is not None:
            spent, other = _timed(theirs)
            its.append(spent)
    print(f"{name}, {COUNTIES} counties, {len(VARIABLES)} variables: {min(mine):.3f} s")
    if its:
        print(f"    svy {min(its):.2f} s: ratio {min(its) / min(mine):.0f} (wanted at least 50)")
        print(f"    largest relative difference {_difference(found, other):.1e} (wanted at most 1e-9)")


def _ours(data: pd.DataFrame, population: tuple[str, ...]) -> pd.DataFrame:
    design = estimate.Design(data, "weight", strata=("stratum_code",), units=("town_code",), population=population)
    return design.means(VARIABLES, by="county_code")


def _svy(data: pd.DataFrame, population: tuple[str, ...]) -> Callable[[], Any] | None:
    try:
        import polars
        import svy
    except ImportError:
        print("svy is not installed: no ratio. pip install -e '.[benchmark]'")
        return None
    table = polars.DataFrame({name: data[name].to_numpy() for name in data})
    stages: dict[str, Any] = {"stratum": "stratum_code", "psu": "town_code", "wgt": "weight"}
    if population:
        stages |= {"ssu": "visit", "pop_size": svy.PopSize(psu=population[0], ssu=population[1])}

    def means() -> Any:
        return svy.Sample(table, svy.Design(**stages)).estimation.mean(VARIABLES, by="county_code")

    return means


def _difference(found: pd.DataFrame, theirs: Any) -> float:
    worst = 0.0
    for name, estimates in zip(VARIABLES, theirs, strict=True):
        other = estimates.to_polars()
        order = np.argsort(other["county_code"].cast(int).to_numpy())
        mine = found[found["variable"] == name]
        for ours, its in (("estimate", "est"), ("standard_error", "se"), ("degrees_of_freedom", "df")):
            worst = max(worst, float(np.abs(mine[ours].to_numpy() / other[its].to_numpy()[order] - 1).max()))
    return worst


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


if __name__ == "__main__":
    main()
