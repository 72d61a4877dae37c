"""An edition goes to its lists: each message once, whatever the server, the line or the process does."""

import datetime
import email
import email.policy
import hashlib
import os
import subprocess
import sys

import pytest
import sqlalchemy as sa
from fake_post import CUTOFF, DIE, HANG, PERIOD, ROOT, rows_of

from methods.errors import EditionNotDelivered, MailServerRefused, SettingWrong
from tasks import delivery
from tasks.edges import outbox, warehouse

DEPUTY, TABRIZ = "deputy@example.invalid", "tabriz@example.invalid"


def deliver(**asked):
    delivery.fill(PERIOD, CUTOFF)
    return delivery.send(PERIOD, CUTOFF, **asked)


def read(envelope):
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def texts(envelope):
    message = read(envelope)
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


def sent_texts(post):
    """Send all of it afresh, and read the newest mail."""
    with warehouse.transaction() as connection:
        for table in ("outbox_event", "outbox_file", "outbox"):
            connection.execute(sa.text(f"delete from bulletin.{table}"))
    deliver()
    return texts(post.took[-1])


def make_due():
    with warehouse.transaction() as connection:
        connection.execute(sa.text("update bulletin.outbox_event set next_try_at = now() - interval '1 minute'"))


def test_each_role_gets_its_files(sending, post):
    assert deliver() == {"sent": 2}
    found = {envelope.rcpt_tos[0]: read(envelope) for envelope in post.took}
    names = {who: [part.get_filename() for part in mail.iter_attachments()] for who, mail in found.items()}
    assert names == {DEPUTY: ["national-1405-1.pdf"], TABRIZ: ["province-03-1405-1.pdf"]}
    assert (
        found[TABRIZ]["Subject"] == "پایش اشتغال: بولتن استان آذربایجان شرقی، سال ۱۴۰۵، دورهٔ ۱، داده‌ها تا ۱۰ اسفند ۱۴۰۴"
    )
    (pdf,) = found[DEPUTY].iter_attachments()
    assert pdf.get_content() == (sending.folder / "national-1405-1.pdf").read_bytes()


def test_a_mail_reads_as_persian_text_and_page(sending, post):
    deliver()
    (envelope,) = [one for one in post.took if one.rcpt_tos == [DEPUTY]]
    plain, page = texts(envelope)
    for text in (plain, page):
        for wanted in ("دفتر معاونت", "بولتن کشور", "۱۰ اسفند ۱۴۰۴", "2026-03-01", "نه تقلب را", "پیوست"):
            assert wanted in text
        assert "ساختگی" not in text
        assert "پیش از انتشار" not in text
    assert '<html xmlns="http://www.w3.org/1999/xhtml" lang="fa" dir="rtl">' in page
    assert "http" not in plain.replace("https://www", "")


def test_delivering_twice_sends_nothing_twice(sending, post):
    deliver()
    assert deliver() == {"sent": 2}
    assert post.recipients == [DEPUTY, TABRIZ]
    assert len(rows_of("select * from bulletin.outbox where year = 1405")) == 2


def test_who_comes_later_gets_it_and_who_has_left_does_not(sending, post):
    post.answers[TABRIZ] = "450 later"
    assert deliver() == {"sent": 1, "deferred": 1}
    del post.answers[TABRIZ]
    make_due()
    sending.name_recipients(ministry=[{"address": DEPUTY}, {"address": "new@example.invalid"}])
    assert deliver() == {"sent": 2, "withdrawn": 1}
    assert post.recipients == [DEPUTY, "new@example.invalid"]
    sending.name_recipients(ministry=[{"address": DEPUTY}], province={"03": [{"address": TABRIZ.upper()}]})
    deliver()
    assert post.recipients == [DEPUTY, "new@example.invalid", TABRIZ]


def test_the_log_says_who_got_what_and_what_was_answered(sending, post):
    deliver()
    rows = warehouse.read("bulletin/outbox_log.sql", year=1405, phase=1, cutoff=CUTOFF)
    of_deputy = rows[rows["recipient"] == DEPUTY]
    assert list(of_deputy["state"]) == ["pending", "sending", "sent"]
    last = of_deputy.iloc[-1]
    assert (last["role"], last["unit_code"], last["answer"]) == ("ministry", "IR", "250 taken")
    assert last["file_name"] == "national-1405-1.pdf"
    assert last["sha256"] == hashlib.sha256((sending.folder / last["file_name"]).read_bytes()).hexdigest()
    assert last["message_id"] == read(next(one for one in post.took if one.rcpt_tos == [DEPUTY]))["Message-ID"]
    assert not rows["is_pre_release"].any()


def test_one_refused_recipient_stops_nobody_else(sending, post):
    post.answers[DEPUTY] = "550 5.1.1 no such user"
    assert deliver() == {"refused": 1, "sent": 1}
    assert sending.answer_to("deputy") == "550 5.1.1 no such user"
    # What is refused for good is not tried again, unless asked for.
    del post.answers[DEPUTY]
    deliver()
    assert post.recipients == [TABRIZ]
    assert deliver(resend=True) == {"sent": 2}
    assert post.recipients == [DEPUTY, TABRIZ]


def test_only_those_named_are_sent_again(sending, post):
    post.answers |= {DEPUTY: "550 no", TABRIZ: "550 no"}
    deliver()
    post.answers.clear()
    assert deliver(resend=True, only=(TABRIZ.upper(),)) == {"refused": 1, "sent": 1}
    assert post.recipients == [TABRIZ]
    with pytest.raises(SettingWrong, match=r"--to: found nobody@example\.invalid"):
        deliver(resend=True, only=("nobody@example.invalid",))


def test_what_failed_for_now_is_tried_when_its_time_has_come_and_given_up_at_last(sending, post):
    sending.set_rules(retry_after_minutes={"1": "30", "2": "60"})
    post.answers[DEPUTY] = "451 greylisted"
    before = datetime.datetime.now(datetime.UTC)
    assert deliver() == {"deferred": 1, "sent": 1}
    (row,) = rows_of("select next_try_at from bulletin.outbox_state where state = 'deferred'")
    assert 29 < (row["next_try_at"] - before).total_seconds() / 60 < 32
    # Not before its time.
    deliver()
    assert len(rows_of("select * from bulletin.outbox_event where state = 'deferred'")) == 1
    make_due()
    assert deliver() == {"deferred": 1, "sent": 1}
    make_due()
    assert deliver() == {"refused": 1, "sent": 1}
    assert sending.answer_to("deputy") == "given up after 3 tries: 451 greylisted"
    # Sent again on purpose, it is given every try anew.
    assert deliver(resend=True) == {"deferred": 1, "sent": 1}


def test_the_message_stays_the_same_however_often_it_is_tried(sending, post):
    post.answers["."] = "451 not now"
    deliver()
    make_due()
    del post.answers["."]
    deliver()
    of_deputy = [one.content for one in post.took if one.rcpt_tos == [DEPUTY]]
    assert len(of_deputy) == 2
    assert of_deputy[0] == of_deputy[1]


# servers that fail ---------------------------------------------------------------------------------


@pytest.fixture
def faulty(sending, script):
    sending.hand_in_at(script, "smtps", timeout=0.5)
    return script


def test_a_server_that_is_away_defers_everyone_and_says_so(sending, post, faulty):
    faulty.answers["greeting"] = "421 busy"
    delivery.fill(PERIOD, CUTOFF)
    with pytest.raises(EditionNotDelivered, match="421 busy to its greeting"):
        delivery.send(PERIOD, CUTOFF)
    assert sending.states() == {"deputy": "deferred", "tabriz": "deferred"}
    sending.hand_in_at(post)
    make_due()
    assert deliver() == {"sent": 2}


def test_a_server_that_hangs_is_left_and_nothing_is_lost(sending, post, faulty):
    faulty.answers["RCPT"] = HANG
    deliver()
    assert sending.states() == {"deputy": "deferred", "tabriz": "deferred"}
    assert "timed out" in sending.answer_to("deputy")
    sending.hand_in_at(post)
    make_due()
    assert deliver() == {"sent": 2}


def test_after_a_few_lost_lines_the_server_is_given_time(sending, faulty):
    sending.name_recipients(ministry=[{"address": f"{name}@example.invalid"} for name in "abcde"])
    faulty.answers["MAIL"] = DIE
    delivery.fill(PERIOD, CUTOFF)
    with pytest.raises(EditionNotDelivered, match="3 lines lost"):
        delivery.send(PERIOD, CUTOFF)
    assert len(faulty.lines) == 3
    assert set(sending.states().values()) == {"deferred"}


def test_no_answer_to_a_message_leaves_it_unknown_until_somebody_says_so(sending, post, faulty):
    faulty.answers["."] = [DIE, "250 taken"]
    assert deliver() == {"unknown": 1, "sent": 1}
    sending.hand_in_at(post)
    make_due()
    assert deliver() == {"unknown": 1, "sent": 1}
    assert post.took == []
    assert deliver(resend=True) == {"sent": 2}
    (again,) = post.took
    first = email.message_from_bytes(faulty.bodies[0])
    # Under its former name, so that the other side may see it is the same.
    assert read(again)["Message-ID"] == first["Message-ID"]


@pytest.mark.parametrize(("change", "said"), [
    ({"EHLO": "250 no more"}, "knows no AUTH"),
    ({"MAIL": "530 log in first"}, "530 log in first"),
])  # fmt: skip
def test_a_setting_that_is_wrong_uses_up_no_try(sending, faulty, monkeypatch, change, said):
    faulty.answers |= change
    if "EHLO" in change:
        monkeypatch.setenv("PAYESH_SMTP_USER", "payesh")
    delivery.fill(PERIOD, CUTOFF)
    with pytest.raises(MailServerRefused, match=said):
        delivery.send(PERIOD, CUTOFF)
    assert set(sending.states().values()) == {"pending"}


def test_a_wrong_certificate_lets_nothing_out(sending, post, monkeypatch):
    monkeypatch.delenv("PAYESH_SMTP_CA_FILE")
    delivery.fill(PERIOD, CUTOFF)
    with pytest.raises(MailServerRefused, match="certificate that does not hold"):
        delivery.send(PERIOD, CUTOFF)
    assert post.took == []
    assert set(sending.states().values()) == {"pending"}


# processes that end --------------------------------------------------------------------------------

RUN = """
import datetime
from methods.period import Period
from tasks import delivery
period, cutoff = Period(1405), datetime.date(2026, 3, 1)
delivery.fill(period, cutoff)
print(delivery.send(period, cutoff), flush=True)
"""


def start():
    return subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_process_killed_before_the_answer_sends_nothing_twice(sending, post):
    sending.name_recipients(ministry=[{"address": DEPUTY}])
    post.may_answer.clear()
    process = start()
    assert post.has_message.wait(60), process.communicate(timeout=5)
    process.kill()
    process.communicate()
    post.may_answer.set()
    assert sending.states() == {"deputy": "sending"}
    assert deliver() == {"unknown": 1}
    assert deliver() == {"unknown": 1}
    assert len(post.took) == 1
    assert sending.answer_to("deputy") == outbox.ENDED
    assert deliver(resend=True) == {"sent": 1}
    once, again = (read(envelope) for envelope in post.took)
    assert once["Message-ID"] == again["Message-ID"]


def test_a_process_killed_before_the_message_went_out_has_sent_nothing(sending, post, script):
    sending.hand_in_at(script, "smtps", timeout=60)
    script.answers["DATA"] = HANG
    process = start()
    assert script.has("DATA", 60), process.communicate(timeout=5)
    process.kill()
    process.communicate()
    assert set(sending.states().values()) == {"pending"}
    sending.hand_in_at(post)
    assert deliver() == {"sent": 2}
    assert post.recipients == [DEPUTY, TABRIZ]


def test_two_runs_do_not_deliver_at_once(sending, post):
    post.may_answer.clear()
    process = start()
    assert post.has_message.wait(60), process.communicate(timeout=5)
    for work in (delivery.fill, delivery.send, delivery.read_bounces):
        with pytest.raises(EditionNotDelivered, match="another run that delivers"):
            work(PERIOD, CUTOFF)
    post.may_answer.set()
    assert process.communicate(timeout=60)[0].decode().strip() == "{'sent': 2}"
    assert post.recipients == [DEPUTY, TABRIZ]


def test_the_outbox_is_written_whole_or_not_at_all(sending, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(outbox.Outbox, "_write", fail)
    with pytest.raises(OSError, match="disk full"):
        delivery.fill(PERIOD, CUTOFF)
    assert rows_of("select * from bulletin.outbox where year = 1405") == []
    assert rows_of("select * from bulletin.outbox_file") == []


def test_a_note_is_on_disk_before_anything_goes_out(sending, monkeypatch):
    # The embedded server answers before a commit is on disk, unless it is asked not to.
    delivery.fill(PERIOD, CUTOFF)
    seen = []
    append = warehouse.append

    def watched(table, partition, rows, within):
        seen.append(within.execute(sa.text("show synchronous_commit")).scalar_one())
        return append(table, partition, rows, within)

    monkeypatch.setattr(warehouse, "append", watched)
    delivery.send(PERIOD, CUTOFF)
    assert set(seen) == {"on"}
    assert rows_of("show synchronous_commit") == [{"synchronous_commit": "off"}]


# files ---------------------------------------------------------------------------------------------


def test_a_changed_file_stops_its_delivery_by_name(sending, post):
    path = sending.folder / "national-1405-1.pdf"
    kept = path.read_bytes()
    path.write_bytes(b"something else")
    delivery.fill(PERIOD, CUTOFF)
    with pytest.raises(EditionNotDelivered, match=r"national-1405-1\.pdf: found other content"):
        delivery.send(PERIOD, CUTOFF)
    assert post.recipients == [TABRIZ]
    path.unlink()
    with pytest.raises(EditionNotDelivered, match=r"national-1405-1\.pdf: found no file"):
        delivery.send(PERIOD, CUTOFF)
    path.write_bytes(kept)
    assert delivery.send(PERIOD, CUTOFF) == {"sent": 2}


def test_what_is_large_is_linked(sending, post, monkeypatch):
    sending.write("county-0301-1405-1.pdf", b"x" * 5000)
    sending.write("county-0302-1405-1.pdf", b"small")
    sending.set_rules(attach_up_to_bytes="1000")
    monkeypatch.setenv("PAYESH_SITE_URL", "https://payesh.example.invalid/")
    deliver()
    (envelope,) = [one for one in post.took if one.rcpt_tos == [TABRIZ]]
    names = [part.get_filename() for part in read(envelope).iter_attachments()]
    assert names == ["province-03-1405-1.pdf", "county-0302-1405-1.pdf"]
    address = "https://payesh.example.invalid/1405/1/2026-03-01/county-0301-1405-1.pdf"
    plain, page = texts(envelope)
    assert address in plain
    assert f'<a href="{address}">' in page
    assert "برگهٔ شهرستان" in plain


def test_a_link_that_leads_nowhere_is_refused(sending, post):
    sending.set_rules(attach_up_to_bytes="5")
    delivery.fill(PERIOD, CUTOFF)
    with pytest.raises(EditionNotDelivered, match="wanted PAYESH_SITE_URL"):
        delivery.send(PERIOD, CUTOFF)
    assert post.took == []


def test_a_role_without_a_file_is_named_and_the_others_get_theirs(sending, post):
    sending.name_recipients(ministry=[{"address": DEPUTY}], agency={"P01": [{"address": "agency@example.invalid"}]})
    delivery.fill(PERIOD, CUTOFF)
    with pytest.raises(EditionNotDelivered, match=r"agency@example\.invalid \(agency P01\): found no file|no file of"):
        delivery.send(PERIOD, CUTOFF)
    assert post.recipients == [DEPUTY]


def test_an_edition_that_was_not_printed_is_refused(sending, post):
    for cutoff in (None, datetime.date(2026, 3, 2)):
        with pytest.raises(EditionNotDelivered, match=r"no recorded files.*payesh publish 1397|payesh publish 1405"):
            delivery.settled_cutoff(type(PERIOD)(1397) if cutoff is None else PERIOD, cutoff)
    assert delivery.settled_cutoff(PERIOD, None) == CUTOFF


def test_nothing_is_sent_to_the_example(sending, post, monkeypatch):
    monkeypatch.delenv("PAYESH_RECIPIENTS")
    for work in (delivery.fill, delivery.send):
        with pytest.raises(SettingWrong, match=r"PAYESH_RECIPIENTS: found nothing"):
            work(PERIOD, CUTOFF)
    assert rows_of("select * from bulletin.outbox where year = 1405") == []


def test_without_a_mail_server_nothing_is_written(sending, monkeypatch):
    monkeypatch.delenv("PAYESH_SMTP_URL")
    with pytest.raises(SettingWrong, match="PAYESH_SMTP_URL: found nothing"):
        delivery.fill(PERIOD, CUTOFF)
    assert rows_of("select * from bulletin.outbox where year = 1405") == []


# release, rehearsal, names -------------------------------------------------------------------------

RELEASED_ON = datetime.date(2026, 3, 3)
EARLY = {"address": "minister@example.invalid", "role": "ministry"}


def on(monkeypatch, day):
    monkeypatch.setenv("PAYESH_TODAY", day)


def test_before_its_release_an_edition_goes_to_the_few_under_embargo(sending, post, monkeypatch):
    # Released on the third at nine; forty-eight hours before that is the first at nine.
    sending.set_rules(release_hour="9", pre_release_hours="48")
    sending.record(released_on=RELEASED_ON)
    sending.name_recipients(ministry=[{"address": DEPUTY}], pre_release=[EARLY])
    on(monkeypatch, "2026-02-28")
    assert deliver() == {}
    on(monkeypatch, "2026-03-02")
    assert deliver() == {"sent": 1}
    (envelope,) = post.took
    assert envelope.rcpt_tos == [EARLY["address"]]
    assert "[پیش از انتشار]" in read(envelope)["Subject"]
    for text in texts(envelope):
        assert "تا ساعت ۰۹:۰۰ روز ۱۲ اسفند ۱۴۰۴ (به وقت تهران) محرمانه‌اند" in text
    (row,) = rows_of("select is_pre_release, embargo_until from bulletin.outbox where year = 1405")
    assert row["is_pre_release"]
    assert row["embargo_until"].isoformat() == "2026-03-03T09:00:00+03:30"
    on(monkeypatch, "2026-03-04")
    assert deliver() == {"sent": 2}
    assert post.recipients == [DEPUTY, EARLY["address"]]
    assert "پیش از انتشار" not in texts(post.took[-1])[0]


def test_once_it_is_out_nobody_is_under_embargo(sending, post):
    sending.name_recipients(pre_release=[EARLY])
    deliver()
    assert "پیش از انتشار" not in texts(post.took[0])[0]
    (row,) = rows_of("select is_pre_release from bulletin.outbox where year = 1405")
    assert not row["is_pre_release"]


def test_before_its_release_nothing_is_linked(sending, monkeypatch):
    sending.set_rules(pre_release_hours="48", attach_up_to_bytes="5")
    sending.record(released_on=RELEASED_ON)
    sending.name_recipients(pre_release=[EARLY])
    monkeypatch.setenv("PAYESH_SITE_URL", "https://payesh.example.invalid")
    on(monkeypatch, "2026-03-02")
    delivery.fill(PERIOD, CUTOFF)
    with pytest.raises(EditionNotDelivered, match="wanted a larger attach_up_to_bytes"):
        delivery.send(PERIOD, CUTOFF)


def test_a_revised_edition_says_which_it_takes_the_place_of(sending, post):
    assert all("جای ویرایش" not in text for text in sent_texts(post))
    sending.record(kind="revised", supersedes=datetime.date(2026, 2, 1))
    for text in sent_texts(post):
        assert "ویرایش بازنگری‌شده" in text
        assert "جای ویرایش داده‌های تا ۱۲ بهمن ۱۴۰۴ را می‌گیرد" in text


def test_made_up_data_are_marked_in_subject_and_text(sending, post, monkeypatch):
    monkeypatch.setattr("tasks.edges.register.rests_on_rehearsal", lambda period: True)
    deliver()
    for envelope in post.took:
        assert read(envelope)["Subject"].startswith("[داده‌های ساختگی] ")
        for text in texts(envelope):
            assert "داده‌های این بولتن ساختگی است" in text


def test_a_name_of_an_agency_is_only_a_name(sending, post):
    name = "<script>alert(1)</script> & \r\nBcc: x@example.invalid " + "سازمان " * 20
    source = {"source_code": "Z99", "agency_code": "Z99", "agency_name": name, "form": "loan_plan"}
    sending.write("agency-Z99-1405-1.pdf")
    sending.name_recipients(agency={"Z99": [{"address": "agency@example.invalid", "name": "=cmd|' /C calc'!A0"}]})
    with warehouse.transaction() as connection:
        statement = "insert into reference.source values (:source_code, :agency_code, :agency_name, :form, false)"
        connection.execute(sa.text(statement), source)
    try:
        deliver()
    finally:
        with warehouse.transaction() as connection:
            connection.execute(sa.text("delete from reference.source where source_code = 'Z99'"))
    (envelope,) = post.took
    plain, page = texts(envelope)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<script>" in plain
    assert read(envelope)["Bcc"] is None
    assert envelope.rcpt_tos == ["agency@example.invalid"]


# bounces -------------------------------------------------------------------------------------------


@pytest.fixture
def maildir(tmp_path, monkeypatch):
    folder = tmp_path / "bounces"
    (folder / "new").mkdir(parents=True)
    monkeypatch.setenv("PAYESH_BOUNCES", str(folder))
    return folder


def bounced(message_id):
    from test_bounces import HEADERS, NAME, report

    return report(quoted=HEADERS.replace(NAME, message_id))


def test_what_comes_back_is_known_by_its_message_id(sending, post, maildir):
    deliver()
    message_id = read(next(one for one in post.took if one.rcpt_tos == [DEPUTY]))["Message-ID"]
    (maildir / "new" / "1").write_bytes(bounced(message_id))
    (maildir / "new" / "2").write_bytes(bounced("<of-somebody@else.example.invalid>"))
    assert delivery.read_bounces(PERIOD, CUTOFF) == 1
    assert delivery.read_bounces(PERIOD, CUTOFF) == 0
    assert sending.states() == {"deputy": "bounced", "tabriz": "sent"}
    assert sending.answer_to("deputy") == "5.1.1 550 5.1.1 <deputy@example.invalid>: no such user"
    # It is not sent again by itself.
    assert deliver() == {"bounced": 1, "sent": 1}
    assert deliver(resend=True) == {"sent": 2}


def test_a_report_read_twice_changes_nothing(sending, post, maildir):
    deliver()
    content = bounced(read(post.took[0])["Message-ID"])
    for name in "12":
        (maildir / "new" / name).write_bytes(content)
    assert delivery.read_bounces(PERIOD, CUTOFF) == 1
    assert len(rows_of("select * from bulletin.outbox_event where state = 'bounced'")) == 1


# what an operator sees -----------------------------------------------------------------------------


def test_a_preview_says_who_would_get_what_and_sends_nothing(sending, post):
    rows = delivery.preview(PERIOD, CUTOFF)
    assert list(rows["state"]) == ["new", "new"]
    assert list(rows["files"]) == [
        "national-1405-1.pdf (attached, 24 bytes)", "province-03-1405-1.pdf (attached, 27 bytes)",
    ]  # fmt: skip
    assert (post.took, rows_of("select * from bulletin.outbox where year = 1405")) == ([], [])
    deliver()
    assert list(delivery.preview(PERIOD, CUTOFF)["state"]) == ["sent", "sent"]


def test_status_says_what_did_not_arrive(sending, post):
    from payesh import delivery as door

    post.answers[DEPUTY] = "550 5.1.1 no such user"
    deliver()
    (line,) = door.troubles()
    assert "refused  1405-1 2026-03-01 to deputy@example.invalid (ministry IR): 550 5.1.1 no such user" in line
