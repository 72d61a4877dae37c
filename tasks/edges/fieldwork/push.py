"""Pushing: bring a form and the list of plans attached to it to the server that phones get them from."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from methods.period import Period
from tasks.edges import sources
from tasks.edges.fetch.errand import Desk, Errand, Vault
from tasks.edges.fieldwork.kobo import push_kobo
from tasks.edges.fieldwork.odk_central import push_odk
from tasks.edges.fieldwork.parcel import Parcel
from tasks.edges.pulls import OdkPush
from tasks.edges.settings import settings
from tasks.edges.sources import Source

__all__ = ["Parcel", "deliver", "form_id"]


def deliver(source: Source, period: Period, parcel: Parcel, sleep: Callable[[float], None] = time.sleep) -> str:
    """Push a form to where its source says; what stands there already is left alone.

    Returns:
        What was done, in a few words.

    Raises:
        SourceUnreachable: no whole answer this time; pushing again goes on where it broke off.
        SourceUnreadable: the server does not let us in, or what the YAML names is not there.
        PushRefused: the server does not take the form.
    """
    desk, target = _desk(source, period, sleep), source.push
    if isinstance(target, OdkPush):
        return push_odk(desk, target, parcel)
    if target is None:
        raise AssertionError(f"{source.code} says nothing of pushing")
    return push_kobo(desk, target, parcel)


def form_id(source: Source, period: Period) -> str:
    """Form ID a server knows the form by; empty where it gives one itself."""
    if not isinstance(source.push, OdkPush):
        return ""
    desk = _desk(source, period, time.sleep)
    return desk.vault.fill(desk.errand, source.push.form)


def _desk(source: Source, period: Period, sleep: Callable[[float], None]) -> Desk:
    values = {"year": str(period.year), "phase": str(period.phase)}
    errand = Errand(source.code, source.agency_name, source.pull, values)
    return Desk(errand, settings().spool, Vault(partial(sources.secret, source.code)), sleep)
