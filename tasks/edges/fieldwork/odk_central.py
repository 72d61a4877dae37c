"""ODK Central: create a form, or a draft of its next version, attach the list of plans, publish."""

from __future__ import annotations

import urllib.parse
from typing import Any

import httpx

from methods.errors import PushRefused
from tasks.edges.fetch.collection import base, odk_pass
from tasks.edges.fetch.errand import Desk
from tasks.edges.fetch.web import Service, service
from tasks.edges.fieldwork.parcel import XLSX, Parcel, refused
from tasks.edges.pulls import OdkPush

# Codes of its problems, beside the status.
VERSION_TAKEN = 409.6
_IN_DOUBT = "Look at the form at ODK Central, mend what it says, then push again."


def push_odk(desk: Desk, target: OdkPush, parcel: Parcel) -> str:
    """Bring a form to ODK Central.

    The version published last says whether anything is to be done: it is published after all else stands.

    Source:
        ODK Central API: forms, draft forms, draft form attachments.
    """
    address = base(desk, target.address)
    forms = f"{address}/v1/projects/{target.project}/forms"
    form = f"{forms}/{urllib.parse.quote(parcel.form_id, safe='')}"
    with service(desk, target.timeout_seconds, target.longest_wait_seconds) as to:
        to.admission = odk_pass(desk, to, target, address)
        standing = to.send("GET", form, accept=(200, 404))
        is_there = standing.status_code == 200
        if is_there and _is_published(standing.json(), parcel.version):
            return f"version {parcel.version} stands at ODK Central already"
        _send_draft(to, f"{form}/draft" if is_there else forms, parcel)
        _attach(to, form, parcel)
        published = _publish(to, form, parcel.version)
    return f"version {published} published at ODK Central, {'' if is_there else 'a new form, '}its list attached"


def _is_published(form: dict[str, Any], version: str) -> bool:
    # A version pushed again after another has a number behind a dot.
    return form.get("publishedAt") is not None and str(form.get("version")).partition(".")[0] == version


def _send_draft(to: Service, url: str, parcel: Parcel) -> None:
    answer = to.send(
        "POST", url, accept=(200, 400, 409), content=parcel.form,
        # A warning stops it: the form is meant to have none.
        params={"ignoreWarnings": "false"}, headers={"Content-Type": XLSX},
    )  # fmt: skip
    if answer.status_code == 409:
        remedy = "If a form of this ID lies in the trash or is being made, take it out or choose another ID."
        raise refused(to, answer, f"room for the form {parcel.form_id}", remedy)
    if answer.status_code == 400:
        raise refused(to, answer, "a form ODK Central takes without warning", _IN_DOUBT)


def _attach(to: Service, form: str, parcel: Parcel) -> None:
    name = urllib.parse.quote(parcel.attachment_name, safe="")
    to.send("POST", f"{form}/draft/attachments/{name}", content=parcel.attachment, headers={"Content-Type": "text/csv"})
    answer = to.send("GET", f"{form}/draft/attachments")
    missing = [str(slot["name"]) for slot in answer.json() if not slot["exists"]]
    if missing:
        raise PushRefused(
            to.place(answer.url), f"no file for {', '.join(missing)}", "each file the form refers to", _IN_DOUBT
        )


def _publish(to: Service, form: str, version: str) -> str:
    answer = to.send("POST", f"{form}/draft/publish", accept=(200, 409))
    if _problem(answer) == VERSION_TAKEN:
        # The same form and list as an earlier time, after others: its version is told apart by a number.
        earlier = to.send("GET", f"{form}/versions").json()
        version = f"{version}.{len(earlier) + 1}"
        answer = to.send("POST", f"{form}/draft/publish", accept=(200, 409), params={"version": version})
    if answer.status_code == 409:
        raise refused(to, answer, "a draft that can be published", _IN_DOUBT)
    return version


def _problem(answer: httpx.Response) -> float | None:
    if answer.status_code == 200:
        return None
    code = answer.json().get("code")
    return float(code) if code is not None else None
