"""Estimate stage, small areas: what can be said of each county, by itself or by a model of all."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from methods import estimate, persian
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.warehouse import Receipt

RATES = ("accuracy_rate", "crude_confirmation_rate")
# Of a county where no plan was issued: nothing is known of it, and it weighs nothing.
NOTHING_SEEN = {"n": 0, "numerator": 0.0, "denominator": 0.0, "degrees_of_freedom": 0}
REASONS_FA = {
    "direct_precise": "نمونهٔ خود شهرستان برای برآورد مستقیم بس است.",
    "direct_more_precise": "مدل دقت برآورد مستقیم شهرستان را بیشتر نمی‌کند.",
    "direct_without_model": "برای شهرستان مدلی نیست و برآورد مستقیم آن انتشارپذیر است.",
    "model_more_precise": "مدل از برآورد مستقیم شهرستان دقیق‌تر است.",
    "n_too_small": "در شهرستان کمتر از شمار لازم طرح دیده شده است.",
    "no_model": "برای شهرستان مدلی نیست و نمونهٔ خود آن هم بس نیست.",
    "interval_too_wide": "بازهٔ هیچ‌یک از دو برآورد به اندازهٔ کافی باریک نیست.",
}
METHODS_FA = {"direct": "مستقیم", "model": "مدل", "withheld": "منتشر نمی‌شود"}
RATES_FA = {"accuracy_rate": "نرخ صحت", "crude_confirmation_rate": "نرخ تأیید خام"}


@task(task_run_name="estimate-small-areas-{period}-{cutoff}", cache_policy=NO_CACHE)
def estimate_small_areas(period: Period, cutoff: datetime.date) -> Receipt:
    """Give each county of the frame its rates by itself, by the model, and as they may be printed."""
    partition: dict[str, Any] = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    of_frame = {"year": period.year, "phase": period.phase}
    rules = dict(law.section("publication", period)) | dict(law.section("small_area", period))
    counties = warehouse.read("estimate/small_area_frame.sql", **of_frame)
    agencies = warehouse.read("estimate/small_area_agency.sql", **of_frame)
    direct = warehouse.read("estimate/small_area_direct.sql", **partition)
    covariates = estimate.area_covariates(counties, agencies)
    kept = counties[["county_code", "province_code", "eligible_plan_count"]]
    found = {
        rate: estimate.small_areas(_of_rate(kept, direct[direct["indicator"] == rate]), covariates, rules)
        for rate in RATES
    }
    version = "+".join(
        law.section(name, period).version for name in ("sampling", "verdicts", "publication", "small_area")
    )
    stored = partition | {"guideline": version}
    areas = pd.concat([one.counties.assign(indicator=rate) for rate, one in found.items()], ignore_index=True)
    areas["reason_fa"] = areas["reason_code"].map(REASONS_FA)
    terms = pd.concat([one.terms.assign(indicator=rate) for rate, one in found.items()], ignore_index=True)
    create_markdown_artifact(key=f"small-areas-{period}", markdown=_markdown(areas))
    with warehouse.transaction() as within:
        warehouse.replace("estimate.small_area_term", partition, terms.assign(**stored), within)
        return warehouse.replace("estimate.small_area", partition, areas.assign(**stored), within)


def _of_rate(counties: pd.DataFrame, direct: pd.DataFrame) -> pd.DataFrame:
    table = counties.merge(direct.drop(columns="indicator"), on="county_code", how="left", validate="1:1")
    return table.fillna(NOTHING_SEEN).astype({"n": "int64"})


def _markdown(areas: pd.DataFrame) -> str:
    named = areas.assign(rate=areas["indicator"].map(RATES_FA), method=areas["published_method"].map(METHODS_FA))
    counts = named.groupby(["rate", "method", "reason_fa"]).size().map(persian.digits).reset_index()
    lines = ["| " + " | ".join(row) + " |" for row in counts.to_numpy().tolist()]
    return "\n".join(["| نرخ | روش | چرا | شمار شهرستان |", "|---|---|---|---|", *lines])
