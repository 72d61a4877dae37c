"""KoboToolbox: import a form into a project, put the list of plans beside it, deploy."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

from methods.errors import PushRefused
from tasks.edges.fetch.collection import base
from tasks.edges.fetch.errand import Desk, SourceUnreachable
from tasks.edges.fetch.web import Pass, Service, service
from tasks.edges.fieldwork.parcel import XLSX, Parcel, refused
from tasks.edges.pulls import KoboPush

WAIT_SECONDS = 2.0
_IN_DOUBT = "Look at the project at KoboToolbox, mend what it says, then push again."


def push_kobo(desk: Desk, target: KoboPush, parcel: Parcel) -> str:
    """Bring a form to KoboToolbox.

    The description of the list of plans carries the version, and what is deployed last says whether all of it stands.

    Source:
        KoboToolbox API version 2: imports, assets, asset files, deployment.
    """
    address = base(desk, target.address)
    asset = f"{address}/api/v2/assets/{urllib.parse.quote(target.asset, safe='')}/"
    with service(desk, target.timeout_seconds, target.longest_wait_seconds) as to:
        to.admission = Pass(value=f"Token {desk.vault(target.token)}")
        files = _files(to, asset, parcel.attachment_name)
        if _is_deployed(to.send("GET", asset).json()) and [file["description"] for file in files] == [_mark(parcel)]:
            return f"version {parcel.version} stands at KoboToolbox already"
        _import(to, address, asset, parcel, target.longest_wait_seconds)
        _replace(to, asset, files, parcel)
        _deploy(to, asset)
    return f"version {parcel.version} deployed at KoboToolbox, its list beside it"


def _mark(parcel: Parcel) -> str:
    return f"payesh {parcel.version}"


def _is_deployed(asset: dict[str, Any]) -> bool:
    is_active = bool(asset.get("has_deployment")) and bool(asset.get("deployment__active"))
    return is_active and asset.get("deployed_version_id") == asset.get("version_id")


def _files(to: Service, asset: str, name: str) -> list[dict[str, Any]]:
    listed = to.send("GET", f"{asset}files/", params={"file_type": "form_media"}).json()["results"]
    return [file for file in listed if file["metadata"].get("filename") == name]


def _import(to: Service, address: str, asset: str, parcel: Parcel, longest_wait_seconds: float) -> None:
    answer = to.send(
        "POST", f"{address}/api/v2/imports/", accept=(201, 400),
        # Left out, `library` means that it goes into the library of questions.
        data={"destination": asset, "name": parcel.title, "library": "false"},
        files={"file": (f"{parcel.form_id}.xlsx", parcel.form, XLSX)},
    )  # fmt: skip
    if answer.status_code == 400:
        raise refused(to, answer, "a form KoboToolbox takes", _IN_DOUBT)
    # Its own link may name the scheme and host behind a proxy.
    url = f"{address}/api/v2/imports/{urllib.parse.quote(answer.json()['uid'], safe='')}/"
    waited = 0.0
    while (task := to.send("GET", url).json())["status"] not in ("complete", "error"):
        if waited + WAIT_SECONDS > longest_wait_seconds:
            raise SourceUnreachable(
                to.desk.place(url), f"an import that is {task['status']} after {waited:g} s", "a complete one",
                "Push again later, or raise `longest_wait_seconds` in its YAML.",
            )  # fmt: skip
        to.desk.sleep(WAIT_SECONDS)
        waited += WAIT_SECONDS
    if task["status"] == "error":
        said = to.desk.vault.hide(str(task["messages"].get("error", "no message"))).rstrip(".")
        raise PushRefused(to.desk.place(url), f"an import that failed: {said}", "a form KoboToolbox takes", _IN_DOUBT)


def _replace(to: Service, asset: str, files: list[dict[str, Any]], parcel: Parcel) -> None:
    # A second file of a name is refused, and phones keep the one before until the next deployment.
    for file in files:
        to.send("DELETE", f"{asset}files/{urllib.parse.quote(file['uid'], safe='')}/", accept=(204, 404))
    answer = to.send(
        "POST", f"{asset}files/", accept=(201, 400),
        data={
            "file_type": "form_media", "description": _mark(parcel),
            "metadata": json.dumps({"filename": parcel.attachment_name}),
        },
        files={"content": (parcel.attachment_name, parcel.attachment, "text/csv")},
    )  # fmt: skip
    if answer.status_code == 400:
        raise refused(to, answer, f"room for {parcel.attachment_name}", _IN_DOUBT)


def _deploy(to: Service, asset: str) -> None:
    found = to.send("GET", asset).json()
    method = "PATCH" if found.get("has_deployment") else "POST"
    said = {"active": True, "version_id": found["version_id"]}
    answer = to.send(method, f"{asset}deployment/", accept=(200, 201, 400), json=said)
    if answer.status_code == 400:
        raise refused(to, answer, "a form that can be deployed", _IN_DOUBT)
