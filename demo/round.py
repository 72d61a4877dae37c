"""A round of honest field work, as the flags of inspectors see it: what their false alarms are counted on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from demo import chance, population, truth
from demo.scenario import Scenario
from methods import calendar

PLANS_PER_INSPECTOR = 60
# Honest firms are not equally strict: of the plans that hold, each refuses up to this share more.
STRICTNESS = 0.03


def issued_plans(scenario: Scenario, year: int) -> pd.DataFrame:
    """Draw a round's plans by chance, and assign them to firms and inspectors as a round does."""
    plans = population.plans(scenario, year)
    plans = plans[plans["role"] == "eligible"].rename(columns={"province": "province_code", "county": "county_code"})
    plans = plans.assign(random_number=chance.of_codes(scenario.seed, "a round", plans["plan_id"]))
    drawn = plans.nsmallest(scenario.year(year).supervised_plan_count, "random_number")
    firms = population.firms(scenario, year).rename(columns={"province": "province_code"})
    return _assigned(drawn, firms).sort_values("plan_id", ignore_index=True)


def _assigned(drawn: pd.DataFrame, firms: pd.DataFrame) -> pd.DataFrame:
    """Share a province's plans among its firms by capacity, in the order of their numbers."""
    ordered = drawn.sort_values(["province_code", "random_number", "plan_id"], ignore_index=True)
    places = ordered.groupby("province_code")["plan_id"]
    share = (places.cumcount() + 0.5) / places.transform("size")
    seats = firms.sort_values(["province_code", "firm_code"], ignore_index=True)
    taken = seats.groupby("province_code")["capacity_count"]
    reach = pd.Categorical(seats["province_code"]).codes + taken.cumsum() / taken.transform("sum")
    number = pd.Categorical(ordered["province_code"], categories=sorted(set(seats["province_code"]))).codes
    firm = seats["firm_code"].to_numpy()[np.searchsorted(reach, number + share)]
    ordered = ordered.assign(firm_code=firm)
    inspector = ordered.groupby("firm_code").cumcount() // PLANS_PER_INSPECTOR + 1
    return ordered.assign(inspector_code=ordered["firm_code"] + "-" + inspector.astype(str).str.zfill(2))


def honest_visits(issued: pd.DataFrame, scenario: Scenario, year: int, number: int) -> pd.DataFrame:
    """Visit the plans honestly; each number is another round of the same plans.

    Returns:
        The columns that `methods.field_quality.flags` reads, one row a visit, by visit_id.
    """
    again = dataclasses.replace(scenario, seed=f"{scenario.seed}|round {number}")
    report = truth.visits(issued, again, year, 1)
    found = truth.truth(issued, again, year)
    strict = STRICTNESS * chance.of_codes(again.seed, "strictness", issued["firm_code"])
    refuses = found["is_confirmed"] & (chance.of_codes(again.seed, "refuses", issued["plan_id"]) < strict)
    report.loc[refuses, "loan_use"] = "other_purpose"
    parts = report["visited_on"].str.split("/", expand=True).astype(np.int64)
    visited = calendar.to_gregorian(*(parts[place].to_numpy() for place in range(3)))
    of_plan = ["agency_code", "province_code", "county_code", "plan_kind", "registered_job_count"]
    return report.assign(
        **{name: issued[name] for name in of_plan},
        visited_on=visited,
        received_on=visited.max(),
        plan_latitude=np.nan,
        plan_longitude=np.nan,
        is_decided=found["is_decided"],
        is_confirmed=found["is_confirmed"] & ~refuses,
    )
