"""The database for nameko's extensions, with the relay of its log and the notices of what other processes commit."""

import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog
from nameko.extensions import DependencyProvider, SharedExtension
from sqlalchemy import func, select, text

from shared.bus.publisher import Publisher, open_offerer, open_publisher
from shared.bus.relay import OFFER, Relay
from shared.bus.topology import Topology
from shared.settings import Settings
from shared.storage import Row, Storage, open_storage, schema_version

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


TIDY_INTERVAL_S = 3600.0
SNAPSHOT_INTERVAL_S = 5.0


class Database(SharedExtension):
    """The service's storage, one for all extensions of its container, and the relay of its log."""

    def setup(self) -> None:
        """Open the database."""
        settings: Settings = self.container.config["settings"]
        self.settings = settings
        self.topology: Topology = self.container.config["topology"]
        self.storage: Storage = open_storage(settings, self.container.service_name)
        self._stop = threading.Event()
        self._relay = Relay(self.storage, self.open_publisher, stop=self._stop)
        self._relays = [self._relay]
        if not settings.embedded:  # there is nobody else in the process
            offerer = partial(open_offerer, settings.amqp_url)
            self._relays.append(Relay(self.storage, offerer, stop=self._stop, outlet=OFFER))
        self._commits_are_followed = False
        self._notices = CommitNotices(self.storage, stop=self._stop, is_wanted=self._commits_matter)
        for relay in self._relays:
            self._notices.listen(lambda _branches, relay=relay: relay.look())  # type: ignore[misc]

    def _commits_matter(self) -> bool:
        return self._commits_are_followed or not all(relay.leading for relay in self._relays)

    def open_publisher(self) -> Publisher:
        """Connect to where events are published, every service's queues declared."""
        return open_publisher(self.settings.amqp_url, list(self.topology.all_queues()))

    def start(self) -> None:
        """Begin to publish the log."""
        self._relaying = [self.container.spawn_managed_thread(relay.run, identifier="relay") for relay in self._relays]
        self._notifying = [
            self.container.spawn_managed_thread(run, identifier="commit notices")
            for run in (self._notices.receive, self._notices.send)
        ]
        self._tidying = self.container.spawn_managed_thread(self._tidy, identifier="tidy")
        self._saving = self.container.spawn_managed_thread(self._save_states, identifier="snapshots")

    def stop(self) -> None:
        """Publish what is left, then end; dependencies stop after the last worker."""
        self._stop.set()
        for relay in self._relays:
            relay.wake()
        for thread in self._relaying:
            thread.wait()
        self._tidying.wait()
        self._saving.wait()
        for thread in self._notifying:
            thread.kill()  # one of them waits for the database
        self.storage.close()

    def on_commit_elsewhere(self, listener: OnNotice) -> None:
        """Call ``listener`` with the branches that another process of this service has appended to."""
        self._commits_are_followed = True
        self._notices.listen(listener)

    def _tidy(self) -> None:
        """Forget now and then what only grows. On a scaled clock old is soon: nothing is forgotten there."""
        while self.settings.clock == "system" and not self._stop.wait(TIDY_INTERVAL_S):
            try:
                self.storage.forget_answers()
                self.storage.forget_resolved()
                if not self.settings.embedded:  # embedded, catching up may read far back: see there
                    self.storage.forget_inbox()
            except Exception as error:
                log.warning("not_tidied", service=self.storage.service, error=f"{type(error).__name__}: {error}")

    def _save_states(self) -> None:
        """Store snapshots of states that have moved far, less far when idle, and at the end of all that have moved."""
        stopped = False
        while not stopped:
            stopped = self._stop.wait(SNAPSHOT_INTERVAL_S)
            try:
                self.storage.take_snapshots(all_changed=stopped)
            except Exception as error:  # the log makes every state anew
                log.warning("no_snapshot", service=self.storage.service, error=f"{type(error).__name__}: {error}")

    def readiness_checks(self) -> dict[str, Callable[[], str | None]]:
        """The database answers, and the relay reaches the broker."""
        return {"database": self._database_failure, "relay": lambda: self._relay.failure}

    def _database_failure(self) -> str | None:
        try:
            with self.storage.read() as connection:
                found, needed = schema_version.of(connection), schema_version.needed(self.storage.service)
        except Exception as error:
            return type(error).__name__
        if found != needed:
            is_, needs = (" and ".join(sorted(versions)) or "none" for versions in (found, needed))
            return f"its version is {is_}, needed is {needs}: lobby db upgrade"
        return None


class StorageProvider(DependencyProvider):
    """Hands a service its :class:`Storage`."""

    database = Database()

    def get_dependency(self, worker_ctx: Any) -> Storage:
        """Return the storage of the container."""
        return self.database.storage
