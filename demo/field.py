"""Where invented inspectors go, when, and what their devices and forms hold: an honest day's work."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from demo import chance

KM_PER_DEGREE = 111.2
# Invented places lie in a box over the country, the counties of a province close together.
PROVINCE_BOX = {"latitude": (28.0, 37.0), "longitude": (47.0, 60.0)}
COUNTY_REACH_KM = 12.0
PLAN_REACH_KM = 5.0
DEVICE_ERROR_KM = 0.03

DAY_STARTS, DAY_ENDS = 7 * 60 + 30, 19 * 60 + 30
TRAVEL_KMH = 45.0
# A day that does not fit goes over to the next, and so on; none of a rehearsal needs as many.
MOST_DAYS_OVER = 30

MILLION = 1_000_000


def places(plans: pd.DataFrame, seed: str) -> pd.DataFrame:
    """Place each plan: where its list says, else near the invented place of its county.

    Args:
        plans: plan_id, province_code, county_code, and latitude and longitude where they are known.
        seed: of the rehearsal; places stay from year to year.

    Returns:
        latitude, longitude [degrees], in the order and index of `plans`.
    """
    invented = pd.DataFrame(index=plans.index)
    for axis, (low, high) in PROVINCE_BOX.items():
        centre = low + (high - low) * chance.of_codes(seed, f"province {axis}", plans["province_code"])
        county = chance.of_codes(seed, f"county {axis}", plans["county_code"]) - 0.5
        plan = chance.of_codes(seed, f"plan {axis}", plans["plan_id"]) - 0.5
        invented[axis] = centre + (COUNTY_REACH_KM * county + PLAN_REACH_KM * plan) / KM_PER_DEGREE
    if not {"latitude", "longitude"} <= set(plans.columns):
        return invented
    known = plans[["latitude", "longitude"]].apply(pd.to_numeric, errors="coerce")
    of_county = known.groupby(plans["county_code"]).transform("mean")
    return known.fillna(of_county).fillna(invented)


def distance_km(
    latitude: np.ndarray, longitude: np.ndarray, other: np.ndarray, other_longitude: np.ndarray
) -> np.ndarray:
    """Measure short ways on a plane that touches the earth between both ends."""
    east = (longitude - other_longitude) * np.cos(np.radians((latitude + other) / 2))
    return KM_PER_DEGREE * np.hypot(latitude - other, east)


def schedule(visits: pd.DataFrame, seed: str) -> pd.DataFrame:
    """Lay the visits of each inspector's day one after the other, with the way between them.

    Args:
        visits: visit_id, inspector_code, day [whole], latitude, longitude, is_contacted.
        seed: of the year and round.

    Returns:
        day, started_minute, ended_minute [since midnight], in the order and index of `visits`.
    """
    length = np.where(visits["is_contacted"], 25, 6) + 30 * visits["is_contacted"] * _of(visits, seed, "length")
    pause = 4 + 10 * _of(visits, seed, "pause")
    plan = visits.assign(length=length, pause=pause, order=_of(visits, seed, "order"))
    for _ in range(MOST_DAYS_OVER):
        plan = plan.sort_values(["inspector_code", "day", "longitude", "order"])
        ends = _ends(plan, seed)
        late = ends > DAY_ENDS
        if not late.any():
            break
        plan["day"] += late
    started = np.floor(ends - plan["length"])
    timed = plan.assign(started_minute=started, ended_minute=started + np.ceil(plan["length"]))
    return timed[["day", "started_minute", "ended_minute"]].astype(np.int64).reindex(visits.index)


def seen_from(places: pd.DataFrame, visits: pd.DataFrame, seed: str) -> pd.DataFrame:
    """Read the device at each place: some metres beside it."""
    far = DEVICE_ERROR_KM * np.sqrt(-np.log1p(-_of(visits, seed, "device error"))) / KM_PER_DEGREE
    angle = 2 * np.pi * _of(visits, seed, "device angle")
    return pd.DataFrame(
        {
            "latitude": np.round(places["latitude"] + far * np.sin(angle), 5),
            "longitude": np.round(places["longitude"] + far * np.cos(angle), 5),
        }
    )


def photo_hashes(visits: pd.DataFrame, seed: str) -> list[str]:
    """Take a photograph a visit: no two are the same to the byte."""
    return [hashlib.sha256(f"{seed}|photo|{visit}".encode()).hexdigest() for visit in visits["visit_id"]]


def amounts(visits: pd.DataFrame, jobs: pd.Series, seed: str) -> pd.DataFrame:
    """Write down sales and assets: in million rials, which some people round to ten."""
    written = {}
    for name, middle in (("sales_rial", 180), ("asset_rial", 900)):
        spread = np.exp(0.6 * chance.logistic(_of(visits, seed, name)))
        exact = np.floor(middle * np.maximum(jobs.to_numpy(), 1) * np.clip(spread, 0.05, 20) + 20)
        rounded = np.where(_of(visits, seed, f"{name} rounded") < 0.35, np.ceil(exact / 10) * 10, exact)
        written[name] = (rounded * MILLION).astype(np.int64)
    return pd.DataFrame(written, index=visits.index)


def _ends(plan: pd.DataFrame, seed: str) -> pd.Series:
    """Time the end of each visit of a sorted plan, from a start of its inspector's own on each day."""
    key = plan["inspector_code"] + "|" + plan["day"].astype(str)
    own_start = DAY_STARTS + 75 * chance.of_codes(seed, "start of day", key)
    before = plan[["latitude", "longitude"]].shift()
    way = distance_km(
        plan["latitude"].to_numpy(),
        plan["longitude"].to_numpy(),
        before["latitude"].to_numpy(),
        before["longitude"].to_numpy(),
    )
    is_first = key != key.shift()
    travel = np.where(is_first, 0, 60 * way / TRAVEL_KMH + plan["pause"])
    return own_start + (travel + plan["length"]).groupby(key).cumsum()


def _of(visits: pd.DataFrame, seed: str, purpose: str) -> np.ndarray:
    return chance.of_codes(seed, purpose, visits["visit_id"])
