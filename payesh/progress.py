"""Progress on the terminal: a line as each step of a flow ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Lines(logging.Handler):
    """Turns what Prefect logs of flow and task runs into one line a step."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._say = say
        self._begun = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        name = getattr(record, "task_run_name", None)
        flow = getattr(record, "flow_run_name", None)
        elapsed = time.monotonic() - self._begun
        if name and message.startswith("Finished in state"):
            self._say(f"{elapsed:6.1f} s   {_mark(message)} {name}")
        elif flow and not name and message.startswith("Finished in state"):
            self._say(f"{elapsed:6.1f} s {_mark(message)} {flow}")
        elif record.levelno == logging.WARNING and name:
            self._say(f"{elapsed:6.1f} s   ! {name}: {message.splitlines()[0][:160]}")


def _mark(message: str) -> str:
    return "done" if "Completed" in message else "FAILED"


@contextmanager
def shown(say: Callable[[str], None]) -> Iterator[None]:
    """Show progress while flows run in this process."""
    from prefect.logging.configuration import setup_logging

    # Prefect sets its logging up once, at the first run; a handler added before that would be dropped.
    setup_logging()
    logger = logging.getLogger("prefect")
    handler = _Lines(say)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
