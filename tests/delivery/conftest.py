"""Mail servers on loopback: a real one, one that keeps to a script of faults, and an edition to send."""

import socket
import threading

import pytest
from fake_post import CUTOFF, PERIOD, Script, Sending, forget_edition, self_signed, served

from tasks.edges.mail import Server


@pytest.fixture(scope="session")
def paper(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("paper"), "127.0.0.1")


@pytest.fixture(scope="session")
def other_paper(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("other"), "mail.example.invalid")


@pytest.fixture
def post(paper):
    """A mail server that insists on STARTTLS."""
    yield from served(paper, is_implicit=False)


@pytest.fixture
def implicit_post(paper):
    """A mail server that speaks TLS from the first byte."""
    yield from served(paper, is_implicit=True)


@pytest.fixture
def script(paper):
    state = Script(context=paper.context)
    listener = socket.create_server(("127.0.0.1", 0))
    state.port = listener.getsockname()[1]
    thread = threading.Thread(target=state.serve, args=[listener])
    thread.start()
    yield state
    state.is_over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for line in state.lines:
        line.close()


@pytest.fixture
def server_of(paper):
    """Say where to hand mail in: `server_of(post, is_implicit=True)`; waits are short."""

    def server(found, **changed):
        stated = {
            "host": "127.0.0.1", "port": found.port, "is_implicit": isinstance(found, Script),
            "sender_address": "payesh@ministry.example.invalid", "sender_name": "پایش", "ca_file": paper.certificate,
            "timeout_seconds": 10.0,
        }  # fmt: skip
        return Server(**stated | changed)

    return server


@pytest.fixture
def sending(stack, post, paper, tmp_path, monkeypatch):
    """An edition with the bulletins of the nation and two provinces, and two people who get it."""
    from tasks.reference import load_reference

    load_reference.fn()
    forget_edition()
    monkeypatch.setenv("PAYESH_SMTP_FROM", "پایش <payesh@ministry.example.invalid>")
    monkeypatch.setenv("PAYESH_SMTP_CA_FILE", paper.certificate)
    folder = stack.home / "bulletins" / "1405" / "1" / CUTOFF.isoformat()
    state = Sending(folder, tmp_path, monkeypatch)
    state.hand_in_at(post)
    state.record()
    for stem in ("national", "province-00", "province-03"):
        state.write(f"{stem}-{PERIOD}.pdf")
    state.name_recipients(
        ministry=[{"address": "deputy@example.invalid", "name": "دفتر معاونت"}],
        province={"03": [{"address": "tabriz@example.invalid", "name": "تبریز"}]},
    )
    yield state
    forget_edition()
