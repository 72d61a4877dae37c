"""What is true of the invented plans, and what the invented inspectors therefore report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from demo import chance, field
from demo.population import jalali_text
from demo.scenario import Scenario, Year

# How far provinces and counties differ, in log-odds from end to end.
PROVINCE_SPREAD = 0.8
COUNTY_SPREAD = 0.6
ACCURACY_IF_UNKNOWN = 0.72


@dataclass(frozen=True)
class Cuts:
    """The scores from which on a plan is decided, and a decided plan confirmed."""

    decided: float
    confirmed: float


def cuts(plans: pd.DataFrame, scenario: Scenario, year: int) -> Cuts:
    """Find the cuts at which just the scenario's counts of plans are decided and confirmed.

    A list of another length than the scenario's gets counts in proportion.
    """
    size = scenario.year(year)
    decided = _in_proportion(size.decided_plan_count, size, len(plans))
    confirmed = _in_proportion(size.confirmed_plan_count, size, len(plans))
    reach = _reach(plans, scenario, year)
    hold = _hold(plans, scenario, year)
    first = _largest(reach, decided)
    return Cuts(first, _largest(hold[reach >= first], confirmed))


def truth(plans: pd.DataFrame, scenario: Scenario, year: int, at: Cuts | None = None) -> pd.DataFrame:
    """Say what an inspector finds at each plan, whether one is sent or not.

    Two plans of one home differ by chance alone; agencies, provinces and counties differ in earnest,
    so that an estimate has something to find. With the cuts of an issued list, the truth of its plans
    is what their visits report.

    Args:
        plans: plan_id, agency_code, province_code, county_code, plan_kind, registered_job_count.
        scenario: accuracy of the agencies, division of the rest, seed.
        year: Jalali year of the plans.
        at: the cuts to apply; without them those of these plans.

    Returns:
        One row a plan, in its order and index: is_decided, is_confirmed, contact_outcome, is_final,
        has_rule_breach, loan_use, is_running, jobs_found_count; the last three missing without contact.
    """
    at = at or cuts(plans, scenario, year)
    seed = f"{scenario.seed}|{year}"
    decided = _reach(plans, scenario, year) >= at.decided
    confirmed = decided & (_hold(plans, scenario, year) >= at.confirmed)
    reason = np.where(decided, "", _divided(plans, scenario.undecided, f"{seed}|undecided"))
    refusals = _divided(plans, scenario.not_confirmed, f"{seed}|not confirmed")
    refusal = np.where(decided & ~confirmed, refusals, "")
    contacted = decided | (reason == "not_final")
    running, jobs = _jobs(plans, refusal, seed)
    found = pd.DataFrame(
        {
            "is_decided": decided,
            "is_confirmed": confirmed,
            "contact_outcome": np.where(contacted, "contacted", reason),
            "is_final": decided | ~contacted,
            "has_rule_breach": refusal == "violation",
            "loan_use": np.where(refusal == "deviation", "other_purpose", "approved_purpose"),
            "is_running": pd.array(running, dtype="boolean"),
            "jobs_found_count": pd.array(jobs, dtype="Int64"),
        },
        index=plans.index,
    )
    # Who was not met has shown nothing.
    found.loc[~contacted, ["loan_use", "is_running", "jobs_found_count"]] = None
    return found


def visits(
    issued: pd.DataFrame, scenario: Scenario, year: int, phase: int, reinspected: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Report the visits to the plans of an issued list, and their blind repeats, in the form of visits.

    Args:
        issued: the columns of truth, and firm_code, inspector_code; latitude and longitude where they are known.
        scenario: the rehearsal that the list was drawn in.
        year: Jalali year of the plans.
        phase: round of supervision, 1 or 2.
        reinspected: plan_id, level, firm_code (may be empty), inspector_code of the visits to repeat.

    Returns:
        The columns of the form visit: one row an issued plan, by plan_id, then one row a repeat.
    """
    issued = issued.sort_values("plan_id", ignore_index=True)
    # Where a plan stands is settled once: who repeats a visit goes to the same place.
    issued = issued.assign(**field.places(issued, scenario.seed))
    found = truth(issued, scenario, year)
    when = chance.of_codes(f"{scenario.seed}|{year}-{phase}", "visited", issued["plan_id"])
    day = scenario.visits["first_day"][phase] + np.floor(when * scenario.visits["day_count"]).astype(np.int64)
    first = issued.assign(visit_id=f"V{year}{phase}-" + issued["plan_id"], level="county", day=day)
    reports = [_report(first, found, scenario, year, phase)]
    if reinspected is not None and len(reinspected):
        reports.append(_repeats(first, found, reinspected, scenario, year, phase))
    return pd.concat(reports, ignore_index=True)


def _repeats(
    first: pd.DataFrame, found: pd.DataFrame, reinspected: pd.DataFrame, scenario: Scenario, year: int, phase: int
) -> pd.DataFrame:
    """Report the blind repeats: what the first visit found, save where it was wrong."""
    who = reinspected[["plan_id", "level", "firm_code", "inspector_code"]].sort_values(["level", "plan_id"])
    plans = first.drop(columns=["level", "firm_code", "inspector_code"])
    again = who.merge(plans.assign(row=np.arange(len(first))), on="plan_id", validate="m:1").reset_index(drop=True)
    seed = f"{scenario.seed}|{year}-{phase}"
    later = 5 + np.floor(25 * chance.of_codes(f"{seed}|repeat", "day", again["plan_id"] + again["level"]))
    again["day"] += later.astype(np.int64)
    again["visit_id"] = "R" + again["level"].str[0].str.upper() + again["visit_id"].str[1:]
    seen = found.iloc[again["row"]].reset_index(drop=True)
    return _report(again, _corrected(seen, again, scenario.first_visit_errors, seed), scenario, year, phase)


def _corrected(seen: pd.DataFrame, again: pd.DataFrame, errors: Mapping[str, float], seed: str) -> pd.DataFrame:
    # One truth a plan: the inspectors of two levels find the same first visit wrong.
    wrong = chance.of_codes(f"{seed}|first visit", "error", again["plan_id"])
    is_confirmed = seen["is_decided"] & seen["is_confirmed"]
    is_refused = seen["is_decided"] & ~seen["is_confirmed"]
    to_refuse = is_confirmed & (wrong < errors["confirmed_wrongly"])
    to_confirm = is_refused & (wrong < errors["refused_wrongly"])
    seen.loc[to_refuse, "loan_use"] = "other_purpose"
    for answer, value in (("has_rule_breach", False), ("loan_use", "approved_purpose"), ("is_running", True)):
        seen.loc[to_confirm, answer] = value
    registered = pd.to_numeric(again["registered_job_count"]).astype("Int64")
    seen["jobs_found_count"] = seen["jobs_found_count"].mask(to_confirm, registered)
    return seen


def _report(visited: pd.DataFrame, found: pd.DataFrame, scenario: Scenario, year: int, phase: int) -> pd.DataFrame:
    seed = f"{scenario.seed}|{year}-{phase}"
    place = visited[["latitude", "longitude"]]
    is_contacted = found["contact_outcome"] == "contacted"
    time = field.schedule(visited.assign(is_contacted=is_contacted), seed)
    report = visited[["visit_id", "plan_id", "level", "firm_code", "inspector_code"]].assign(
        visited_on=jalali_text(year + 1, time["day"].to_numpy())
    )
    report = report.join(found.drop(columns=["is_decided", "is_confirmed"]))
    report = report.join(time[["started_minute", "ended_minute"]]).join(field.seen_from(place, visited, seed))
    report["photo_sha256"] = pd.Series(field.photo_hashes(visited, seed), dtype=object).where(is_contacted, None)
    registered = pd.to_numeric(visited["registered_job_count"])
    amounts = field.amounts(visited, registered, seed).astype("Int64")
    amounts["sales_rial"] = amounts["sales_rial"].where(found["is_running"].fillna(True).astype(bool), 0)
    return report.join(amounts.where(is_contacted, pd.NA))


def _reach(plans: pd.DataFrame, scenario: Scenario, year: int) -> np.ndarray:
    """Score how likely a plan comes to a decision at all."""
    seed = f"{scenario.seed}|{year}|reach"
    noise = chance.logistic(chance.of_codes(seed, "plan", plans["plan_id"]))
    return noise + PROVINCE_SPREAD * (chance.of_codes(seed, "province", plans["province_code"]) - 0.5)


def _hold(plans: pd.DataFrame, scenario: Scenario, year: int) -> np.ndarray:
    """Score how well a plan holds at a visit."""
    # Places keep their ways from year to year; plans do not.
    place = f"{scenario.seed}|hold"
    accuracy = plans["agency_code"].map({code: agency.accuracy for code, agency in scenario.agencies.items()})
    accuracy = accuracy.astype(float).fillna(ACCURACY_IF_UNKNOWN).to_numpy()
    noise = chance.logistic(chance.of_codes(f"{scenario.seed}|{year}|hold", "plan", plans["plan_id"]))
    province = chance.of_codes(place, "province", plans["province_code"]) - 0.5
    county = chance.of_codes(place, "county", plans["county_code"]) - 0.5
    harder = np.where(plans["plan_kind"] == "enterprise", 0.15, 0.0)
    odds = np.log(accuracy / (1 - accuracy))
    return odds + PROVINCE_SPREAD * province + COUNTY_SPREAD * county - harder + noise


def _in_proportion(wanted: int, size: Year, length: int) -> int:
    whole = size.supervised_plan_count
    return (2 * wanted * length + whole) // (2 * whole)


def _largest(scores: np.ndarray, count: int) -> float:
    if count == 0:
        return float("inf")
    return float(np.partition(scores, len(scores) - count)[len(scores) - count])


def _divided(plans: pd.DataFrame, shares: Mapping[str, float], seed: str) -> np.ndarray:
    bounds = np.cumsum(list(shares.values()))
    draws = chance.of_codes(seed, "division", plans["plan_id"])
    place = np.searchsorted(bounds / bounds[-1], draws, side="right")
    return np.array(list(shares), dtype=object)[np.minimum(place, len(bounds) - 1)]


def _jobs(plans: pd.DataFrame, refusal: np.ndarray, seed: str) -> tuple[np.ndarray, np.ndarray]:
    registered = plans["registered_job_count"].to_numpy(dtype=np.int64)
    chances = chance.of_codes(seed, "jobs found", plans["plan_id"])
    running = np.ones(len(plans), dtype=bool)
    closed = (refusal == "discrepancy") & (chances < 0.4) | (refusal == "deviation") & (chances < 0.5)
    running[closed] = False
    # A shortfall is half the jobs or more, so that no tolerance of a guideline makes the plan hold.
    some = np.floor(chances * (registered // 2 + 1)).astype(np.int64)
    more = registered + (chances > 0.97)
    jobs = np.where(np.isin(refusal, ["discrepancy", "deviation"]), some, more)
    return running, np.where(running, jobs, 0)
