"""Work ahead: the next piece is made while the one before is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")


def ahead(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Pass pieces on, none of them None, the next one made meanwhile by a thread of its own."""
    every = iter(pieces)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as worker:
        following = worker.submit(next, every, None)
        while (piece := following.result()) is not None:
            following = worker.submit(next, every, None)
            yield piece
