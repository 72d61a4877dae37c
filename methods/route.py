"""Route order: in which order an inspector drives to his plans, by a short tour from his base."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.distance import haversine_km

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

# An exchange that gains less is rounding, and accepting it would let the search run in circles.
LEAST_GAIN_KM = 1e-9


def order_plans(plans: pd.DataFrame) -> pd.DataFrame:
    """Put each inspector's plans into the order of a short round tour.

    Plans without coordinates follow, by county, then by code. The order of the rows given changes nothing.

    Args:
        plans: plan_id, inspector_code, county_code; latitude, longitude of the plan and base_latitude, base_longitude
            of its inspector [degrees], which may be missing. Without a base the tour begins at the plan nearest to
            the middle of the plans.

    Returns:
        The plans by inspector and order, with route_order, from 1 in each inspector's list, and leg_km, the distance
        as the crow flies from the stop before [km], missing where there are no coordinates.
    """
    ordered = [_of_one_inspector(own) for _, own in plans.groupby("inspector_code", sort=True)]
    if not ordered:
        return plans.assign(route_order=pd.Series(dtype="int64"), leg_km=pd.Series(dtype="float64"))
    return pd.concat(ordered, ignore_index=True)


def distances_km(latitude: FloatArray, longitude: FloatArray) -> FloatArray:
    """Distances between all pairs of places.

    Args:
        latitude: n latitudes [degrees].
        longitude: n longitudes [degrees].

    Returns:
        Great-circle distances, n x n [km].
    """
    return haversine_km(latitude[:, None], longitude[:, None], latitude, longitude)


def nearest_neighbour_tour(distance: FloatArray) -> IntArray:
    """Go from place 0 to the nearest place not yet visited, until none is left.

    Source:
        Rosenkrantz, Stearns, Lewis (1977), An analysis of several heuristics for the traveling salesman problem.
    """
    count = len(distance)
    tour = np.zeros(count, dtype=np.intp)
    is_left = np.ones(count, dtype=bool)
    is_left[0] = False
    for step in range(1, count):
        # Of equally near places the first: argmin says so.
        tour[step] = np.argmin(np.where(is_left, distance[tour[step - 1]], np.inf))
        is_left[tour[step]] = False
    return tour


def shorten_tour(distance: FloatArray, tour: IntArray) -> IntArray:
    """Reverse the stretch of a round tour that gains most, until none gains anything.

    Args:
        distance: n x n [km], symmetric.
        tour: the n places in order; it returns to the first, which stays first.

    Returns:
        A round tour in which no exchange of two legs gains (2-opt); never longer than the one given.

    Source:
        Croes (1958), A method for solving traveling-salesman problems, Operations Research 6(6), 791-812.
    """
    tour = tour.copy()
    later = np.triu(np.ones((len(tour), len(tour)), dtype=bool), k=1)
    while len(tour) > 3:
        after = np.roll(tour, -1)
        leg = distance[tour, after]
        # Legs i and j become: from i to j, and from after i to after j.
        gain = leg[:, None] + leg - distance[np.ix_(tour, tour)] - distance[np.ix_(after, after)]
        best = int(np.argmax(np.where(later, gain, -np.inf)))
        first, last = divmod(best, len(tour))
        if gain[first, last] <= LEAST_GAIN_KM:
            break
        tour[first + 1 : last + 1] = tour[first + 1 : last + 1][::-1]
    return tour


def tour_length_km(distance: FloatArray, tour: IntArray) -> float:
    """Length of a round tour [km]."""
    return float(distance[tour, np.roll(tour, -1)].sum())


def _of_one_inspector(own: pd.DataFrame) -> pd.DataFrame:
    own = own.sort_values("plan_id")
    has_place = own["latitude"].notna() & own["longitude"].notna()
    there, nowhere = own[has_place], own[~has_place].sort_values(["county_code", "plan_id"])
    order, leg = _toured(there)
    listed = pd.concat([there.iloc[order], nowhere])
    leg_km = np.concatenate([leg, np.full(len(nowhere), np.nan)])
    return listed.assign(route_order=np.arange(1, len(listed) + 1), leg_km=leg_km)


def _toured(there: pd.DataFrame) -> tuple[IntArray, FloatArray]:
    """Order of the plans, and the leg to each."""
    if there.empty:
        return np.zeros(0, dtype=np.intp), np.zeros(0)
    latitude, longitude = (there[name].to_numpy(dtype=np.float64) for name in ("latitude", "longitude"))
    base = there[["base_latitude", "base_longitude"]].iloc[0].to_numpy(dtype=np.float64)
    if not np.isnan(base).any():
        distance = distances_km(np.r_[base[0], latitude], np.r_[base[1], longitude])
        tour = _short_tour(distance, 0)
        return tour[1:] - 1, distance[tour[:-1], tour[1:]]
    distance = distances_km(latitude, longitude)
    middle = distances_km(np.r_[latitude.mean(), latitude], np.r_[longitude.mean(), longitude])[0, 1:]
    tour = _short_tour(distance, int(np.argmin(middle)))
    return tour, np.r_[0.0, distance[tour[:-1], tour[1:]]]


def _short_tour(distance: FloatArray, start: int) -> IntArray:
    places = np.r_[start, np.delete(np.arange(len(distance)), start)]
    within = distance[np.ix_(places, places)]
    return np.asarray(places[shorten_tour(within, nearest_neighbour_tour(within))], dtype=np.intp)
