"""Time assigning a national sample to its inspectors: `python -m benchmarks.assign_plans`."""

from __future__ import annotations

import datetime
import time

import numpy as np
import pandas as pd

from methods.assignment import Assignment, assign_plans, within_limits
from tasks.edges import law

PLANS, FIRMS, INSPECTORS, PROVINCES, COUNTIES = 48_004, 120, 900, 31, 482
ON = datetime.date(2025, 4, 21)


def main() -> None:
    """Print seconds, cost, gap and status: without points, with a point a plan, and with too few places."""
    rules = {**law.section_on("field", "1403-01-01"), "when_impossible": "list"}
    for name, has_points, room in (
        ("county centres", False, 1.25),
        ("a point a plan", True, 1.25),
        ("too few places", True, 0.9),
    ):
        plans, inspectors, firms, ties, former, centres = _country(has_points, room)
        start = time.perf_counter()
        limited = within_limits(
            inspectors, firms, plans, {**rules, "plans_per_inspector": {"county": "100"}, "largest_firm_share": 1}
        )
        found = assign_plans(plans, *limited, ties, former, centres, rules, ON)
        print(f"{name}: {_said(found)}; {time.perf_counter() - start:.1f} s", flush=True)


def _said(found: Assignment) -> str:
    return (
        f"{len(found.assigned):,} of {len(found.assigned) + len(found.unassigned):,} plans assigned, {found.status},"
        f" cost {found.cost_km:,} km, gap {found.gap_km:,} km"
    )


def _country(has_points: bool, room: float) -> tuple[pd.DataFrame, ...]:
    """Invent a country: provinces and counties of unequal size, a fifth of the plans advised by a firm."""
    chance = np.random.default_rng(1403)
    county_code = np.array([f"{row % PROVINCES:02d}{row // PROVINCES + 1:02d}" for row in range(COUNTIES)])
    centres = pd.DataFrame(
        {
            "county_code": county_code,
            "latitude": 26 + 13 * chance.random(COUNTIES),
            "longitude": 45 + 17 * chance.random(COUNTIES),
        }
    )
    weight = chance.pareto(2.0, COUNTIES) + 0.3
    at = chance.choice(COUNTIES, PLANS, p=weight / weight.sum())
    point = centres[["latitude", "longitude"]].to_numpy()[at] + chance.normal(0, 0.15, (PLANS, 2))
    plans = pd.DataFrame(
        {
            "plan_id": [f"P{row:06d}" for row in range(PLANS)],
            "province_code": [code[:2] for code in county_code[at]],
            "county_code": county_code[at],
            "agency_code": [f"P0{one}" for one in chance.integers(1, 7, PLANS)],
            "plan_kind": np.where(chance.random(PLANS) < 0.78, "self_employment", "enterprise"),
            "latitude": point[:, 0] if has_points else np.nan,
            "longitude": point[:, 1] if has_points else np.nan,
        }
    )
    in_province = plans["province_code"].value_counts().sort_index()
    firm_province = np.repeat(in_province.index, _shared(FIRMS, in_province.to_numpy(), 2))
    staff = _shared(
        INSPECTORS,
        in_province[firm_province].to_numpy()
        / pd.Series(firm_province).map(pd.Series(firm_province).value_counts()).to_numpy(),
        1,
    )
    firm_code = np.array([f"F{row:03d}" for row in range(FIRMS)])
    firm = np.repeat(firm_code, staff)
    province = np.repeat(firm_province, staff)
    per = np.ceil(
        room * in_province[province].to_numpy() / pd.Series(province).map(pd.Series(province).value_counts()).to_numpy()
    ).astype(int)
    inspectors = pd.DataFrame(
        {
            "inspector_code": [f"{code}-{row:03d}" for row, code in enumerate(firm)],
            "firm_code": firm,
            "level": "county",
            "province_code": province,
            "county_code": [chance.choice(county_code[[code[:2] == one for code in county_code]]) for one in province],
            "latitude": np.nan,
            "longitude": np.nan,
            "capacity_count": per,
            "licensed_until": None,
            "plan_kinds": "any",
            "province_codes": province,
        }
    )
    capacity = inspectors.groupby("firm_code")["capacity_count"].sum().reindex(firm_code).to_numpy()
    firms = pd.DataFrame({"firm_code": firm_code, "province_code": firm_province, "capacity_count": capacity})
    tied = plans[chance.random(PLANS) < 0.2]
    own = {code: firm_code[firm_province == code] for code in in_province.index}
    ties = pd.DataFrame(
        {
            "plan_id": tied["plan_id"],
            "subject_code": [chance.choice(own[code]) for code in tied["province_code"]],
            "tie_kind": "advised",
        }
    )
    former = pd.DataFrame(
        {
            "inspector_code": inspectors["inspector_code"],
            "firm_code": firm,
            "county_code": inspectors["county_code"],
            "agency_code": "P01",
        }
    )
    return plans, inspectors, firms, ties, former, centres


def _shared(total: int, weight: np.ndarray, least: int) -> np.ndarray:
    exact = (total - least * len(weight)) * weight / weight.sum()
    whole = np.floor(exact).astype(int)
    whole[np.argsort(whole - exact)[: total - least * len(weight) - whole.sum()]] += 1
    return whole + least


if __name__ == "__main__":
    main()
