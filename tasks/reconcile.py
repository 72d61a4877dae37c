"""Estimate stage, reconciliation: which readings of a round's verdicts yield a published rate."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import pandas as pd

from methods.errors import SettingWrong
from methods.estimate import reconcile
from methods.estimate.reconcile import Arithmetic, Claim
from methods.period import Period
from tasks.edges import warehouse


@dataclass(frozen=True)
class Reconciliation:
    """A claim held against its own numbers, and against every reading of a round.

    Attributes:
        period: the round.
        cutoff: of the verdicts that were read.
        claim: what was published.
        arithmetic: what its own numbers say.
        readings: see `methods.estimate.reconcile.list_readings`.
    """

    period: Period
    cutoff: datetime.date
    claim: Claim
    arithmetic: Arithmetic
    readings: pd.DataFrame

    @property
    def is_reconciled(self) -> bool:
        """Whether the claim's own numbers or any reading yield the rate."""
        return self.arithmetic.verdict == "ok" or bool(self.readings["yields"].any())


def reconcile_claim(period: Period, claim: Claim, cutoff: datetime.date | None = None) -> Reconciliation:
    """Look for a published rate in the verdicts of a round, at the newest cut-off up to the one asked for.

    Raises:
        SettingWrong: the round has no verdicts.
    """
    partition = {"year": period.year, "phase": period.phase}
    day = warehouse.read("estimate/reconcile_cutoff.sql", **partition, cutoff=cutoff)["cutoff"].iloc[0]
    if pd.isna(day):
        raise SettingWrong(
            place=f"verdicts of {period}",
            found="none" if cutoff is None else f"none up to {cutoff}",
            wanted="a round whose visits have been collected",
            remedy=f"Run `payesh run {period.year}" + (f" --phase {period.phase}`." if period.phase > 1 else "`."),
        )
    cells = warehouse.read("estimate/reconcile_cell.sql", **partition, cutoff=day)
    repeats = warehouse.read("estimate/reconcile_repeat.sql", **partition, cutoff=day)
    readings = reconcile.list_readings(reconcile.tally(cells, repeats), claim)
    return Reconciliation(period, day, claim, reconcile.check_arithmetic(claim), readings)
