"""How often the stated 95 % intervals hold the truth, over repeated draws of a rehearsal: nation, province, county.

Every draw is a full one: allocation, draw by a seed of its own, verdicts as the rehearsal knows them, the rate and
its interval by `methods.estimate`, the counties by each method. Non-response and inspectors' errors
are left out: it is the error of sampling that is tried.

    python -m benchmarks.coverage_of_intervals --draws 1000
    python -m benchmarks.coverage_of_intervals --draws 1000 --issued 4800 --least 3

The second draws a tenth of the plans, so that counties of every size of sample are met.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy import stats

from demo import population, scenario, truth
from methods import estimate, guideline, sample

ROOT = Path(__file__).resolve().parents[1]
PAIR = ("is_confirmed", "is_decided")
CLASSES = {"0": 1, "1-4": 5, "5-9": 10, "10-19": 20, "20-29": 30, "30-49": 50, "50+": np.inf}
MODEL_INTERVALS = ("beta", "logit", "normal")
PUBLISHED = ("direct", "model")


def main() -> None:
    """Draw, estimate, count, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000, help="of each rehearsal")
    parser.add_argument("--rehearsals", type=int, default=1, help="of other seeds: other places, other truths")
    parser.add_argument("--year", type=int, default=1403)
    parser.add_argument("--scale", default="full")
    parser.add_argument("--method", choices=["srs", "pps_systematic"], default="srs")
    parser.add_argument("--issued", type=int, help="plans to draw, for those of the guideline")
    parser.add_argument("--least", type=int, help="least plans of a county, for those of the guideline")
    asked = parser.parse_args()
    begun = time.perf_counter()
    rules = _rules(asked.scale, asked.year, asked.method)
    rules |= {} if asked.issued is None else {"issued_plan_count": Decimal(asked.issued)}
    rules |= {} if asked.least is None else {"minimum_plans_per_county": Decimal(asked.least)}
    levels: list[pd.DataFrame] = []
    counties: list[pd.DataFrame] = []
    for rehearsal in range(asked.rehearsals):
        plans = _plans(asked.scale, asked.year, rehearsal)
        frame, covariates = _frame(plans)
        for number in range(asked.draws):
            base = _base(plans, rules, number)
            levels.append(_levels(base, frame, rules))
            counties.append(_counties(base, frame, covariates, rules))
    _print_levels(pd.concat(levels), len(levels))
    _print_counties(counties)
    print(f"{time.perf_counter() - begun:.0f} s")


def _plans(scale: str, year: int, rehearsal: int) -> pd.DataFrame:
    """Take the plans of the rehearsal with what an inspector would find at each."""
    settings = scenario.load(scale)
    settings = dataclasses.replace(settings, seed=f"{settings.seed}|{rehearsal}") if rehearsal else settings
    plans = population.plans(settings, year)
    plans = plans[plans["role"] == "eligible"].rename(columns={"province": "province_code", "county": "county_code"})
    plans = plans.sort_values("plan_id", ignore_index=True)
    found = truth.truth(plans, settings, year)
    return plans.assign(is_decided=found["is_decided"], is_confirmed=found["is_confirmed"])


def _rules(scale: str, year: int, method: str) -> dict[str, Any]:
    folders = [ROOT / "demo" / "scenarios" / scale / "guidelines", ROOT / "guidelines"]
    values: dict[str, Any] = {}
    for name in ("sampling", "publication", "small_area"):
        files = [folder / f"{name}.yaml" for folder in folders if (folder / f"{name}.yaml").exists()]
        documents = [yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader) for file in files]  # noqa: S506
        values |= dict(guideline.section(name, documents, f"{year}-01-01"))
    size = {"method": method, "size": "loan_paid_rial"} if method != "srs" else {"method": method}
    return values | {"design": size}


def _frame(plans: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Give the counties of the frame with their true share, and what tells them apart without a visit."""
    census = pd.read_csv(ROOT / "reference" / "counties.csv", dtype={"code": str}).set_index("code")
    frame = plans.assign(is_alone=plans["plan_kind"] == "self_employment").groupby("county_code", as_index=False).agg(
        province_code=("province_code", "first"), eligible_plan_count=("plan_id", "size"),
        self_employment_plan_count=("is_alone", "sum"), loan_paid_rial=("loan_paid_rial", "sum"),
        registered_job_count=("registered_job_count", "sum"), confirmed=("is_confirmed", "sum"),
        decided=("is_decided", "sum"),
    )  # fmt: skip
    measures = {
        "population_count": "population_1395",
        "active_person_count": "active_15plus_1395",
        "unemployed_person_count": "unemployed_15plus_1395",
    }
    counted = {name: frame["county_code"].map(census[column]) for name, column in measures.items()}
    frame = frame.assign(**counted, true=frame["confirmed"] / frame["decided"])
    agencies = plans.groupby(["county_code", "agency_code"], as_index=False).size()
    return frame, estimate.area_covariates(frame, agencies.rename(columns={"size": "eligible_plan_count"}))


def _base(plans: pd.DataFrame, rules: dict[str, Any], number: int) -> pd.DataFrame:
    """Draw once, and add strata up to counties."""
    drawn = sample.draw_plans(plans, rules, f"coverage {number}").drawn
    known = plans[["plan_id", "is_confirmed", "is_decided"]]
    verdicts = drawn.merge(known, on="plan_id", validate="1:1").astype({"is_confirmed": float, "is_decided": float})
    weight = verdicts["is_decided"] / verdicts["inclusion_probability"]
    squares = (weight**2).groupby(verdicts["county_code"]).sum()
    strata = estimate.stratum_totals(verdicts, PAIR, [PAIR], ["province_code", "county_code"])
    base = strata.assign(stratum_count=1).groupby(["province_code", "county_code"]).sum()
    return base.assign(weighted_n=base["is_decided_total"] ** 2 / squares.reindex(base.index, level="county_code"))


def _rated(table: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """State rates as `estimate.figures` does."""
    y, x = PAIR
    value, error = estimate.ratio(
        table[f"{y}_total"], table[f"{x}_total"], table[f"{y}_variance"], table[f"{x}_variance"],
        table[f"{y}_{x}_covariance"],
    )  # fmt: skip
    confidence, freedom = float(rules["confidence_level"]), table["unit_count"] - table["stratum_count"]
    size = estimate.effective_size(value, error, table[x], freedom, confidence)
    lower, upper = estimate.proportion_interval(value, size, confidence)
    return pd.DataFrame(
        {"estimate": value, "standard_error": error, "lower": lower, "upper": upper, "n": table[x].astype(int),
         "numerator": table[f"{y}_total"], "denominator": table[f"{x}_total"], "size": size,
         "degrees_of_freedom": np.maximum(freedom, 1)},
        index=table.index,
    )  # fmt: skip


def _levels(base: pd.DataFrame, frame: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """Give each province of a draw and the nation, and whether its interval holds the truth."""
    true = frame.groupby("province_code")[["confirmed", "decided"]].sum()
    province = base.groupby("province_code").sum()
    parts = (pd.concat([table, table.sum().to_frame(estimate.NATION).T]) for table in (true, province))
    truth_of, table = parts
    rates = _rated(table, rules).assign(true=truth_of["confirmed"] / truth_of["decided"])
    rates["held"] = (rates["lower"] <= rates["true"]) & (rates["true"] <= rates["upper"])
    return rates.rename_axis("unit_code").reset_index()


def _counties(
    base: pd.DataFrame, frame: pd.DataFrame, covariates: dict[str, pd.DataFrame], rules: dict[str, Any]
) -> pd.DataFrame:
    """Give each county of a draw by each method: the estimate, and whether its interval holds the truth."""
    rates = _rated(base, rules).assign(weighted_n=base["weighted_n"]).reset_index("county_code")
    table = frame[["county_code", "province_code", "eligible_plan_count", "true"]].merge(rates, on="county_code")
    found = estimate.small_areas(table, covariates, rules)
    areas = found.counties.merge(table[["county_code", "true", "size", "estimate", "standard_error"]], on="county_code")
    methods = {"Korn-Graubard": (areas["direct_lower"], areas["direct_upper"])} | _others(areas, rules)
    confidence = float(rules["confidence_level"])
    is_direct = areas["published_method"] == "direct"
    share = areas["benchmarked"].mask(is_direct, areas["model"])
    mse = areas["benchmarked_standard_error"].mask(is_direct, areas["model_standard_error"]) ** 2
    for kind in MODEL_INTERVALS:
        methods[f"model {kind}"] = estimate.model_interval(share, mse, 0.1875, confidence, kind)
    columns = {}
    for name, (lower, upper) in methods.items():
        low, high, true = np.asarray(lower), np.asarray(upper), areas["true"].to_numpy()
        held = np.where(np.isnan(low), np.nan, (low <= true) & (true <= high))
        columns |= {f"{name}|held": held, f"{name}|width": high - low}
    between = found.terms.set_index("term")["value"].get("between_county_variance", np.nan)
    kept = ["true", "n", "direct", "model", "benchmarked", "benchmarked_standard_error", "published",
            "published_method", "lower", "upper"]  # fmt: skip
    return areas[kept].assign(**columns, between=between)


def _others(areas: pd.DataFrame, rules: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Bound the direct shares by Wilson's interval and on the scale of log-odds, at the same effective size."""
    z = stats.norm.ppf((1 + float(rules["confidence_level"])) / 2)
    p, n = areas["estimate"], areas["size"]
    middle, reach = (
        (p + z**2 / (2 * n)) / (1 + z**2 / n),
        z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)),
    )
    inside = (p > 0) & (p < 1)
    odds = np.log(p.where(inside) / (1 - p.where(inside)))
    far = z * areas["standard_error"] / (p * (1 - p)).where(inside)
    low, high = 1 / (1 + np.exp(far - odds)), 1 / (1 + np.exp(-far - odds))
    return {"Wilson": (middle - reach, middle + reach), "logit": (low, high)}


def _print_levels(held: pd.DataFrame, draws: int) -> None:
    table = held.groupby("unit_code").agg(
        true=("true", "mean"), mean=("estimate", "mean"), spread=("estimate", "std"),
        stated=("standard_error", "mean"), n=("n", "mean"), held=("held", "mean"),
    )  # fmt: skip
    print(table.to_string(float_format="{:.4f}".format))
    each = table["held"].drop(estimate.NATION)
    print(f"{draws:,} draws; provinces together {each.mean():.4f}, each from {each.min():.4f} to {each.max():.4f};"
          f" nation {table.loc[estimate.NATION, 'held']:.4f} (wanted 0.93 to 0.97)")  # fmt: skip


def _print_counties(draws: list[pd.DataFrame]) -> None:
    """Print coverage and width by size of sample, what is printed, and how far each estimate is from the truth."""
    rows = pd.concat(draws, ignore_index=True)
    rows["class"] = pd.cut(rows["n"], [-1, *(limit - 1 for limit in CLASSES.values())], labels=list(CLASSES))
    groups = rows.groupby("class", observed=True)
    names = [column.removesuffix("|held") for column in rows.columns if column.endswith("|held")]
    share = "{:.3f}".format
    for what in ("held", "width"):
        table = groups[[f"{name}|{what}" for name in names]].mean().set_axis(names, axis=1)
        table.insert(0, "counties a draw", groups.size() / len(draws))
        table.loc["all", names] = rows[[f"{name}|{what}" for name in names]].mean().to_numpy()
        print(f"\n95 % interval, {what}; logit is left out where the share is 0 or 1")
        print(table.to_string(float_format=share))
    print("\nprinted, share of the counties; held among those")
    inside = ((rows["lower"] <= rows["true"]) & (rows["true"] <= rows["upper"])).astype(float)
    printed = pd.crosstab(rows["class"], rows["published_method"], normalize="index")
    for name in PUBLISHED:
        printed[f"{name} held"] = inside.where(rows["published_method"] == name).groupby(
            rows["class"], observed=True
        ).mean()  # fmt: skip
    print(printed.to_string(float_format=share))
    far = {name: (rows[name] - rows["true"]) ** 2 for name in ("direct", "model", "benchmarked", "published")}
    seen = rows["direct"].notna()
    errors = pd.DataFrame(far).assign(stated=rows["benchmarked_standard_error"] ** 2)[seen]
    table = errors.groupby(rows["class"][seen], observed=True).mean()
    table.loc["all"] = errors.mean()
    print("\nmean squared error x 10,000; stated: of the benchmarked; published: of those printed")
    print((table * 1e4).to_string(float_format="{:.1f}".format))
    zero = np.mean([draw["between"].iloc[0] == 0 for draw in draws])
    print(f"\nvariance between counties estimated as 0 in {zero:.3f} of the draws; {len(rows):,} counties in all")


if __name__ == "__main__":
    main()
