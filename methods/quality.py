"""Quality of deliveries: how much they changed, and by how many times a limit is passed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from methods.errors import FrameMismatch, GuidelineMissing

# An empty bin counts as half a row: a logarithm of zero would say nothing.
EMPTY_BIN_COUNT = 0.5
EMPTY = "empty"


def stability_index(expected_counts: npt.ArrayLike, actual_counts: npt.ArrayLike) -> float:
    """Measure how far a distribution over bins has moved (population stability index, PSI).

    PSI = sum of (a - e) ln(a / e) over the shares a and e of each bin. A bin that is empty on one side
    counts there as half a row; a bin empty on both sides counts for nothing.

    Args:
        expected_counts: rows by bin before.
        actual_counts: rows by bin now, the bins in the same order.

    Returns:
        0 for equal shares, else above 0; the same in both directions.

    Raises:
        FrameMismatch: the bins differ in number, a count is below zero or unknown, or one side has no row.
    Source:
        Siddiqi (2006), Credit Risk Scorecards, Wiley; it is the symmetric divergence of Kullback and
        Leibler (1951), On information and sufficiency, Annals of Mathematical Statistics 22(1).
    """
    expected, actual = _counts(expected_counts), _counts(actual_counts)
    if len(expected) != len(actual) or not expected.sum() or not actual.sum():
        raise FrameMismatch(
            place="stability index",
            found=f"{len(expected)} bins of {expected.sum():.0f} rows and {len(actual)} of {actual.sum():.0f}",
            wanted="the same bins on both sides, with rows",
        )
    filled = (expected > 0) | (actual > 0)
    before = np.maximum(expected[filled], EMPTY_BIN_COUNT) / expected.sum()
    now = np.maximum(actual[filled], EMPTY_BIN_COUNT) / actual.sum()
    return float(np.sum((now - before) * np.log(now / before)))


def chance_index(bin_count: int, expected_count: float, actual_count: float, confidence: float) -> float:
    """Give the stability index that two samples of one distribution stay below, by chance alone.

    Args:
        bin_count: filled bins.
        expected_count: rows before, above 0.
        actual_count: rows now, above 0.
        confidence: share of such pairs that stay below.

    Returns:
        (1/n + 1/m) times the chi-squared quantile with one degree of freedom less than bins.

    Source:
        Yurdakul and Naranjo (2020), Statistical properties of the population stability index,
        Journal of Risk Model Validation 14(4).
    """
    if bin_count < 2:
        return 0.0
    return float((1 / expected_count + 1 / actual_count) * stats.chi2.ppf(confidence, bin_count - 1))


def column_changes(before: pd.DataFrame, now: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Compare two profiles column by column.

    Args:
        before: basis, column_name, bin, row_count: the profile of the delivery before.
        now: the same of this delivery.
        confidence: see `chance_index`.

    Returns:
        By column_name: empty_share_before, empty_share_now, empty_share_rise [share, not below 0] of the
        cells as delivered; stability_index and chance_index of the values accepted; NaN where there is none.
    """
    empty = pd.DataFrame({"empty_share_before": _empty_shares(before), "empty_share_now": _empty_shares(now)})
    # A column that is new or gone has no share to compare with.
    empty["empty_share_rise"] = (empty["empty_share_now"] - empty["empty_share_before"]).clip(lower=0)
    paired = _paired_bins(before, now)
    found = {name: _moved(bins, confidence) for name, bins in paired.groupby(level="column_name", sort=True)}
    moved = pd.DataFrame.from_dict(found, orient="index", columns=["stability_index", "chance_index"])
    return empty.join(moved, how="outer").rename_axis("column_name").sort_index()


def change_measures(before: pd.DataFrame, now: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Measure how a delivery differs from the one before it, in one row.

    Ratios are the larger over the smaller, so that halving counts as doubling; nothing counts as one.
    An index that chance alone explains counts as 0, or small deliveries would always look changed.

    Args:
        before: basis, column_name, bin, row_count, total_rial: the profile of the delivery before.
        now: the same of this delivery.
        confidence: that a chance difference is not called a change.

    Returns:
        row_count_before, row_count_now, row_count_ratio, total_before_rial, total_now_rial, total_ratio
        (NaN without amounts), empty_share_rise with empty_share_column, stability_index with
        stability_column: the largest of all columns and where it is found.

    Raises:
        FrameMismatch: one of the profiles has no rows.
    """
    for profile, name in ((before, "the delivery before"), (now, "this delivery")):
        if profile.empty:
            raise FrameMismatch(place="change of a delivery", found=f"no profile of {name}", wanted="two profiles")
    columns = column_changes(before, now, confidence)
    beyond = columns["stability_index"].where(columns["stability_index"] > columns["chance_index"], 0.0)
    rises, moves = columns["empty_share_rise"], beyond.where(columns["stability_index"].notna())
    rows, totals = (_row_count(before), _row_count(now)), (_total(before), _total(now))
    return pd.DataFrame(
        [
            {
                "row_count_before": rows[0],
                "row_count_now": rows[1],
                "row_count_ratio": _ratio(*rows),
                "total_before_rial": totals[0],
                "total_now_rial": totals[1],
                "total_ratio": _ratio(*totals),
                "empty_share_rise": rises.max(),
                "empty_share_column": _place_of_largest(rises),
                "stability_index": moves.max(),
                "stability_column": _place_of_largest(moves),
            }
        ]
    )


def over_limits(measures: pd.DataFrame, limits: Mapping[str, Any], name: str) -> pd.DataFrame:
    """Add to measures how many times their limit they are, so that a suite needs no limit of its own.

    Args:
        measures: one row of measures; one that is NaN was not judged, and stays so.
        limits: measure -> its limit, above 0.
        name: of the limits, such as `unusual`.

    Returns:
        The measures with `<measure>_over_<name>` beside them: above 1 is beyond the limit.

    Raises:
        GuidelineMissing: a limit names a measure nobody takes, or is not above 0.
    """
    beside = {}
    for measure, text in limits.items():
        limit = _limit(text)
        if measure not in measures or limit <= 0:
            raise GuidelineMissing(
                place=f"guideline validation, {name}",
                found=f"{measure}: {text}",
                wanted=f"a limit above 0 of one of {', '.join(map(str, measures.columns))}",
            )
        beside[f"{measure}_over_{name}"] = measures[measure].astype(np.float64) / limit
    return measures.assign(**beside)


def _limit(text: object) -> float:
    try:
        limit = Decimal(str(text))
    except InvalidOperation:
        return 0.0
    return float(limit) if limit.is_finite() else 0.0


def _counts(given: npt.ArrayLike) -> npt.NDArray[np.float64]:
    counts = np.asarray(given, dtype=np.float64)
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise FrameMismatch(place="stability index", found="a count below zero or unknown", wanted="counts of rows")
    return counts


def _empty_shares(profile: pd.DataFrame) -> pd.Series:
    cells = profile[profile["basis"] == "delivered"]
    counts = cells.pivot_table(index="column_name", columns="bin", values="row_count", aggfunc="sum", fill_value=0)
    counts = counts.reindex(columns=[EMPTY, "filled"], fill_value=0).astype(np.float64)
    return counts[EMPTY] / counts.sum(axis=1).replace(0, np.nan)


def _paired_bins(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    sides = {}
    for side, profile in (("before", before), ("now", now)):
        values = profile[profile["basis"] == "accepted"]
        sides[side] = values.groupby(["column_name", "bin"])["row_count"].sum()
    paired = pd.DataFrame(sides).fillna(0).astype(np.float64)
    # A column with values on one side only is new or gone, not moved.
    return paired[(paired.groupby(level="column_name").transform("sum") > 0).all(axis=1)]


def _moved(bins: pd.DataFrame, confidence: float) -> tuple[float, float]:
    index = stability_index(bins["before"], bins["now"])
    return index, chance_index(len(bins), bins["before"].sum(), bins["now"].sum(), confidence)


def _row_count(profile: pd.DataFrame) -> int:
    cells = profile[profile["basis"] == "delivered"]
    # Every column has each row once, empty or filled.
    return int(cells.groupby("column_name")["row_count"].sum().max())


def _total(profile: pd.DataFrame) -> float:
    return float(pd.to_numeric(profile["total_rial"]).astype(np.float64).sum(min_count=1))


def _ratio(before: float, now: float) -> float:
    if np.isnan(before) or np.isnan(now):
        return float("nan")
    low, high = sorted((max(before, 1), max(now, 1)))
    return float(high / low)


def _place_of_largest(values: pd.Series) -> str | None:
    largest = values.max()
    return str(values.idxmax()) if largest > 0 else None
