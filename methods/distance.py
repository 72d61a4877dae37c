"""Distances between places on the Earth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Mean radius of the Earth, R1 of the IUGG.
EARTH_RADIUS_KM = 6371.0088


def haversine_km(
    latitude: npt.ArrayLike, longitude: npt.ArrayLike, to_latitude: npt.ArrayLike, to_longitude: npt.ArrayLike
) -> FloatArray:
    """Measure great-circle distances.

    Args:
        latitude: of the one point [degrees].
        longitude: of the one point [degrees].
        to_latitude: of the other [degrees].
        to_longitude: of the other [degrees].

    Returns:
        Distances [km], missing where a coordinate is.
    Source:
        Sinnott (1984), Virtues of the haversine, Sky and Telescope 68(2), 159; mean radius of the IUGG.
    """
    phi, to_phi = np.radians(np.asarray(latitude, float)), np.radians(np.asarray(to_latitude, float))
    step = np.radians(np.asarray(to_longitude, float) - np.asarray(longitude, float))
    half = np.sin((to_phi - phi) / 2) ** 2 + np.cos(phi) * np.cos(to_phi) * np.sin(step / 2) ** 2
    distance: FloatArray = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return distance
