"""What is pushed: a form with its version, and the list of plans attached to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from methods.errors import PushRefused
from tasks.edges.fetch.web import Service

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_WORDS = 300


@dataclass(frozen=True)
class Parcel:
    """A form as XLSForm and its attachment; the version follows from both."""

    title: str
    form_id: str
    version: str
    form: bytes
    attachment_name: str
    attachment: bytes


def refused(to: Service, answer: httpx.Response, wanted: str, remedy: str) -> PushRefused:
    """Say that a server does not take something, in its own words."""
    words = to.desk.vault.hide(_words(answer))[:LONGEST_WORDS].rstrip(". \n")
    return PushRefused(to.place(answer.url), f"status {answer.status_code}: {words}", wanted, remedy)


def _words(answer: httpx.Response) -> str:
    """What an error says: ODK Central a message with details, KoboToolbox a detail or a list a field."""
    try:
        body: Any = answer.json()
    except ValueError:
        return answer.reason_phrase
    if not isinstance(body, dict):
        return str(body)
    if "message" in body:
        details = body.get("details") or {}
        more = details.get("error") or details.get("warnings") if isinstance(details, dict) else None
        return f"{body['message']} {more or ''}".strip()
    return "; ".join(
        f"{name}: {' '.join(map(str, said)) if isinstance(said, list) else said}" for name, said in body.items()
    )
