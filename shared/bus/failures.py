"""Failure classes: what to do about an exception in a reaction."""

import traceback

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_SQLITE_TRANSIENT = ("locked", "busy", "disk", "full", "unable to open")


def is_transient(error: BaseException) -> bool:
    """Whether the database is away or busy: waited out in place, with the messages unacknowledged."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    text = str(error.orig).lower()
    return "sqlite" not in type(error.orig).__module__ or any(word in text for word in _SQLITE_TRANSIENT)


def describe(error: BaseException) -> str:
    """Return an exception for a dead letter: its text and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(
        f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in reversed(frames)
    )
    return f"{type(error).__name__}: {error}"[:2000] + (f" — in {where}" if where else "")
