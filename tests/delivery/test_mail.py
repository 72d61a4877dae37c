"""One message over a real line: what is sent, what is answered, and whom one does not talk to."""

import email
import email.policy

import pytest
from fake_post import DIE, DRIP, HALF, HANG, PASSWORD, USER, letter

from methods.errors import MailServerRefused, SettingWrong
from tasks.edges import mail
from tasks.edges.mail import Answer, Enclosure, MailServerAway, Session

PDF = b"%PDF-1.7\r\n.\r\n..\r\n\x00\xff"
ENVIRONMENT = {
    "PAYESH_SMTP_URL": "smtp://mail.example.invalid:2525?starttls", "PAYESH_SMTP_FROM": "Payesh <a@example.invalid>",
}  # fmt: skip


def send(server, sent=None, hand_over=lambda: None):
    with Session(server) as session:
        return session.send(sent or letter(), hand_over)


def read(envelope):
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


@pytest.mark.parametrize("is_implicit", [False, True])
def test_a_message_arrives_as_it_was_written(post, implicit_post, server_of, is_implicit):
    found = implicit_post if is_implicit else post
    sent = letter(enclosures=(Enclosure("national-1403-1.pdf", PDF),))
    assert send(server_of(found, is_implicit=is_implicit), sent) == Answer("sent", "250 taken")
    (envelope,) = found.took
    message = read(envelope)
    assert envelope.mail_from == "payesh@ministry.example.invalid"
    assert (message["Message-ID"], message["Subject"]) == (sent.message_id, sent.subject)
    assert message["From"].addresses[0].display_name == "پایش"
    assert message["To"].addresses[0].addr_spec == "a@example.invalid"
    for kind, written in (("plain", sent.text), ("html", sent.html)):
        assert message.get_body((kind,)).get_content().replace("\r\n", "\n") == written
    (attachment,) = message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == ("national-1403-1.pdf", PDF)
    assert attachment.get_content_type() == "application/pdf"


def test_plain_text_stands_before_html_and_files_behind():
    content = mail.compose(letter(enclosures=(Enclosure("a.pdf", PDF),)), mail.server_of_environment(ENVIRONMENT))
    kinds = [part.get_content_type() for part in email.message_from_bytes(content).walk()]
    assert kinds == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf"]


def test_the_same_message_has_the_same_bytes():
    server = mail.server_of_environment(ENVIRONMENT)
    once, again = (mail.compose(letter(enclosures=(Enclosure("a.pdf", PDF),)), server) for _ in range(2))
    assert once == again
    assert max(len(line) for line in once.split(b"\r\n")) < 998


def test_a_subject_begins_no_header_of_its_own(post, server_of):
    send(server_of(post), letter(subject="بولتن\r\nBcc: everyone@example.invalid"))
    (envelope,) = post.took
    assert read(envelope)["Bcc"] is None
    assert envelope.rcpt_tos == ["a@example.invalid"]


def test_a_dot_that_begins_a_line_arrives(script, server_of, monkeypatch):
    monkeypatch.setattr(mail, "compose", lambda *_: b"Subject: x\r\n\r\n.hidden\r\n.\r\nend")
    assert send(server_of(script)).state == "sent"
    assert script.bodies == [b"Subject: x\r\n\r\n..hidden\r\n..\r\nend\r\n"]


# who is let in, and whom one talks to --------------------------------------------------------------


def test_user_and_password_open_the_door(implicit_post, server_of):
    server = server_of(implicit_post, is_implicit=True, user=USER, password=PASSWORD)
    assert send(server).state == "sent"
    with pytest.raises(MailServerRefused, match="535 .* to user and password") as refused:
        send(server_of(implicit_post, is_implicit=True, user=USER, password="s3cret"))
    assert "s3cret" not in str(refused.value) + repr(server)
    assert len(implicit_post.took) == 1


def test_a_server_that_knows_no_users_is_named(script, server_of):
    with pytest.raises(MailServerRefused, match="knows no AUTH"):
        send(server_of(script, user=USER, password=PASSWORD))


def test_a_server_that_asks_for_user_and_password_one_by_one(script, server_of):
    script.answers |= {"EHLO": "250-here\r\n250 AUTH LOGIN", "AUTH": "334 user", "CGF5ZXNO": "334 password"}
    script.answers["CGFZCYB3W7ZYZA=="] = "235 in"
    assert send(server_of(script, user=USER, password=PASSWORD)).state == "sent"
    script.answers["AUTH"] = "454 later"
    with pytest.raises(MailServerAway, match="454 later to user and password"):
        send(server_of(script, user=USER, password=PASSWORD))


def test_nothing_goes_out_in_the_clear(script, server_of):
    script.context = None
    with pytest.raises(MailServerRefused, match="without STARTTLS"):
        send(server_of(script, is_implicit=False, user=USER, password=PASSWORD))
    assert {asked.partition(" ")[0] for asked in script.asked} <= {"EHLO"}


def test_what_was_said_before_tls_counts_no_more(script, server_of):
    # Somebody on the way slips an answer in behind 220; it must not be read as the server's.
    script.context = None
    script.answers |= {"EHLO": "250-here\r\n250 STARTTLS", "STARTTLS": "220 go\r\n250 AUTH PLAIN"}
    with pytest.raises((MailServerRefused, MailServerAway)):
        send(server_of(script, is_implicit=False, timeout_seconds=0.3))
    assert "MAIL" not in {asked.partition(" ")[0] for asked in script.asked}


@pytest.mark.parametrize("is_implicit", [False, True])
def test_a_certificate_nobody_vouches_for_is_refused(post, implicit_post, server_of, is_implicit):
    found = implicit_post if is_implicit else post
    with pytest.raises(MailServerRefused, match="certificate that does not hold: self-signed certificate"):
        send(server_of(found, is_implicit=is_implicit, ca_file=None))
    assert found.took == []


def test_a_certificate_of_another_host_is_refused(script, other_paper, server_of):
    script.context = other_paper.context
    with pytest.raises(MailServerRefused, match=r"not valid for '127\.0\.0\.1'"):
        send(server_of(script, ca_file=other_paper.certificate))
    assert script.asked == []


def test_authorities_of_the_system_are_trusted(post, paper, server_of, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", paper.certificate)
    assert send(server_of(post, ca_file=None)).state == "sent"


def test_a_server_without_tls_behind_a_tls_address_is_named(script, server_of):
    script.context = None
    with pytest.raises(MailServerRefused, match="no TLS"):
        send(server_of(script))


def test_certificates_that_cannot_be_read_are_named(script, server_of, tmp_path):
    with pytest.raises(SettingWrong, match=r"PAYESH_SMTP_CA_FILE: found .*No such file"):
        send(server_of(script, ca_file=tmp_path / "none.pem"))


def test_nobody_at_the_address_is_away(script, server_of):
    with pytest.raises(MailServerAway, match="refused"):
        send(server_of(script, port=1))


# what is answered ----------------------------------------------------------------------------------

BEFORE = ("greeting", "EHLO", "MAIL", "RCPT", "DATA")
ANSWERED = [
    ("MAIL", "451 later", "deferred", "451 later"),
    ("MAIL", "552 too large", "refused", "552 too large"),
    ("RCPT", "450 try again", "deferred", "450 try again"),
    ("RCPT", "550-no such\r\n550 user", "refused", "550 no such user"),
    ("RCPT", "421 closing", "deferred", "421 closing"),
    ("DATA", "451 not now", "deferred", "451 not now"),
    ("DATA", "554 never", "refused", "554 never"),
    (".", "250 taken", "sent", "250 taken"),
    (".", "452 full", "deferred", "452 full"),
    (".", "554 spam", "refused", "554 spam"),
    (".", "what", "unknown", "that can be read"),
]


@pytest.mark.parametrize(("word", "answer", "state", "words"), ANSWERED)
def test_an_answer_is_kept_in_the_servers_words(script, server_of, word, answer, state, words):
    script.answers[word] = answer
    found = send(server_of(script))
    assert found.state == state
    assert words in found.words


def test_words_of_a_server_stay_within_bounds(script, server_of):
    script.answers["RCPT"] = "550 \x1b[31m" + "x" * 5000
    found = send(server_of(script))
    assert found.words.isprintable()
    assert len(found.words) < 600


@pytest.mark.parametrize(
    ("word", "answer", "kind"),
    [("greeting", "421 busy", MailServerAway), ("greeting", "554 no", MailServerRefused),
     ("EHLO", "502 no", MailServerRefused), ("MAIL", "530 log in first", MailServerRefused)],
)  # fmt: skip
def test_a_server_that_does_not_let_us_in_is_named(script, server_of, word, answer, kind):
    script.answers[word] = answer
    with pytest.raises(MailServerRefused, match=answer) as refused:
        send(server_of(script))
    assert type(refused.value) is kind


FAULTS = [
    (fault, word)
    for fault, words in ((HANG, (*BEFORE, ".")), (DIE, (*BEFORE, ".")), (DRIP, ("greeting", "RCPT", ".")))
    for word in words
]


@pytest.mark.parametrize(("fault", "word"), FAULTS)
def test_a_server_that_hangs_dies_or_drips_half_way(script, server_of, fault, word):
    script.answers[word] = fault
    server = server_of(script, timeout_seconds=0.5, answer_seconds=0.5)
    if word in ("greeting", "EHLO"):
        with pytest.raises(MailServerAway, match="timed out|closed|reset"):
            send(server)
        return
    found = send(server)
    assert (found.state, found.has_lost_line) == ("unknown" if word == "." else "deferred", True)
    assert len(script.bodies) == (word == ".")


def test_half_an_answer_is_none(script, server_of):
    # "250 taken" whose end never came: the line broke within it.
    script.answers["."] = HALF
    assert send(server_of(script)).state == "unknown"


def test_an_answer_without_end_is_none(script, server_of):
    script.answers["RCPT"] = "250-and\r\n" * 200 + "250 ok"
    assert send(server_of(script)).state == "deferred"


def test_a_server_that_dies_under_the_message_has_not_got_it(script, server_of):
    script.answers["body"] = DIE
    found = send(server_of(script), letter(enclosures=(Enclosure("a.pdf", b"x" * 8_000_000),)))
    assert found.state == "deferred"
    assert script.bodies == []


# one line, many messages ---------------------------------------------------------------------------


def test_one_line_carries_many_messages(script, server_of):
    script.answers["RCPT"] = ["250 ok", "550 no such user", "250 ok"]
    with Session(server_of(script)) as session:
        found = [session.send(letter(f"{name}@example.invalid"), lambda: None).state for name in "abc"]
    assert found == ["sent", "refused", "sent"]
    assert len(script.lines) == 1
    assert [word for word in script.asked if word in ("RSET", "QUIT")] == ["RSET", "QUIT"]


def test_a_lost_line_is_opened_again(script, server_of):
    script.answers["RCPT"] = [DIE, "250 ok"]
    with Session(server_of(script)) as session:
        found = [session.send(letter(f"{name}@example.invalid"), lambda: None).state for name in "ab"]
    assert found == ["deferred", "sent"]
    assert len(script.lines) == 2


def test_the_message_goes_out_only_after_it_was_noted(script, server_of):
    noted = []

    def note():
        noted.append((list(script.asked), list(script.bodies)))

    assert send(server_of(script), hand_over=note).state == "sent"
    ((asked, bodies),) = noted
    assert (asked[-1], bodies) == ("DATA", [])
    script.answers["RCPT"] = "550 no"
    send(server_of(script), hand_over=note)
    assert len(noted) == 1


def test_a_note_that_fails_stops_the_message(script, server_of):
    def fail():
        raise RuntimeError("no warehouse")

    with Session(server_of(script)) as session:
        with pytest.raises(RuntimeError, match="no warehouse"):
            session.send(letter(), fail)
        assert script.bodies == []
        assert session.send(letter("b@example.invalid"), lambda: None).state == "sent"
    assert len(script.bodies) == 1


def test_a_server_that_reports_failures_is_asked_to(script, server_of):
    script.answers["EHLO"] = "250-here\r\n250 DSN"
    send(server_of(script))
    (asked,) = [one for one in script.asked if one.startswith("MAIL")]
    assert asked == f"MAIL FROM:<payesh@ministry.example.invalid> RET=HDRS ENVID={letter().message_id.strip('<>')}"
    assert "RCPT TO:<a@example.invalid> NOTIFY=FAILURE" in script.asked


# settings ------------------------------------------------------------------------------------------


def test_the_environment_says_where_mail_is_handed_in(monkeypatch):
    monkeypatch.setenv("MAIL_WORD", "s3cret")
    found = mail.server_of_environment(
        ENVIRONMENT | {"PAYESH_SMTP_USER": "payesh", "PAYESH_SMTP_PASSWORD": "env:MAIL_WORD"}
    )
    assert (found.host, found.port, found.is_implicit) == ("mail.example.invalid", 2525, False)
    assert (found.user, found.password, found.domain) == ("payesh", "s3cret", "example.invalid")
    assert mail.server_of_environment(ENVIRONMENT | {"PAYESH_SMTP_URL": "smtps://m.example.invalid"}).port == 465


def test_a_password_may_be_a_prefect_secret(monkeypatch):
    monkeypatch.setattr("tasks.edges.sources._prefect_secret", {"mail-word": "s3cret"}.get)
    found = mail.server_of_environment(ENVIRONMENT | {"PAYESH_SMTP_PASSWORD": "block:mail-word"})
    assert found.password == "s3cret"
    with pytest.raises(SettingWrong, match="PAYESH_SMTP_PASSWORD: found no Prefect Secret block none"):
        mail.server_of_environment(ENVIRONMENT | {"PAYESH_SMTP_PASSWORD": "block:none"})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"PAYESH_SMTP_URL": ""}, "PAYESH_SMTP_URL: found nothing"),
        ({"PAYESH_SMTP_URL": "smtp://mail.example.invalid:25"}, "wanted a mail server with TLS"),
        ({"PAYESH_SMTP_URL": "http://mail.example.invalid"}, "wanted a mail server with TLS"),
        ({"PAYESH_SMTP_URL": "smtps://u:s3cret@mail.example.invalid"}, "found an address with a user in it"),
        ({"PAYESH_SMTP_URL": "smtps://mail.example.invalid?timeout=soon"}, "could not convert .* to float"),
        ({"PAYESH_SMTP_URL": "smtps://mail.example.invalid?timeout=0"}, "wanted a mail server with TLS"),
        ({"PAYESH_SMTP_URL": "smtps://mail.example.invalid?starttls=no"}, "wanted a mail server with TLS"),
        ({"PAYESH_SMTP_URL": "smtps://[mail"}, "wanted a mail server with TLS"),
        ({"PAYESH_SMTP_URL": "smtps://mail.example.invalid:99999"}, "wanted a mail server with TLS"),
        ({"PAYESH_SMTP_FROM": ""}, "PAYESH_SMTP_FROM"),
        ({"PAYESH_SMTP_FROM": "nobody"}, "PAYESH_SMTP_FROM"),
        ({"PAYESH_SMTP_USER": "env:NO_SUCH_VARIABLE"}, "PAYESH_SMTP_USER: found no environment variable"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(changed, said):
    with pytest.raises(SettingWrong, match=said) as refused:
        mail.server_of_environment(ENVIRONMENT | changed)
    assert "s3cret" not in str(refused.value)
