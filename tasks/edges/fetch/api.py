"""JSON services: by page, offset, cursor or link, behind whatever opens them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from methods.errors import SourceUnreadable
from tasks.edges.fetch.errand import Desk, Fetched
from tasks.edges.fetch.pages import Page, Paging, fetch_pages
from tasks.edges.fetch.web import admit, service
from tasks.edges.pulls import ApiPull


def fetch_api(desk: Desk, pull: ApiPull) -> Fetched:
    """Fetch all pages of a JSON service."""
    base = httpx.URL(desk.vault.fill(desk.errand, pull.address))
    if pull.since_parameter and desk.errand.since:
        base = base.copy_merge_params({pull.since_parameter: desk.errand.since.isoformat()})
    paging: Paging = PAGINGS[pull.paging](pull, base, desk)
    with service(desk, pull.timeout_seconds, pull.longest_wait_seconds) as to:
        admit(to, pull.auth)
        return fetch_pages(desk, to, paging, pull.resume_hours)


def at(body: Any, dotted: str) -> Any:
    """Value at a dotted key; None where there is none."""
    for key in dotted.split(".") if dotted else ():
        body = body.get(key) if isinstance(body, dict) else None
    return body


def on_the_same_host(desk: Desk, base: httpx.URL, link: str) -> str:
    """Resolve a link, which may lead nowhere else than to the service itself.

    Raises:
        SourceUnreadable: it leads to another host, which must not get the credentials.
    """
    target = base.join(link)
    if target.host != base.host:
        raise SourceUnreadable(
            place=desk.place(str(base)),
            found=f"a next page at the host {target.host}",
            wanted=f"a next page at {base.host}",
            remedy="Ask the agency; if it is right, name that host in `address`.",
        )
    # Behind a proxy a service may not know its own scheme and port; ours are known to be right.
    return str(target.copy_with(scheme=base.scheme, port=base.port))


@dataclass
class _Paged:
    pull: ApiPull
    base: httpx.URL
    desk: Desk

    def __post_init__(self) -> None:
        self.start = self._first()
        self.is_single = self.pull.paging == "none"

    def url(self, position: str) -> httpx.URL:
        return self.base

    def rows(self, body: Any) -> Any:
        return at(body, self.pull.rows)

    def expected(self, body: Any) -> int | None:
        return self._number(body, self.pull.total) if self.pull.total and not self.is_single else None

    def following(self, position: str, page: Page) -> str | None:
        return None

    def is_past_the_end(self, answer: httpx.Response) -> bool:
        return False

    def _first(self) -> str:
        return ""

    def _number(self, body: Any, key: str) -> int:
        found = at(body, key)
        if isinstance(found, bool) or not isinstance(found, int):
            raise SourceUnreadable(self.desk.place(str(self.base)), f"no number at {key}", "the number its YAML names")
        return found

    def _sized(self, **more: str | int) -> httpx.URL:
        return self.base.copy_merge_params({self.pull.size_parameter: self.pull.page_size, **more})


class _ByPage(_Paged):
    def _first(self) -> str:
        return str(self.pull.first_page)

    def url(self, position: str) -> httpx.URL:
        return self._sized(**{self.pull.page_parameter: position})

    def following(self, position: str, page: Page) -> str | None:
        following = int(position) + 1
        if self.pull.pages:
            last = self._number(page.body, self.pull.pages) - 1 + self.pull.first_page
            return str(following) if following <= last else None
        return None if _ended(page) else str(following)

    def is_past_the_end(self, answer: httpx.Response) -> bool:
        return not self.pull.pages and answer.status_code == 404 and answer.url != self.url(self.start)


class _ByOffset(_Paged):
    def _first(self) -> str:
        return "0"

    def url(self, position: str) -> httpx.URL:
        return self._sized(**{self.pull.offset_parameter: position})

    def following(self, position: str, page: Page) -> str | None:
        # By what came, not by what was asked for: a service may hold its pages smaller.
        return None if _ended(page) else str(sum(page.row_counts))


class _ByCursor(_Paged):
    def url(self, position: str) -> httpx.URL:
        return self._sized(**{self.pull.cursor_parameter: position}) if position else self._sized()

    def following(self, position: str, page: Page) -> str | None:
        cursor = at(page.body, self.pull.next_cursor)
        return None if cursor in (None, "") else str(cursor)


class _ByLink(_Paged):
    def _first(self) -> str:
        return str(self._sized())

    def url(self, position: str) -> httpx.URL:
        return httpx.URL(position)

    def following(self, position: str, page: Page) -> str | None:
        link = _next_link(page.headers)
        return None if link is None else on_the_same_host(self.desk, httpx.URL(position), link)


PAGINGS = {"page": _ByPage, "offset": _ByOffset, "cursor": _ByCursor, "link": _ByLink, "none": _Paged}


def _ended(page: Page) -> bool:
    # A first page shorter than asked for may only be the service's own bound.
    return not page.row_counts[-1] or page.row_counts[-1] < page.row_counts[0]


def _next_link(headers: httpx.Headers) -> str | None:
    for value in headers.get_list("link"):
        for link in httpx.Response(200, headers={"link": value}).links.values():
            if "next" in link.get("rel", "").split():
                return link["url"]
    return None
