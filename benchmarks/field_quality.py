"""How often the flags of inspectors cry wolf on honest rounds, and how many planted cheats they find.

    python -m benchmarks.field_quality --scale full --rounds 100 --planted 10

Honest rounds are simulated by hash (demo/round.py); so the table comes out the same wherever it is run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from demo import chance, scenario
from demo import round as rehearsed
from methods import field_quality, guideline

YEAR = 1403
LAW = Path(__file__).resolve().parents[1] / "guidelines" / "field_quality.yaml"
# What made-up last digits look like: few zeros, many sevens and threes.
MADE_UP = np.cumsum([0.02, 0.10, 0.10, 0.17, 0.10, 0.07, 0.10, 0.20, 0.10, 0.04])
CHEATS_A_ROUND = {"visit": 100, "inspector": 10, "firm": 3}


def main() -> None:
    """Print flag, subjects judged, false alarms, rounds with any, and power."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="full")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--planted", type=int, default=10)
    asked = parser.parse_args()
    rehearsal = scenario.load(asked.scale)
    issued = rehearsed.issued_plans(rehearsal, YEAR)
    alarms = false_alarms(issued, rehearsal, range(asked.rounds))
    power = found_cheats(issued, rehearsal, range(asked.rounds, asked.rounds + asked.planted))
    people = f"{issued['inspector_code'].nunique()} inspectors of {issued['firm_code'].nunique()} firms"
    print(f"{len(issued):,} visits a round by {people}; {asked.rounds} honest rounds, {asked.planted} with cheats")
    print("| flag | of | judged | false alarms | rate | rounds with any | planted | found | power |")
    print("|---|---|---|---|---|---|---|---|---|")
    for flag, row in alarms.join(power).iterrows():
        honest = f"{row['judged']:,} | {row['alarms']} | {row['alarms'] / row['judged']:.1e} | {row['rounds']}"
        guilty = f"{row['planted']} | {row['found']} | {row['found'] / row['planted']:.2f}"
        print(f"| {flag} | {row['kind']} | {honest} | {guilty} |")


def rules() -> guideline.Section:
    """Read the limits in force."""
    document = yaml.load(LAW.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    return guideline.section("field_quality", [document], f"{YEAR}-01-01")


def false_alarms(issued: pd.DataFrame, rehearsal: scenario.Scenario, numbers: range) -> pd.DataFrame:
    """Count the flags of honest rounds: kind, judged, alarms, rounds with any, by flag."""
    law = rules()
    subjects = {"visit": "plan_id", "inspector": "inspector_code", "firm": "firm_code"}
    rows = [(flag, kind, issued[subjects[kind]].nunique() * len(numbers)) for flag, kind in _kinds().items()]
    table = pd.DataFrame(rows, columns=["flag", "kind", "judged"]).set_index("flag").assign(alarms=0, rounds=0)
    for number in numbers:
        visits = rehearsed.honest_visits(issued, rehearsal, YEAR, number)
        counts = field_quality.flags(visits, law)["flag"].value_counts().reindex(table.index, fill_value=0)
        table["alarms"] += counts
        table["rounds"] += counts > 0
    return table


def found_cheats(issued: pd.DataFrame, rehearsal: scenario.Scenario, numbers: range) -> pd.DataFrame:
    """Plant cheats of each kind in an honest round, one kind at a time: planted, found, by flag."""
    law = rules()
    table = pd.DataFrame({"planted": 0, "found": 0}, index=list(_kinds()))
    for number in numbers:
        honest = rehearsed.honest_visits(issued, rehearsal, YEAR, number)
        for flag, plant in PLANTS.items():
            visits, guilty = plant(honest.copy(), f"{number}")
            found = field_quality.flags(visits, law).query("flag == @flag")["subject_code"]
            table.loc[flag, "planted"] += len(guilty)
            table.loc[flag, "found"] += len(set(guilty) & set(found))
    return table


Planted = tuple[pd.DataFrame, list[str]]


def _kinds() -> dict[str, str]:
    kinds = dict.fromkeys(field_quality.VISIT_FLAGS, "visit") | dict.fromkeys(
        field_quality.INSPECTOR_FLAGS, "inspector"
    )
    return kinds | dict.fromkeys(field_quality.FIRM_FLAGS, "firm")


def _some(codes: pd.Series, count: int, seed: str) -> list[str]:
    distinct = pd.Series(sorted(codes.unique()), dtype=object)
    return distinct[np.argsort(chance.of_codes(seed, "guilty", distinct), kind="stable")[:count]].tolist()


def _some_visits(visits: pd.DataFrame, seed: str, among: pd.Series | None = None) -> list[str]:
    codes = visits["visit_id"] if among is None else visits.loc[among, "visit_id"]
    return _some(codes, CHEATS_A_ROUND["visit"], seed)


def _pairs(visits: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Sort by inspector and time; say of each visit which came before it that day, and how far away."""
    ordered = visits.sort_values(["inspector_code", "visited_on", "started_minute", "visit_id"])
    before = ordered.shift()
    same = (ordered["inspector_code"] == before["inspector_code"]) & (ordered["visited_on"] == before["visited_on"])
    places = (frame[axis].to_numpy(dtype=float) for frame in (ordered, before) for axis in ("latitude", "longitude"))
    return ordered, before, pd.Series(field_quality.haversine_km(*places), index=ordered.index).where(same)


def _at_two_places(visits: pd.DataFrame, seed: str) -> Planted:
    ordered, before, way = _pairs(visits)
    guilty = _some_visits(ordered, seed, way > 2)
    rows = ordered["visit_id"].isin(guilty)
    visits.loc[ordered.index[rows], "started_minute"] = (before.loc[rows, "ended_minute"] - 5).astype(int)
    return visits, guilty


def _too_fast(visits: pd.DataFrame, seed: str) -> Planted:
    ordered, before, way = _pairs(visits)
    guilty = _some_visits(ordered, seed, way > 8)
    rows = ordered["visit_id"].isin(guilty)
    visits.loc[ordered.index[rows], "started_minute"] = (before.loc[rows, "ended_minute"] + 2).astype(int)
    return visits, guilty


def _from_home(visits: pd.DataFrame, seed: str) -> Planted:
    guilty = _some_visits(visits, seed)
    visits.loc[visits["visit_id"].isin(guilty), "latitude"] += 2
    return visits, guilty


def _by_night(visits: pd.DataFrame, seed: str) -> Planted:
    guilty = _some_visits(visits, seed)
    visits.loc[visits["visit_id"].isin(guilty), ["started_minute", "ended_minute"]] = [1380, 1400]
    return visits, guilty


def _same_photo(visits: pd.DataFrame, seed: str) -> Planted:
    guilty = _some_visits(visits, seed, visits["photo_sha256"].notna())
    rows = visits.index[visits["visit_id"].isin(guilty)]
    # One photograph serves two visits.
    visits.loc[rows, "photo_sha256"] = visits.loc[rows, "photo_sha256"].to_numpy()[np.arange(len(rows)) // 2]
    return visits, guilty


def _end_first(visits: pd.DataFrame, seed: str) -> Planted:
    guilty = _some_visits(visits, seed)
    rows = visits["visit_id"].isin(guilty)
    visits.loc[rows, "ended_minute"] = visits.loc[rows, "started_minute"] - 1
    return visits, guilty


def _before_time(visits: pd.DataFrame, seed: str) -> Planted:
    guilty = _some_visits(visits, seed)
    rows = visits["visit_id"].isin(guilty)
    visits.loc[rows, "received_on"] = visits.loc[rows, "visited_on"] - np.timedelta64(1, "D")
    return visits, guilty


def _jobs_of_closed_plans(visits: pd.DataFrame, seed: str) -> Planted:
    guilty = _some_visits(visits, seed)
    rows = visits["visit_id"].isin(guilty)
    visits.loc[rows, "is_running"], visits.loc[rows, "jobs_found_count"] = False, 2
    return visits, guilty


def _all_confirmed(visits: pd.DataFrame, seed: str) -> Planted:
    guilty = _some(visits["inspector_code"], CHEATS_A_ROUND["inspector"], seed)
    rows = visits["inspector_code"].isin(guilty)
    said = {"contact_outcome": "contacted", "is_final": True, "has_rule_breach": False, "loan_use": "approved_purpose",
            "is_running": True}  # fmt: skip
    for answer, value in said.items():
        visits.loc[rows, answer] = value
    visits.loc[rows, "jobs_found_count"] = visits.loc[rows, "registered_job_count"]
    return visits, guilty


def _made_up_amounts(visits: pd.DataFrame, seed: str) -> Planted:
    guilty = _some(visits["inspector_code"], CHEATS_A_ROUND["inspector"], seed)
    rows = visits["inspector_code"].isin(guilty) & visits["sales_rial"].gt(0).fillna(False)
    digit = np.searchsorted(MADE_UP, chance.of_codes(seed, "digit", visits.loc[rows, "visit_id"]), side="right")
    visits.loc[rows, "sales_rial"] = (visits.loc[rows, "sales_rial"] // 10**7 * 10 + np.minimum(digit, 9)) * 10**6
    return visits, guilty


def _lenient_firm(visits: pd.DataFrame, seed: str) -> Planted:
    """Let some firms confirm two of three plans that they should refuse."""
    guilty = _some(visits["firm_code"], CHEATS_A_ROUND["firm"], seed)
    passes = chance.of_codes(seed, "let pass", visits["visit_id"]) < 2 / 3
    visits.loc[visits["firm_code"].isin(guilty) & visits["is_decided"] & passes, "is_confirmed"] = True
    return visits, guilty


PLANTS: dict[str, Callable[[pd.DataFrame, str], Planted]] = {
    "two_places": _at_two_places,
    "too_fast": _too_fast,
    "outside_county": _from_home,
    "at_night": _by_night,
    "photo_reused": _same_photo,
    "ends_before_it_starts": _end_first,
    "visited_after_received": _before_time,
    "jobs_without_running": _jobs_of_closed_plans,
    "answers_all_same": _all_confirmed,
    "digit_preference": _made_up_amounts,
    "far_from_peers": _lenient_firm,
}


if __name__ == "__main__":
    main()
