"""Time assigning a national sample to its inspectors: `python -m benchmarks.assign_plans`."""

from __future__ import annotations

import datetime
import time
from typing import Any

import numpy as np
import pandas as pd

from methods.assignment import Assignment, assign_plans, within_limits
from tasks.edges import law

PLANS, FIRMS, INSPECTORS, PROVINCES, COUNTIES = 48_004, 120, 900, 31, 482
ON = datetime.date(2025, 4, 21)
# Name, whether each plan has a point of its own, places for each plan.
CASES = (("county centres", False, 1.25), ("a point a plan", True, 1.25), ("too few places", True, 0.9))


def main() -> None:
    """Print seconds, cost, status and gap of each case."""
    rules: dict[str, Any] = {
        **law.section_on("field", "1403-01-01"),
        "plans_per_inspector": {"county": "100000"},
        "largest_firm_share": 1,
        "when_impossible": "list",
    }
    print(f"{PLANS:,} plans, {FIRMS} firms, {INSPECTORS} inspectors, {PROVINCES} provinces")
    for name, has_points, room in CASES:
        plans, inspectors, firms, ties, former, centres = _country(has_points, room)
        start, busy = time.perf_counter(), time.process_time()
        staff, companies = within_limits(inspectors, firms, plans, rules)
        found = assign_plans(plans, staff, companies, ties, former, centres, rules, ON)
        seconds, cpu = time.perf_counter() - start, time.process_time() - busy
        print(f"{name:<15} {seconds:5.1f} s ({cpu:.1f} s of processor)  {_said(found)}", flush=True)


def _said(found: Assignment) -> str:
    by_plan = found.assigned["distance_km"].mean()
    return (
        f"{found.status}, gap {found.gap_km:f} km; cost {found.cost_km:,.1f} km, {len(found.assigned):,} plans"
        f" assigned, {by_plan:.1f} km to a plan on average, {len(found.unassigned):,} left"
    )


def _country(has_points: bool, room: float) -> tuple[pd.DataFrame, ...]:
    """Invent a country: counties of unequal size around the middle of their province, a fifth of the plans advised."""
    chance = np.random.default_rng(1403)
    middle = np.column_stack([26 + 12 * chance.random(PROVINCES), 45 + 16 * chance.random(PROVINCES)])
    province = np.arange(COUNTIES) % PROVINCES
    centre = middle[province] + chance.normal(0, 0.8, (COUNTIES, 2))
    code = np.array([f"{one:02d}{row // PROVINCES + 1:02d}" for row, one in enumerate(province)], dtype=object)
    weight = chance.pareto(2.0, COUNTIES) + 0.3
    at = chance.choice(COUNTIES, PLANS, p=weight / weight.sum())
    plans = _placed(code[at], centre[at] + chance.normal(0, 0.1, (PLANS, 2)), has_points).assign(
        plan_id=[f"P{row:06d}" for row in range(PLANS)],
        agency_code=[f"P0{one}" for one in chance.integers(1, 7, PLANS)],
        plan_kind=np.where(chance.random(PLANS) < 0.78, "self_employment", "enterprise"),
    )
    firms = _firms(plans)
    inspectors = _inspectors(plans, firms, code, weight, room, chance)
    firms["capacity_count"] = inspectors.groupby("firm_code")["capacity_count"].sum().to_numpy()
    tied = plans[chance.random(PLANS) < 0.2]
    own = firms.groupby("province_code")["firm_code"].agg(list)
    subject = [chance.choice(own[one]) for one in tied["province_code"]]
    ties = pd.DataFrame({"plan_id": tied["plan_id"], "subject_code": subject, "tie_kind": "advised"})
    former = inspectors[["inspector_code", "firm_code", "county_code"]].assign(agency_code="P01")
    centres = pd.DataFrame({"county_code": code, "latitude": centre[:, 0], "longitude": centre[:, 1]})
    return plans, inspectors, firms, ties, former, centres


def _placed(county_code: np.ndarray, point: np.ndarray, has_points: bool) -> pd.DataFrame:
    province_code = [one[:2] for one in county_code]
    point = point if has_points else np.full(point.shape, np.nan)
    return pd.DataFrame(
        {
            "province_code": province_code,
            "county_code": county_code,
            "latitude": point[:, 0],
            "longitude": point[:, 1],
        }
    )


def _firms(plans: pd.DataFrame) -> pd.DataFrame:
    there = plans["province_code"].value_counts().sort_index()
    province_code = np.repeat(there.index.to_numpy(object), _shared(FIRMS, there.to_numpy(), 2))
    return pd.DataFrame({"firm_code": [f"F{row:03d}" for row in range(FIRMS)], "province_code": province_code})


def _inspectors(
    plans: pd.DataFrame,
    firms: pd.DataFrame,
    code: np.ndarray,
    weight: np.ndarray,
    room: float,
    chance: np.random.Generator,
) -> pd.DataFrame:
    there = plans["province_code"].value_counts()
    of_province = firms["province_code"].value_counts()
    expected = firms["province_code"].map(there) / firms["province_code"].map(of_province)
    staff = firms.loc[firms.index.repeat(_shared(INSPECTORS, expected.to_numpy(), 1))].reset_index(drop=True)
    each = staff["province_code"].map(there) / staff["province_code"].map(staff["province_code"].value_counts())
    place = pd.Series([one[:2] for one in code])
    base = [
        chance.choice(code[place == one], p=weight[place == one] / weight[place == one].sum())
        for one in staff["province_code"]
    ]
    return _placed(np.array(base, dtype=object), np.zeros((INSPECTORS, 2)), False).assign(
        inspector_code=staff["firm_code"] + "-" + staff.groupby("firm_code").cumcount().astype(str).str.zfill(2),
        firm_code=staff["firm_code"],
        level="county",
        capacity_count=np.ceil(room * each).astype(np.int64),
        licensed_until=None,
        plan_kinds="any",
        province_codes=staff["province_code"],
    )


def _shared(total: int, weight: np.ndarray, least: int) -> np.ndarray:
    exact = (total - least * len(weight)) * weight / weight.sum()
    whole = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact)[: total - least * len(weight) - whole.sum()]] += 1
    shared: np.ndarray = whole + least
    return shared


if __name__ == "__main__":
    main()
