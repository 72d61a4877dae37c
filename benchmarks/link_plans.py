"""Find plans without a national ID again under another agency, with the truth known: time, precision and recall.

Run with PAYESH_DATABASE_URL set to a scratch database, or let it start the embedded server:

    python -m benchmarks.link_plans --plans 240000
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from demo import chance, population, scenario

YEAR = 1403
AGENCIES = ("P01", "P02", "P03", "P04", "P05", "P06")
# Of the plans that lack an ID, so many stand under another agency too; how that agency writes them by chance.
AGAIN_SHARE = 0.5
NOISE = {"name_letter": 0.20, "name_cut": 0.05, "approved_off": 0.20, "paid_off": 0.15, "loan_off": 0.05,
         "activity_section": 0.30, "other_county": 0.02}  # fmt: skip


def main() -> None:
    """Lay invented plans into the warehouse, assemble the frame, and hold the pairs against the truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plans", type=int, default=240_000)
    parser.add_argument("--without", type=float, default=0.01, help="share of the plans without an ID")
    asked = parser.parse_args()
    with _scratch():
        plans = invent(asked.plans, asked.without)
        _lay_in(plans)
        seconds = _assemble()
        without = int((plans["national_id"] == "").sum())
        twice = plans["person"].duplicated(keep=False) & (plans["national_id"] == "")
        print(f"{len(plans):,} plans, {without:,} without an ID, {twice.sum():,} of them under two agencies")
        print(f"frame assembled in {seconds:.1f} s (wanted at most 30 s more than with every ID)")
        _say_how_well(plans, set(plans.loc[twice, "plan_id"]))


def _say_how_well(plans: pd.DataFrame, twice: set[str]) -> None:
    person = plans.set_index("plan_id")["person"]
    found = _pairs()
    found["is_true"] = found["plan_id_left"].map(person).eq(found["plan_id_right"].map(person))
    for name, decisions in {"linked": ["linked"], "linked or in review": ["linked", "review"]}.items():
        chosen = found[found["decision"].isin(decisions)]
        right = chosen[chosen["is_true"]]
        met = twice & {*right["plan_id_left"], *right["plan_id_right"]}
        print(f"{name}: {len(chosen):,} pairs, precision {chosen['is_true'].mean():.4f}, of the plans without an ID"
              f" that stand under two agencies {len(met) / len(twice):.4f}")  # fmt: skip


def invent(count: int, share: float) -> pd.DataFrame:
    """Invent plans of six agencies, some without an ID; `person` says whose each one is."""
    full = scenario.load("full")
    year = dataclasses.replace(full.year(YEAR), eligible_plan_count=count)
    least = min(full.least_plans_per_county, count // 1000)
    sized = dataclasses.replace(full, years={YEAR: year}, least_plans_per_county=least)
    plans = population.plans(sized, YEAR)
    plans = plans[plans["role"].isin(["eligible", "repeated"]) & (plans["national_id"] != "")].reset_index(drop=True)
    first = plans[plans["role"] == "eligible"]
    drawn = chance.of_codes("link", "without", first["plan_id"])
    lost = first.index[drawn < share * (1 - AGAIN_SHARE)]
    twice = first[(drawn >= 0.5) & (drawn < 0.5 + share * AGAIN_SHARE)]
    again = _written_again(twice).assign(person=twice["national_id"])
    plans["person"] = plans["national_id"]
    plans.loc[lost, "national_id"] = ""
    return pd.concat([plans, again], ignore_index=True)


def _written_again(plans: pd.DataFrame) -> pd.DataFrame:
    """Write plans down as another agency without IDs would, each difference by its own chance."""
    again = plans.assign(national_id="", plan_number="N" + plans["agency_code"] + plans["plan_number"])
    place = plans["agency_code"].map({code: number for number, code in enumerate(AGENCIES)}).to_numpy()
    step = 1 + np.floor(5 * chance.of_codes("link", "agency", plans["plan_id"])).astype(int)
    again["agency_code"] = np.array(AGENCIES, dtype=object)[(place + step) % len(AGENCIES)]
    again["plan_id"] = again["agency_code"] + "-" + again["plan_number"]
    falls = {name: chance.of_codes("link", name, plans["plan_id"]) < one for name, one in NOISE.items()}
    name = again["applicant_name"]
    name = name.mask(falls["name_letter"], name.str[:2] + "ه" + name.str[3:])
    again["applicant_name"] = name.mask(falls["name_cut"], name.str.split(" ").str[-1])
    for column in ("approved", "paid"):
        # Another day of the same month, which every month has.
        other = again[f"{column}_on"].str[:-2] + "17"
        again[f"{column}_on"] = again[f"{column}_on"].mask(falls[f"{column}_off"], other)
    again["loan_paid_rial"] = again["loan_paid_rial"].mask(falls["loan_off"], again["loan_paid_rial"] * 21 // 20)
    again["activity_code"] = again["activity_code"].mask(falls["activity_section"], "A")
    capital = population.counties().drop_duplicates("province_code").set_index("province_code")["county_code"]
    again["county"] = again["county"].mask(falls["other_county"], again["province"].map(capital))
    return again


def _lay_in(plans: pd.DataFrame) -> None:
    from methods import calendar, persian
    from tasks import reference
    from tasks.edges import warehouse

    reference.load()
    rows = plans[["plan_number", "plan_id", "agency_code", "applicant_name", "budget_note", "plan_kind",
                  "loan_approved_rial", "loan_paid_rial", "job_commitment_count", "registered_job_count",
                  "latitude", "longitude"]].copy()  # fmt: skip
    rows["applicant_name_key"] = [persian.name_key(name) for name in plans["applicant_name"]]
    rows["national_id"] = plans["national_id"].replace("", None)
    rows["province_code"], rows["county_code"] = plans["province"], plans["county"]
    rows["activity_code"] = plans["activity_code"]
    for name in ("approved_on", "paid_on"):
        rows[name] = calendar.read_dates(plans[name].tolist())[0].astype(str)
    rows["year"], rows["phase"], rows["row_number"] = YEAR, 1, np.arange(len(rows))
    rows["delivery_id"] = "BENCH-" + rows["agency_code"] + f"-{YEAR}"
    day = "2025-01-01"
    for code in AGENCIES:
        own = f"BENCH-{code}-{YEAR}"
        source = {"source_code": own, "agency_code": code, "agency_name": code, "form": "loan_plan",
                  "is_rehearsal": True}  # fmt: skip
        delivery = {"delivery_id": own, "source_code": own, "form": "loan_plan", "year": YEAR, "phase": 1,
                    "received_on": day, "received_at": day, "version": 1, "file_name": "x", "byte_count": 1,
                    "sha256": own, "is_correction": False}  # fmt: skip
        outcome = {"delivery_id": own, "status": "accepted", "row_count": 1, "rejected_row_count": 0,
                   "source_version": "x"}  # fmt: skip
        warehouse.upsert_reference("source", pd.DataFrame([source]))
        warehouse.append("landing.delivery", {"delivery_id": own}, pd.DataFrame([delivery]))
        warehouse.append("staging.delivery_outcome", {"delivery_id": own}, pd.DataFrame([outcome]))
    warehouse.replace("staging.loan_plan", {"year": YEAR}, rows)


def _assemble() -> float:
    from methods.period import Period
    from tasks import frame

    start = time.perf_counter()
    print(frame.assemble_frame.fn(Period(YEAR)))
    return time.perf_counter() - start


def _pairs() -> pd.DataFrame:
    from tasks.edges import warehouse

    with warehouse.transaction() as connection:
        result = connection.execute(
            sa.text("select plan_id_left, plan_id_right, decision from frame.linked_pair where year = :year"),
            {"year": YEAR},
        )
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


@contextmanager
def _scratch() -> Iterator[None]:
    if os.environ.get("PAYESH_DATABASE_URL"):
        yield
        return
    from payesh.postgres import Postgres

    with tempfile.TemporaryDirectory() as name:
        server = Postgres(Path(name))
        os.environ["PAYESH_HOME"] = name
        os.environ["PAYESH_DATABASE_URL"] = server.address(server.start(), "payesh")
        try:
            yield
        finally:
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
