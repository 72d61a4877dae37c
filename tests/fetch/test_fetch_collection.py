"""Fakes that speak the published interfaces of ODK Central and KoboToolbox."""

import base64
import datetime
import hashlib
import json
import urllib.parse
import zipfile

import pytest

from methods.errors import SourceUnreadable
from tasks.edges.fetch import SourceUnreachable, photographs

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


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def hashed(fetched):
    with zipfile.ZipFile(fetched.path) as archive:
        return json.loads(archive.read("photographs.json"))


@pytest.fixture
def album(web, central):
    """Photographs at ODK Central, which sends to a store for one of them; one has not been sent yet."""
    names = ["a.jpg", "b 2.jpg", None, "c.jpg", "d.jpg"]
    shown = [visit | {"visit": {"photo": name}} for visit, name in zip(VISITS, names, strict=True)]
    answers, asked_for = web.answer, []

    def answer(asked):
        if asked.path.startswith("/store/"):
            asked_for.append(("store", asked.headers.get("Authorization")))
            return 200, {}, b"from the store"
        if "/attachments/" not in asked.path:
            status, headers, body = answers(asked)
            page = json.loads(body)
            if "value" in page:
                known = {one["__id"]: one for one in shown}
                page["value"] = [known[one["__id"]] for one in page["value"]]
            return status, headers, json.dumps(page).encode()
        name = urllib.parse.unquote(asked.path.rsplit("/", 1)[1])
        asked_for.append((urllib.parse.unquote(asked.path.split("/")[-3]), name))
        if name == "c.jpg":
            return 307, {"Location": f"{web.address}/store/c?signed=1"}, b""
        return (404, {}, b"{}") if name == "d.jpg" else (200, {}, name.encode())

    web.answer = answer
    return asked_for


def test_photographs_are_hashed_where_they_lie_and_a_store_gets_no_credentials(web, album, fetch):
    fetched = fetch(odk(web, photograph="visit/photo"))
    assert hashed(fetched) == {
        "key": "__id", "column": "visit/photo",
        "sha256": {"uuid:1": sha256(b"a.jpg"), "uuid:2": sha256(b"b 2.jpg"), "uuid:4": sha256(b"from the store")},
    }  # fmt: skip
    assert fetched.notes == ("3 pages, 3 photographs, 1 not there yet",)
    assert album == [
        ("uuid:1", "a.jpg"), ("uuid:2", "b 2.jpg"), ("uuid:4", "c.jpg"), ("store", None), ("uuid:5", "d.jpg")
    ]  # fmt: skip


def test_a_photograph_is_asked_for_until_it_is_there_and_never_again(web, album, fetch):
    first = fetch(odk(web, photograph="visit/photo"))
    content = first.path.read_bytes()
    album.clear()
    again = fetch(odk(web, photograph="visit/photo"))
    assert album == [("uuid:5", "d.jpg")]
    assert again.path.read_bytes() == content


def test_a_fetch_that_breaks_off_among_photographs_goes_on_there(web, album, fetch):
    works = web.answer
    web.answer = lambda asked: (504, {}, b"") if asked.path.endswith("c.jpg") else works(asked)
    with pytest.raises(SourceUnreachable, match="status 504"):
        fetch(odk(web, photograph="visit/photo"))
    web.answer, web.asked = works, []
    album.clear()
    assert len(hashed(fetch(odk(web, photograph="visit/photo")))["sha256"]) == 3
    assert album == [("uuid:4", "c.jpg"), ("store", None), ("uuid:5", "d.jpg")]
    assert not [asked for asked in web.asked if "Submissions" in asked.path]


def test_a_photograph_at_another_host_gets_no_token(web, kobo, fetch):
    one = {"_id": 1, "photo": "a.jpg", "_attachments": [
        {"question_xpath": "photo", "download_url": "http://elsewhere.test/a.jpg"}
    ]}  # fmt: skip
    web.answer = lambda asked: (200, {}, json.dumps({"count": 1, "next": None, "results": [one]}).encode())
    with pytest.raises(SourceUnreadable, match="at the host elsewhere.test"):
        fetch(kobo | {"photograph": "photo"})


def test_a_photograph_without_end_is_refused(web, album, fetch, monkeypatch):
    monkeypatch.setattr(photographs, "LARGEST_PHOTOGRAPH_BYTES", 4)
    with pytest.raises(SourceUnreadable, match="a.jpg: found more than 4 bytes"):
        fetch(odk(web, photograph="visit/photo"))
