"""What a use case costs, counted and not timed: in what the database does, and in what Python does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event as sql_event

from shared.storage import Storage


@dataclass
class Work:
    """What the database did (statements, and rows of PostgreSQL or steps of SQLite's machine), and calls of Python."""

    statements: int = 0
    reads: int = 0
    rows: int = 0
    steps: int = 0
    calls: int = 0


@contextmanager
def counted(storage: Storage) -> Iterator[Work]:
    """Count what the database does for the storage."""
    work = Work()

    def step() -> int:
        work.steps += 1
        return 0

    def before(_connection: Any, cursor: Any, *_rest: Any) -> None:
        if storage.engine.dialect.name == "sqlite":
            cursor.connection.set_progress_handler(step, 1)

    def after(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        work.statements += not statement.startswith("BEGIN")
        work.reads += statement.startswith("SELECT")
        work.rows += max(0, cursor.rowcount)

    sql_event.listen(storage.engine, "before_cursor_execute", before)
    sql_event.listen(storage.engine, "after_cursor_execute", after)

    def profile(_frame: Any, what: str, _arg: Any) -> None:
        work.calls += what in ("call", "c_call")

    listeners, storage._listeners = storage._listeners, []  # the test's own check folds everything again
    sys.setprofile(profile)
    try:
        yield work
    finally:
        sys.setprofile(None)
        storage._listeners = listeners
        sql_event.remove(storage.engine, "before_cursor_execute", before)
        sql_event.remove(storage.engine, "after_cursor_execute", after)
        if storage.engine.dialect.name == "sqlite":
            storage.engine.dispose()  # with the handlers
