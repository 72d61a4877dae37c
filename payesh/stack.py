"""The local stack: PostgreSQL, Prefect server, rehearsal service and worker, started and stopped as one."""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from filelock import FileLock

from methods.errors import SettingWrong
from payesh.postgres import Postgres, free_port
from tasks.edges.settings import settings

PREFECT_PORT = 4200
POOL = "payesh"
START_SECONDS = 120
STOP_SECONDS = 20
SEND_SECONDS = 15
SERVICES = ("worker", "rehearsal", "prefect")


@dataclass(frozen=True)
class Part:
    """One part of the stack as `payesh status` shows it."""

    name: str
    pid: int | None
    address: str


@contextmanager
def running(say: Callable[[str], None] = lambda line: None) -> Iterator[None]:
    """Have the stack up for a while: start what is missing, and stop it at the end if nobody else needs it."""
    with _locked():
        state = _load()
        state["holders"] = [*_live(state["holders"]), _identity(os.getpid())]
        _save(state)
        _start_all(state, say, is_bound=True)
    try:
        yield
    finally:
        _send_what_is_left()
        with _locked():
            state = _load()
            mine = os.getpid()
            state["holders"] = [holder for holder in _live(state["holders"]) if holder["pid"] != mine]
            _save(state)
            if not state["holders"] and not state["is_up"]:
                _stop_all(state)


def up(say: Callable[[str], None]) -> None:
    """Start the stack with its worker, and deploy what prefect.yaml names; it stays until `down`."""
    with _locked():
        state = _load()
        state["is_up"] = True
        _save(state)
        _start_all(state, say, is_bound=False)
        _deploy(say)
        _start_worker(state, say)


def down(say: Callable[[str], None]) -> None:
    """Stop every part of the stack, also what a killed command has left behind."""
    with _locked():
        state = _load()
        state["is_up"] = False
        state["holders"] = []
        _save(state)
        _stop_all(state, say)


def parts() -> list[Part]:
    """List the parts of the stack and whether they run."""
    state = _load()
    found: list[Part] = []
    if settings().database_url_or_none is None:
        postgres = Postgres(settings().home)
        port = postgres.port() if (settings().home / "stack.json").exists() else None
        pid = int((postgres.data / "postmaster.pid").read_text().split()[0]) if port else None
        found.append(Part("postgresql", pid, f"127.0.0.1:{port}" if port else "not running"))
    else:
        found.append(Part("postgresql", None, "PAYESH_DATABASE_URL"))
    for name in reversed(SERVICES):
        entry = state["services"].get(name)
        is_live = bool(entry and _live([entry]))
        found.append(
            Part(
                name,
                entry["pid"] if entry and is_live else None,
                entry["address"] if entry and is_live else "not running",
            )
        )
    return found


def ui_address() -> str:
    """Address of the Prefect UI."""
    return os.environ.get("PREFECT_API_URL", "").removesuffix("/api")


def adopt() -> bool:
    """Point this process at a stack that runs already; say whether there is one."""
    state = _load()
    with _locked():
        if settings().database_url_or_none is None:
            postgres = Postgres(settings().home)
            port = postgres.port() if postgres.data.exists() else None
            if port is None:
                return False
            os.environ["PAYESH_DATABASE_URL"] = postgres.address(port, "payesh")
    for name, entry in state["services"].items():
        if name == "prefect" and _live([entry]):
            os.environ.setdefault("PREFECT_API_URL", f"{entry['address']}/api")
    return True


# starting ----------------------------------------------------------------------------------------


def _start_all(state: dict[str, Any], say: Callable[[str], None], is_bound: bool) -> None:
    prefect_database = _start_postgres(say)
    _set_environment(state)
    if not os.environ.get("PREFECT_API_URL"):
        _start_prefect(state, prefect_database, say, is_bound)
    _start_rehearsal(state, say, is_bound)


def _start_postgres(say: Callable[[str], None]) -> str | None:
    if settings().database_url_or_none is not None:
        return None
    postgres = Postgres(settings().home)
    if postgres.port() is None:
        say("starting PostgreSQL")
    port = postgres.start()
    os.environ["PAYESH_DATABASE_URL"] = postgres.address(port, "payesh")
    return postgres.address(port, "prefect", driver="asyncpg")


def _set_environment(state: dict[str, Any]) -> None:
    home = settings().home
    for name in ("PAYESH_P04_TOKEN", "PAYESH_FIELD_TOKEN"):
        state["tokens"].setdefault(name, secrets.token_urlsafe(24))
        os.environ[name] = state["tokens"][name]
    _save(state)
    os.environ["PAYESH_HOME"] = str(home)
    os.environ["PAYESH_ROOT"] = str(settings().root)
    os.environ.setdefault("PAYESH_P05_URL", f"sqlite:///{home / 'rehearsal' / 'p05.sqlite'}")
    os.environ.setdefault("PREFECT_HOME", str(home / "prefect"))
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def _start_prefect(state: dict[str, Any], database: str | None, say: Callable[[str], None], is_bound: bool) -> None:
    entry = state["services"].get("prefect")
    if not (entry and _live([entry])):
        say("starting the Prefect server (10 to 20 s)")
        port = free_port(PREFECT_PORT)
        (settings().home / "prefect").mkdir(parents=True, exist_ok=True)
        address = f"http://127.0.0.1:{port}"
        environment = {"PREFECT_UI_URL": address, "PREFECT_API_URL": f"{address}/api"}
        if database:
            environment["PREFECT_API_DATABASE_CONNECTION_URL"] = database
        command = [
            sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app",
            "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--timeout-keep-alive", "5",
        ]  # fmt: skip
        entry = _spawn(state, "prefect", command, address, environment, is_bound)
        _await_answer("prefect", entry, f"{address}/api/health")
        _mark_crashed(f"{address}/api")
    os.environ["PREFECT_API_URL"] = f"{entry['address']}/api"
    os.environ["PREFECT_UI_URL"] = str(entry["address"])


def _mark_crashed(api: str) -> None:
    """Mark runs that a killed command left behind: a server that has just started has nobody at work."""
    asked = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
    found = httpx.post(f"{api}/flow_runs/filter", json=asked, timeout=30)
    found.raise_for_status()
    state = {"type": "CRASHED", "name": "Crashed", "message": "The command that ran it was killed."}
    for run in found.json():
        address = f"{api}/flow_runs/{run['id']}/set_state"
        httpx.post(address, json={"state": state, "force": True}, timeout=30).raise_for_status()


def _start_rehearsal(state: dict[str, Any], say: Callable[[str], None], is_bound: bool) -> None:
    if os.environ.get("PAYESH_REHEARSAL") == "off":
        return
    entry = state["services"].get("rehearsal")
    if not (entry and _live([entry])):
        say("starting the rehearsal ministry's service")
        address = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, "-m", "demo.service", "--home", str(settings().home), "--port", str(port)]
        entry = _spawn(state, "rehearsal", command, address, {}, is_bound)
        _await_answer("rehearsal", entry, f"{address}/health")
    os.environ["PAYESH_REHEARSAL_API"] = str(entry["address"])


def _start_worker(state: dict[str, Any], say: Callable[[str], None]) -> None:
    entry = state["services"].get("worker")
    if entry and _live([entry]):
        return
    say("starting the worker")
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", POOL]
    _spawn(state, "worker", command, f"pool {POOL}", {}, is_bound=False)


def _deploy(say: Callable[[str], None]) -> None:
    say("deploying prefect.yaml")
    log = _log("deploy")
    commands = [
        ["work-pool", "create", POOL, "--type", "process", "--overwrite"],
        ["--no-prompt", "deploy", "--all"],
    ]
    for arguments in commands:
        with open(log, "ab") as output:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-m", "prefect", *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=settings().root, check=False,
            )  # fmt: skip
        if done.returncode != 0:
            raise SettingWrong(
                place=f"prefect {' '.join(arguments)}",
                found=f"exit code {done.returncode}",
                wanted="the deployments of prefect.yaml",
                remedy=f"See {log}.",
            )


def _spawn(
    state: dict[str, Any], name: str, command: Sequence[str], address: str, environment: dict[str, str], is_bound: bool
) -> dict[str, Any]:
    log = _log(name)
    with open(log, "ab") as output:
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=settings().root,
            env=os.environ | environment, start_new_session=True, preexec_fn=_die_with_parent if is_bound else None,
        )  # fmt: skip
    entry = _identity(process.pid) | {"address": address}
    state["services"][name] = entry
    _save(state)
    return entry


def _die_with_parent() -> None:
    # A command that is killed outright cannot stop what it started; the kernel does it then (Linux).
    pr_set_pdeathsig = 1
    try:
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
    except (OSError, AttributeError):
        return


def _await_answer(name: str, entry: dict[str, Any], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not _live([entry]):
            break
        try:
            # A stack started in the same second may have taken the port first; its answer is not ours.
            if httpx.get(url, timeout=5).status_code == 200 and _listens(entry, url):
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise SettingWrong(
        place=f"local stack, {name}",
        found=f"no answer of its own at {url}",
        wanted=f"one within {START_SECONDS} s",
        remedy=f"See {_log(name)}; if another stack took the port meanwhile, run the command again.",
    )


def _listens(entry: dict[str, Any], url: str) -> bool:
    """Say whether it is the process itself that listens where the answer came from."""
    try:
        open_ports = psutil.Process(int(entry["pid"])).net_connections()
    except psutil.Error:
        return False
    return httpx.URL(url).port in {one.laddr.port for one in open_ports if one.status == psutil.CONN_LISTEN}


# stopping ----------------------------------------------------------------------------------------


def _stop_all(state: dict[str, Any], say: Callable[[str], None] = lambda line: None) -> None:
    for name in SERVICES:
        entry = state["services"].pop(name, None)
        if entry and _live([entry]):
            say(f"stopping {name}")
            _stop(int(entry["pid"]))
        _save(state)
    if _is_embedded():
        postgres = Postgres(settings().home)
        if postgres.data.exists() and postgres.port() is not None:
            say("stopping PostgreSQL")
            postgres.stop()
        # What pointed at the server must not point at nothing.
        os.environ.pop("PAYESH_DATABASE_URL", None)


def _is_embedded() -> bool:
    address = os.environ.get("PAYESH_DATABASE_URL")
    postgres = Postgres(settings().home)
    port = postgres.port() if postgres.data.exists() else None
    return address is None or (port is not None and address == postgres.address(port, "payesh"))


def _stop(pid: int) -> None:
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        _signal(process, psutil.Process.terminate)
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in alive:
        _signal(process, psutil.Process.kill)
    psutil.wait_procs(alive, timeout=5)


def _signal(process: psutil.Process, send: Callable[[psutil.Process], None]) -> None:
    try:
        send(process)
    except psutil.NoSuchProcess:
        return


def _send_what_is_left() -> None:
    """Send queued logs and events while the server still answers; later each would wait for its retries."""
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=SEND_SECONDS)
    EventsWorker.drain_all(timeout=SEND_SECONDS)


# state -------------------------------------------------------------------------------------------


def _locked() -> FileLock:
    settings().home.mkdir(parents=True, exist_ok=True)
    return FileLock(settings().home / "stack.lock", timeout=180)


def _load() -> dict[str, Any]:
    path = settings().home / "stack.json"
    empty: dict[str, Any] = {"is_up": False, "holders": [], "services": {}, "tokens": {}}
    if not path.exists():
        return empty
    try:
        return empty | json.loads(path.read_text())
    except json.JSONDecodeError:
        return empty


def _save(state: dict[str, Any]) -> None:
    path = settings().home / "stack.json"
    half = path.with_suffix(".part")
    # It holds the tokens of the rehearsal services.
    half.touch(mode=0o600)
    half.write_text(json.dumps(state, indent=2))
    half.rename(path)


def _identity(pid: int) -> dict[str, Any]:
    return {"pid": pid, "created": psutil.Process(pid).create_time()}


def _live(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the entries whose process still runs; a number used again by another process is not it."""
    return [entry for entry in entries if _is_live(entry)]


def _is_live(entry: dict[str, Any]) -> bool:
    try:
        process = psutil.Process(entry["pid"])
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - entry["created"]) < 1
    except psutil.NoSuchProcess:
        return False


def _log(name: str) -> Path:
    folder = settings().home / "log"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.log"
