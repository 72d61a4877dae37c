"""The local stack, beside other things that run on the same machine."""

import http.server
import subprocess
import sys
import threading

import pytest

from methods.errors import SettingWrong
from payesh import stack


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def somebody_else():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/health"
        server.shutdown()


def test_the_answer_of_another_stack_on_the_port_is_not_taken_for_ones_own(somebody_else, tmp_path, monkeypatch):
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))
    monkeypatch.setattr(stack, "START_SECONDS", 0.5)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as silent:
        with pytest.raises(SettingWrong, match="another stack took the port"):
            stack._await_answer("prefect", stack._identity(silent.pid), somebody_else)
        silent.communicate(b"\n")


def test_ones_own_answer_is_taken(tmp_path):
    server = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=0, bind='127.0.0.1')"
    with subprocess.Popen([sys.executable, "-uc", server], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as own:
        said = own.stdout.readline()
        port = said.split("port ")[1].split()[0]
        stack._await_answer("prefect", stack._identity(own.pid), f"http://127.0.0.1:{port}/")
        own.terminate()


def test_a_database_whose_home_is_gone_is_told_from_one_that_stands(tmp_path, monkeypatch):
    from payesh import postgres

    monkeypatch.setattr(postgres, "ROOT_FOLDERS", (tmp_path,))
    for name, home in (("standing", tmp_path), ("gone", tmp_path / "removed")):
        (tmp_path / name).mkdir()
        (tmp_path / name / postgres.HOME_NOTE).write_text(str(home), encoding="utf-8")
    assert postgres.left_behind() == {tmp_path / "gone": tmp_path / "removed"}
