"""The register of deliveries: which source delivers when, and what became of its newest delivery."""

from __future__ import annotations

import datetime

import pandas as pd

from methods.errors import DeliveryRefused, SettingWrong
from methods.period import Period
from tasks.edges import deliveries, forms, sources, warehouse
from tasks.edges.sources import Source


def delivering_sources(period: Period, among: tuple[str, ...], without: tuple[str, ...] = ()) -> list[str]:
    """List the sources of these forms that deliver in a period, but for those left out on purpose.

    Raises:
        SettingWrong: no source delivers, or one to be left out does not exist.
    """
    every = sources.load_all()
    unknown = sorted(set(without) - set(every))
    if unknown:
        raise SettingWrong(place="--without", found=", ".join(unknown), wanted=f"one of {', '.join(every)}")
    found = [
        code
        for code, source in every.items()
        if source.form in among
        and source.delivers(period)
        and code not in without
        and not deliveries.is_awaited(source, period)
    ]
    if not found:
        raise SettingWrong(
            place=f"sources for {period}",
            found="no source that delivers",
            wanted=f"a YAML of form {' or '.join(among)} whose years hold {period.year}",
        )
    return found


def known_forms() -> list[str]:
    """List the forms a source may deliver."""
    return list(forms.load_all())


def sources_of(period: Period, form: str) -> list[str]:
    """List the sources of a form that deliver in a period."""
    return [code for code, source in sources.load_all().items() if source.form == form and source.delivers(period)]


def current_delivery(source_code: str, period: Period) -> pd.Series | None:
    """Look up the newest delivery of a source and what became of it."""
    rows = warehouse.read("staging/current_delivery.sql", year=period.year, phase=period.phase, source_code=source_code)
    return None if rows.empty else rows.iloc[0]


def base_delivery(source_code: str, period: Period) -> pd.Series | None:
    """Look up the newest delivery of a source that is not a correction to another."""
    rows = _deliveries(source_code, period)
    own = rows[~rows["is_correction"] & ~rows["is_withdrawn"]]
    return None if own.empty else own.iloc[-1]


def former_delivery(source: Source, period: Period, day: datetime.date) -> pd.Series | None:
    """Look up the newest accepted delivery received before a day: what an incremental pull adds to."""
    rows = _deliveries(source.code, period)
    before = rows[(rows["status"] == "accepted") & (rows["received_on"] < day)]
    return None if before.empty else before.iloc[-1]


def has_delivered(source_code: str, period: Period, sha256: str) -> bool:
    """Say whether a source has delivered these very bytes in a period."""
    return bool((_deliveries(source_code, period)["sha256"] == sha256).any())


def refused_since(source_code: str, period: Period, sha256: str) -> list[str]:
    """List the versions that came after the accepted one and were not, where these are the bytes of that one."""
    rows = _deliveries(source_code, period)
    standing = rows[~rows["is_withdrawn"]]
    accepted = standing[standing["status"] == "accepted"]
    whole = accepted[~accepted["is_correction"]]
    if whole.empty or whole["sha256"].iloc[-1] != sha256:
        return []
    later: list[str] = standing.loc[standing["version"] > accepted["version"].max(), "delivery_id"].tolist()
    return later


def next_version(source_code: str, period: Period) -> int:
    """Count on from all versions of a source, those included that count no longer."""
    return max(_deliveries(source_code, period)["version"].tolist(), default=0) + 1


def _deliveries(source_code: str, period: Period) -> pd.DataFrame:
    rows = warehouse.read("staging/deliveries.sql", year=period.year, phase=period.phase, source_code=source_code)
    # Of no rows a column is of no kind, and could not be negated.
    return rows.astype({"is_correction": bool, "is_withdrawn": bool})


def required_delivery(source_code: str, period: Period) -> pd.Series:
    """Look up the newest delivery of a source.

    Raises:
        DeliveryRefused: it has delivered nothing for this period.
    """
    delivery = current_delivery(source_code, period)
    if delivery is None:
        raise DeliveryRefused(
            place=f"source {source_code}, {period}", found="no delivery", wanted="one that was received"
        )
    return delivery


def is_settled(source: Source, delivery: pd.Series) -> bool:
    """Say whether a delivery was accepted under the mapping in force, so that nothing is left to do."""
    return bool(delivery["status"] == "accepted" and delivery["source_version"] == source.version)


def latest_reception(period: Period) -> datetime.date | None:
    """Look up the day the last accepted delivery of a period came in: its natural cut-off."""
    rows = warehouse.read("staging/latest_reception.sql", year=period.year, phase=period.phase)
    found = rows["received_on"].iloc[0]
    return None if pd.isna(found) else found


def cutoff(period: Period, asked: datetime.date | None) -> datetime.date:
    """Settle the cut-off of a period: the one asked for, or the day its last delivery came in.

    So a run of tomorrow over the same deliveries prints the same figures.

    Raises:
        DeliveryRefused: none was asked for, and nothing has been accepted yet.
    """
    settled = asked or latest_reception(period)
    if settled is None:
        raise DeliveryRefused(
            place=f"period {period}",
            found="no accepted delivery",
            wanted="deliveries to set a cut-off by",
            remedy="Run `payesh pull` first.",
        )
    return settled


def rests_on_rehearsal(period: Period) -> bool:
    """Say whether any accepted delivery of a period is made up."""
    rows = warehouse.read("staging/rehearsal_delivery.sql", year=period.year, phase=period.phase)
    return int(rows["delivery_count"].iloc[0]) > 0
