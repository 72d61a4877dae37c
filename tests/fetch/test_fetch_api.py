"""JSON services: every way of paging, of opening the door, and of failing."""

import base64
import datetime
import json
import re
import zipfile

import pytest

from methods.errors import SettingWrong, SourceUnreadable
from tasks.edges.fetch import SourceUnreachable

ROWS = [{"no": number} for number in range(1, 8)]


def dump(value):
    # Spaces that no writer of ours would put there: what is kept must be what came.
    return json.dumps(value, indent=1).encode() + b"\n"


def members(fetched):
    with zipfile.ZipFile(fetched.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def numbers(fetched, rows="items"):
    return [row["no"] for body in members(fetched).values() for row in json.loads(body)[rows]]


def by_page(asked, last=3):
    page, size = int(asked.query["page"]), int(asked.query["size"])
    return 200, {}, dump({"items": ROWS[(page - 1) * size : page * size], "pages": last, "page": page})


def api(web, **more):
    return {"kind": "api", "address": f"{web.address}/plans?year={{year}}", "page_size": 3} | more


def test_pages_are_kept_byte_for_byte_and_the_same_pages_make_the_same_delivery(web, fetch):
    web.answer = by_page
    fetched = fetch(api(web, pages="pages"))
    assert numbers(fetched) == [1, 2, 3, 4, 5, 6, 7]
    assert list(members(fetched)) == ["page-00001.json", "page-00002.json", "page-00003.json"]
    assert members(fetched)["page-00003.json"] == dump({"items": [{"no": 7}], "pages": 3, "page": 3})
    assert fetched.file_name == "P04.zip" and fetched.byte_count == fetched.path.stat().st_size
    assert fetched.notes == ("3 pages",)
    assert [path for path in fetch.spool.iterdir()] == [fetched.path]
    with zipfile.ZipFile(fetched.path) as archive:
        assert {(kept.date_time, kept.compress_type) for kept in archive.infolist()} == {
            ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)
        }
    assert {asked.query["year"] for asked in web.asked} == {"1403"}
    assert fetch(api(web, pages="pages")).sha256 == fetched.sha256


def test_without_a_number_of_pages_a_service_that_caps_its_pages_is_read_to_the_end(web, fetch):
    # Asked for 5000 it gives 2 at a time: a page shorter than asked for is not the last one.
    def capped(asked):
        start = 2 * (int(asked.query["page"]) - 1)
        return 200, {}, dump({"items": ROWS[start : start + 2]})

    web.answer = capped
    assert numbers(fetch(api(web, page_size=5000))) == [1, 2, 3, 4, 5, 6, 7]
    assert len(web.asked) == 4


def test_without_a_number_of_pages_a_404_after_the_last_page_ends(web, fetch):
    def strict(asked):
        return by_page(asked) if int(asked.query["page"]) <= 2 else (404, {}, b"{}")

    web.answer = strict
    assert numbers(fetch(api(web))) == [1, 2, 3, 4, 5, 6]


def test_a_404_at_the_first_page_is_refused(web, fetch):
    web.answer = lambda asked: (404, {}, b"{}")
    with pytest.raises(SourceUnreadable, match="status 404"):
        fetch(api(web))


def test_offsets_follow_what_came(web, fetch):
    def two_at_a_time(asked):
        start = int(asked.query["offset"])
        return 200, {}, dump({"data": {"list": ROWS[start : start + 2]}, "count": 7})

    web.answer = two_at_a_time
    fetched = fetch(api(web, paging="offset", rows="data.list", total="count"))
    assert [asked.query["offset"] for asked in web.asked] == ["0", "2", "4", "6"]
    assert len(members(fetched)) == 4


def test_fewer_rows_than_the_service_says_there_are_is_refused(web, fetch):
    web.answer = lambda asked: (200, {}, dump({"items": ROWS[:2] if asked.query["offset"] == "0" else [], "total": 7}))
    with pytest.raises(SourceUnreachable, match="found 2 rows on 2 pages; wanted the 7 rows"):
        fetch(api(web, paging="offset", total="total"))


def by_cursor(asked):
    start = int(asked.query.get("after", "c0")[1:])
    following = f"c{start + 3}" if start + 3 < len(ROWS) else None
    return 200, {}, dump({"items": ROWS[start : start + 3], "meta": {"next": following}})


def test_cursors_are_followed(web, fetch):
    web.answer = by_cursor
    assert numbers(fetch(api(web, paging="cursor", cursor_parameter="after", next_cursor="meta.next"))) == [
        *range(1, 8)
    ]


def test_a_cursor_that_comes_back_is_a_loop(web, fetch):
    def looping(asked):
        at = asked.query.get("cursor", "a")
        return 200, {}, dump({"items": [{"no": len(web.asked)}], "next_cursor": {"a": "b", "b": "c", "c": "b"}[at]})

    web.answer = looping
    with pytest.raises(SourceUnreadable, match="it loops"):
        fetch(api(web, paging="cursor"))
    assert len(web.asked) == 3


def test_a_service_that_does_not_heed_the_page_number_is_a_loop(web, fetch):
    web.answer = lambda asked: (200, {}, dump({"items": ROWS}))
    with pytest.raises(SourceUnreadable, match="it loops"):
        fetch(api(web))
    assert len(web.asked) == 2


def test_link_headers_are_followed_on_the_same_host_only(web, fetch):
    def linked(asked):
        start = int(asked.query.get("from", 0))
        link = f'</plans?from={start + 3}>; rel="next", </plans>; rel="first"' if start < 6 else '</plans>; rel="first"'
        return 200, {"Link": link}, dump(ROWS[start : start + 3])

    web.answer = linked
    assert len(members(fetch(api(web, paging="link", rows="")))) == 3

    web.answer = lambda asked: (200, {"Link": '<http://elsewhere.test/plans>; rel="next"'}, dump(ROWS))
    with pytest.raises(SourceUnreadable, match="elsewhere.test"):
        fetch(api(web, paging="link", rows="", page_size=4))


def test_one_answer_without_paging(web, fetch):
    web.answer = lambda asked: (200, {}, dump(ROWS))
    fetched = fetch(api(web, paging="none"))
    assert members(fetched) == {"page-00001.json": dump(ROWS)} and web.queries() == [{"year": "1403"}]


def test_only_what_is_new_is_asked_for(web, fetch):
    web.answer = by_page
    fetch(api(web, pages="pages", since_parameter="changed_since"), since=datetime.date(2026, 3, 21))
    assert {asked.query["changed_since"] for asked in web.asked} == {"2026-03-21"}


def test_a_fetch_that_breaks_off_goes_on_where_it_broke(web, fetch):
    def stops_half_way(asked):
        status, headers, body = by_page(asked)
        return (status, {"Content-Length": str(len(body))}, body[:-9]) if asked.query["page"] == "3" else by_page(asked)

    web.answer = stops_half_way
    with pytest.raises(SourceUnreachable, match="wanted a whole answer"):
        fetch(api(web, pages="pages"))
    web.answer, web.asked = by_page, []
    fetched = fetch(api(web, pages="pages"))
    assert numbers(fetched) == [1, 2, 3, 4, 5, 6, 7]
    assert [asked.query["page"] for asked in web.asked] == ["3"]
    assert fetched.notes == ("3 pages, resumed at page 3",)
    assert [*fetch.spool.iterdir()] == [fetched.path]


def test_a_cursor_is_taken_up_again_too(web, fetch):
    web.answer = lambda asked: by_cursor(asked) if "after" not in asked.query else (502, {}, b"")
    pull = api(web, paging="cursor", cursor_parameter="after", next_cursor="meta.next")
    with pytest.raises(SourceUnreachable, match="status 502"):
        fetch(pull)
    web.answer, web.asked = by_cursor, []
    assert numbers(fetch(pull)) == [*range(1, 8)]
    assert [asked.query["after"] for asked in web.asked] == ["c3", "c6"]


def test_a_cursor_that_lapsed_meanwhile_begins_anew(web, fetch):
    web.answer = lambda asked: by_cursor(asked) if "after" not in asked.query else (502, {}, b"")
    pull = api(web, paging="cursor", cursor_parameter="after", next_cursor="meta.next")
    with pytest.raises(SourceUnreachable):
        fetch(pull)
    web.asked = []
    web.answer = lambda asked: (410, {}, b"") if len(web.asked) == 1 else by_cursor(asked)
    fetched = fetch(pull)
    assert numbers(fetched) == [*range(1, 8)] and fetched.notes == ("3 pages",)


def test_a_service_that_asks_to_wait_no_time_is_not_asked_without_end(web, fetch):
    web.answer = lambda asked: (429, {"Retry-After": "0"}, b"")
    with pytest.raises(SourceUnreachable, match="asks to wait 1 s after 5 s of waiting"):
        fetch(api(web, longest_wait_seconds=5))
    assert fetch.waits == [1, 1, 1, 1, 1]


@pytest.mark.parametrize("spoil", ["old", "damaged", "unreadable"])
def test_old_or_damaged_pages_are_fetched_again(web, fetch, spoil):
    web.answer = lambda asked: by_page(asked) if asked.query["page"] == "1" else (500, {}, b"")
    with pytest.raises(SourceUnreachable):
        fetch(api(web, pages="pages"))
    (folder,) = fetch.spool.iterdir()
    state = folder / "state.json"
    if spoil == "old":
        found = json.loads(state.read_text())
        state.write_text(json.dumps(found | {"begun_at": found["begun_at"] - 25 * 3600}))
    else:
        (folder / "page-00001.json" if spoil == "damaged" else state).write_bytes(b"{")
    web.answer, web.asked = by_page, []
    assert numbers(fetch(api(web, pages="pages"))) == [1, 2, 3, 4, 5, 6, 7]
    assert len(web.asked) == 3


def busy_once(web, status, **headers):
    return lambda asked: by_page(asked, 1) if len(web.asked) > 1 else (status, headers, b"")


def test_a_wait_that_is_asked_for_is_kept(web, fetch):
    web.answer = busy_once(web, 429, **{"Retry-After": "7"})
    assert fetch(api(web, pages="pages")).notes == ("1 pages, waited 7 s as asked",)
    assert fetch.waits == [7]


def test_a_wait_until_a_date_is_measured_on_the_services_clock(web, fetch):
    # The handler's own Date header comes first; the wait until 40 s later than ours is thus about 40 s.
    until = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=40)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    web.answer = busy_once(web, 503, **{"Retry-After": until})
    fetch(api(web, pages="pages"))
    assert 35 <= fetch.waits[0] <= 41


def test_waits_without_a_length_grow_and_are_bounded(web, fetch):
    web.answer = lambda asked: (503, {}, b"")
    with pytest.raises(SourceUnreachable, match="asks to wait 8 s after 7 s of waiting; wanted at most 10 s"):
        fetch(api(web, longest_wait_seconds=10))
    assert fetch.waits == [1, 2, 4]


def test_html_with_200_is_refused(web, fetch):
    web.answer = lambda asked: (200, {"Content-Type": "text/html"}, b"<!doctype html><title>Log in</title>")
    with pytest.raises(SourceUnreadable, match="found an HTML page; wanted JSON") as refused:
        fetch(api(web))
    assert not isinstance(refused.value, SourceUnreachable)


@pytest.mark.parametrize(
    ("body", "found"),
    [(b'{"items": [', "not JSON"), (b'{"rows": []}', "another shape"), (b"plan;no", "beginning")],
)
def test_what_is_no_page_is_refused(web, fetch, body, found):
    web.answer = lambda asked: (200, {}, body)
    with pytest.raises(SourceUnreadable, match=found):
        fetch(api(web))


def test_an_answer_that_comes_too_late_is_refused(web, fetch):
    def late(asked):
        web.release.wait(20)
        return 200, {}, b"{}"

    web.answer = late
    with pytest.raises(SourceUnreachable, match=re.escape("no whole answer in time; wanted an answer in 0.2 s")):
        fetch(api(web, timeout_seconds=0.2))


def test_nobody_at_the_address_is_unreachable(fetch):
    with pytest.raises(SourceUnreachable, match="source P04, http://127.0.0.1:9/plans"):
        fetch({"kind": "api", "address": "http://127.0.0.1:9/plans"})


def test_more_than_a_source_may_deliver_is_refused(web, fetch):
    web.answer = by_page
    with pytest.raises(SourceUnreadable, match="more than 200 bytes"):
        fetch(api(web, pages="pages", largest_bytes=200))


def test_a_token_opens_and_is_never_shown(web, fetch):
    def guarded(asked):
        if asked.headers["X-Key"] != "Key t0ken-of-p04":
            return 401, {}, b"wrong: " + str(asked.headers["X-Key"]).encode()
        return by_page(asked)

    web.answer = guarded
    auth = {"kind": "token", "token": "env:TOKEN", "header": "X-Key", "prefix": "Key"}
    assert numbers(fetch(api(web, auth=auth, pages="pages")))[-1] == 7
    with pytest.raises(SourceUnreadable, match="status 401") as refused:
        fetch(api(web, auth=auth, page_size=2), secrets={"env:TOKEN": "an0ther"})
    assert "an0ther" not in str(refused.value) and not isinstance(refused.value, SourceUnreachable)


def test_a_secret_in_an_address_is_never_shown(web, fetch):
    web.answer = lambda asked: (403, {}, b"")
    with pytest.raises(SourceUnreadable, match=r"/\*\*\*/plans: found status 403") as refused:
        fetch(api(web, address=f"{web.address}/{{env:TOKEN}}/plans?key={{env:TOKEN}}"))
    assert web.asked[0].path == "/t0ken-of-p04/plans"
    assert "t0ken" not in str(refused.value)


def test_user_and_password_with_every_request(web, fetch):
    web.answer = by_page
    fetch(api(web, auth={"kind": "basic", "user": "env:USER", "password": "env:PASSWORD"}, pages="pages"))
    assert {base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")) for asked in web.asked} == {
        b"payesh:s3cret pass/word"
    }


def oauth2(web, lasts):
    """Answer as a service whose tokens last for a number of requests."""
    state = {"token": 0, "left": 0}

    def answer(asked):
        if asked.path == "/token":
            given = base64.b64decode(asked.headers["Authorization"].removeprefix("Basic "))
            assert (given, asked.body) == (b"id%3A1:s3cret+pass%2Fword", b"grant_type=client_credentials&scope=plans")
            state.update(token=state["token"] + 1, left=lasts)
            return 200, {}, dump({"access_token": f"token-{state['token']}", "token_type": "Bearer"})
        if asked.headers["Authorization"] != f"Bearer token-{state['token']}" or not state["left"]:
            return 401, {}, b""
        state["left"] -= 1
        return by_page(asked)

    auth = {"kind": "oauth2", "token_address": f"{web.address}/token", "client_id": "env:ID", "scope": "plans"}
    return answer, auth | {"client_secret": "env:PASSWORD"}


def test_a_client_token_is_renewed_once_it_no_longer_opens(web, fetch):
    web.answer, auth = oauth2(web, lasts=2)
    assert numbers(fetch(api(web, auth=auth, pages="pages"))) == [1, 2, 3, 4, 5, 6, 7]
    assert [asked.path for asked in web.asked] == ["/token", "/plans", "/plans", "/plans", "/token", "/plans"]


def test_a_client_token_that_never_opens_is_refused(web, fetch):
    web.answer, auth = oauth2(web, lasts=0)
    with pytest.raises(SourceUnreadable, match="status 401"):
        fetch(api(web, auth=auth))
    assert [asked.path for asked in web.asked] == ["/token", "/plans", "/token", "/plans"]


def test_a_redirect_gets_no_credentials(web, fetch):
    web.answer = lambda asked: (302, {"Location": "http://elsewhere.test/plans?key=t0ken-of-p04"}, b"")
    with pytest.raises(SourceUnreadable, match="moved to http://elsewhere.test/plans;"):
        fetch(api(web, auth={"kind": "token", "token": "env:TOKEN"}))
    assert len(web.asked) == 1


def test_a_placeholder_that_means_nothing_is_refused(web, fetch):
    with pytest.raises(SettingWrong, match="{month}"):
        fetch(api(web, address=f"{web.address}/{{month}}"))
