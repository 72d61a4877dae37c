"""Backfill: past years, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow

from flows.full_run import full_run
from methods.errors import SourceFailed


@flow(flow_run_name="backfill-{years}")
def backfill(years: Sequence[int], phase: int = 1) -> None:
    """Run each year in full; one that fails does not stop the next, and is named at the end."""
    failures: dict[int, str] = {}
    for year in years:
        state = full_run(year, phase, return_state=True)
        if not state.is_completed():
            failures[year] = state.message or "failed"
    if failures:
        raise SourceFailed(
            place="backfill",
            found="; ".join(f"{year}: {message}" for year, message in failures.items()),
            wanted="every year to its bulletins",
            remedy="Mend what is named and run the backfill again: years that are done are not repeated.",
        )
