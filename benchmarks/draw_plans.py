"""A million plans stratified, allocated and drawn, against svy's selection of the same design; and how cost grows.

svy is an optional dependency: `pip install -e ".[benchmark]"`. Its share is the selection alone, from strata and
sizes that are given to it; ours is all of it, from the rows of a frame: strata, allocation, a hash a plan, the draw.

    python -m benchmarks.draw_plans --rows 1000000
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from methods import sample

COUNTIES = 482
RULES: dict[str, Any] = {
    "minimum_plans_per_county": "12", "minimum_plans_per_agency": "60", "allocation": "proportional",
    "planning_share": {"default": "0.7"}, "largest_province_workload": {"default": "inf"},
    "required_province_codes": [],
}  # fmt: skip
DESIGNS = {
    "srs": {"method": "srs"},
    "pps_sys": {"method": "pps_systematic", "size": "loan_paid_rial"},
}


def main() -> None:
    """Time both in turn, and print the ratios of the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    plans = frame(asked.rows)
    _against_sort(asked.rows, asked.rounds)
    for name, design in DESIGNS.items():
        rules = RULES | {"issued_plan_count": str(asked.rows // 5), "design": design}
        allocation = sample.allocate_levels(plans, rules).set_index("county_code")["sample_plan_count"]
        ours = lambda rules=rules: sample.draw_plans(plans, rules, "seed")  # noqa: E731
        theirs = _svy(plans, name, allocation.astype(int).to_dict())
        _report(f"{name}, {asked.rows:,} plans", ours, theirs, asked.rounds)
        small = plans.iloc[: asked.rows // 10]
        tenth = _median(lambda rules=rules, small=small: sample.draw_plans(
            small, rules | {"issued_plan_count": str(asked.rows // 50)}, "seed"), asked.rounds)  # fmt: skip
        print(f"    a tenth of the plans: {tenth:.3f} s; ten times as many cost {_median(ours, 3) / tenth:.1f} times")


def frame(rows: int) -> pd.DataFrame:
    """Invent a frame."""
    chance = np.random.default_rng(1)
    county = chance.integers(0, COUNTIES, rows)
    return pd.DataFrame(
        {
            "plan_id": [f"P01-{number:08d}" for number in range(rows)],
            "province_code": pd.Series(county // 16).astype(str).str.zfill(2),
            "county_code": pd.Series(county).astype(str).str.zfill(4),
            "agency_code": "P01",
            "plan_kind": np.where(chance.random(rows) < 0.7, "self_employment", "enterprise"),
            "loan_paid_rial": chance.lognormal(20, 1, rows).astype(np.int64),
        }
    )


def _against_sort(rows: int, rounds: int) -> None:
    chance = np.random.default_rng(2)
    pi = sample.inclusion_probabilities(chance.lognormal(0, 1, rows), rows // 5)
    numbers = chance.random(rows)
    drawn, ordered = [], []
    for _ in range(rounds):
        drawn.append(_once(lambda: sample.systematic_pps(pi, 0.5)))
        ordered.append(_once(lambda: np.sort(numbers)))
    ratio = float(np.median(drawn) / np.median(ordered))
    print(f"systematic PPS from given pi {np.median(drawn):.3f} s, numpy sort of as many {np.median(ordered):.3f} s:")
    print(f"    ratio {ratio:.2f} (wanted at most 3)")


def _svy(plans: pd.DataFrame, method: str, sizes: dict[str, int]) -> Callable[[], object] | None:
    try:
        import polars
        import svy
    except ImportError:
        print("svy is not installed: no ratio. pip install -e '.[benchmark]'")
        return None
    columns = {name: plans[name].to_numpy() for name in ("county_code", "loan_paid_rial")}
    table = polars.DataFrame({**columns, "plan_id": plans["plan_id"].tolist()})
    size = "loan_paid_rial" if method == "pps_sys" else None
    more = {"certainty_threshold": 1.0} if size else {}

    def select() -> object:
        given = svy.Sample(table, svy.Design(mos=size) if size else None)
        chosen = getattr(given.sampling, method)
        return chosen(sizes, by="county_code", rstate=1, prob_name="pi", wgt_name="weight", **more)

    return select


def _report(name: str, ours: Callable[[], object], theirs: Callable[[], object] | None, rounds: int) -> None:
    mine, its = [], []
    for _ in range(rounds):
        mine.append(_once(ours))
        if theirs is not None:
            its.append(_once(theirs))
    print(f"{name}: {np.median(mine):.3f} s")
    if its:
        ratio = float(np.median(mine) / np.median(its))
        print(f"    svy selects in {np.median(its):.3f} s: ratio {ratio:.2f} (wanted at most 1)")


def _median(work: Callable[[], object], rounds: int) -> float:
    return float(np.median([_once(work) for _ in range(rounds)]))


def _once(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
