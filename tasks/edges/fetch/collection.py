"""Field collection: submissions at ODK Central and KoboToolbox."""

from __future__ import annotations

import datetime
import json
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from tasks.edges.fetch.api import on_the_same_host
from tasks.edges.fetch.errand import Desk, Fetched
from tasks.edges.fetch.pages import Page, fetch_pages
from tasks.edges.fetch.photographs import Photographs, at_kobo, at_odk
from tasks.edges.fetch.web import Pass, Service, basic, service, token_of
from tasks.edges.pulls import KoboPull, OdkPull, OdkPush

# Iran has kept this offset the whole year round since 1401.
TEHRAN = datetime.timezone(datetime.timedelta(hours=3, minutes=30))


def fetch_odk(desk: Desk, pull: OdkPull) -> Fetched:
    """Fetch the submissions to a form at ODK Central.

    Source:
        ODK Central API, OData endpoints (data document) and session authentication.
    """
    address = base(desk, pull.address)
    form = urllib.parse.quote(desk.vault.fill(desk.errand, pull.form), safe="")
    asked = {"$top": str(pull.page_size), "$count": "true"}
    if pull.with_repeats:
        asked["$expand"] = "*"
    if desk.errand.since:
        since = f"{_utc(desk.errand.since)}.000Z"
        # A corrected submission keeps its first date; without the second half its correction would be missed.
        asked["$filter"] = f"__system/submissionDate ge {since} or __system/updatedAt ge {since}"
    first = httpx.URL(f"{address}/v1/projects/{pull.project}/forms/{form}.svc/{pull.table}", params=asked)
    with service(desk, pull.timeout_seconds, pull.longest_wait_seconds) as to:
        to.admission = odk_pass(desk, to, pull, address)
        linked = _Linked(desk, first, "value", "@odata.nextLink", "@odata.count")
        submissions = f"{address}/v1/projects/{pull.project}/forms/{form}/submissions"
        return _fetched(desk, to, pull, linked, "__id", partial(at_odk, submissions=submissions))


def fetch_kobo(desk: Desk, pull: KoboPull) -> Fetched:
    """Fetch the submissions to an asset at KoboToolbox.

    Source:
        KoboToolbox API version 2, assets: data.
    """
    # In the order of arrival: what comes in meanwhile shifts no page.
    asked = {"limit": str(pull.page_size), "start": "0", "sort": json.dumps({"_id": 1})}
    if desk.errand.since:
        asked["query"] = json.dumps({"_submission_time": {"$gte": _utc(desk.errand.since)}})
    asset = urllib.parse.quote(pull.asset, safe="")
    first = httpx.URL(f"{base(desk, pull.address)}/api/v2/assets/{asset}/data.json", params=asked)
    with service(desk, pull.timeout_seconds, pull.longest_wait_seconds) as to:
        to.admission = Pass(value=f"Token {desk.vault(pull.token)}")
        linked = _Linked(desk, first, "results", "next", "count")
        return _fetched(desk, to, pull, linked, "_id", partial(at_kobo, desk, first=first))


def _fetched(
    desk: Desk, to: Service, pull: OdkPull | KoboPull, linked: _Linked, key: str, listed: Callable[..., Any]
) -> Fetched:
    """Fetch submissions, and beside them the hashes of the photographs they name, where the source wants them."""
    column = pull.photograph
    if column is None:
        return fetch_pages(desk, to, linked, pull.resume_hours)
    photographs = Photographs(desk, to, column, key)
    return fetch_pages(
        desk, to, linked, pull.resume_hours, lambda pages: photographs.beside(listed(pages, column=column))
    )


@dataclass
class _Linked:
    desk: Desk
    first: httpx.URL
    rows_key: str
    next_key: str
    count_key: str
    is_single: bool = False

    def __post_init__(self) -> None:
        self.start = str(self.first)

    def url(self, position: str) -> httpx.URL:
        return httpx.URL(position)

    def rows(self, body: Any) -> Any:
        # `@odata.` keys hold a dot, so these are looked up as they stand.
        return body.get(self.rows_key) if isinstance(body, dict) else None

    def following(self, position: str, page: Page) -> str | None:
        link = page.body.get(self.next_key)
        if link:
            return on_the_same_host(self.desk, self.first, link)
        rows, expected = sum(page.row_counts), self.expected(page.body)
        if self.next_key.startswith("@odata.") and expected is not None and 0 < page.row_counts[-1] and rows < expected:
            return str(self.first.copy_merge_params({"$skip": str(rows)}))
        return None

    def expected(self, body: Any) -> int | None:
        found = body.get(self.count_key)
        return found if isinstance(found, int) else None

    def is_past_the_end(self, answer: httpx.Response) -> bool:
        return False


def odk_pass(desk: Desk, to: Service, server: OdkPull | OdkPush, address: str) -> Pass:
    """Say what opens an ODK Central."""
    user, password = desk.vault(server.user), desk.vault(server.password)
    if server.auth == "basic":
        return Pass(value=basic(desk, user, password))

    def log_in() -> str:
        answer = to.post(f"{address}/v1/sessions", json={"email": user, "password": password})
        return token_of(to, answer, "token")

    return Pass(obtain=log_in)


def base(desk: Desk, address: str) -> str:
    """Address of a server, its placeholders filled."""
    return desk.vault.fill(desk.errand, address).rstrip("/")


def _utc(since: datetime.date) -> str:
    midnight = datetime.datetime.combine(since, datetime.time(), tzinfo=TEHRAN)
    return midnight.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
