"""Mail: one message to one person over SMTP with TLS, and what the server answered."""

from __future__ import annotations

import base64
import datetime
import email.utils
import hashlib
import mimetypes
import os
import re
import smtplib
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Literal

from methods.errors import MailServerRefused, SettingWrong, SourceUnreadable
from tasks.edges import sources

PORTS = {"smtp": 587, "smtps": 465}
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
TIMEOUT_SECONDS = 60.0
# RFC 5321 4.5.3.2.6 has a client wait ten minutes for the answer to a message: who gives up early sends it twice.
ANSWER_TIMEOUTS = 10
LONGEST_WORDS = 500
# RFC 5321 4.5.3.1.5 has 512 bytes a line; more than so many lines are no answer.
LONGEST_LINE, MOST_LINES = 4096, 100
CLOSING, TOO_LARGE, GO_ON, SAY_MORE = 421, 552, 354, 334

State = Literal["sent", "refused", "deferred", "unknown"]


class MailServerAway(MailServerRefused):
    """A mail server does not answer, or not now; asking again later may help."""


@dataclass(frozen=True)
class Server:
    """Where mail is handed in, and from whom it comes."""

    host: str
    port: int
    is_implicit: bool
    sender_address: str
    sender_name: str = ""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = TIMEOUT_SECONDS
    # How long the answer to a whole message is waited for.
    answer_seconds: float = TIMEOUT_SECONDS * ANSWER_TIMEOUTS

    @property
    def place(self) -> str:
        """Name it in a refusal."""
        return f"mail server {self.host}:{self.port}"

    @property
    def domain(self) -> str:
        """Domain the mail comes from: the name this end gives itself."""
        return self.sender_address.partition("@")[2]


@dataclass(frozen=True)
class Enclosure:
    """A file that goes with a message."""

    file_name: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """A message to one person, the same each time it is tried."""

    message_id: str
    recipient: str
    recipient_name: str
    subject: str
    text: str
    html: str
    written_at: datetime.datetime
    enclosures: tuple[Enclosure, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What became of a message, in the server's words."""

    state: State
    words: str
    has_lost_line: bool = False

    @property
    def is_well(self) -> bool:
        """Say whether the message is with the server now."""
        return self.state == "sent"


def server_of_environment(environment: Mapping[str, str] = os.environ) -> Server:
    """Read where mail is handed in from PAYESH_SMTP_URL, _FROM, _USER, _PASSWORD and _CA_FILE.

    Raises:
        SettingWrong: one of them is missing or cannot be used, or the address promises no TLS.
    """
    scheme, host, port, timeout = _address_of(environment)
    name, sender = email.utils.parseaddr(environment.get("PAYESH_SMTP_FROM", ""))
    if not ADDRESS.fullmatch(sender):
        raise SettingWrong(
            place="PAYESH_SMTP_FROM", found=repr(environment.get("PAYESH_SMTP_FROM", "")),
            wanted="the address mail comes from and bounces go to, such as Payesh <payesh@example.ir>",
        )  # fmt: skip
    ca_file = environment.get("PAYESH_SMTP_CA_FILE")
    return Server(
        host=host,
        port=port,
        is_implicit=scheme == "smtps",
        sender_address=sender,
        sender_name=name,
        user=_credential("PAYESH_SMTP_USER", environment),
        password=_credential("PAYESH_SMTP_PASSWORD", environment),
        ca_file=Path(ca_file) if ca_file else None,
        timeout_seconds=timeout,
        answer_seconds=timeout * ANSWER_TIMEOUTS,
    )


def _address_of(environment: Mapping[str, str]) -> tuple[str, str, int, float]:
    written = environment.get("PAYESH_SMTP_URL", "")
    # A password in an address ends up in logs and process lists; it is not said again here.
    found = "an address with a user in it" if "@" in written else repr(written) if written else "nothing"
    try:
        parts = urllib.parse.urlsplit(written)
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        timeout = float(query.pop("timeout", TIMEOUT_SECONDS))
        asks_for_tls = query == ({"starttls": ""} if parts.scheme == "smtp" else {})
        if parts.scheme in PORTS and parts.hostname and "@" not in written and asks_for_tls and 0 < timeout < 3600:
            return parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], timeout
    except ValueError as error:
        found = f"{found}: {error}"
    raise SettingWrong(
        place="PAYESH_SMTP_URL",
        found=found,
        wanted=(
            "a mail server with TLS: smtps://mail.example.ir:465 or smtp://mail.example.ir:587?starttls,"
            " with timeout=SECONDS where 60 do not fit"
        ),
        remedy="User and password go into PAYESH_SMTP_USER and PAYESH_SMTP_PASSWORD (block:NAME for a Secret).",
    )


def _credential(name: str, environment: Mapping[str, str]) -> str | None:
    written = environment.get(name)
    if not written or not written.startswith(("env:", "block:")):
        return written or None
    try:
        return sources.secret("mail", written)
    except SourceUnreadable as refusal:
        raise SettingWrong(name, refusal.found, refusal.wanted, refusal.remedy) from refusal


# the message -------------------------------------------------------------------------------------


def compose(letter: Letter, server: Server) -> bytes:
    """Write a message as it goes over the line: plain text, HTML beside it, files behind; always the same bytes."""
    message = EmailMessage(policy=SMTP)
    message["From"] = email.utils.formataddr((server.sender_name, server.sender_address))
    message["To"] = email.utils.formataddr((letter.recipient_name, letter.recipient))
    # No name of an agency may begin a header of its own.
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = email.utils.format_datetime(letter.written_at)
    message["Message-ID"] = letter.message_id
    message["Content-Language"] = "fa"
    # RFC 3834: no holiday note is wanted.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="base64")
    message.add_alternative(letter.html, subtype="html", cte="base64")
    for enclosure in letter.enclosures:
        kind, _, subtype = (mimetypes.guess_type(enclosure.file_name)[0] or "application/octet-stream").partition("/")
        message.add_attachment(enclosure.content, maintype=kind, subtype=subtype, filename=enclosure.file_name)
    digest = hashlib.sha256(letter.message_id.encode()).hexdigest()[:24]
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"payesh-{number}-{digest}")
    return message.as_bytes()


# the conversation --------------------------------------------------------------------------------


class _Lost(Exception):
    """The line broke, or nothing came over it in time."""

    def __init__(self, words: str, is_handed_over: bool = False) -> None:
        self.words, self.is_handed_over = words, is_handed_over
        super().__init__(words)


class _Line(smtplib.SMTP):
    """A line to a mail server that takes only whole answers for answers."""

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer; one that breaks off before its end is none, whatever it seemed to say."""
        if self.file is None:
            self.file = self.sock.makefile("rb")  # type: ignore[union-attr]  # it is open
        words = []
        for _ in range(MOST_LINES):
            row = self.file.readline(LONGEST_LINE)
            if not row.endswith(b"\n"):
                break
            words.append(row[4:].strip())
            if row[3:4] != b"-":
                return int(row[:3]) if row[:3].isdigit() else -1, b"\n".join(words)
        self.close()
        raise smtplib.SMTPServerDisconnected("the line was closed before the end of an answer")


class Session:
    """A conversation with a mail server, opened with the first message and again after it broke."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._line: _Line | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line.quit()
        self._drop()

    def send(self, letter: Letter, hand_over: Callable[[], None]) -> Answer:
        """Try to hand one message in.

        Args:
            letter: the message.
            hand_over: called once the server is ready to take the message, before a byte of it goes out. Until it
                has returned the server cannot have the message; from then to its answer nobody knows.

        Returns:
            `sent`, `refused` for good, `deferred`, or `unknown` where the whole message went out and no answer came.

        Raises:
            MailServerAway: the server is not reached now.
            MailServerRefused: it is no server one may talk to, or it does not let us in.
        """
        content = compose(letter, self._server)
        if self._line is None:
            self._line = _open(self._server)
        try:
            with _watched(self._line, 2 * self._server.answer_seconds):
                answer = self._converse(self._line, letter, content, hand_over)
        except _Lost as lost:
            self._drop()
            return Answer("unknown" if lost.is_handed_over else "deferred", lost.words, has_lost_line=True)
        except BaseException:
            # The server still waits for a message that will not come.
            self._drop()
            raise
        if answer.state != "sent":
            self._begin_anew()
        return answer

    def _converse(self, line: _Line, letter: Letter, content: bytes, hand_over: Callable[[], None]) -> Answer:
        options = [f"SIZE={len(content)}"] if line.has_extn("size") else []
        notify = []
        if line.has_extn("dsn"):
            # RFC 3461: a failure comes back with the headers, so that it is known which message failed.
            options += ["RET=HDRS", f"ENVID={letter.message_id.strip('<>')}"]
            notify = ["NOTIFY=FAILURE"]
        sender = self._server.sender_address
        code, words = _asked(line, f"MAIL FROM:<{sender}> {' '.join(options)}".rstrip())
        if 500 <= code < 600 and code != TOO_LARGE:
            raise MailServerRefused(
                place=self._server.place, found=f"no mail from {sender} is taken: {words}", wanted="a sender it takes",
                remedy="Set PAYESH_SMTP_FROM, and PAYESH_SMTP_USER and PAYESH_SMTP_PASSWORD.",
            )  # fmt: skip
        if code >= 300 or code < 200:
            return _answer(code, words)
        code, words = _asked(line, f"RCPT TO:<{letter.recipient}> {' '.join(notify)}".rstrip())
        if code >= 300 or code < 200:
            return _answer(code, words)
        code, words = _asked(line, "DATA")
        if code != GO_ON:
            return _answer(code, words)
        hand_over()
        return self._hand_in(line, content)

    def _hand_in(self, line: _Line, content: bytes) -> Answer:
        # RFC 5321 4.5.2: a dot that begins a line is doubled, a dot alone ends the message.
        body = re.sub(rb"(?m)^\.", b"..", content)
        line.sock.settimeout(self._server.answer_seconds)  # type: ignore[union-attr]  # it is open
        try:
            line.send(body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        except OSError as error:
            # The end of the message did not leave, so the server cannot have taken it.
            raise _Lost(f"while the message was sent: {_reason(error)}") from error
        try:
            code, words = line.getreply()
        except OSError as error:
            raise _Lost(f"no answer to the message: {_reason(error)}", is_handed_over=True) from error
        if not 200 <= code < 600:
            raise _Lost(f"no answer to the message that can be read: {_plain(words)}", is_handed_over=True)
        line.sock.settimeout(self._server.timeout_seconds)  # type: ignore[union-attr]
        return _answer(code, f"{code} {_plain(words)}")

    def _begin_anew(self) -> None:
        try:
            code, _ = _asked(self._line, "RSET") if self._line is not None else (0, "")
        except _Lost:
            code = CLOSING
        if code != 250:
            self._drop()

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line = None


def _answer(code: int, words: str) -> Answer:
    if 200 <= code < 300:
        return Answer("sent", words)
    return Answer("refused" if 500 <= code < 600 else "deferred", words)


def _asked(line: _Line, command: str) -> tuple[int, str]:
    try:
        code, words = line.docmd(command)
    except OSError as error:
        raise _Lost(f"no answer to {command.split()[0]}: {_reason(error)}") from error
    return code, f"{code} {_plain(words)}"


def _plain(words: bytes) -> str:
    # What a stranger writes is kept in one line and within bounds.
    text = "".join(sign if sign.isprintable() else " " for sign in words.decode("utf-8", "replace"))
    return " ".join(text.split())[:LONGEST_WORDS]


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    return _plain((error.strerror or str(error) or type(error).__name__).encode())


# opening -----------------------------------------------------------------------------------------


def _open(server: Server) -> _Line:
    line = _Line(local_hostname=server.domain, timeout=server.timeout_seconds)
    try:
        with _watched(line, server.answer_seconds):
            _connect(line, server)
            _log_in(line, server)
    except MailServerRefused:
        line.close()
        raise
    except _Lost as lost:
        line.close()
        raise _away(server, lost.words) from lost
    except OSError as error:
        line.close()
        raise _away(server, _reason(error)) from error
    return line


def _connect(line: _Line, server: Server) -> None:
    context = _context(server)
    address = (server.host, server.port)
    line.sock = socket.create_connection(address, server.timeout_seconds)
    if server.is_implicit:
        line.sock = _encrypted(line.sock, context, server)
    code, words = line.getreply()
    _expect(server, code, words, (220,), "its greeting")
    _greet(line, server)
    if server.is_implicit:
        return
    if not line.has_extn("starttls"):
        raise MailServerRefused(
            place=server.place, found="a server without STARTTLS", wanted="TLS, since nothing goes out in the clear",
            remedy="Use its port for smtps://, or another server.",
        )  # fmt: skip
    code, words = line.docmd("STARTTLS")
    _expect(server, code, words, (220,), "STARTTLS")
    line.sock = _encrypted(line.sock, context, server)
    # What was read before counts no more: somebody on the way may have said it.
    line.file = None
    _greet(line, server)


def _greet(line: _Line, server: Server) -> None:
    code, words = line.ehlo()
    _expect(server, code, words, (250,), "EHLO")


def _log_in(line: _Line, server: Server) -> None:
    if server.user is None:
        return
    ways = line.esmtp_features.get("auth", "").upper().split()
    # In UTF-8, as RFC 4616 has it; the line is under TLS by now.
    user, password = server.user.encode(), (server.password or "").encode()
    if "PLAIN" in ways:
        code, words = line.docmd("AUTH PLAIN", _base64(b"\0" + user + b"\0" + password))
    elif "LOGIN" in ways:
        code, words = line.docmd("AUTH LOGIN")
        for secret in (user, password):
            if code == SAY_MORE:
                code, words = line.docmd(_base64(secret))
    else:
        raise MailServerRefused(
            place=server.place, found=f"a server that knows no AUTH PLAIN or LOGIN, but {' '.join(ways) or 'none'}",
            wanted="a way to log in", remedy="Unset PAYESH_SMTP_USER where none is needed.",
        )  # fmt: skip
    _expect(server, code, words, (235,), "user and password")


def _base64(secret: bytes) -> str:
    return base64.b64encode(secret).decode("ascii")


def _expect(server: Server, code: int, words: bytes, wanted: tuple[int, ...], to: str) -> None:
    if code in wanted:
        return
    found = f"{code} {_plain(words)} to {to}"
    # 5yz is for good; anything else may pass.
    if 500 <= code < 600:
        raise MailServerRefused(place=server.place, found=found, wanted="a server that lets us in")
    raise _away(server, found)


def _encrypted(plain: socket.socket | None, context: ssl.SSLContext, server: Server) -> ssl.SSLSocket:
    if plain is None:
        raise _away(server, "a closed line")
    try:
        return context.wrap_socket(plain, server_hostname=server.host)
    except ssl.SSLCertVerificationError as error:
        raise MailServerRefused(
            place=server.place, found=f"a certificate that does not hold: {error.verify_message}",
            wanted=f"one for {server.host} by an authority that is trusted",
            remedy="Mend the certificate, or name its authority in PAYESH_SMTP_CA_FILE.",
        ) from error  # fmt: skip
    except ssl.SSLEOFError:
        raise
    except ssl.SSLError as error:
        raise MailServerRefused(
            place=server.place, found=f"no TLS: {error.reason or error}", wanted="TLS 1.2 or newer",
            remedy="Is it smtps:// (TLS at once) or smtp://…?starttls?",
        ) from error  # fmt: skip


def _context(server: Server) -> ssl.SSLContext:
    # The system's authorities, or those of SSL_CERT_FILE; host name and certificate are always checked.
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if server.ca_file is not None:
        try:
            context.load_verify_locations(server.ca_file)
        except OSError as error:
            raise SettingWrong(
                place="PAYESH_SMTP_CA_FILE", found=f"{server.ca_file}: {_reason(error)}", wanted="certificates in PEM"
            ) from error
    return context


def _away(server: Server, found: str) -> MailServerAway:
    return MailServerAway(
        place=server.place, found=found, wanted="a mail server that answers",
        remedy="It is asked again when the next try is due.",
    )  # fmt: skip


@contextmanager
def _watched(line: _Line, seconds: float) -> Iterator[None]:
    """Break the line after so long: a server that sends a letter a minute keeps within every single time limit."""
    watch = threading.Timer(seconds, _break, [line])
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _break(line: _Line) -> None:
    with suppress(OSError):
        if line.sock is not None:
            # Below TLS, whose own end would wait for the other side.
            socket.socket.shutdown(line.sock, socket.SHUT_RDWR)
