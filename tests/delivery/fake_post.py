"""Mail servers a test writes the answers of, certificates they show, and an edition to send."""

import datetime
import hashlib
import ipaddress
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from methods.period import Period
from tasks.edges import warehouse
from tasks.edges.mail import Letter

ROOT = Path(__file__).parents[2]
DAY = datetime.datetime(2026, 10, 23, tzinfo=datetime.UTC)
PERIOD = Period(1405)
CUTOFF = datetime.date(2026, 3, 1)
USER, PASSWORD = "payesh", "pass wörd"
# What a script may do besides answering.
HANG, DIE, DRIP, HALF = (object() for _ in range(4))
PLAIN = {
    "greeting": "220 ready", "EHLO": "250-here\r\n250 SIZE 99999999", "MAIL": "250 ok", "RCPT": "250 ok",
    "DATA": "354 go on", ".": "250 taken as 1", "RSET": "250 ok", "QUIT": "221 bye",
}  # fmt: skip


@dataclass(frozen=True)
class Paper:
    """A certificate with its key, which a client may be told to trust."""

    certificate: str
    key: str

    @property
    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def self_signed(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    place = [x509.IPAddress(ipaddress.ip_address(name))] if name[0].isdigit() else [x509.DNSName(name)]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(place), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paper = Paper(str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.key").write_bytes(secret)
    return paper


@dataclass
class Post:
    """A mail server: what it took, what it is to answer, and whether it holds an answer back."""

    took: list = field(default_factory=list)
    answers: dict = field(default_factory=dict)
    has_message: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.took.append(envelope)
        self.has_message.set()
        await server.loop.run_in_executor(None, self.may_answer.wait)
        return self.answers.get(".", "250 taken")

    @property
    def recipients(self):
        return sorted(address for envelope in self.took for address in envelope.rcpt_tos)


def served(paper, is_implicit):
    post = Post()
    post.may_answer.set()
    tls = {"ssl_context": paper.context} if is_implicit else {"tls_context": paper.context, "require_starttls": True}

    def authenticator(server, session, envelope, mechanism, data):
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right)

    with socket.create_server(("127.0.0.1", 0)) as probe:
        post.port = probe.getsockname()[1]
    controller = Controller(
        post, "127.0.0.1", post.port, authenticator=authenticator, auth_require_tls=not is_implicit, **tls
    )
    controller.start()
    yield post
    post.may_answer.set()
    controller.stop()


@dataclass
class Script:
    """A mail server that does what it is told, at the word it is told; it notes what it was asked."""

    answers: dict = field(default_factory=lambda: dict(PLAIN))
    asked: list = field(default_factory=list)
    bodies: list = field(default_factory=list)
    lines: list = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    context: object = None
    heard: threading.Condition = field(default_factory=threading.Condition)

    def has(self, word, seconds):
        """Wait until it was asked a word."""
        with self.heard:
            return self.heard.wait_for(lambda: any(one.startswith(word) for one in self.asked), seconds)

    def serve(self, listener):
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=[line], daemon=True).start()

    def talk(self, line):
        try:
            if self.context is not None:
                line = self.context.wrap_socket(line, server_side=True)
            self.lines.append(line)
            reader = line.makefile("rb")
            if self.answer(line, "greeting") is DIE:
                return
            while asked := reader.readline():
                word, _, rest = asked.decode("utf-8", "replace").strip().partition(" ")
                with self.heard:
                    self.asked.append(text := f"{word.upper()} {rest}".strip())
                    self.heard.notify_all()
                if self.answer(line, word.upper()) is DIE:
                    return
                if text == "DATA" and str(self.answers["DATA"]).startswith("354"):
                    if self.take(line, reader) is DIE:
                        return
        except OSError:
            return

    def take(self, line, reader):
        body = []
        while (row := reader.readline()) != b".\r\n":
            if not row:
                return DIE
            body.append(row)
            if self.answers.get("body") is DIE:
                line.close()
                return DIE
        self.bodies.append(b"".join(body))
        return self.answer(line, ".")

    def answer(self, line, word):
        does = self.answers.get(word, "500 what?")
        if isinstance(does, list):
            does = does.pop(0) if len(does) > 1 else does[0]
        if does in (DIE, HALF):
            line.sendall(b"250 tak" if does is HALF else b"")
            line.shutdown(socket.SHUT_RDWR)
            line.close()
        elif does is HANG:
            self.is_over.wait()
        elif does is DRIP:
            while not self.is_over.wait(0.02):
                line.sendall(b"2")
        else:
            line.sendall(does.encode() + b"\r\n")
        return DIE if does is HALF else does


def letter(recipient="a@example.invalid", **changed):
    stated = {
        "message_id": f"<{hashlib.sha256(recipient.encode()).hexdigest()[:8]}@ministry.example.invalid>",
        "recipient": recipient, "recipient_name": "گیرنده", "subject": "پایش اشتغال: بولتن کشور",
        "text": "متن\n.نقطه در آغاز\n", "html": "<!doctype html>\n<html><p>متن</p></html>\n", "written_at": DAY,
    }  # fmt: skip
    return Letter(**stated | changed)


@dataclass
class Sending:
    """An edition, who gets it, and where its mail is handed in."""

    folder: object
    tmp_path: object
    monkeypatch: object

    def write(self, name, content=None):
        content = f"%PDF {name}".encode() if content is None else content
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(content)
        row = {"file_name": name, "byte_count": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        rows = pd.DataFrame([row | {"year": PERIOD.year, "phase": PERIOD.phase, "cutoff": CUTOFF}])
        warehouse.append("bulletin.file", {"year": PERIOD.year}, rows)

    def record(self, **changed):
        stated = {"number": 2, "kind": "provisional", "released_on": CUTOFF, "supersedes": None, "guideline": "g"}
        row = {"year": PERIOD.year, "phase": PERIOD.phase, "cutoff": CUTOFF, "reasons": "{}"} | stated | changed
        warehouse.replace("bulletin.edition", {"year": PERIOD.year}, pd.DataFrame([row]))

    def name_recipients(self, **lists):
        path = self.tmp_path / "recipients.yaml"
        path.write_text(yaml.safe_dump(lists, allow_unicode=True), encoding="utf-8")
        self.monkeypatch.setenv("PAYESH_RECIPIENTS", str(path))

    def set_rules(self, **values):
        rules = {
            name: {"label": "l", "unit": "u", "values": [{"from": "1390-01-01", "value": value, "status": "assumed"}]}
            | ({"kind": "table"} if isinstance(value, dict) else {})
            for name, value in values.items()
        }
        path = self.tmp_path / "rules" / "delivery.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"parameters": rules}), encoding="utf-8")
        self.monkeypatch.setenv("PAYESH_GUIDELINES", f"{self.tmp_path / 'rules'}:{ROOT / 'guidelines'}")

    def hand_in_at(self, post, scheme="smtp", timeout=10):
        query = "?starttls&" if scheme == "smtp" else "?"
        self.monkeypatch.setenv("PAYESH_SMTP_URL", f"{scheme}://127.0.0.1:{post.port}{query}timeout={timeout}")

    def states(self):
        rows = rows_of("select recipient, role, unit_code, state from bulletin.outbox_state order by 1, 2, 3")
        return {row["recipient"].partition("@")[0]: row["state"] for row in rows}

    def answer_to(self, name):
        (row,) = rows_of("select answer from bulletin.outbox_state where recipient like :name", name=f"{name}@%")
        return row["answer"]


def rows_of(statement, **parameters):
    with warehouse.transaction() as connection:
        return [dict(row) for row in connection.execute(sa.text(statement), parameters).mappings()]


def forget_edition():
    with warehouse.transaction() as connection:
        for table in ("outbox_event", "outbox_file", "outbox"):
            connection.execute(sa.text(f"delete from bulletin.{table}"))
        for table in ("file", "edition"):
            connection.execute(sa.text(f"delete from bulletin.{table} where year = 1405"))
