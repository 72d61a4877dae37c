"""Fetching: bring one delivery into the spool, whatever kind of place it comes from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx

from methods.errors import SourceUnreadable
from tasks.edges.fetch.api import fetch_api
from tasks.edges.fetch.collection import fetch_kobo, fetch_odk
from tasks.edges.fetch.database import fetch_query
from tasks.edges.fetch.errand import Desk, Errand, Fetched, SourceUnreachable, Vault
from tasks.edges.fetch.file import fetch_file, is_whole
from tasks.edges.pulls import ApiPull, FilePull, KoboPull, OdkPull, Pull

__all__ = ["Errand", "Fetched", "SourceUnreachable", "fetch", "is_whole"]


def fetch(
    errand: Errand, spool: Path, secret: Callable[[str], str], sleep: Callable[[float], None] = time.sleep
) -> Fetched:
    """Fetch one delivery into the spool, by blocks.

    Args:
        errand: what to fetch.
        spool: folder that the delivery, and the pages of one that broke off, are kept in.
        secret: gives the value of a credential by the name that the source's YAML uses.
        sleep: waits a number of seconds when a service asks for it.

    Returns:
        The delivery as received; pages of a service as a ZIP of its answers.

    Raises:
        SourceUnreachable: no whole answer this time; asking again may help.
        SourceUnreadable: nothing is there, it is not given to us, or it is not what was agreed.
        SettingWrong: an address holds a placeholder that means nothing.
    """
    desk = Desk(errand, spool, Vault(secret), sleep)
    try:
        return _fetched(desk, errand.pull)
    except httpx.InvalidURL as error:
        raise SourceUnreadable(
            place=desk.place(errand.pull.address),
            found=f"no address: {error}",
            wanted="scheme, host and path",
            remedy="Correct `address` in its YAML, or the variable that it names.",
        ) from error


def _fetched(desk: Desk, pull: Pull) -> Fetched:
    if isinstance(pull, FilePull):
        return fetch_file(desk, pull)
    if isinstance(pull, ApiPull):
        return fetch_api(desk, pull)
    if isinstance(pull, OdkPull):
        return fetch_odk(desk, pull)
    if isinstance(pull, KoboPull):
        return fetch_kobo(desk, pull)
    return fetch_query(desk, pull)
