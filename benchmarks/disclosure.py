"""Time protecting a national edition, one table and all of them: `python -m benchmarks.disclosure [case ...]`."""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from methods.disclosure import Protection, contributions, protect_amounts, protect_counts
from methods.disclosure.table import Hierarchy
from tasks.edges import law

PLANS, PROVINCES, COUNTIES = 48_004, 31, 482
# Column -> how many domains it has.
DOMAINS = {"agency": 20, "bank": 15, "activity": 19, "age": 7, "education": 6, "loan_band": 6, "job_band": 5,
           "loan_year": 4, "applicant": 3, "sex": 2, "plan_kind": 2, "settlement": 2}  # fmt: skip
STATUS: Hierarchy = {
    "issued": None, "supervised": "issued", "unsupervised": "issued", "decided": "supervised",
    "undecided": "supervised", "confirmed": "decided", "refused": "decided", "deviation": "refused",
    "violation": "refused", "discrepancy": "refused",
}  # fmt: skip
SHARES = {"unsupervised": 0.05, "undecided": 0.05, "confirmed": 0.68, "deviation": 0.12, "violation": 0.06,
          "discrepancy": 0.04}  # fmt: skip
NOT_PRINTED = ("refused", "unsupervised", "undecided")
NATION, ALL = "IR", "all"
Case = tuple[Callable[..., Protection], pd.DataFrame, dict[str, Hierarchy]]
PLACE: Hierarchy = {
    NATION: None,
    **{f"P{row:02d}": NATION for row in range(PROVINCES)},
    **{f"C{row:03d}": f"P{row % PROVINCES:02d}" for row in range(COUNTIES)},
}


def main() -> None:
    """Print of each case its size, what is withheld, time and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", help=", ".join(CASES))
    for name in parser.parse_args().case or CASES:
        _measure(name, *CASES[name]())


def _measure(
    name: str, protect: Callable[..., Protection], cells: pd.DataFrame, tables: Mapping[str, Hierarchy]
) -> None:
    start, busy = time.perf_counter(), time.process_time()
    found = protect(cells, tables, _rules())
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    # Of the whole process, so of the largest case yet.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name:<14} {len(cells):,} cells, {found.withheld_count:,} withheld (at least {found.least_cost:,}),"
        f" {found.round_count} rounds, {seconds:.1f} s ({cpu:.1f} s of processor), at most {peak:,.0f} MiB",
        flush=True,
    )


def _rules() -> dict[str, Any]:
    publication = law.section_on("publication", "1403-01-01")
    return {**law.section_on("disclosure", "1403-01-01"), "minimum_count": publication["minimum_count"]}


def _agency_counts() -> Case:
    """Fill a table of places by agencies with the plans drawn."""
    tables = {"place": PLACE, "agency": _domains("agency")}
    return protect_counts, _filled(_plans(), tables), tables


def _agency_amounts() -> Case:
    """Fill a table of places by agencies with loans, each plan another contributor."""
    tables = {"place": PLACE, "agency": _domains("agency")}
    return protect_amounts, _added_up(_plans(), tables), tables


def _linked_counts() -> Case:
    """Fill all tables of an edition with plans."""
    return protect_counts, *_linked(_filled)


def _linked_amounts() -> Case:
    """Fill all tables of an edition with loans."""
    return protect_amounts, *_linked(_added_up)


CASES = {"agency counts": _agency_counts, "agency amounts": _agency_amounts, "linked counts": _linked_counts,
         "linked amounts": _linked_amounts}  # fmt: skip


def _linked(fill: Callable[..., pd.DataFrame]) -> tuple[pd.DataFrame, dict[str, Hierarchy]]:
    """Fill counties by status, and provinces and the nation by status and one dimension at a time."""
    tables: dict[str, Hierarchy] = {"place": PLACE, "status": STATUS} | {name: _domains(name) for name in DOMAINS}
    plans = _plans()
    parts = [fill(plans, {name: tables[name] for name in ("place", "status")})]
    above = plans.assign(place=plans["place"].map(PLACE))
    upper = {code: parent for code, parent in PLACE.items() if code not in set(plans["place"])}
    for name in DOMAINS:
        filled = fill(above, {"place": upper, "status": STATUS, name: tables[name]})
        parts.append(filled[filled[name] != ALL])
    cells = pd.concat(parts, ignore_index=True).fillna(dict.fromkeys(DOMAINS, ALL))
    return cells.assign(is_printed=~cells["status"].isin(NOT_PRINTED)), tables


def _domains(name: str) -> Hierarchy:
    return {ALL: None} | {f"{name}{row}": ALL for row in range(DOMAINS[name])}


def _plans() -> pd.DataFrame:
    """Draw plans: counties and domains of unequal size, loans of a long tail."""
    chance = np.random.default_rng(1403)
    weight = chance.pareto(2.0, COUNTIES) + 0.3
    plans = {"place": chance.choice([f"C{row:03d}" for row in range(COUNTIES)], PLANS, p=weight / weight.sum())}
    plans["status"] = chance.choice([*SHARES], PLANS, p=[*SHARES.values()])
    for name, count in DOMAINS.items():
        size = 1 / np.arange(1, count + 1)
        plans[name] = chance.choice([f"{name}{row}" for row in range(count)], PLANS, p=size / size.sum())
    loan = np.round(np.exp(chance.normal(20.5, 1.0, PLANS)), -6)
    return pd.DataFrame(plans).assign(plan=np.arange(PLANS), loan_rial=loan)


def _filled(plans: pd.DataFrame, tables: Mapping[str, Hierarchy]) -> pd.DataFrame:
    """Count plans in every cell, none where there is none."""
    counted = _with_ancestors(plans.groupby([*tables]).size().rename("value").reset_index(), tables)
    cells = pd.MultiIndex.from_product([[*codes] for codes in tables.values()], names=[*tables])
    return counted.groupby([*tables])["value"].sum().reindex(cells, fill_value=0).reset_index()


def _added_up(plans: pd.DataFrame, tables: Mapping[str, Hierarchy]) -> pd.DataFrame:
    """Add up loans in every cell that has one."""
    loans = _with_ancestors(plans[[*tables, "plan", "loan_rial"]], tables)
    return contributions(loans, [*tables], "loan_rial", "plan")


def _with_ancestors(rows: pd.DataFrame, tables: Mapping[str, Hierarchy]) -> pd.DataFrame:
    """Repeat each row for all that it is a part of."""
    for name, parent_of in tables.items():
        pairs = []
        for code in parent_of:
            above: str | None = code
            while above is not None:
                pairs.append((code, above))
                above = parent_of[above]
        lines = pd.DataFrame(pairs, columns=[name, "above"])
        rows = rows.merge(lines, on=name).drop(columns=name).rename(columns={"above": name})
    return rows


if __name__ == "__main__":
    main()
