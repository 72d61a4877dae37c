"""What an agency gets back of a delivery, and what it sends back, before either is a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class FeedbackColumn:
    """One column of a form, as the agency knows it.

    Args:
        name: column of the form.
        header: header the agency delivers it under.
        label_fa: what it means.
        allowed: value the agency may write -> its meaning; None where any value may stand.
        kind: kind of value, as the form says it.
    """

    name: str
    header: str
    label_fa: str
    allowed: Mapping[str, str] | None
    kind: str


@dataclass(frozen=True)
class FeedbackSheet:
    """The rows of one delivery that are given back.

    Args:
        agency_name: for the reader.
        source_code: source of the delivery.
        delivery_id: the delivery.
        form: its form.
        period_text: its period, in words.
        is_rehearsal: whether the data are made up.
        row_count: rows delivered.
        given_back_count: rows given back, of which `rows` may hold the first only.
        columns: columns of the form, in the order the agency delivers them.
        rows: row_number and one text column a column of the form, as delivered.
        faults: row_number, column_name, reason_code, reason_fa, remedy_fa, found, candidates [text or null];
            a column_name that is no column of the form means the whole row.
    """

    agency_name: str
    source_code: str
    delivery_id: str
    form: str
    period_text: str
    is_rehearsal: bool
    row_count: int
    given_back_count: int
    columns: Sequence[FeedbackColumn]
    rows: pd.DataFrame
    faults: pd.DataFrame


@dataclass(frozen=True)
class Change:
    """What a version of a delivery changed against the version before.

    Args:
        version_before: number of that version.
        added_count: rows that are new.
        gone_count: rows that are gone.
        altered_count: rows that say something else.
        columns: what a column means -> rows altered in it.
    """

    version_before: int
    added_count: int
    gone_count: int
    altered_count: int
    columns: Mapping[str, int]


@dataclass(frozen=True)
class ValidationReport:
    """What became of one version of a delivery.

    Args:
        agency_name: for the reader.
        source_code: source of the delivery.
        delivery_id: the delivery.
        form_fa: what is delivered, in words.
        period_text: its period, in words.
        version: its version, from 1.
        received_text: the day it was received, in words of the Jalali calendar.
        is_rehearsal: whether the data are made up.
        contact: whom to ask.
        row_count: rows delivered.
        accepted_row_count: rows that go on.
        rejected_row_count: rows given back.
        outcome: accepted, accepted_with_warnings or refused.
        refusal: why a refused delivery was refused, in the words of the system; else None.
        notes: what was met while fetching and reading, as the receipt says it.
        rules: label_fa, severity (critical, warning, info), is_met, row_count [rows that break it, or null],
            threshold_fa [text or null].
        reasons: reason_code, reason_fa, remedy_fa, row_count [rows given back for it].
        examples: reason_code, row_number, column_name, kind, label_fa [what the column means], found; kind is
            null where the whole row is meant; those of a reason after the fifth are left out.
        change: against the version before, or None for the first.
        quality: period_text, dimension, share [0 to 1, or null], oldest period first.
    """

    agency_name: str
    source_code: str
    delivery_id: str
    form_fa: str
    period_text: str
    version: int
    received_text: str
    is_rehearsal: bool
    contact: str
    row_count: int
    accepted_row_count: int
    rejected_row_count: int
    outcome: str
    refusal: str | None
    notes: Sequence[str]
    rules: pd.DataFrame
    reasons: pd.DataFrame
    examples: pd.DataFrame
    change: Change | None
    quality: pd.DataFrame


@dataclass(frozen=True)
class Patch:
    """What an agency sends back: corrected rows of one delivery.

    Args:
        delivery_id: the delivery they correct.
        source_code: its source.
        form: its form.
        columns: columns of the form, in the order of the cells.
        rows: row number and cells as text.
        notes: what was met on the way, for the receipt.
    """

    delivery_id: str
    source_code: str
    form: str
    columns: list[str]
    rows: Iterator[tuple[int, list[str]]]
    notes: list[str]
