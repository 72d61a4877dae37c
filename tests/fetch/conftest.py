"""Servers on loopback that deliver: HTTP by a script, SFTP over a folder, and an object store."""

import http.server
import socket
import threading
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest

from methods.errors import SourceUnreadable
from tasks.edges import fetch as fetching
from tasks.edges.fetch import Errand

SECRETS = {"env:TOKEN": "t0ken-of-p04", "env:USER": "payesh", "env:PASSWORD": "s3cret pass/word", "env:ID": "id:1"}


@dataclass
class Web:
    """An HTTP service whose answers a test writes; it notes what it was asked."""

    address: str = ""
    asked: list = field(default_factory=list)
    answer: object = None
    release: threading.Event = field(default_factory=threading.Event)

    def queries(self):
        return [asked.query for asked in self.asked]


@dataclass
class Asked:
    method: str
    path: str
    query: dict
    headers: object
    body: bytes


@pytest.fixture
def web():
    """`web.answer(asked)` gives (status, headers, body); a body shorter than its Content-Length breaks off."""
    state = Web()

    class Door(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            parts = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, parts.path, dict(urllib.parse.parse_qsl(parts.query)), self.headers, body)
            state.asked.append(asked)
            status, headers, content = state.answer(asked)
            self.send_response(status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(content))} | headers
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = int(headers["Content-Length"]) != len(content)

        do_POST = do_PATCH = do_DELETE = do_GET

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """A client that hangs up is what some tests are about."""

    server = Server(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    yield state
    state.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass(frozen=True)
class Sftp:
    port: int
    folder: Path
    fingerprint: str
    host_key: paramiko.PKey
    client_key: paramiko.PKey


class _Login(paramiko.ServerInterface):
    def __init__(self, key):
        self._key = key

    def get_allowed_auths(self, username):
        return "password,publickey"

    def check_auth_password(self, username, password):
        right = (username, password) == (SECRETS["env:USER"], SECRETS["env:PASSWORD"])
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if key == self._key else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class _Folder(paramiko.SFTPServerInterface):
    def __init__(self, server, *args, root, **kwargs):
        self._root = Path(root)
        super().__init__(server, *args, **kwargs)

    def _real(self, path):
        return self._root / path.lstrip("/")

    def list_folder(self, path):
        return [paramiko.SFTPAttributes.from_stat(p.stat(), p.name) for p in sorted(self._real(path).iterdir())]

    def stat(self, path):
        try:
            return paramiko.SFTPAttributes.from_stat(self._real(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path, flags, attr):
        try:
            stream = self._real(path).open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = stream
        return handle


@pytest.fixture
def sftp(tmp_path):
    folder = tmp_path / "agency"
    folder.mkdir()
    host_key, client_key = paramiko.ECDSAKey.generate(), paramiko.RSAKey.generate(2048)
    listener = socket.create_server(("127.0.0.1", 0))
    transports = []

    def serve():
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(line)
            transports.append(transport)
            transport.add_server_key(host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Folder, root=folder)
            try:
                transport.start_server(server=_Login(client_key))
            except (paramiko.SSHException, EOFError):
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    yield Sftp(listener.getsockname()[1], folder, host_key.fingerprint, host_key, client_key)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for transport in transports:
        transport.close()


@pytest.fixture(scope="module")
def store():
    """Address of an object store."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def fetch(tmp_path):
    """Fetch by a pull's YAML; waits that a service asks for are noted in `fetch.waits`, not kept."""

    def run(pull, since=None, secrets=SECRETS, **values):
        def secret(name):
            if name not in secrets:
                raise SourceUnreadable(place="source P04", found=f"no {name}", wanted="the credential it names")
            return secrets[name]

        model = run.model.validate_python(pull)
        errand = Errand("P04", "the Ministry", model, {"year": "1403", "phase": "1"} | values, since)
        return fetching.fetch(errand, run.spool, secret, run.waits.append)

    from pydantic import TypeAdapter

    from tasks.edges.pulls import Pull

    run.model, run.waits, run.spool = TypeAdapter(Pull), [], tmp_path / "spool"
    return run
