"""Which of the database's failures pass by themselves."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_SQLITE_TRANSIENT = ("locked", "busy", "disk", "full", "unable to open")


def is_transient(error: BaseException) -> bool:
    """Whether the database is away or busy: a matter of waiting, and no command's or message's fault."""
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
