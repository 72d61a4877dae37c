"""Fakes that speak the published interfaces of ODK Central and KoboToolbox."""

import base64
import datetime
import json
import urllib.parse
import zipfile

import pytest

from methods.errors import SourceUnreadable
from tasks.edges.fetch import SourceUnreachable

SINCE = datetime.date(2026, 3, 21)
VISITS = [{"__id": f"uuid:{number}", "visit": {"jobs": number}} for number in range(1, 6)]


def rows(fetched, key):
    with zipfile.ZipFile(fetched.path) as archive:
        return [row for name in archive.namelist() for row in json.loads(archive.read(name))[key]]


@pytest.fixture
def central(web):
    """ODK Central: sessions, and a form's submissions by next links that carry a skip token."""
    state = {"session": 0, "expires_after": 99, "with_links": True, "shown": len(VISITS)}

    def session(asked):
        given = json.loads(asked.body)
        if asked.method != "POST" or given != {"email": "payesh", "password": "s3cret pass/word"}:
            return 401, {}, json.dumps({"code": 401.2, "message": f"Could not authenticate {given}"}).encode()
        state["session"] += 1
        state["left"] = state["expires_after"]
        return (
            200,
            {},
            json.dumps({"token": f"session{state['session']}", "expiresAt": "2026-11-25T00:00:00Z"}).encode(),
        )

    def submissions(asked):
        opens = (f"Bearer session{state['session']}", "Basic " + base64.b64encode(b"payesh:s3cret pass/word").decode())
        if asked.headers["Authorization"] not in opens or not state.get("left", 99):
            return 401, {}, b'{"code": 401.2}'
        state["left"] = state.get("left", 99) - 1
        start = int(asked.query.get("$skiptoken") or asked.query.get("$skip", 0))
        end = start + int(asked.query["$top"])
        body = {"value": VISITS[: state["shown"]][start:end], "@odata.count": len(VISITS)}
        if end < len(VISITS) and state["with_links"]:
            kept = {name: value for name, value in asked.query.items() if name != "$skip"} | {"$skiptoken": end}
            body["@odata.nextLink"] = f"https://127.0.0.1{asked.path}?{urllib.parse.urlencode(kept)}"
        return 200, {}, json.dumps(body).encode()

    def answer(asked):
        if asked.path == "/v1/sessions":
            return session(asked)
        return (
            submissions(asked)
            if asked.path == "/v1/projects/7/forms/visit 1.svc/Submissions".replace(" ", "%20")
            else (404, {}, b"{}")
        )

    web.answer = answer
    return state


def odk(web, **more):
    return {
        "kind": "odk", "address": f"{web.address}/", "project": 7, "form": "visit 1",
        "user": "env:USER", "password": "env:PASSWORD", "page_size": 2,
    } | more  # fmt: skip


def test_odk_by_session(web, central, fetch):
    fetched = fetch(odk(web))
    assert rows(fetched, "value") == VISITS
    assert fetched.notes == ("3 pages",)
    assert web.asked[1].query == {"$top": "2", "$count": "true"}


def test_odk_without_next_links_goes_on_by_skipping(web, central, fetch):
    central["with_links"] = False
    assert rows(fetch(odk(web, auth="basic")), "value") == VISITS
    assert [asked.query.get("$skip") for asked in web.asked] == [None, "2", "4"]


def test_odk_with_a_session_that_expires_on_the_way(web, central, fetch):
    central["expires_after"] = 2
    assert rows(fetch(odk(web)), "value") == VISITS
    assert [asked.method for asked in web.asked] == ["POST", "GET", "GET", "GET", "POST", "GET"]


def test_odk_asks_for_new_and_for_corrected_submissions(web, central, fetch):
    fetch(odk(web, with_repeats=True), since=SINCE)
    # Midnight in Tehran.
    assert web.asked[-1].query["$filter"] == (
        "__system/submissionDate ge 2026-03-20T20:30:00.000Z or __system/updatedAt ge 2026-03-20T20:30:00.000Z"
    )
    assert web.asked[-1].query["$expand"] == "*"


def test_odk_that_withholds_submissions(web, central, fetch):
    central.update(with_links=False, shown=3)
    with pytest.raises(SourceUnreachable, match="found 3 rows on 3 pages; wanted the 5 rows"):
        fetch(odk(web))


def test_odk_with_a_wrong_password(web, central, fetch):
    with pytest.raises(SourceUnreadable, match="/v1/sessions: found status 401") as refused:
        fetch(odk(web), secrets={"env:USER": "payesh", "env:PASSWORD": "wr0ng"})
    assert "wr0ng" not in str(refused.value) and not isinstance(refused.value, SourceUnreachable)


@pytest.fixture
def kobo(web):
    """KoboToolbox, API version 2: limit and start, and a next link that names the scheme behind the proxy."""

    def answer(asked):
        if asked.headers["Authorization"] != "Token t0ken-of-p04":
            return 401, {}, b'{"detail": "Invalid token."}'
        if asked.path != "/api/v2/assets/aSAvYreNzVEkrWg5Gdcvg/data.json":
            return 404, {}, b'{"detail": "Not found."}'
        start, limit = int(asked.query["start"]), int(asked.query["limit"])
        following = urllib.parse.urlencode(asked.query | {"start": start + limit})
        link = f"https://127.0.0.1{asked.path}?{following}" if start + limit < len(VISITS) else None
        body = {"count": len(VISITS), "next": link, "previous": None, "results": VISITS[start : start + limit]}
        return 200, {}, json.dumps(body).encode()

    web.answer = answer
    return {
        "kind": "kobo",
        "address": web.address,
        "asset": "aSAvYreNzVEkrWg5Gdcvg",
        "token": "env:TOKEN",
        "page_size": 2,
    }


def test_kobo(web, kobo, fetch):
    assert rows(fetch(kobo), "results") == VISITS
    assert web.queries()[0] == {"limit": "2", "start": "0", "sort": '{"_id": 1}'}
    assert [asked.query["start"] for asked in web.asked] == ["0", "2", "4"]


def test_kobo_since_a_day(web, kobo, fetch):
    fetch(kobo, since=SINCE)
    assert all(
        json.loads(asked.query["query"]) == {"_submission_time": {"$gte": "2026-03-20T20:30:00"}} for asked in web.asked
    )


def test_kobo_resumes_at_its_link(web, kobo, fetch):
    works = web.answer
    web.answer = lambda asked: works(asked) if asked.query["start"] != "4" else (504, {}, b"")
    with pytest.raises(SourceUnreachable, match="status 504"):
        fetch(kobo)
    web.answer, web.asked = works, []
    fetched = fetch(kobo)
    assert rows(fetched, "results") == VISITS and fetched.notes == ("3 pages, resumed at page 3",)
    assert len(web.asked) == 1


def test_kobo_with_a_wrong_token(web, kobo, fetch):
    with pytest.raises(SourceUnreadable, match="status 401") as refused:
        fetch(kobo, secrets={"env:TOKEN": "an0ther"})
    assert "an0ther" not in str(refused.value)


def test_a_next_link_to_another_host_gets_no_token(web, kobo, fetch):
    body = {"count": 9, "next": "http://elsewhere.test/data.json", "results": VISITS}
    web.answer = lambda asked: (200, {}, json.dumps(body).encode())
    with pytest.raises(SourceUnreadable, match="a next page at the host elsewhere.test"):
        fetch(kobo)
