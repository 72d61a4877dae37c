"""Reports of mail that came back, as servers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.errors import SettingWrong
from tasks.edges import bounces
from tasks.edges.bounces import Bounce

NAME = "<0a1b2c@ministry.example.invalid>"
STATUS = """Reporting-MTA: dns; mx.example.invalid
Arrival-Date: Fri, 23 Oct 2026 09:00:00 +0330

Final-Recipient: rfc822; deputy@example.invalid
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.example.invalid
Diagnostic-Code: smtp; 550 5.1.1 <deputy@example.invalid>:
    no such user
"""
HEADERS = f"""Content-Type: text/rfc822-headers

From: payesh@ministry.example.invalid
Message-ID: {NAME}
Subject: x
"""
WHOLE = f"""Content-Type: message/rfc822

From: payesh@ministry.example.invalid
Message-ID: {NAME}
Subject: x

body
"""


def report(status=STATUS, quoted=HEADERS, kind="multipart/report; report-type=delivery-status"):
    return f"""From: MAILER-DAEMON@mx.example.invalid
To: payesh@ministry.example.invalid
Subject: Undelivered Mail Returned to Sender
Message-ID: <their-own@mx.example.invalid>
MIME-Version: 1.0
Content-Type: {kind}; boundary="b"

--b
Content-Type: text/plain

I am sorry to have to tell you.
--b
Content-Type: message/delivery-status

{status}
--b
{quoted}
--b--
""".encode()


@pytest.mark.parametrize("quoted", [HEADERS, WHOLE])
def test_a_report_names_message_recipient_and_reason(quoted):
    words = "5.1.1 550 5.1.1 <deputy@example.invalid>: no such user"
    assert bounces.read(report(quoted=quoted)) == Bounce((NAME,), "deputy@example.invalid", words)


def test_lines_may_end_the_other_way():
    assert bounces.read(report().replace(b"\n", b"\r\n")).message_ids == (NAME,)


def test_a_report_that_quotes_nothing_is_known_by_its_envelope():
    status = "Original-Envelope-Id: 0a1b2c@ministry.example.invalid\n" + STATUS
    found = bounces.read(report(status, "Content-Type: text/plain\n\nnothing\n"))
    assert found.message_ids == (NAME,)


def test_the_recipient_asked_for_goes_before_the_one_it_was_sent_on_to():
    status = STATUS.replace("Final-Recipient", "Original-Recipient: rfc822; first@example.invalid\nFinal-Recipient")
    assert bounces.read(report(status)).recipient == "first@example.invalid"


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_did_not_fail_is_no_bounce(action):
    assert bounces.read(report(STATUS.replace("failed", action))) is None


def test_other_mail_is_no_bounce():
    assert bounces.read(b"Subject: hello\n\n" + STATUS.encode()) is None
    assert bounces.read(report(kind="multipart/mixed")) is None


def test_what_a_stranger_writes_stays_within_bounds():
    found = bounces.read(report(STATUS.replace("no such user", "\x1b[31m\0 " + "x" * 5000)))
    assert found.words.isprintable()
    assert len(found.words) <= bounces.LONGEST_WORDS


@given(st.binary(max_size=400), st.binary(max_size=200), st.integers(0, 800))
def test_no_bytes_make_it_stumble(noise, more, place):
    bounces.read(noise)
    whole = report()
    bounces.read(whole[:place] + noise + whole[place + 3 :])
    bounces.read(report().replace(b"Action: failed", b"Action: failed\n" + more))


@pytest.fixture
def maildir(tmp_path, monkeypatch):
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PAYESH_BOUNCES", str(tmp_path))
    return tmp_path


def test_mail_is_read_once_and_other_mail_left_for_a_person(maildir):
    (maildir / "new" / "1.a").write_bytes(report())
    (maildir / "new" / "2.b").write_bytes(b"Subject: hello\n\nhello")
    for one in bounces.unread():
        bounces.put_by(one)
    assert list(bounces.unread()) == []
    assert sorted(path.name for path in (maildir / "cur").iterdir()) == ["1.a:2,S", "2.b:2,"]


def test_no_folder_is_no_bounce_and_a_wrong_one_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("PAYESH_BOUNCES", raising=False)
    assert list(bounces.unread()) == []
    monkeypatch.setenv("PAYESH_BOUNCES", str(tmp_path / "none"))
    with pytest.raises(SettingWrong, match="wanted a maildir"):
        list(bounces.unread())
