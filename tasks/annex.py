"""Bulletin stage, annexes: the workbooks and the open data of an edition, from all its figures as frozen."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd

from methods import calendar, persian
from tasks import bulletin
from tasks.edges import warehouse
from tasks.edges.annex import marks
from tasks.edges.annex.edition import PROGRAMME_FA, Edition
from tasks.edges.annex.marks import Published
from tasks.edges.annex.open_data import FILES

DATA = "data"
ROWS_AT_ONCE = 5_000
DATA_FILES = tuple(f"{DATA}/{name}" for name in FILES)


def publish(edition: bulletin.Edition, unit_code: str | None = None) -> Published:
    """Read the figures of an edition as anyone may have them.

    Args:
        edition: whose figures.
        unit_code: the nation or a province, to read no more than its own workbook holds; else all of them.
    """
    parts = warehouse.read_in_parts("bulletin/annex_figure.sql", ROWS_AT_ONCE, **edition.partition, unit_code=unit_code)
    return marks.publish(pd.concat(parts, ignore_index=True), naming(edition))


def naming(edition: bulletin.Edition) -> Edition:
    """Say what an annex names its edition by."""
    named, year = edition.edition, edition.period.year
    first, after = calendar.to_gregorian(np.array([year, year + 1]), np.ones(2, int), np.ones(2, int))
    return Edition(
        period=edition.period,
        cutoff=edition.cutoff,
        released_on=named["released_on"],
        kind=named["kind"],
        title_fa=PROGRAMME_FA,
        period_fa=persian.digits(f"سال {year}، دورهٔ {edition.period.phase}"),
        cutoff_fa=calendar.jalali_text_fa(edition.cutoff),
        released_fa=calendar.jalali_text_fa(named["released_on"]),
        first_day=first.item(),
        last_day=after.item() - datetime.timedelta(days=1),
        contact=named["contact"],
        address=named["address"],
        guideline=named["guideline_version"],
        is_rehearsal=named["is_rehearsal"],
        not_covered=tuple(edition.not_covered),
        names={"agency": {card["agency_code"]: card["agency_name"] for card in edition.agencies}},
    )
