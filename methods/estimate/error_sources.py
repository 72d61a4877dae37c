"""Three sources of error: sampling, non-response and inspectors' own, kept apart and put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.errors import FrameMismatch
from methods.estimate.agreement import pair_repeats
from methods.estimate.indicators import NATION
from methods.estimate.nonresponse import WeightingClasses, weighting_classes
from methods.estimate.phases import Answers, Rate, Round, Units, learn_from_repeats, rates
from methods.estimate.strata import stratum_totals

INDICATORS = ("accuracy_rate", "crude_confirmation_rate")
MEASURED = ("measured", "all_repeats_agree")
COLUMNS = (
    "level", "unit_code", "indicator",
    "issued_plan_count", "attempted_plan_count", "decided_plan_count", "unanswered_plan_count", "repeated_plan_count",
    "estimate", "standard_error", "lower", "upper",
    "lowest_estimate", "highest_estimate",
    "adjusted_estimate", "adjusted_standard_error", "adjusted_lower", "adjusted_upper", "nonresponse_quality",
    "corrected_estimate", "corrected_standard_error", "corrected_lower", "corrected_upper", "measurement_quality",
    "combined_estimate", "combined_standard_error", "combined_lower", "combined_upper",
    "nonresponse_bias", "measurement_bias", "sampling_variance", "nonresponse_variance", "measurement_variance",
)  # fmt: skip

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ErrorSources:
    """What the rates of a round are wrong by.

    Attributes:
        rows: columns COLUMNS, a row a unit (nation, provinces) and rate.
        classes: the weighting classes that the adjustment rests on.
    """

    rows: pd.DataFrame
    classes: WeightingClasses


def error_sources(
    plans: pd.DataFrame,
    repeats: pd.DataFrame,
    nonresponse: Mapping[str, Any],
    measurement: Mapping[str, Any],
    confidence: float = 0.95,
) -> ErrorSources:
    """Say how wrong both rates of nation and provinces are, and through what.

    Raw: of the decided plans, by their first verdicts. Adjusted: the unanswered plans answered for by the decided
    ones of their weighting class. Corrected: by what blind repeats would have found, the repeat taken for true.
    Combined: both.

    Args:
        plans: plan_id, province_code, the columns of `weighting_classes` and of `stratum_totals`, is_supervised,
            is_decided, is_confirmed, one row an issued plan.
        repeats: as `pair_repeats` takes them.
        nonresponse: rules of `weighting_classes`.
        measurement: repeat_levels, minimum_repeat_count (of a unit), minimum_verdict_repeat_count (of each first
            verdict in it).
        confidence: level of the intervals.

    Returns:
        Bounds: if none, or all, of the attempted but undecided plans were confirmed, as estimated totals.
        nonresponse_bias = raw - adjusted; measurement_bias = adjusted - combined. The variances add up to the square
        of the combined standard error, or of the adjusted one where nothing is measured.
        nonresponse_quality: that of the classes, or none_decided, whose estimates are missing.
        measurement_quality: measured; all_repeats_agree (the interval holds what they may have missed, the standard
        error does not); not_measured (no repeats), too_few_repeats, none_decided, whose estimates are missing.

    Raises:
        FrameMismatch, RepeatsMismatch, GuidelineMissing, PropensityUnfit: see the functions named above.
    Source:
        Lessler and Kalsbeek (1992), Nonsampling Error in Surveys; of the parts see `phases.rates`.
    """
    # One order, or float sums would differ in their last bits.
    ordered = plans.sort_values(["stratum_code", "plan_id"], ignore_index=True)
    _refuse_broken(ordered)
    classes = weighting_classes(ordered, nonresponse)
    found = _round(ordered, pair_repeats(ordered, repeats, measurement), confidence)
    province = pd.Categorical(ordered["province_code"])
    levels = [
        Units("nation", [NATION], np.zeros(len(ordered), dtype=np.int64)),
        Units("province", [str(code) for code in province.categories], province.codes.astype(np.int64)),
    ]
    rows = pd.concat([_rows(found, units, classes, measurement) for units in levels], ignore_index=True)
    return ErrorSources(rows[list(COLUMNS)], classes)


def _refuse_broken(plans: pd.DataFrame) -> None:
    if plans.empty:
        raise FrameMismatch(place="error sources", found="no issued plan", wanted="the plans of an issued sample")
    stratum_totals(plans, ["is_confirmed"], [], [])


def _round(plans: pd.DataFrame, paired: pd.DataFrame, confidence: float) -> Round:
    decided = plans["is_decided"].to_numpy(dtype=bool)
    repeated = paired["is_repeated"].to_numpy(dtype=bool) & decided
    chance = paired["repeat_probability"].to_numpy(dtype=np.float64)
    stratum = plans["stratum_code"].to_numpy(dtype=object)
    return Round(
        start=np.flatnonzero(np.append(True, stratum[1:] != stratum[:-1])),
        weight=1 / plans["inclusion_probability"].to_numpy(dtype=np.float64),
        attempted=plans["is_supervised"].to_numpy(dtype=bool),
        decided=decided,
        confirmed=plans["is_confirmed"].to_numpy(dtype=bool) & decided,
        repeated=repeated,
        again=np.where(repeated, 1 / np.where(repeated, chance, 1.0), 0.0),
        confirmed_again=paired["repeat_is_confirmed"].to_numpy(dtype=bool),
        confidence=confidence,
    )


def _rows(found: Round, units: Units, classes: WeightingClasses, rules: Mapping[str, Any]) -> pd.DataFrame:
    alone = Answers(found.decided, found.decided.astype(np.float64), np.where(found.decided, 0, -1))
    spread = Answers(classes.of_plan >= 0, classes.factor, classes.of_plan)
    quality = _measurement_quality(found, units, rules)
    measured = np.isin(quality, MEASURED)
    raw, adjusted = rates(found, units, alone, None), rates(found, units, spread, None)
    corrected = rates(found, units, alone, learn_from_repeats(found, units, alone, measured))
    combined = rates(found, units, spread, learn_from_repeats(found, units, spread, measured))
    shared = _shared(found, units, classes).assign(measurement_quality=quality)
    parts = [
        pd.concat([shared, _numbers(raw[at], adjusted[at], corrected[at], combined[at], measured)], axis=1).assign(
            indicator=indicator
        )
        for at, indicator in enumerate(INDICATORS)
    ]
    return pd.concat(parts, ignore_index=True)


def _shared(found: Round, units: Units, classes: WeightingClasses) -> pd.DataFrame:
    counts = {
        "issued": np.ones(len(found.weight)),
        "attempted": found.attempted,
        "decided": found.decided,
        "unanswered": (classes.of_plan >= 0) & ~found.decided,
        "repeated": found.repeated,
    }
    attempted, decided, confirmed = (
        units.sums(found.weight * marks) for marks in (found.attempted, found.decided, found.confirmed)
    )
    whole = np.where(attempted > 0, attempted, np.nan)
    return pd.DataFrame(
        {
            "level": units.level,
            "unit_code": units.codes,
            **{f"{name}_plan_count": units.sums(marks).astype(np.int64) for name, marks in counts.items()},
            "lowest_estimate": confirmed / whole,
            "highest_estimate": (confirmed + attempted - decided) / whole,
            "nonresponse_quality": np.where(decided > 0, classes.quality, "none_decided"),
        }
    )


def _measurement_quality(found: Round, units: Units, rules: Mapping[str, Any]) -> npt.NDArray[np.str_]:
    decided, repeats, agreed = (
        units.sums_by_verdict(found, marks)
        for marks in (found.decided, found.repeated, found.repeated & (found.confirmed == found.confirmed_again))
    )
    # Where every decided plan is repeated, however few they are, nothing is left to guess.
    few = (repeats < np.minimum(int(rules["minimum_verdict_repeat_count"]), decided)).any(axis=1)
    few |= repeats.sum(axis=1) < np.minimum(int(rules["minimum_repeat_count"]), decided.sum(axis=1))
    stated = {
        "none_decided": decided.sum(axis=1) == 0,
        "not_measured": repeats.sum(axis=1) == 0,
        "too_few_repeats": few,
        "all_repeats_agree": (agreed == repeats).all(axis=1),
    }
    return np.asarray(np.select(list(stated.values()), list(stated), "measured"), dtype=np.str_)


def _numbers(raw: Rate, adjusted: Rate, corrected: Rate, combined: Rate, measured: BoolArray) -> pd.DataFrame:
    whole = {
        f"{prefix}{name}": np.where(shown, getattr(rate, name), np.nan)
        for prefix, rate, shown in (
            ("", raw, True),
            ("adjusted_", adjusted, True),
            ("corrected_", corrected, measured),
            ("combined_", combined, measured),
        )
        for name in ("estimate", "standard_error", "lower", "upper")
    }
    table = pd.DataFrame(whole)
    return table.assign(
        nonresponse_bias=table["estimate"] - table["adjusted_estimate"],
        measurement_bias=table["adjusted_estimate"] - table["combined_estimate"],
        sampling_variance=np.where(measured, combined.sampling, adjusted.sampling),
        nonresponse_variance=np.where(measured, combined.nonresponse, adjusted.nonresponse),
        measurement_variance=np.where(measured, combined.measurement, np.nan),
    )
