"""Waiting for a database that is away."""

import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from shared.storage.engine import is_transient

log = structlog.get_logger()

Result = TypeVar("Result")

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0


class Cancelled(Exception):
    """The process ends while a message waits for the database; the message stays unacknowledged."""


def retry_until_available(work: Callable[[], Result], *, service: str, stop: threading.Event) -> Result:
    """Do the work; while the database is away, log that and try again, for as long as it takes.

    Raises :class:`Cancelled` when ``stop`` is set meanwhile, and every failure that is not the database's absence.
    """
    wait = FIRST_WAIT_S
    while True:
        try:
            return work()
        except Exception as error:
            if not is_transient(error):
                raise
            log.error("database_unavailable", service=service, retry_s=wait, error=f"{type(error).__name__}: {error}")  # noqa: TRY400 - said every few seconds
            if stop.wait(wait):
                raise Cancelled from error
            wait = min(2 * wait, LONGEST_WAIT_S)
