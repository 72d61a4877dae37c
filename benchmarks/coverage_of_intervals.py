"""How often the stated 95 % intervals hold the truth, over repeated draws of a rehearsal, by province.

Every draw is a full one: allocation, draw by a seed of its own, verdicts as the rehearsal knows them, the rate and
its interval by `methods.estimate`. Non-response and inspectors' errors
are left out: it is the error of sampling that is tried.

    python -m benchmarks.coverage_of_intervals --draws 2000
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from demo import population, scenario, truth
from methods import estimate, guideline, sample

ROOT = Path(__file__).resolve().parents[1]
PAIR = ("is_confirmed", "is_decided")


def main() -> None:
    """Draw, estimate, count, print the table by province."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--year", type=int, default=1403)
    parser.add_argument("--scale", default="full")
    parser.add_argument("--method", choices=["srs", "pps_systematic"], default="srs")
    asked = parser.parse_args()
    begun = time.perf_counter()
    plans = _plans(asked.scale, asked.year)
    rules = _rules(asked.scale, asked.year, asked.method)
    held = pd.concat([_held(plans, rules, number) for number in range(asked.draws)])
    _print(held, plans, asked.draws)
    print(f"{time.perf_counter() - begun:.0f} s")


def _plans(scale: str, year: int) -> pd.DataFrame:
    """Take the plans of the rehearsal with what an inspector would find at each."""
    settings = scenario.load(scale)
    plans = population.plans(settings, year)
    plans = plans[plans["role"] == "eligible"].rename(columns={"province": "province_code", "county": "county_code"})
    plans = plans.sort_values("plan_id", ignore_index=True)
    found = truth.truth(plans, settings, year)
    return plans.assign(is_decided=found["is_decided"], is_confirmed=found["is_confirmed"])


def _rules(scale: str, year: int, method: str) -> dict[str, Any]:
    folders = [ROOT / "demo" / "scenarios" / scale / "guidelines", ROOT / "guidelines"]
    values: dict[str, Any] = {}
    for name in ("sampling", "publication"):
        files = [folder / f"{name}.yaml" for folder in folders if (folder / f"{name}.yaml").exists()]
        documents = [yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader) for file in files]  # noqa: S506
        values |= dict(guideline.section(name, documents, f"{year}-01-01"))
    size = {"method": method, "size": "loan_paid_rial"} if method != "srs" else {"method": method}
    return values | {"design": size}


def _held(plans: pd.DataFrame, rules: dict[str, Any], number: int) -> pd.DataFrame:
    """Draw once, and state the rate of each province and of the nation as `estimate.figures` does."""
    drawn = sample.draw_plans(plans, rules, f"coverage {number}").drawn
    known = plans[["plan_id", "is_confirmed", "is_decided"]]
    verdicts = drawn.merge(known, on="plan_id", validate="1:1").astype({"is_confirmed": float, "is_decided": float})
    base = estimate.stratum_totals(verdicts, PAIR, [PAIR], ["province_code"]).assign(stratum_count=1)
    province = base.groupby("province_code").sum()
    table = pd.concat([province, province.sum().to_frame(estimate.NATION).T])
    y, x = PAIR
    value, error = estimate.ratio(
        table[f"{y}_total"], table[f"{x}_total"], table[f"{y}_variance"], table[f"{x}_variance"],
        table[f"{y}_{x}_covariance"],
    )  # fmt: skip
    confidence, freedom = float(rules["confidence_level"]), table["unit_count"] - table["stratum_count"]
    size = estimate.effective_size(value, error, table[x], freedom, confidence)
    lower, upper = estimate.proportion_interval(value, size, confidence)
    return pd.DataFrame(
        {"unit_code": table.index, "estimate": value, "standard_error": error, "lower": lower, "upper": upper,
         "n": table[x].to_numpy()}
    )  # fmt: skip


def _print(held: pd.DataFrame, plans: pd.DataFrame, draws: int) -> None:
    counts = plans.groupby("province_code")[["is_confirmed", "is_decided"]].sum()
    true = (counts["is_confirmed"] / counts["is_decided"]).to_dict()
    true[estimate.NATION] = counts["is_confirmed"].sum() / counts["is_decided"].sum()
    truth_of = held["unit_code"].map(true)
    held = held.assign(is_held=(held["lower"] <= truth_of) & (truth_of <= held["upper"]), true=truth_of)
    table = held.groupby("unit_code").agg(
        true=("true", "first"), mean=("estimate", "mean"), spread=("estimate", "std"),
        stated=("standard_error", "mean"), n=("n", "mean"), held=("is_held", "mean"),
    )  # fmt: skip
    print(table.to_string(float_format="{:.4f}".format))
    provinces = held[held["unit_code"] != estimate.NATION]
    print(f"{draws:,} draws; provinces together {provinces['is_held'].mean():.4f}, each from"
          f" {table['held'].drop(estimate.NATION).min():.4f} to {table['held'].drop(estimate.NATION).max():.4f};"
          f" nation {table.loc[estimate.NATION, 'held']:.4f} (wanted 0.93 to 0.97)")  # fmt: skip


if __name__ == "__main__":
    main()
