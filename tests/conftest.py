"""One PostgreSQL and one Prefect server for the whole test run, in a folder of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
TODAY = "2026-10-23"


def pytest_configure() -> None:
    """Keep the tests away from whatever the machine's own Payesh or Prefect is set to."""
    for name in list(os.environ):
        if name.startswith(("PAYESH_", "PREFECT_")):
            del os.environ[name]
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # How long an example takes is the machine's affair; a busy one must not turn a law red.
    hypothesis.settings.register_profile("payesh", deadline=None)
    hypothesis.settings.load_profile("payesh")


@pytest.fixture(scope="session")
def oracle() -> Path:
    """Results of R packages, where they lie beside the checkout."""
    folder = SHARED / "oracle"
    if not folder.is_dir():
        pytest.skip(f"no oracle results beside the checkout ({folder.name} of the shared folder)")
    return folder


@pytest.fixture(scope="session")
def real() -> Path:
    """Files nobody here made, where they lie beside the checkout."""
    folder = SHARED / "real"
    if not folder.is_dir():
        pytest.skip(f"no real files beside the checkout ({folder.name} of the shared folder)")
    return folder


@dataclass(frozen=True)
class Stack:
    """The stack the tests share."""

    home: Path


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack with the small rehearsal's guidelines, stopped at the end."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from payesh import stack as local
    from payesh import terminal
    from payesh.postgres import Postgres

    home = tmp_path_factory.mktemp("home")
    os.environ["PAYESH_HOME"] = str(home)
    os.environ["PAYESH_TODAY"] = TODAY
    os.environ.update(terminal.QUIET)
    small = ROOT / "demo" / "scenarios" / "small" / "guidelines"
    os.environ["PAYESH_GUIDELINES"] = os.pathsep.join([str(small), str(ROOT / "guidelines")])
    # Tests import Prefect before the server's address is known, and it reads its settings at import.
    with local.running(), temporary_settings({PREFECT_API_URL: os.environ["PREFECT_API_URL"]}):
        yield Stack(home)
    # As root the server keeps its data outside of the test's folder.
    shutil.rmtree(Postgres(home).folder, ignore_errors=True)


@pytest.fixture(scope="session")
def rehearsed(stack: Stack) -> Stack:
    """The small rehearsal of 1403, run once from its files to its bulletins."""
    from demo import ministry
    from flows.full_run import full_run

    ministry.stage(stack.home, 1403, "small")
    full_run(1403)
    return stack
