"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def swapped_in(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into, and put it in the place of `folder` once all is written.

    A full disk or a stop half-way leaves what stood there before, or nothing.
    """
    half = folder.with_name(folder.name + ".part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        yield half
        _swap(half, folder)
    finally:
        # Swapped in, it is no longer here.
        shutil.rmtree(half, ignore_errors=True)


def put(path: Path, content: bytes) -> None:
    """Write a file at once; a full disk leaves the one before, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    try:
        half.write_bytes(content)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _swap(half: Path, folder: Path) -> None:
    before = folder.with_name(folder.name + ".before")
    shutil.rmtree(before, ignore_errors=True)
    if not folder.exists():
        half.rename(folder)
        return
    folder.rename(before)
    try:
        half.rename(folder)
    except OSError:
        before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)
