"""Photographs of submissions: hashed where they lie, and kept nowhere."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tasks.edges.fetch.api import on_the_same_host
from tasks.edges.fetch.errand import Desk
from tasks.edges.fetch.pages import Extra
from tasks.edges.fetch.spooling import too_large
from tasks.edges.fetch.web import Pass, Service
from tasks.edges.readings import PHOTOGRAPHS

LARGEST_PHOTOGRAPH_BYTES = 64 * 1024**2


@dataclasses.dataclass(frozen=True)
class Photograph:
    """One photograph that a submission names.

    Attributes:
        submission: its key.
        name: of the file; a corrected submission that shows another photograph names another.
        url: where it lies.
    """

    submission: str
    name: str
    url: httpx.URL


@dataclasses.dataclass
class Photographs:
    """The photographs of one column, beside the pages of their submissions.

    Args:
        desk: the errand.
        to: the server they lie on.
        column: of the record, groups before it behind `/`.
        key: of the record, by which a submission is known.
    """

    desk: Desk
    to: Service
    column: str
    key: str

    def beside(self, shown: Iterable[Photograph]) -> Extra:
        """Hash the photographs that have arrived; those hashed by an earlier fetch are not asked for again.

        Returns:
            A member for the ZIP of pages, and a note of how many there are.
        """
        kept = self._kept()
        hashes: dict[str, str] = {}
        waiting = 0
        # A line each as they come: a fetch that breaks off loses none.
        with self._path().open("a", encoding="utf-8", buffering=1) as written:
            for one in shown:
                known = f"{one.submission}/{self.column}/{one.name}"
                if known not in kept and (taken := self._hashed(one.url)) is not None:
                    kept[known] = taken
                    written.write(json.dumps({known: taken}) + "\n")
                if known in kept:
                    hashes[one.submission] = kept[known]
                else:
                    waiting += 1
        content = {"key": self.key, "column": self.column, "sha256": hashes}
        note = f"{len(hashes)} photographs" + (f", {waiting} not there yet" if waiting else "")
        return Extra(PHOTOGRAPHS, json.dumps(content, ensure_ascii=False, sort_keys=True).encode(), note)

    def _hashed(self, url: httpx.URL) -> str | None:
        digest, size = hashlib.sha256(), 0

        def write(block: bytes) -> None:
            nonlocal size
            size += len(block)
            if size > LARGEST_PHOTOGRAPH_BYTES:
                raise too_large(self.to.place(url), LARGEST_PHOTOGRAPH_BYTES)
            digest.update(block)

        answer = self.to.get(url, write, lambda said: said.is_redirect or said.status_code == httpx.codes.NOT_FOUND)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        if answer.status != httpx.codes.OK:
            # Servers that keep files in a store of objects send there; what opens the server is not for the store.
            store = dataclasses.replace(self.to, admission=Pass())
            store.get(url.join(answer.headers["location"]), write)
        return digest.hexdigest()

    def _path(self) -> Path:
        return self.desk.spool / f"{self.desk.errand.source_code}-photographs.jsonl"

    def _kept(self) -> dict[str, str]:
        kept: dict[str, str] = {}
        if self._path().exists():
            for line in self._path().read_text(encoding="utf-8").splitlines():
                # A line that broke off is hashed again.
                with suppress(ValueError):
                    kept |= json.loads(line)
        return kept


def at_odk(pages: Iterable[Any], column: str, submissions: str) -> Iterator[Photograph]:
    """List the photographs that submissions at ODK Central name.

    Args:
        pages: documents of the OData service.
        column: of the photograph, groups before it behind `/`.
        submissions: address of the form's submissions.

    Source:
        ODK Central API, submissions: attachments.
    """
    for record in (one for page in pages for one in page["value"]):
        name: Any = record
        for step in column.split("/"):
            name = name.get(step) if isinstance(name, dict) else None
        if isinstance(name, str) and name:
            where = f"{_quoted(record['__id'])}/attachments/{_quoted(name)}"
            yield Photograph(str(record["__id"]), name, httpx.URL(f"{submissions}/{where}"))


def at_kobo(desk: Desk, pages: Iterable[Any], column: str, first: httpx.URL) -> Iterator[Photograph]:
    """List the photographs that submissions at KoboToolbox name.

    Args:
        desk: the errand.
        pages: documents of the data endpoint.
        column: of the photograph, groups before it behind `/`.
        first: address of the first page; photographs lie on its host.

    Source:
        KoboToolbox API version 2, data: `_attachments` with question_xpath and download_url.
    """
    for record in (one for page in pages for one in page["results"]):
        for one in record.get("_attachments", ()) if record.get(column) else ():
            if one.get("question_xpath") == column:
                url = httpx.URL(on_the_same_host(desk, first, one["download_url"]))
                yield Photograph(str(record["_id"]), str(record[column]), url)
                break


def _quoted(part: Any) -> str:
    return urllib.parse.quote(str(part), safe="")
