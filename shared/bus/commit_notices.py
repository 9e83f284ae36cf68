"""Tells the other processes of a service that this one has committed something.

Without it they would find out when they look next: the process that leads the relay some tenths of a second later, one
with open streams up to a second. PostgreSQL's LISTEN and NOTIFY carry the notices. A notice that gets lost costs no
more than that wait, so nothing depends on them but time. A process that is alone sends none.
"""

import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import func, select, text

from shared.storage import Row, Storage

log = structlog.get_logger()

CHECK_INTERVAL_S = 1.0
RETRY_S = 2.0
BRANCHES_LIMIT = 200
"""Branches that one notice names: PostgreSQL takes 8,000 bytes."""

_PEERS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = :name AND pid <> pg_backend_pid()"
)

OnNotice = Callable[[Collection[str]], None]
"""Is called with the branches that another process has appended to."""


class CommitNotices:
    """One process's part in it; on SQLite, where there is one process, it does nothing."""

    def __init__(
        self, storage: Storage, *, stop: threading.Event, is_wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """``is_wanted`` says whether the others need to know; ``stop`` ends :meth:`receive` and :meth:`send`."""
        self._storage = storage
        self._stop = stop
        self._is_wanted = is_wanted
        self._name = f"lobby-{storage.service}-notices"
        self._sender = f"{os.getpid()}.{id(self)}"
        self._listeners: list[OnNotice] = []
        self._unsent: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self.peers = 0
        storage.on_commit(self._on_commit)

    def listen(self, listener: OnNotice) -> None:
        """Call ``listener`` with each notice of another process."""
        self._listeners.append(listener)

    def receive(self) -> None:
        """Pass on what the other processes tell, and know whether there are any, until told to stop."""
        while self._is_needed():
            try:
                with self._listening() as connection:
                    self._receive(connection)
            except Exception as error:
                log.warning("commit_notices_interrupted", service=self._storage.service, error=str(error))
                self._stop.wait(RETRY_S)

    def send(self) -> None:
        """Tell what this process has committed, as soon as it is known, until told to stop."""
        while self._is_needed():
            self._wake.wait(CHECK_INTERVAL_S)
            self._wake.clear()
            with self._lock:
                branches, self._unsent = sorted(self._unsent), set()
            if branches:
                self._send(branches)

    def _is_needed(self) -> bool:
        return not self._stop.is_set() and self._storage.engine.dialect.name == "postgresql"

    def _on_commit(self, rows: Sequence[Row]) -> None:
        if self.peers and self._is_wanted():
            with self._lock:
                self._unsent.update(row.branch for row in rows)
            self._wake.set()

    def _send(self, branches: list[str]) -> None:
        parts = [branches[at : at + BRANCHES_LIMIT] for at in range(0, len(branches), BRANCHES_LIMIT)]
        try:
            with self._storage.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for part in parts:
                    connection.execute(select(func.pg_notify(self._name, " ".join([self._sender, *part]))))
        except Exception as error:  # the others will look by themselves
            log.warning("commit_notice_not_sent", service=self._storage.service, error=str(error))

    @contextmanager
    def _listening(self) -> Iterator[Any]:
        """Give psycopg's connection, on a session of its own that the others can count."""
        with self._storage.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                connection.execute(select(func.set_config("application_name", self._name, False)))
                connection.exec_driver_sql(f'LISTEN "{self._name}"')
                yield connection
            finally:
                connection.invalidate()

    def _receive(self, connection: Any) -> None:
        driver = connection.connection.driver_connection
        while not self._stop.is_set():
            self.peers = connection.execute(_PEERS, {"name": self._name}).scalar_one()
            for notice in driver.notifies(timeout=CHECK_INTERVAL_S):
                sender, *branches = notice.payload.split(" ")
                if sender != self._sender:
                    for listener in self._listeners:
                        listener(branches)
