import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods import route

# In Iran, to a hundred metres; repeated places and places apart.
degrees = st.integers(0, 140).map(lambda tenths: tenths / 10)
places = st.lists(st.tuples(degrees, degrees), min_size=1, max_size=25)


def frame(places, base=(np.nan, np.nan), inspector="F001-01"):
    return pd.DataFrame(
        {
            "plan_id": [f"P{number:03d}" for number in range(len(places))],
            "inspector_code": inspector,
            "county_code": "2301",
            "latitude": [25 + place[0] for place in places],
            "longitude": [45 + place[1] for place in places],
            "base_latitude": base[0],
            "base_longitude": base[1],
        }
    )


def matrix(places):
    return route.distances_km(np.array([25 + lat for lat, _ in places]), np.array([45 + lon for _, lon in places]))


def test_a_degree_of_a_meridian_is_111_195_km():
    found = route.distances_km(np.array([35.0, 36.0]), np.array([51.0, 51.0]))
    assert found[0, 1] == pytest.approx(6371.0088 * np.pi / 180)
    assert found[0, 0] == 0


def test_a_crossing_is_taken_out():
    # A square whose nearest-neighbour tour crosses itself is walked around instead.
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    distance = matrix(corners)
    crossing = np.array([0, 3, 1, 2])
    shorter = route.shorten_tour(distance, crossing)
    sides = distance[0, 1] + distance[1, 3] + distance[3, 2] + distance[2, 0]
    assert route.tour_length_km(distance, shorter) == pytest.approx(sides)
    assert route.tour_length_km(distance, crossing) > sides


@given(places)
def test_every_plan_stands_in_the_list_once(places):
    found = route.order_plans(frame(places))
    assert sorted(found["plan_id"]) == sorted(frame(places)["plan_id"])
    assert found["route_order"].tolist() == list(range(1, len(places) + 1))


@given(places)
def test_the_tour_is_no_longer_than_the_nearest_neighbour_one(places):
    distance = matrix(places)
    near = route.nearest_neighbour_tour(distance)
    short = route.shorten_tour(distance, near)
    assert sorted(short) == list(range(len(places)))
    assert route.tour_length_km(distance, short) <= route.tour_length_km(distance, near) + 1e-9


@settings(max_examples=30)
@given(places, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(places, random):
    plans = frame(places, base=(32.0, 53.0))
    shuffled = plans.sample(frac=1, random_state=random.randrange(1000))
    pd.testing.assert_frame_equal(route.order_plans(plans), route.order_plans(shuffled))


def test_the_tour_begins_at_the_base():
    # From the south of a road that runs north, the plans come from south to north.
    plans = frame([(5, 5), (2, 5), (4, 5), (3, 5)], base=(26.0, 50.0))
    found = route.order_plans(plans)
    assert found["latitude"].tolist() in ([27, 28, 29, 30], [30, 29, 28, 27])
    legs = route.order_plans(plans)["leg_km"]
    assert legs.sum() + route.distances_km(np.array([26.0, found["latitude"].iloc[-1]]), np.array([50.0, 50.0]))[
        0, 1
    ] == (pytest.approx(2 * 4 * 6371.0088 * np.pi / 180))


def test_plans_without_coordinates_follow_by_county_then_code():
    plans = frame([(0, 0), (0, 1), (0, 2), (0, 3)])
    plans["county_code"] = ["2302", "2301", "2301", "2301"]
    plans.loc[[0, 1, 3], ["latitude", "longitude"]] = np.nan
    found = route.order_plans(plans)
    assert found["plan_id"].tolist() == ["P002", "P001", "P003", "P000"]
    assert found["leg_km"].isna().tolist() == [False, True, True, True]


def test_each_inspector_has_a_list_of_his_own():
    both = pd.concat([frame([(0, 0), (1, 1)], inspector="B"), frame([(5, 5)], inspector="A")])
    found = route.order_plans(both)
    assert found[["inspector_code", "route_order"]].values.tolist() == [["A", 1], ["B", 1], ["B", 2]]


def test_nobody_has_no_list():
    assert route.order_plans(frame([])).empty
