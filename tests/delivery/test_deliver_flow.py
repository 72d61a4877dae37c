"""An edition goes out by the operator's door, to a real mail server."""

import csv
import datetime
import email
import email.policy
import io
import os
import subprocess
import sys

import pytest
from fake_post import ROOT, rows_of

from methods.period import Period

DEPUTY, TABRIZ = "deputy@example.invalid", "tabriz@example.invalid"


def payesh(*arguments, **changed):
    return subprocess.run(
        [sys.executable, "-m", "payesh.cli", *arguments], cwd=ROOT, env=os.environ | changed,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_edition_goes_out_once_and_status_says_what_did_not_arrive(sending, post):
    post.answers[DEPUTY] = "550 5.1.1 no such user"
    shown = payesh("deliver", "1405")
    assert shown.returncode == 0, shown.stderr
    assert "nothing is sent without --send" in shown.stdout
    assert "province-03-1405-1.pdf (attached" in shown.stdout
    assert post.took == []

    for _ in range(2):
        done = payesh("deliver", "1405", "--send")
        assert done.returncode == 0, done.stderr
        assert "1 sent" in done.stdout
        assert "1 refused" in done.stdout
    assert post.recipients == [TABRIZ]

    assert "refused  1405-1 2026-03-01 to deputy@example.invalid (ministry IR): 550 5.1.1 no" in payesh("status").stdout
    rows = list(csv.DictReader(io.StringIO(payesh("deliver", "1405", "--log").stdout)))
    assert {row["state"] for row in rows if row["recipient"] == TABRIZ} == {"pending", "sending", "sent"}


@pytest.mark.parametrize(
    ("arguments", "changed", "code", "said"),
    [
        (["1399"], {}, 1, "Run `payesh publish 1399"),
        (["1405", "--cutoff", "yesterday"], {}, 2, "cutoff"),
        (["1405", "--send"], {"PAYESH_SMTP_URL": ""}, 2, "PAYESH_SMTP_URL: found nothing"),
    ],
)
def test_what_cannot_be_delivered_is_said_in_one_line(sending, post, arguments, changed, code, said):
    found = payesh("deliver", *arguments, **changed)
    assert (found.returncode, len(found.stderr.strip().splitlines())) == (code, 1)
    assert said in found.stderr
    assert post.took == []


def test_what_was_printed_is_what_arrives(rehearsed, sending, post, monkeypatch):
    from tasks import delivery

    # The day after its release, whatever the hour of the test.
    monkeypatch.setenv("PAYESH_TODAY", "2026-10-24")
    (printed,) = (rehearsed.home / "bulletins" / "1403" / "1").glob("*/national-1403-1.pdf")
    period, cutoff = Period(1403), datetime.date.fromisoformat(printed.parent.name)
    delivery.fill(period, cutoff)
    assert delivery.send(period, cutoff) == {"sent": 2}
    mail = {one.rcpt_tos[0]: email.message_from_bytes(one.content, policy=email.policy.default) for one in post.took}
    assert mail[TABRIZ]["Subject"].startswith("[داده‌های ساختگی] پایش اشتغال: بولتن استان آذربایجان شرقی")
    arrived = {part.get_filename(): part.get_content() for part in mail[DEPUTY].iter_attachments()}
    assert list(arrived) == ["national-1403-1.pdf", "methods-1403-1.pdf"]
    assert arrived[printed.name] == printed.read_bytes()
    sheets = [part.get_filename() for part in mail[TABRIZ].iter_attachments()]
    assert sheets[0] == "province-03-1403-1.pdf"
    assert len(sheets) > 10
    assert all(name.startswith("county-03") for name in sheets[1:])
    assert rows_of("select distinct is_rehearsal from bulletin.outbox") == [{"is_rehearsal": True}]
