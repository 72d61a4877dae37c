"""Chance as a hash of seed, purpose and unit, so that the order of rows changes nothing."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

INTERVAL = np.float64(2.0**-53)


def of_numbers(seed: str, purpose: str, numbers: np.ndarray) -> np.ndarray:
    """Draw a number in [0, 1) for each unit that is known by a whole number.

    Source:
        Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators: splitmix64.
    """
    bits = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(int(_key(seed, purpose), 16))
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return _unit_interval(bits ^ (bits >> np.uint64(31)))


def of_codes(seed: str, purpose: str, codes: pd.Series) -> np.ndarray:
    """Draw a number in [0, 1) for each unit that is known by a code."""
    texts = codes.to_numpy(dtype=object)
    return _unit_interval(pd.util.hash_array(texts, hash_key=_key(seed, purpose), categorize=False))


def logistic(uniform: np.ndarray) -> np.ndarray:
    """Turn uniform chance into logistic chance, on the scale of log-odds."""
    # Half an interval keeps the smallest draw, which may be 0, on the scale; the largest is below 1.
    return np.log((uniform + INTERVAL / 2) / (1 - uniform))


def _key(seed: str, purpose: str) -> str:
    return hashlib.blake2b(f"{seed}|{purpose}".encode(), digest_size=8).hexdigest()


def _unit_interval(bits: np.ndarray) -> np.ndarray:
    return (bits >> np.uint64(11)).astype(np.float64) * INTERVAL
