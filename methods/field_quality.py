"""Quality of field work: impossible visits, photographs used twice, answers too alike, firms far from their peers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

from methods.distance import haversine_km

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

COLUMNS = ["subject_kind", "subject_code", "flag", "statistic", "limit_value", "p_value", "evidence"]
VISIT_FLAGS = (
    "two_places", "too_fast", "outside_county", "at_night", "photo_reused", "ends_before_it_starts",
    "visited_after_received", "jobs_without_running",
)  # fmt: skip
INSPECTOR_FLAGS = ("answers_all_same", "digit_preference")
FIRM_FLAGS = ("far_from_peers",)
# What is computed in binary fractions ends at so many decimals, and so repeats bit for bit.
DECIMALS = 9
FAR_TAIL = 0.01
TAIL_STEPS = 400


def flags(visits: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Flag the visits, inspectors and firms that someone should look at.

    A flag is a reason to look, not a verdict: an honest round raises some, at the rate its page states.

    Args:
        visits: the columns of `visit_flags`, `inspector_flags` and `firm_flags`; one row a visit.
        rules: the guideline field_quality.

    Returns:
        subject_kind (visit, inspector, firm), subject_code, flag, statistic, limit_value, p_value (missing where
        the flag is no test of chance), evidence (JSON), by kind, flag and code.
    """
    if visits.empty:
        return _nothing()
    visits = visits.sort_values("visit_id", ignore_index=True)
    found = [visit_flags(visits, rules), inspector_flags(visits, rules), firm_flags(visits, rules)]
    every = pd.concat([one for one in found if len(one)] or [_nothing()], ignore_index=True)
    return every.sort_values(["subject_kind", "flag", "subject_code"], ignore_index=True)


def visit_flags(visits: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Flag visits that cannot have been made as reported; the limit is what an honest visit keeps to.

    Args:
        visits: visit_id, plan_id, level, inspector_code, visited_on, received_on, started_minute, ended_minute
            [since midnight], latitude, longitude, plan_latitude, plan_longitude [degrees], county_code,
            photo_sha256, is_running, jobs_found_count; what was not reported is missing, and flags nothing.
        rules: earliest_minute, latest_minute, position_error_km, two_places_km, largest_speed_kmh,
            largest_distance_from_plan_km, largest_distance_from_county_km, minimum_county_visit_count.

    Returns:
        As `flags`.
    """
    started, ended = _numbers(visits, "started_minute"), _numbers(visits, "ended_minute")
    outside = np.fmax(float(rules["earliest_minute"]) - started, ended - float(rules["latest_minute"]))
    days_late = (pd.to_datetime(visits["visited_on"]) - pd.to_datetime(visits["received_on"])).dt.days
    idle_jobs = np.where(_says(visits["is_running"], False), _numbers(visits, "jobs_found_count"), np.nan)
    times = visits[["visited_on", "started_minute", "ended_minute"]]
    found = [
        *_way_flags(visits, rules),
        _distance_flags(visits, rules),
        _visit_flag(visits, "at_night", outside, 0, times),
        _visit_flag(visits, "ends_before_it_starts", started - ended, 0, times),
        _visit_flag(visits, "visited_after_received", days_late, 0, visits[["visited_on", "received_on"]]),
        _visit_flag(visits, "jobs_without_running", idle_jobs, 0, visits[["jobs_found_count"]]),
        _photo_flags(visits),
    ]
    return pd.concat([one for one in found if len(one)] or [_nothing()], ignore_index=True)


def inspector_flags(visits: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Flag inspectors whose answers are all the same, or whose amounts prefer digits their peers' do not.

    p-values are Holm's: all inspectors of a round together stay within the guideline's false_alarm_share.

    Args:
        visits: visit_id, inspector_code, agency_code, plan_kind, registered_job_count, the answers of the form.
        rules: minimum_inspector_visit_count, answer_columns, answer_correlation, digit_columns, digit_unit_rial,
            false_alarm_share.

    Returns:
        As `flags`; limit_value is the false_alarm_share.

    Source:
        Skellam (1948), beta-binomial; Haldane (1937), moments of chi-square for small expectations; Holm (1979).
    """
    found = [_same_answers(visits, rules), _digit_preference(visits, rules)]
    return pd.concat([one for one in found if len(one)] or [_nothing()], ignore_index=True)


def firm_flags(visits: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Flag firms that confirm far more or far fewer plans than their peers would of the same plans.

    Confirmation is standardised indirectly: a ridge logistic regression on agency, kind of plan, province and
    county says how many of a firm's plans would be confirmed; z = (observed - expected) / deviation is divided
    by the overdispersion of honest firms, estimated from the middle of all z.

    Args:
        visits: firm_code, level, agency_code, plan_kind, province_code, county_code, is_decided, is_confirmed.
        rules: minimum_firm_verdict_count, winsorised_share, inverse_penalty, false_alarm_share.

    Returns:
        As `flags`; limit_value is the false_alarm_share.

    Source:
        Spiegelhalter (2005), Funnel plots for comparing institutional performance, Statistics in Medicine 24.
    """
    decided = visits[_says(visits["is_decided"], True) & (visits["level"] == "county").to_numpy()]
    confirmed = _says(decided["is_confirmed"], True)
    if decided["firm_code"].nunique() < 2 or confirmed.all() or not confirmed.any():
        return _nothing()
    expected = _expected(decided, confirmed, float(rules["inverse_penalty"]))
    firms = (
        pd.DataFrame({"confirmed": confirmed, "expected": expected, "variance": expected * (1 - expected)})
        .groupby(decided["firm_code"].to_numpy())
        .agg(visits=("expected", "size"), **{name: (name, "sum") for name in ("confirmed", "expected", "variance")})
    )
    firms = firms[firms["visits"] >= int(rules["minimum_firm_verdict_count"])]
    if firms.empty:
        return _nothing()
    z = ((firms["confirmed"] - firms["expected"]) / np.sqrt(firms["variance"])).to_numpy()
    spread = _overdispersion(z, float(rules["winsorised_share"]))
    z = np.round(z / np.sqrt(spread), DECIMALS)
    p_value = _holm(2 * stats.norm.sf(np.abs(z)))
    evidence = firms[["visits", "confirmed", "expected"]].assign(overdispersion=spread).round(3)
    return _tested("firm", "far_from_peers", pd.Series(firms.index), z, p_value, evidence, rules)


def _way_flags(visits: pd.DataFrame, rules: Mapping[str, Any]) -> list[pd.DataFrame]:
    """Hold each visit against the one its inspector left last, of those begun before it on the same day."""
    timed = visits.dropna(subset=["started_minute", "ended_minute", "latitude", "longitude"])
    timed = timed.sort_values(["inspector_code", "visited_on", "started_minute", "visit_id"])
    days = [timed["inspector_code"], timed["visited_on"]]
    # Not the one begun last: a short visit within a long one hides nothing.
    is_last_to_end = timed["ended_minute"] == timed["ended_minute"].groupby(days, sort=False).cummax()
    place = pd.Series(np.where(is_last_to_end, np.arange(len(timed)), 0), index=timed.index)
    latest = place.groupby(days, sort=False).cummax().groupby(days, sort=False).shift()
    same = latest.notna().to_numpy()
    before = timed.iloc[np.asarray(latest.fillna(0), dtype=np.int64)].set_axis(timed.index)
    way = haversine_km(*(_numbers(frame, axis) for frame in (timed, before) for axis in ("latitude", "longitude")))
    gap = _numbers(timed, "started_minute") - _numbers(before, "ended_minute")
    far = np.where(same, np.maximum(way - float(rules["position_error_km"]), 0), np.nan)
    evidence = pd.DataFrame(
        {"other_visit_id": before["visit_id"], "distance_km": way.round(3), "gap_minutes": gap}, index=timed.index
    )
    # Clocks are read to the minute: a gap may be a minute longer than it looks.
    speed = far / (np.maximum(gap, 0) + 1) * 60
    return [
        _visit_flag(timed, "two_places", np.where(gap < 0, far, np.nan), float(rules["two_places_km"]), evidence),
        _visit_flag(timed, "too_fast", np.where(gap >= 0, speed, np.nan), float(rules["largest_speed_kmh"]), evidence),
    ]


def _distance_flags(visits: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    here, there = _place(visits, ""), _place(visits, "plan_")
    grouped = visits.assign(**{f"own_{axis}": one for axis, one in here.items()}).groupby("county_code")
    middle = {axis: grouped[f"own_{axis}"].transform("median").to_numpy() for axis in here}
    enough = (grouped["own_latitude"].transform("count") >= int(rules["minimum_county_visit_count"])).to_numpy()
    is_known = ~np.isnan(there["latitude"]) & ~np.isnan(there["longitude"])
    target = {axis: np.where(is_known, there[axis], np.where(enough, middle[axis], np.nan)) for axis in here}
    way = haversine_km(here["latitude"], here["longitude"], target["latitude"], target["longitude"])
    limits = [float(rules[f"largest_distance_from_{one}_km"]) for one in ("plan", "county")]
    evidence = pd.DataFrame({"measured_from": np.where(is_known, "plan", "county"), "distance_km": way.round(3)})
    return _visit_flag(visits, "outside_county", way, np.where(is_known, *limits), evidence)


def _photo_flags(visits: pd.DataFrame) -> pd.DataFrame:
    shown = visits.dropna(subset=["photo_sha256"])
    # A visit that replaces another by the same inspector may send its photograph again.
    occasion = shown["plan_id"] + "|" + shown["level"] + "|" + shown["inspector_code"]
    uses = occasion.groupby(shown["photo_sha256"]).transform("nunique")
    first = shown["visit_id"].groupby(shown["photo_sha256"]).transform("min")
    evidence = pd.DataFrame({"photo_sha256": shown["photo_sha256"], "first_visit_id": first})
    return _visit_flag(shown, "photo_reused", uses, 1, evidence)


def _same_answers(visits: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    met = _numbers(visits, "jobs_found_count") == _numbers(visits, "registered_job_count")
    answers = visits.assign(is_job_count_met=met)[list(rules["answer_columns"])].astype(object)
    said = answers.where(answers.notna(), "").astype(str)
    pattern = said.iloc[:, 0].str.cat(said.iloc[:, 1:], sep="|")
    kind = visits["agency_code"] + "|" + visits["plan_kind"]
    tally = _cell_shares(kind, pattern, visits["inspector_code"])
    by = pd.DataFrame({"pattern": pattern, "log_share": np.log(tally)}).groupby(visits["inspector_code"])
    alike = by.agg(visits=("pattern", "size"), patterns=("pattern", "nunique"), pattern=("pattern", "first"),
                   log_share=("log_share", "mean"))  # fmt: skip
    alike = alike[alike["visits"] >= int(rules["minimum_inspector_visit_count"])]
    chance = _chance_all_same(
        alike["visits"].to_numpy(), np.exp(alike["log_share"].to_numpy()), float(rules["answer_correlation"])
    )
    p_value = _holm(np.where(alike["patterns"] == 1, chance, 1.0))
    evidence = alike[["visits", "pattern"]]
    return _tested("inspector", "answers_all_same", pd.Series(alike.index), alike["visits"], p_value, evidence, rules)


def _cell_shares(kind: pd.Series, pattern: pd.Series, inspector: pd.Series) -> FloatArray:
    """Share of a visit's pattern among the visits of others to plans of its kind, never quite 0 nor 1."""

    def count(*keys: pd.Series) -> FloatArray:
        return kind.groupby(list(keys)).transform("size").to_numpy(dtype=np.float64)

    like_it = count(kind, pattern) - count(kind, pattern, inspector)
    every = count(kind) - count(kind, inspector)
    return (like_it + 0.5) / (every + 1)


def _chance_all_same(count: npt.NDArray[Any], share: FloatArray, correlation: float) -> FloatArray:
    """Chance that all of an honest inspector's answers are the same: beta-binomial."""
    size = (1 - correlation) / correlation
    log = (
        special.gammaln(share * size + count)
        - special.gammaln(share * size)
        - special.gammaln(size + count)
        + special.gammaln(size)
    )
    return np.asarray(np.exp(log), dtype=np.float64)


def _digit_preference(visits: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    unit, least = int(rules["digit_unit_rial"]), int(rules["minimum_inspector_visit_count"])
    digits = pd.concat([_digit_table(visits, one, unit, least) for one in rules["digit_columns"]], ignore_index=True)
    if digits.empty:
        return _nothing()
    adjusted = digits.assign(p_value=_holm(digits["p_value"].to_numpy()))
    # An inspector is flagged once, for the amount that says most.
    worst = adjusted.sort_values(["p_value", "inspector_code", "column"]).drop_duplicates("inspector_code")
    return _tested(
        "inspector", "digit_preference", worst["inspector_code"], worst["chi_square"], worst["p_value"].to_numpy(),
        worst[["column", "visits", "digit_counts"]], rules,
    )  # fmt: skip


def _digit_table(visits: pd.DataFrame, column: str, unit: int, least: int) -> pd.DataFrame:
    filled = visits[_numbers(visits, column) >= 10 * unit]
    digit = (filled[column].astype("int64") // unit % 10).to_numpy()
    codes, inspectors = pd.factorize(filled["inspector_code"], sort=True)
    counts = np.bincount(codes * 10 + digit, minlength=10 * len(inspectors)).reshape(-1, 10)
    enough = counts.sum(axis=1) >= least
    others = (counts.sum(axis=0) - counts)[enough]
    counts, inspectors = counts[enough], inspectors[enough]
    own = counts.sum(axis=1)
    share = (others + 0.5) / (others.sum(axis=1, keepdims=True) + 5)
    expected = own[:, None] * share
    chi_square = ((counts - expected) ** 2 / np.maximum(expected, np.finfo(np.float64).tiny)).sum(axis=1)
    return pd.DataFrame(
        {
            "inspector_code": np.asarray(inspectors, dtype=object),
            "column": column,
            "visits": own,
            "chi_square": chi_square,
            "p_value": _chi_square_tail(chi_square, own, share),
            "digit_counts": pd.Series(counts.tolist(), dtype=object),
        }
    )


def _chi_square_tail(statistic: FloatArray, count: npt.NDArray[Any], share: FloatArray) -> FloatArray:
    """Tail of chi-square against unequal shares: a gamma of its exact mean and variance, exact where it is small.

    Digits that hardly anyone writes have small expectations, and there the usual tail cries wolf.
    """
    k = share.shape[1]
    variance = 2 * (k - 1) + ((1 / share).sum(axis=1) - k**2 - 2 * k + 2) / count
    tail = stats.gamma.sf(statistic, (k - 1) ** 2 / variance, scale=variance / (k - 1))
    # Few honest inspectors come so far: the exact tail is dear, and only the far ones need it.
    far = np.flatnonzero(tail < FAR_TAIL)
    tail[far] = [_exact_tail(statistic[one], int(count[one]), share[one]) for one in far]
    return np.asarray(tail, dtype=np.float64)


def _exact_tail(statistic: float, count: int, share: FloatArray) -> float:
    """Add up the chance of all ways to write `count` digits that lie as far out as `statistic`, digit by digit.

    Counts of a multinomial are Poisson counts whose sum is known; distances are added in steps of a 400th.
    """
    written = np.arange(count + 1)
    # Row m, column s: m digits written so far, s steps away; the last column is all that is as far.
    joint = np.zeros((count + 1, TAIL_STEPS + 1))
    joint[0, 0] = 1.0
    for expected in count * share:
        chance = stats.poisson.pmf(written, expected)
        steps = np.rint((written - expected) ** 2 / expected / statistic * TAIL_STEPS).astype(np.int64)
        more = np.zeros_like(joint)
        for number in written[chance > 0]:
            step = min(int(steps[number]), TAIL_STEPS)
            before = joint[: count + 1 - number] * chance[number]
            more[number:, step:] += before[:, : TAIL_STEPS + 1 - step]
            more[number:, TAIL_STEPS] += before[:, TAIL_STEPS + 1 - step :].sum(axis=1)
        joint = more
    return float(joint[count, TAIL_STEPS - 1 :].sum() / joint[count].sum())


def _expected(decided: pd.DataFrame, confirmed: BoolArray, inverse_penalty: float) -> FloatArray:
    mix = decided[["agency_code", "plan_kind", "province_code", "county_code"]].astype(str)
    design = OneHotEncoder(dtype=np.float64).fit_transform(mix)
    model = LogisticRegression(C=inverse_penalty, solver="newton-cholesky", tol=1e-8, max_iter=200)
    chance: FloatArray = model.fit(design, confirmed).predict_proba(design)[:, 1]
    return chance


def _overdispersion(z: FloatArray, winsorised: float) -> float:
    """Estimate how much more honest firms differ than chance alone says, from all but the ends; at least 1."""
    low, high = np.quantile(z, [winsorised, 1 - winsorised])
    end = stats.norm.ppf(1 - winsorised)
    # Cutting the ends of plain chance leaves so much of its variance.
    left = 2 * winsorised * end**2 + (1 - 2 * winsorised) - 2 * end * stats.norm.pdf(end)
    return max(1.0, float(np.mean(np.clip(z, low, high) ** 2) / left))


def _holm(p_value: FloatArray) -> FloatArray:
    """Adjust p-values so that one limit holds the chance of any false alarm among them."""
    order = np.argsort(p_value, kind="stable")
    factor = np.arange(len(p_value), 0, -1)
    adjusted = np.empty(len(p_value))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_value[order] * factor), 1.0)
    return adjusted


def _visit_flag(visits: pd.DataFrame, flag: str, statistic: Any, limit: Any, evidence: pd.DataFrame) -> pd.DataFrame:
    value = np.round(pd.Series(statistic).to_numpy(dtype=np.float64, na_value=np.nan), DECIMALS)
    limits = np.broadcast_to(np.asarray(limit, dtype=np.float64), value.shape)
    # Nothing that was not reported is above a limit.
    return _rows(
        "visit", flag, visits["visit_id"], value, limits, np.full(len(value), np.nan), evidence, value > limits
    )


def _tested(
    kind: str, flag: str, codes: pd.Series, statistic: Any, p_value: FloatArray, evidence: pd.DataFrame,
    rules: Mapping[str, Any],
) -> pd.DataFrame:  # fmt: skip
    share = float(rules["false_alarm_share"])
    value: FloatArray = np.asarray(np.round(np.asarray(statistic), DECIMALS), dtype=np.float64)
    limits: FloatArray = np.full(len(value), share, dtype=np.float64)
    return _rows(kind, flag, codes, value, limits, np.round(p_value, DECIMALS), evidence, p_value < share)


def _rows(
    kind: str, flag: str, codes: pd.Series, statistic: FloatArray, limits: FloatArray, p_value: FloatArray,
    evidence: pd.DataFrame, is_flagged: BoolArray,
) -> pd.DataFrame:  # fmt: skip
    if not is_flagged.any():
        return _nothing()
    shown = evidence.reset_index(drop=True)[is_flagged]
    # One JSON object a line; dates as days.
    lines = shown.astype({name: str for name in shown.columns if name.endswith("_on")}).to_json(
        orient="records", lines=True
    )
    return pd.DataFrame(
        {
            "subject_kind": kind,
            "subject_code": codes.to_numpy(dtype=object)[is_flagged],
            "flag": flag,
            "statistic": statistic[is_flagged],
            "limit_value": limits[is_flagged],
            "p_value": p_value[is_flagged],
            "evidence": lines.splitlines(),
        },
        columns=COLUMNS,
    )


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=COLUMNS)


def _says(answers: pd.Series, value: bool) -> BoolArray:
    # A missing answer says neither.
    return (answers == value).to_numpy(dtype=bool, na_value=False)


def _place(visits: pd.DataFrame, prefix: str) -> dict[str, FloatArray]:
    return {axis: _numbers(visits, prefix + axis) for axis in ("latitude", "longitude")}


def _numbers(visits: pd.DataFrame, column: str) -> FloatArray:
    return pd.to_numeric(visits[column]).to_numpy(dtype=np.float64, na_value=np.nan)
