"""Change: how a figure differs from an earlier round's, with its uncertainty, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from methods import sample
from methods.errors import BadPeriod, GuidelineMissing
from methods.estimate.decomposition import Decomposition, decompose
from methods.estimate.definitions import Definitions
from methods.estimate.overlap import Overlap, covariances
from methods.estimate.strata import CERTAIN, stratum_totals
from methods.period import FIRST_YEAR, Period

NATION = "IR"
TOTALS = {
    "decided_plan_count": "decided",
    "confirmed_plan_count": "confirmed",
    "deviation_plan_count": "deviation",
    "violation_plan_count": "violation",
    "discrepancy_plan_count": "discrepancy",
    "realised_job_count": "jobs",
    "loan_paid_rial": "loan",
}
# Those of PARTED are taken apart; they and their like lie between 0 and 1.
PARTED = {"crude_confirmation_rate": ("confirmed", "supervised"), "accuracy_rate": ("confirmed", "decided")}
RATES = PARTED | {f"{name}_rate": (name, "decided") for name in ("deviation", "violation", "discrepancy")}
RATIOS = RATES | {"cost_per_job_rial": ("loan", "jobs")}
INDICATORS = (*TOTALS, *RATIOS)
VARIABLES = ("supervised", "decided", "confirmed", "deviation", "violation", "discrepancy", "jobs", "loan")
FACTORS = ("agency_code", "plan_kind", "loan_band", "province_code")
DESIGN = ["stratum_code", "stratum_population_count", "stratum_sample_count", "inclusion_probability"]
PARTS = ("composition", "rate")
# Variances that cancel each other leave rounding errors below this part of them.
CANCELLED = 1e-10
# A plan's part in a variance, relative to its figure: what lies below is rounding of no variance at all.
NO_SPREAD = 1e-12
COLUMNS = (
    "indicator", "level", "unit_code", "domain", "before", "after", "change", "standard_error", "lower", "upper",
    "p_value", "direction", "overlap_plan_count", "composition_part", "composition_standard_error", "rate_part",
    "rate_standard_error", "agency_part", "plan_kind_part", "loan_band_part", "province_part", "method",
)  # fmt: skip

FloatArray = npt.NDArray[np.float64]


def compared_with(period: Period) -> list[Period]:
    """Name the earlier rounds that a round is held against: the phase before it, and its phase of the year before."""
    year, phase = period.year, period.phase
    earlier = [(year, 1) if phase > 1 else (year - 1, 2), (year - 1, phase)]
    return [Period(*one) for one in earlier if one[0] >= FIRST_YEAR]


def refuse_same_round(period: Period, against: Period) -> None:
    """Refuse to hold a round against itself or a later one.

    Raises:
        BadPeriod: it is not an earlier one.
    """
    if not against < period:
        raise BadPeriod(place=f"change of {period}", found=f"against {against}", wanted="an earlier round")


def are_coordinated(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Say by the certificates of two rounds whether their draws depend on each other.

    They do where both took the plans with the smallest of the same random numbers. A systematic draw starts at a
    point of its own: in any order of the plans each is drawn with just its probability, so it is independent of
    every other draw, plan by plan, and has no covariance with it.
    """
    both = (before, after)
    methods = [one["guideline"]["values"]["design"].get("method", "srs") for one in both]
    roots = {(one["coordination"] or {}).get("root_seed") or one["seed"] for one in both}
    return methods == ["srs", "srs"] and len(roots) == 1


def persisting_plans(
    before: pd.DataFrame, after: pd.DataFrame, before_rules: Mapping[str, Any], after_rules: Mapping[str, Any]
) -> pd.DataFrame:
    """Count the plans that lie in both frames, by the strata they lie in.

    Args:
        before: the earlier frame: plan_id and what `methods.sample.strata` reads.
        after: the later frame.
        before_rules: what the earlier round was drawn by.
        after_rules: what the later round was drawn by.

    Returns:
        before_stratum, after_stratum, plan_count.
    """
    strata = [
        pd.Series(sample.strata(frame, rules).to_numpy(), index=frame["plan_id"].to_numpy())
        for frame, rules in ((before, before_rules), (after, after_rules))
    ]
    both = pd.concat(strata, axis=1, join="inner", keys=["before_stratum", "after_stratum"])
    return both.value_counts(sort=False).rename("plan_count").reset_index()


def loan_band_limits(definitions: Definitions) -> list[float]:
    """Read the limits of the loan bands that figures are given for [rial]; a plan on one lies in the band above.

    Raises:
        GuidelineMissing: the definitions part no plans by their loan.
    """
    edges = [edge for one in definitions.dimensions if one.code == "loan_band" for edge, _ in one.edges]
    if not edges:
        raise GuidelineMissing(
            place="reference/indicators.yaml, dimensions", found="no bands of loan_band", wanted="at least one"
        )
    return edges[1:]


def compare(
    before: pd.DataFrame,
    after: pd.DataFrame,
    rules: Mapping[str, Any],
    persisting: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Hold the figures of a round against those of an earlier one.

    Args:
        before: of the earlier round: plan_id, province_code, agency_code, plan_kind, the columns DESIGN,
            is_supervised, is_decided, is_confirmed, verdict, loan_paid_rial, realised_job_count; a row an issued plan.
        after: the same of the later round.
        rules: confidence_level, loan_band_limits_rial (see `loan_band_limits`).
        persisting: see `persisting_plans`, where both rounds were drawn with the same permanent random numbers;
            None where they were drawn independently, so that they have no covariance.

    Returns:
        COLUMNS, one row an indicator, unit (nation, provinces) and domain (all, agencies) of either round.
        direction is more, less or no_clear_change at the confidence level; undefined where a round has no such
        figure; not_tested, without error and interval, where chance chose the plans but they show no spread (all
        confirmed, say), so that the error cannot be seen. composition_part (who was inspected) and rate_part (how
        they fared) add up to the change, agency_part and the like to composition_part; they are those of PARTED for all
        plans alone, and missing where too few plans bear them.

    Raises:
        FrameMismatch: see `stratum_totals`; more plans in both samples than in both frames.
    Source:
        Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, 5.5 and 9.9 (differences,
        linearisation); see `overlap.covariances` and `decompose`.
    """
    # Float sums depend on the order of their terms; in one order they are the same bit for bit.
    rounds = [_observed(one.sort_values("plan_id", ignore_index=True), rules) for one in (before, after)]
    overlap = Overlap.of(rounds[0], rounds[1], persisting)
    confidence = float(rules["confidence_level"])
    parts = [
        _compared(rounds[0], rounds[1], overlap, level, domain, confidence)
        for level in ("nation", "province")
        for domain in ("all", "agency")
    ]
    method = "independent draws" if persisting is None else "coordinated draws"
    table = pd.concat(parts, ignore_index=True).assign(method=method)[list(COLUMNS)]
    return table.sort_values(["level", "unit_code", "domain", "indicator"], ignore_index=True)


def _observed(plans: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    decided, verdict = plans["is_decided"].astype(bool), plans["verdict"]
    found: dict[str, Any] = {name: verdict == name for name in ("deviation", "violation", "discrepancy")}
    found |= {
        "supervised": plans["is_supervised"].astype(bool),
        "decided": decided,
        "confirmed": plans["is_confirmed"].astype(bool),
        "jobs": plans["realised_job_count"].where(decided, 0),
        "loan": plans["loan_paid_rial"].where(decided, 0),
    }
    limits = sorted(float(limit) for limit in rules["loan_band_limits_rial"])
    band = np.searchsorted(limits, plans["loan_paid_rial"].to_numpy(dtype=np.float64), side="right")
    kept = plans[["plan_id", "province_code", "agency_code", "plan_kind", *DESIGN]]
    values = pd.DataFrame(found).astype(np.float64)
    return pd.concat([kept, values], axis=1).assign(loan_band=band, nation=NATION)


# one level and kind of domain --------------------------------------------------------------------


def _compared(
    before: pd.DataFrame, after: pd.DataFrame, overlap: Overlap, level: str, domain: str, confidence: float
) -> pd.DataFrame:
    keys = ["province_code" if level == "province" else "nation", *(["agency_code"] if domain == "agency" else [])]
    totals = [_totals(one, keys) for one in (before, after)]
    index = totals[0].index.union(totals[1].index)
    totals = [one.reindex(index) for one in totals]
    added = [_linearised(one, whole, keys) for one, whole in zip((before, after), totals, strict=True)]
    parts = _Parts.of(before, after, added, index, keys) if domain == "all" else None
    if parts is not None:
        added = [pd.concat([one, own], axis=1) for one, own in zip(added, parts.added, strict=True)]
    variances = [_variances(one, own, keys).reindex(index) for one, own in zip((before, after), added, strict=True)]
    covariance = covariances(before, after, added, overlap, keys).reindex(index).fillna(0.0)
    values = [_values(one) for one in totals]
    seen = [_variances_seen(*one) for one in zip(values, variances, totals, strict=True)]
    freedom = [(one["unit_count"] - one["stratum_count"]).clip(lower=1) for one in totals]
    table = _tested(values, seen, covariance, freedom, confidence)
    counted = overlap.counted(keys).reindex(index, fill_value=0)
    table["overlap_plan_count"] = np.repeat(counted.to_numpy(), len(INDICATORS))
    return _labelled(_with_parts(table, parts, variances, covariance), level, keys)


def _totals(one: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    expanded = one[list(VARIABLES)].div(one["inclusion_probability"], axis=0)
    groups = pd.concat([one[[*keys, "stratum_code"]], expanded], axis=1).groupby(keys, sort=True)
    counts = groups["stratum_code"].agg(unit_count="size", stratum_count="nunique")
    least = one.groupby(keys, sort=True)["inclusion_probability"].min()
    return groups[list(VARIABLES)].sum().join(counts).assign(is_census=least >= CERTAIN)


def _values(totals: pd.DataFrame) -> pd.DataFrame:
    """Every indicator, a column each; NaN where a ratio has no denominator, or the round no such domain."""
    found = {name: totals[variable] for name, variable in TOTALS.items()}
    found |= {name: totals[y] / _some(totals[x]) for name, (y, x) in RATIOS.items()}
    return pd.DataFrame(found)[list(INDICATORS)]


def _linearised(one: pd.DataFrame, totals: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """What each plan adds to each indicator of its domain, before expansion."""
    own = totals.iloc[_places(one, totals.index, keys)].reset_index(drop=True)
    found = {name: one[variable] for name, variable in TOTALS.items()}
    for name, (y, x) in RATIOS.items():
        below = _some(own[x])
        found[name] = ((one[y] - own[y] / below * one[x]) / below).fillna(0.0)
    return pd.DataFrame(found)


def _places(one: pd.DataFrame, index: pd.Index, keys: list[str]) -> npt.NDArray[np.intp]:
    wanted = pd.MultiIndex.from_frame(one[keys]) if len(keys) > 1 else pd.Index(one[keys[0]])
    return np.asarray(index.get_indexer(wanted), dtype=np.intp)


def _variances(one: pd.DataFrame, added: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    names = list(added.columns)
    by_stratum = stratum_totals(pd.concat([one[[*keys, *DESIGN]], added], axis=1), names, [], keys)
    found = by_stratum[[f"{name}_variance" for name in names]].groupby(keys, sort=True).sum()
    return found.set_axis(names, axis=1)


def _variances_seen(values: pd.DataFrame, variances: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Variances of the indicators; NaN where chance chose the plans, and they show no spread."""
    own = variances[list(INDICATORS)]
    least = (values**2).div(totals["unit_count"], axis=0) * NO_SPREAD
    is_census = (totals["is_census"] == True).to_numpy()[:, None]  # noqa: E712
    return own.where((own > least) | is_census)


def _tested(
    values: list[pd.DataFrame],
    variances: list[pd.DataFrame],
    covariance: pd.DataFrame,
    freedom: list[pd.Series],
    confidence: float,
) -> pd.DataFrame:
    """Difference, interval and test of each domain and indicator, an indicator's row after the other's."""
    before, after = (one.to_numpy() for one in values)
    apart = [one.to_numpy() for one in variances]
    change = after - before
    error = np.where(np.isnan(change), np.nan, _error(apart, covariance[list(INDICATORS)].to_numpy()))
    # Welch and Satterthwaite, for the sum of two variances.
    squares = sum(one**2 / own.to_numpy()[:, None] for one, own in zip(apart, freedom, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.where(squares > 0, (apart[0] + apart[1]) ** 2 / squares, np.inf)
        statistic = np.abs(change) / error
    reach = stats.t.ppf((1 + confidence) / 2, degrees) * error
    p_value = np.where(error > 0, 2 * stats.t.sf(statistic, degrees), np.where(change == 0, 1.0, 0.0))
    p_value = np.where(np.isnan(error), np.nan, p_value)
    # A rate cannot change by more than all of it.
    most = np.array([1.0 if name in RATES else np.inf for name in INDICATORS])
    columns = {
        "before": before, "after": after, "change": change, "standard_error": error,
        "lower": np.maximum(change - reach, -most), "upper": np.minimum(change + reach, most), "p_value": p_value,
        "direction": _directions(change, p_value, 1 - confidence),
    }  # fmt: skip
    index = pd.MultiIndex.from_product([values[0].index, INDICATORS], names=["domain_key", "indicator"])
    return pd.DataFrame({name: column.ravel() for name, column in columns.items()}, index=index)


def _directions(change: FloatArray, p_value: FloatArray, level: float) -> npt.NDArray[np.str_]:
    found = np.select(
        [np.isnan(change), np.isnan(p_value), p_value >= level, change > 0],
        ["undefined", "not_tested", "no_clear_change", "more"],
        default="less",
    )
    return np.asarray(found, dtype=np.str_)


def _error(variances: list[FloatArray], covariance: FloatArray) -> FloatArray:
    whole = variances[0] + variances[1]
    variance = whole - 2 * covariance
    error: FloatArray = np.sqrt(np.where(variance <= CANCELLED * whole, 0.0, variance))
    return error


def _labelled(table: pd.DataFrame, level: str, keys: list[str]) -> pd.DataFrame:
    rows = table.reset_index()
    key = rows.pop("domain_key")
    if len(keys) > 1:
        unit, agency = key.str[0], key.str[1]
        return rows.assign(level=level, unit_code=unit, domain="agency=" + agency)
    return rows.assign(level=level, unit_code=key, domain="all")


def _some(column: pd.Series) -> pd.Series:
    return column.where(column != 0)


# who was inspected, how they fared ---------------------------------------------------------------


@dataclass(frozen=True)
class _Parts:
    """The parts of the change of PARTED in the domains of one level.

    Attributes:
        found: rate -> its decomposition.
        added: for each round, what each plan adds to each part, columns `rate:part`.
    """

    found: Mapping[str, Decomposition]
    added: list[pd.DataFrame]

    @classmethod
    def of(
        cls, before: pd.DataFrame, after: pd.DataFrame, added: list[pd.DataFrame], index: pd.Index, keys: list[str]
    ) -> _Parts:
        groups = pd.concat([before[list(FACTORS)], after[list(FACTORS)]]).groupby(list(FACTORS), sort=True)
        cell, cells = groups.ngroup().to_numpy(), groups.size().index.to_frame(index=False).assign(nation=NATION)
        # Plans of one province do not differ in it.
        factors = [factor for factor in FACTORS if factor not in keys]
        domain = _places(cells, index, keys)
        place = [cell[: len(before)], cell[len(before) :]]
        found: dict[str, Decomposition] = {}
        own: list[dict[str, pd.Series]] = [{}, {}]
        for rate, (y, x) in PARTED.items():
            masses = [_cell_masses(one, at, y, x, len(cells)) for one, at in zip((before, after), place, strict=True)]
            found[rate] = decompose(cells, factors, domain, masses[0], masses[1])
            for number, one in enumerate((before, after)):
                at = place[number]
                level, slope, fit = (
                    part[number][at] for part in (found[rate].level, found[rate].slope, found[rate].fit)
                )
                composition = one[x] * level + slope * (one[y] - one[x] * fit)
                own[number][f"{rate}:composition"] = composition
                own[number][f"{rate}:rate"] = added[number][rate] - composition
        return cls(found, [pd.DataFrame(columns) for columns in own])


def _cell_masses(one: pd.DataFrame, cell: npt.NDArray[np.integer[Any]], y: str, x: str, count: int) -> pd.DataFrame:
    weight = (1 / one["inclusion_probability"]).to_numpy()
    return pd.DataFrame(
        {
            "mass": np.bincount(cell, weight * one[x], count),
            "hits": np.bincount(cell, weight * one[y], count),
            "n": np.bincount(cell, one[x], count),
        }
    )


def _with_parts(
    table: pd.DataFrame, parts: _Parts | None, variances: list[pd.DataFrame], covariance: pd.DataFrame
) -> pd.DataFrame:
    named = ["composition_part", "composition_standard_error", "rate_part", "rate_standard_error"]
    by_factor = [f"{factor.removesuffix('_code')}_part" for factor in FACTORS]
    table = table.assign(**dict.fromkeys([*named, *by_factor], np.nan))
    for rate, found in (parts.found if parts else {}).items():
        rows = table.index.get_level_values("indicator") == rate
        composition = found.composition
        errors = {
            part: _error(
                [one[f"{rate}:{part}"].to_numpy() for one in variances], covariance[f"{rate}:{part}"].to_numpy()
            )
            for part in PARTS
        }
        change = table.loc[rows, "change"].to_numpy()
        unborne = 0 * (composition + table.loc[rows, "standard_error"].to_numpy())
        table.loc[rows, named] = np.column_stack(
            [composition, errors["composition"] + unborne, change - composition, errors["rate"] + unborne]
        )
        table.loc[rows, by_factor[: found.by_factor.shape[1]]] = found.by_factor
    return table
