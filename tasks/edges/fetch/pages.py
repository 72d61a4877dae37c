"""Pages: answers kept as received, taken up again where a fetch broke off, and bound into one ZIP."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from methods.errors import SourceUnreadable
from tasks.edges.fetch.errand import Desk, Fetched, SourceUnreachable
from tasks.edges.fetch.spooling import BLOCK_BYTES, Spooled, sha256_of, too_large
from tasks.edges.fetch.web import Answer, Service

# A page is taken apart in memory; one larger than this was asked for with too large a page size.
LARGEST_PAGE_BYTES = 64 * 1024**2
STATE = "state.json"
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Extra:
    """A further member of the ZIP, beside the pages, and what the receipt says of it."""

    name: str
    content: bytes
    note: str


@dataclass(frozen=True)
class Page:
    """A page that came: its content taken apart, its headers, and the rows of all pages so far."""

    body: Any
    headers: httpx.Headers
    row_counts: Sequence[int]


class Paging(Protocol):
    """How a service is paged through; a position is what finds a page again after a break."""

    start: str
    is_single: bool

    def url(self, position: str) -> httpx.URL:
        """Address of a page."""

    def rows(self, body: Any) -> Any:
        """Rows of a page; None where it has another shape."""

    def following(self, position: str, page: Page) -> str | None:
        """Position of the next page; None after the last."""

    def expected(self, body: Any) -> int | None:
        """Rows of all pages, where the service says so."""

    def is_past_the_end(self, answer: httpx.Response) -> bool:
        """Say whether an answer that is not 200 only means that nothing follows."""


@dataclass
class _State:
    begun_at: float
    position: str | None
    hashes: list[str] = field(default_factory=list)
    row_counts: list[int] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)
    expected: int | None = None


def fetch_pages(
    desk: Desk,
    service: Service,
    paging: Paging,
    resume_hours: float,
    beside: Callable[[Iterator[Any]], Extra] | None = None,
) -> Fetched:
    """Fetch page after page, and bind them into a ZIP of the answers as they came.

    Args:
        desk: the errand.
        service: where to ask.
        paging: what to ask for.
        resume_hours: older pages of a fetch that broke off are not used.
        beside: makes a further member from the pages, once all of them are there.

    Returns:
        A ZIP with the members page-00001.json and so on; the same pages make the same bytes.

    Raises:
        SourceUnreachable: it breaks off; what came stays, for the next attempt.
        SourceUnreadable: it loops, or its answers are of another shape.
    """
    book = _Book(desk, service, paging)
    resumed_at = book.open(resume_hours)
    if resumed_at and not book.goes_on():
        book.begin()
        resumed_at = 0
    while book.state.position is not None:
        book.turn(book.state.position)
    book.check_whole()
    notes = [f"{len(book.state.hashes)} pages"]
    if resumed_at:
        notes.append(f"resumed at page {resumed_at + 1}")
    if service.waited_seconds:
        notes.append(f"waited {service.waited_seconds:g} s as asked")
    extra = beside(json.loads(path.read_bytes()) for path in book.pages()) if beside is not None else None
    if extra is not None:
        notes.append(extra.note)
    fetched = _bind(desk, book, ", ".join(notes), extra)
    shutil.rmtree(book.folder)
    return fetched


class _Book:
    def __init__(self, desk: Desk, service: Service, paging: Paging) -> None:
        self.service, self.paging = service, paging
        self.folder = desk.spool / f"{desk.errand.source_code}-{desk.errand.key}"
        self.largest = desk.errand.pull.largest_bytes
        self.state = _State(time.time(), paging.start)

    def open(self, resume_hours: float) -> int:
        """Take up what an earlier fetch left, or begin; return the pages there are."""
        kept = self._kept(resume_hours)
        if kept is None:
            self.begin()
        else:
            self.state = kept
        return len(self.state.hashes)

    def begin(self) -> None:
        """Begin anew, with nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.state = _State(time.time(), self.paging.start)

    def goes_on(self) -> bool:
        """Fetch the page at which an earlier fetch broke off; say whether the service still knows it."""
        if self.state.position is None:
            return True
        try:
            self.turn(self.state.position)
        except SourceUnreachable:
            raise
        except SourceUnreadable:
            # A cursor may have lapsed meanwhile: what is truly wrong is met again from the first page on.
            return False
        return True

    def page(self, number: int) -> Path:
        """Place of a page."""
        return self.folder / f"page-{number:05d}.json"

    def pages(self) -> list[Path]:
        """Places of all pages so far."""
        return [self.page(number + 1) for number in range(len(self.state.hashes))]

    def turn(self, position: str) -> None:
        """Fetch the page at a position, and remember the next."""
        number = len(self.state.hashes) + 1
        place = f"{self.service.place(self.paging.url(position))}, page {number}"
        answer = self._receive(place, position, self.page(number))
        if answer.status != 200:
            self._remember(None)
            return
        body = self._taken_apart(place, answer, self.page(number))
        self._add(place, position, sha256_of(self.page(number)), len(self.paging.rows(body)) if body else 0)
        following = self.paging.following(position, Page(body, answer.headers, self.state.row_counts))
        if following in self.state.positions:
            raise SourceUnreadable(
                place=place,
                found="a next page that was fetched before: it loops",
                wanted="a next page that is new, or none",
                remedy=f"Tell {self.service.desk.errand.owner} that its service does not come to an end.",
            )
        self.state.expected = self.paging.expected(body)
        self._remember(following)

    def check_whole(self) -> None:
        """Refuse fewer rows than the service says there are."""
        found, expected = sum(self.state.row_counts), self.state.expected
        if expected is not None and found < expected:
            shutil.rmtree(self.folder)
            raise SourceUnreachable(
                place=self.service.place(self.paging.url(self.paging.start)),
                found=f"{found} rows on {len(self.state.hashes)} pages",
                wanted=f"the {expected} rows it says there are",
                remedy="Fetch again; it may have changed while it was read.",
            )

    def _kept(self, resume_hours: float) -> _State | None:
        try:
            state = _State(**json.loads((self.folder / STATE).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        if time.time() - state.begun_at > resume_hours * 3600:
            return None
        whole = all(
            self.page(number).is_file() and sha256_of(self.page(number)) == sha256
            for number, sha256 in enumerate(state.hashes, start=1)
        )
        return state if whole else None

    def _receive(self, place: str, position: str, path: Path) -> Answer:
        room = self.largest - sum(page.stat().st_size for page in self.pages())
        part = path.with_suffix(".part")
        try:
            with part.open("wb") as stream:
                received = 0

                def write(block: bytes) -> None:
                    nonlocal received
                    received += len(block)
                    if received > room:
                        raise too_large(place, self.largest)
                    if received > LARGEST_PAGE_BYTES and not self.paging.is_single:
                        raise too_large(place, LARGEST_PAGE_BYTES)
                    stream.write(block)

                answer = self.service.get(self.paging.url(position), write, self.paging.is_past_the_end)
            if answer.status == 200:
                part.rename(path)
            return answer
        finally:
            part.unlink(missing_ok=True)

    def _taken_apart(self, place: str, answer: Answer, path: Path) -> Any:
        content_type = answer.headers.get("content-type", "")
        with path.open("rb") as stream:
            begin = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        if begin[:1] not in (b"{", b"["):
            path.unlink()
            kind = "an HTML page" if b"<" in begin[:1] else f"{content_type or 'an answer'} beginning {begin[:20]!r}"
            raise SourceUnreadable(
                place, kind, "JSON", "Open the address in a browser: it may ask to log in, or it may have moved."
            )
        # One answer may be as large as a delivery: the reader takes it apart, row by row.
        if self.paging.is_single:
            return None
        try:
            body = json.loads(path.read_bytes())
        except ValueError as error:
            path.unlink()
            raise SourceUnreadable(place, "what is not JSON", "JSON") from error
        if not isinstance(self.paging.rows(body), list):
            path.unlink()
            raise SourceUnreadable(
                place, "an answer of another shape", "its rows", "Correct `rows` in its YAML, or tell the agency."
            )
        return body

    def _add(self, place: str, position: str, sha256: str, row_count: int) -> None:
        if row_count and self.state.hashes[-1:] == [sha256]:
            raise SourceUnreadable(
                place=place,
                found="the page before once more: it loops",
                wanted="another page, or an empty one",
                remedy="Correct the paging in its YAML: the service does not heed it.",
            )
        self.state.hashes.append(sha256)
        self.state.row_counts.append(row_count)
        self.state.positions.append(position)

    def _remember(self, following: str | None) -> None:
        self.state.position = following
        half = self.folder / f"{STATE}.part"
        half.write_text(json.dumps(asdict(self.state)), encoding="utf-8")
        half.rename(self.folder / STATE)


def _bind(desk: Desk, book: _Book, note: str, extra: Extra | None) -> Fetched:
    spooled = Spooled(desk, f"{desk.errand.source_code}.zip", desk.errand.source_code)
    try:
        with zipfile.ZipFile(spooled.part, "w", zipfile.ZIP_STORED) as archive:
            for path in book.pages():
                member = _member(path.name)
                member.file_size = path.stat().st_size
                with path.open("rb") as page, archive.open(member, "w") as target:
                    shutil.copyfileobj(page, target, BLOCK_BYTES)
            if extra is not None:
                archive.writestr(_member(extra.name), extra.content)
        spooled.part.rename(spooled.path)
    finally:
        spooled.part.unlink(missing_ok=True)
    return Fetched(spooled.file_name, spooled.path, sha256_of(spooled.path), spooled.path.stat().st_size, (note,))


def _member(name: str) -> zipfile.ZipInfo:
    """Name a member so that the same content makes the same bytes."""
    member = zipfile.ZipInfo(name, ZIP_DATE)
    member.create_system, member.external_attr = 3, 0o644 << 16
    return member
