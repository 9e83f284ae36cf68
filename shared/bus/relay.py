"""The relay: a cursor over a service's log that publishes what is new. The log is the outbox.

A service has two. One publishes to the services' own queues, and goes on when the broker has confirmed each message.
The other offers the same to whoever has bound a queue to ``lobby.events``; a queue that refuses is passed over. A
binding between the two exchanges would carry a refusal back to the first, and one full queue would stop the lobby.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Connection, RowMapping, select, text, update

from shared.bus.connection import FAILURES, BrokerRefused
from shared.bus.publisher import Outgoing, Publisher
from shared.bus.topology import DEAD_LETTERS, EVENTS, INTERNAL, routing_key
from shared.storage import Cursor, Row, Storage
from shared.storage import log as logs
from shared.storage.engine import is_transient
from shared.storage.tables import dead_letter

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


log = structlog.get_logger()

BATCH_LIMIT = 500
POLL_INTERVAL_S = 0.2
SAVE_INTERVAL_S = 1.0
BUFFER_LIMIT = 20_000
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """Where a relay publishes: the exchange, and the ``name`` of its cursor and of its lock."""

    name: str
    exchange: str
    dead_letters: bool


OWN: Final = Outlet(name="relay", exchange=INTERNAL, dead_letters=True)
OFFER: Final = Outlet(name="offer", exchange=EVENTS, dead_letters=False)


class Relay:
    """Publishes one service's log, in order within each partition, at least once.

    Rows that this process appends come straight from memory; rows of other processes, and what was
    left by a crash, are read from the log. The cursor is stored about once a second, so a crash
    repeats at most that much, which every consumer's inbox knows.
    """

    def __init__(
        self,
        storage: Storage,
        make_publisher: Callable[[], Publisher],
        *,
        stop: threading.Event,
        outlet: Outlet = OWN,
    ) -> None:
        """``make_publisher`` makes a new one after a failure."""
        self._storage = storage
        self._outlet = outlet
        self._make_publisher = make_publisher
        self._stop = stop
        self._wake = threading.Event()
        # Each look is one statement: a transaction around it would be two more round trips, five times a second.
        self._reader = storage.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._cursor = Cursor(outlet.name)
        self._positions: dict[int, int] = {}
        self._buffer: dict[int, dict[int, Row]] = defaultdict(dict)
        self._buffered = 0
        self._dirty: dict[int, int] = {}
        self._saved_at = 0.0
        self._looked_at = 0.0
        self._must_look = False
        self._dead_letters_at = 0.0
        self.leading = False
        self.failure: str | None = "not connected yet"
        storage.on_commit(self._on_commit)

    def run(self) -> None:
        """Lead when nobody else does, publish until told to stop; failures are waited out."""
        failures = 0
        while not self._stop.is_set():
            leader = Leader(self._storage, self._outlet.name)
            publisher = self._make_publisher()
            try:
                if leader.acquire():
                    self._begin()
                    self._lead(leader, publisher)
                else:
                    self.failure = None
                    self._stop.wait(1.0)
                failures = 0
            except Exception as error:
                if not (is_transient(error) or isinstance(error, (*FAILURES, BrokerRefused)) or _is_amqp(error)):
                    log.exception("relay_failed", service=self._storage.service, exchange=self._outlet.exchange)
                self.failure = f"{type(error).__name__}: {error}"
                log.error("relay_waits", service=self._storage.service, relay=self._outlet.name, error=self.failure)  # noqa: TRY400 - each second
                self._stop.wait(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
            finally:
                self.leading = False
                publisher.close()
                leader.release()

    def wake(self) -> None:
        """Go on at once: it's time to stop."""
        self._wake.set()

    def look(self) -> None:
        """Read the log at once: another process has committed something."""
        self._must_look = True
        self._wake.set()

    def _begin(self) -> None:
        with self._storage.read() as connection:
            stored = self._cursor.load(connection)
            self._positions = {pp: stored.get(pp, 0) for pp in logs.heads(connection)}
        self._buffer.clear()
        self._buffered = 0
        self._looked_at = 0.0
        self.leading = True

    def _lead(self, leader: Leader, publisher: Publisher) -> None:
        publisher.publish([])
        while not self._stop.is_set():
            leader.check()
            rows = self._next()
            if rows:
                publisher.publish([_outgoing(row, self._outlet.exchange) for row in rows if row.own])
                self._advance(rows)
            elif not (self._outlet.dead_letters and self._publish_dead_letters(publisher)):
                self.failure = None
                self._save(force=False)
                publisher.tick()
                self._wake.wait(POLL_INTERVAL_S)
                self._wake.clear()
        self._save(force=True)

    def _on_commit(self, rows: list[Row]) -> None:
        if self.leading:
            for row in rows:
                self._buffer[row.pp][row.pos] = row
            self._buffered += len(rows)
            if self._buffered > BUFFER_LIMIT:  # the broker is away: the log keeps them
                self._buffer.clear()
                self._buffered = 0
                self._must_look = True
        if any(row.own for row in rows):  # of the others only the cursor has to know, which has time
            self._wake.set()

    def _next(self) -> list[Row]:
        rows: list[Row] = []
        for pp, waiting in list(self._buffer.items()):
            position = self._positions[pp]
            while (row := waiting.pop(position + 1, None)) is not None:
                rows.append(row)
                position += 1
                self._buffered -= 1
                if len(rows) >= BATCH_LIMIT:
                    return rows
        # What waits in the buffer stands behind rows of another process: those have been committed.
        idle = not self._buffered and not self._must_look
        if rows or (idle and time.monotonic() - self._looked_at < POLL_INTERVAL_S):
            return rows
        return self._look()

    def _look(self) -> list[Row]:
        self._must_look = False  # before the read: what is told meanwhile may not be in it
        with self._reader.connect() as connection:
            heads = logs.heads(connection)
            behind = {pp: self._positions[pp] for pp, head in heads.items() if head > self._positions[pp]}
            rows = logs.after(connection, behind, limit=BATCH_LIMIT)
        if len(rows) < BATCH_LIMIT:
            self._looked_at = time.monotonic()
        for pp, waiting in list(self._buffer.items()):
            for pos in [pos for pos in waiting if pos <= self._positions[pp]]:
                del waiting[pos]
        self._buffered = sum(map(len, self._buffer.values()))
        return rows

    def _advance(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._positions[row.pp] = row.pos
            self._dirty[row.pp] = row.pos
            if self._buffer[row.pp].pop(row.pos, None) is not None:
                self._buffered -= 1
        self._save(force=False)

    def _save(self, *, force: bool) -> None:
        if self._dirty and (force or time.monotonic() - self._saved_at >= SAVE_INTERVAL_S):
            dirty, self._dirty = self._dirty, {}
            with self._storage.transaction() as tx:
                self._cursor.save(tx.connection, dirty)
            self._saved_at = time.monotonic()

    def _publish_dead_letters(self, publisher: Publisher) -> bool:
        if time.monotonic() - self._dead_letters_at < POLL_INTERVAL_S:  # few commits have one
            return False
        query = select(dead_letter).where(dead_letter.c.published.is_(False)).limit(50)
        with self._reader.connect() as connection:
            letters = connection.execute(query).mappings().all()
        if not letters:
            self._dead_letters_at = time.monotonic()
            return False
        publisher.publish([_dead_letter(self._storage.service, letter) for letter in letters])
        with self._storage.transaction() as tx:
            for letter in letters:
                same = (dead_letter.c.id == letter["id"]) & (dead_letter.c.attempts == letter["attempts"])
                unchanged = same & (dead_letter.c.state == letter["state"])
                tx.connection.execute(update(dead_letter).where(unchanged).values(published=True))
        return True


def _outgoing(row: Row, exchange: str) -> Outgoing:
    return Outgoing(exchange=exchange, key=routing_key(row.branch, row.type), body=row.body.encode(), id=row.event_id)


def _dead_letter(service: str, letter: RowMapping) -> Outgoing:
    names = ("queue", "code", "reason", "attempts", "state", "branch", "type", "subject", "event_id")
    headers = {f"lobby-{name.replace('_', '-')}": letter[name] for name in names if letter[name] is not None}
    headers |= {"lobby-id": letter["id"], "lobby-service": service, "lobby-at": letter["at"].isoformat()}
    headers["lobby-headers"] = letter["headers"]
    return Outgoing(
        exchange=DEAD_LETTERS,
        key="",
        body=letter["body"],
        id=letter["id"],
        content_type=letter["content_type"] or "application/octet-stream",
        headers=headers,
    )


def _is_amqp(error: BaseException) -> bool:
    return type(error).__module__.startswith(("amqp", "kombu"))
