"""Asking over HTTP: credentials, waits a service asks for, and time limits."""

from __future__ import annotations

import base64
import datetime
import email.utils
import itertools
import time
import urllib.parse
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from methods.errors import SourceUnreadable
from tasks.edges.fetch.errand import Desk, SourceUnreachable
from tasks.edges.fetch.spooling import BLOCK_BYTES
from tasks.edges.pulls import Auth, BasicAuth, OAuth2, TokenAuth

Write = Callable[[bytes], object]
BUSY = (429, 503)


@dataclass
class Pass:
    """The header that opens a service; some can be had anew when it no longer does."""

    header: str = "Authorization"
    value: str = ""
    obtain: Callable[[], str] | None = None

    def headers(self) -> dict[str, str]:
        """Give the header, obtained first if need be."""
        if not self.value:
            self.renew()
        return {self.header: self.value} if self.value else {}

    def renew(self) -> bool:
        """Obtain it anew; say whether that was possible."""
        if self.obtain is None:
            return False
        self.value = self.obtain()
        return True


@dataclass
class Service:
    """One HTTP service during one errand.

    Args:
        desk: the errand.
        client: knows no credentials.
        timeout_seconds: for one answer.
        longest_wait_seconds: bound on the sum of all waits.
        whole_answer: the time limit holds for the whole answer, not for each block.
    """

    desk: Desk
    client: httpx.Client
    timeout_seconds: float
    longest_wait_seconds: float
    whole_answer: bool = True
    admission: Pass = field(default_factory=Pass)
    waited_seconds: float = 0

    def get(self, url: httpx.URL, write: Write, is_last: Callable[[httpx.Response], bool] | None = None) -> Answer:
        """Stream the answer to a request.

        Args:
            url: what to ask for.
            write: takes the answer's blocks.
            is_last: says of an answer that is not 200 whether it only means that nothing follows.

        Returns:
            Status and headers; nothing was written unless the status is 200.

        Raises:
            SourceUnreachable: no whole answer, or a fault of the service.
            SourceUnreadable: the service does not give it.
        """
        renewed = False
        # The waits end it: each is a second at least, and their sum is bounded.
        for attempt in itertools.count():
            with self._stream("GET", url, headers=self.admission.headers()) as answer:
                if answer.status_code == 200:
                    self._copy(answer, write)
                    return Answer(200, answer.headers)
                if is_last is not None and is_last(answer):
                    return Answer(answer.status_code, answer.headers)
            if answer.status_code == 401 and not renewed and self.admission.renew():
                renewed = True
            elif answer.status_code in BUSY:
                self._wait(answer, attempt)
            else:
                raise self.refused(answer)
        raise AssertionError("itertools.count does not end")

    def post(self, url: str, **body: Mapping[str, str]) -> httpx.Response:
        """Post a small form or JSON; give its whole answer."""
        with self._stream("POST", httpx.URL(self._checked(url)), **body) as answer:
            answer.read()
        if answer.status_code != 200:
            raise self.refused(answer)
        return answer

    def send(
        self,
        method: str,
        url: str,
        accept: Collection[int] = (200,),
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> httpx.Response:
        """Send something; give the whole answer, which is small.

        Waits where the service asks to, and asks for admission once more where it has run out; anything else is not
        tried again, since the service may have done it.

        Args:
            method: of HTTP.
            url: where to.
            accept: statuses the caller knows what to do with.
            headers: beside the one of admission.
            body: content, data, files or json of the request, or its params.

        Raises:
            SourceUnreachable: no whole answer, or a fault of the service.
            SourceUnreadable: the service refuses.
        """
        renewed = False
        for attempt in itertools.count():
            opened = self.admission.headers() | dict(headers or {})
            with self._stream(method, httpx.URL(url), headers=opened, **body) as answer:
                answer.read()
            if answer.status_code in accept:
                return answer
            if answer.status_code == 401 and not renewed and self.admission.renew():
                renewed = True
            elif answer.status_code in BUSY:
                self._wait(answer, attempt)
            else:
                raise self.refused(answer)
        raise AssertionError("itertools.count does not end")

    def refused(self, answer: httpx.Response) -> SourceUnreadable:
        """Say that an answer is not the one wanted."""
        status = answer.status_code
        kind = SourceUnreachable if status >= 500 or status in (408, 429) else SourceUnreadable
        remedy = "Correct the address in its YAML."
        if status in (401, 403):
            remedy = "Check the credentials that its YAML names, and what they may read."
        elif kind is SourceUnreachable:
            remedy = f"Try again later; if it lasts, tell {self.desk.errand.owner}."
        found = f"status {status} {answer.reason_phrase}".strip()
        if answer.is_redirect:
            found += f", moved to {self.desk.vault.hide(answer.headers.get('location', '').partition('?')[0])}"
        return kind(place=self.place(answer.url), found=found, wanted="status 200", remedy=remedy)

    def place(self, url: httpx.URL) -> str:
        """Name source and address."""
        return self.desk.place(str(url))

    @contextmanager
    def _stream(self, method: str, url: httpx.URL, **request: Mapping[str, str]) -> Iterator[httpx.Response]:
        try:
            with self.client.stream(method, url, timeout=self.timeout_seconds, **request) as answer:  # type: ignore[arg-type]
                yield answer
        except httpx.TimeoutException as error:
            raise self._late(url) from error
        except httpx.UnsupportedProtocol as error:
            raise SourceUnreadable(self.place(url), "an address of another kind", "http:// or https://") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._broken(url, error) from error

    def _copy(self, answer: httpx.Response, write: Write) -> None:
        end = time.monotonic() + self.timeout_seconds
        for block in answer.iter_bytes(BLOCK_BYTES if not self.whole_answer else None):
            if self.whole_answer and time.monotonic() > end:
                raise self._late(answer.url)
            write(block)

    def _late(self, url: httpx.URL) -> SourceUnreachable:
        return SourceUnreachable(
            place=self.place(url),
            found="no whole answer in time",
            wanted=f"an answer in {self.timeout_seconds:g} s",
            remedy="Try again later, or allow more `timeout_seconds` or a smaller `page_size` in its YAML.",
        )

    def _broken(self, url: httpx.URL, error: Exception) -> SourceUnreadable:
        kind = SourceUnreadable if "CERTIFICATE_VERIFY_FAILED" in str(error) else SourceUnreachable
        return kind(
            place=self.place(url),
            found=self.desk.vault.hide(str(error)).rstrip(".") or type(error).__name__,
            wanted="a whole answer",
            remedy=f"Try again later; if it lasts, check network and address, then ask {self.desk.errand.owner}.",
        )

    def _wait(self, answer: httpx.Response, attempt: int) -> None:
        asked = max(1.0, _asked_wait(answer, attempt))
        if self.waited_seconds + asked > self.longest_wait_seconds:
            raise SourceUnreachable(
                place=self.place(answer.url),
                found=f"status {answer.status_code}, which asks to wait {asked:g} s"
                + (f" after {self.waited_seconds:g} s of waiting" if self.waited_seconds else ""),
                wanted=f"at most {self.longest_wait_seconds:g} s of waiting",
                remedy="Try again later, or raise `longest_wait_seconds` in its YAML.",
            )
        self.waited_seconds += asked
        self.desk.sleep(asked)

    def _checked(self, url: str) -> str:
        return self.desk.vault.fill(self.desk.errand, url)


@dataclass(frozen=True)
class Answer:
    """What an answer said besides its body."""

    status: int
    headers: httpx.Headers


@contextmanager
def service(
    desk: Desk, timeout_seconds: float, longest_wait_seconds: float = 0, whole_answer: bool = True
) -> Iterator[Service]:
    """Open a service for one errand."""
    # A redirect would carry the credentials to wherever it points.
    with httpx.Client(headers={"User-Agent": "payesh"}, follow_redirects=False) as client:
        yield Service(desk, client, timeout_seconds, longest_wait_seconds, whole_answer)


def admit(to: Service, auth: Auth) -> None:
    """Give a service the credentials its source names."""
    vault = to.desk.vault
    if isinstance(auth, TokenAuth):
        to.admission = Pass(auth.header, f"{auth.prefix} {vault(auth.token)}".strip())
    elif isinstance(auth, BasicAuth):
        to.admission = Pass(value=basic(to.desk, vault(auth.user), vault(auth.password)))
    elif isinstance(auth, OAuth2):
        to.admission = Pass(obtain=lambda: _oauth2(to, auth))


def basic(desk: Desk, user: str, password: str) -> str:
    """Write user and password as a header."""
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    desk.vault.learn(text)
    return f"Basic {text}"


def token_of(to: Service, answer: httpx.Response, key: str) -> str:
    """Read a token out of the answer to a log-in."""
    try:
        token = answer.json()[key]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceUnreadable(to.place(answer.url), "an answer without a token", f"JSON with the key {key}") from error
    to.desk.vault.learn(str(token))
    return f"Bearer {token}"


def _oauth2(to: Service, auth: OAuth2) -> str:
    vault = to.desk.vault
    # RFC 6749, section 2.3.1: both are form-encoded before they are put into the header.
    user, password = (urllib.parse.quote_plus(vault(name)) for name in (auth.client_id, auth.client_secret))
    form = {"grant_type": "client_credentials"} | ({"scope": auth.scope} if auth.scope else {})
    answer = to.post(auth.token_address, data=form, headers={"Authorization": basic(to.desk, user, password)})
    return token_of(to, answer, "access_token")


def _asked_wait(answer: httpx.Response, attempt: int) -> float:
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked)
    until = _instant(asked)
    if until is None:
        return float(2 ** min(attempt, 6))
    # Measured on the service's own clock, which need not be ours.
    now = _instant(answer.headers.get("date", "")) or datetime.datetime.now(datetime.UTC)
    return (until - now).total_seconds()


def _instant(text: str) -> datetime.datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
