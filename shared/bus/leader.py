"""One relay per log and outlet: a session's advisory lock on PostgreSQL; SQLite has one process anyway."""

import time

from sqlalchemy import Connection, text

from shared.storage import Storage

CHECK_INTERVAL_S = 1.0


class Leader:
    """Holds the lock while its connection lives."""

    def __init__(self, storage: Storage, name: str) -> None:
        """Nothing is locked yet; ``name`` is that of the relay."""
        self._storage = storage
        self._name = name
        self._connection: Connection | None = None
        self._checked_at = 0.0

    def acquire(self) -> bool:
        """Become the leader, if nobody else is."""
        if self._storage.engine.dialect.name == "sqlite":
            return True
        connection = self._storage.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        query = text("SELECT pg_try_advisory_lock(hashtext(:name), hashtext(:service))")
        names = {"name": f"lobby-{self._name}", "service": self._storage.service}
        if not connection.execute(query, names).scalar():
            connection.close()
            return False
        self._connection = connection
        return True

    def check(self) -> None:
        """Raise the database's error if the lock's connection is gone."""
        if self._connection is not None and time.monotonic() - self._checked_at > CHECK_INTERVAL_S:
            self._connection.execute(text("SELECT 1"))
            self._checked_at = time.monotonic()

    def release(self) -> None:
        """Give the lock back, by ending its session."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
