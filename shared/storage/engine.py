"""Engines: PostgreSQL with one schema per service, or SQLite with one file per service."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
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


LOCK_TIMEOUT_MS = 10_000
"""How long a PostgreSQL statement waits for a row's lock before it counts as a transient failure."""

RANDOM_PAGE_COST = 1.1
"""What PostgreSQL takes a page for that is not the next one: its 4 is a turning disk's, and has a batch of some hundred
subjects looked for by reading a table of 100,000 rows from one end to the other."""


def open_engine(url: str, service: str, *, pool_size: int = 8) -> Engine:
    """Open the database of a service. On PostgreSQL the connections' search path is its schema."""
    if make_url(url).get_backend_name() == "sqlite":
        return _open_sqlite(url, pool_size)
    options = (
        f"-csearch_path={service} -clock_timeout={LOCK_TIMEOUT_MS} -cidle_in_transaction_session_timeout=60000"
        f" -crandom_page_cost={RANDOM_PAGE_COST}"
    )
    engine = create_engine(
        url,
        connect_args={
            "options": options,
            "application_name": f"lobby-{service}",
            "connect_timeout": 5,
            "client_encoding": "utf8",  # a database in SQL_ASCII would answer in bytes
        },
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_pre_ping=False,
        pool_use_lifo=True,
    )
    event.listen(engine, "before_cursor_execute", _count_writes)
    return engine


def _open_sqlite(url: str, pool_size: int) -> Engine:
    if file := make_url(url).database:
        _keep_to_owner(Path(file))
    engine = create_engine(
        url,
        connect_args={"timeout": 10, "check_same_thread": False},
        pool_size=pool_size,
        max_overflow=4 * pool_size,
        pool_timeout=10,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "before_cursor_execute", _count_writes)
    return engine


def _keep_to_owner(file: Path) -> None:
    """Make the file with mode 600, or give it that: what SQLite makes beside it (-wal, -shm) gets the same."""
    if not file.parent.is_dir():
        return  # SQLite says so
    # Only a new file is opened here: closing another descriptor of a file that SQLite has open in this process would
    # let go all of its locks, and another process could write in the middle of its transactions.
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for one in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        with suppress(FileNotFoundError):
            if one.stat().st_mode & 0o077:
                one.chmod(0o600)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("lobby_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def writes(connection: Connection) -> int:
    """Return how many statements that may change something this connection has carried out."""
    return int(connection.info.get("lobby_writes", 0))


def _count_writes(connection: Connection, _cursor: Any, statement: str, *_others: Any) -> None:
    if not statement.startswith("SELECT"):
        info = connection.info  # without writes(): this runs for every statement
        info["lobby_writes"] = info.get("lobby_writes", 0) + 1


def is_sqlite(engine: Engine) -> bool:
    """Whether the engine is the embedded default."""
    return engine.dialect.name == "sqlite"
