"""Which of the database's failures pass by themselves."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_PROGRAM_LIMIT = "54"
"""PostgreSQL's class of what is too large or too complex, for an index for one: by the driver an operational error."""
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
    if str(getattr(error.orig, "sqlstate", None)).startswith(_PROGRAM_LIMIT):
        return False
    text = str(error.orig).lower()
    return "sqlite" not in type(error.orig).__module__ or any(word in text for word in _SQLITE_TRANSIENT)
