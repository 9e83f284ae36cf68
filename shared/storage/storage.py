"""A service's database, as its use cases, consumers and timers see it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy import Column, Connection, bindparam, delete, select

from shared.clock import Clock
from shared.commands import Cause, Command, Replayed
from shared.ids import IdFactory, new_id
from shared.settings import SERVICES, Settings
from shared.storage.bulk import Among
from shared.storage.commands import Commands
from shared.storage.engine import is_sqlite, open_engine
from shared.storage.log import LogReader, Row
from shared.storage.memory import Memory
from shared.storage.partition import PARTITIONS, partition_of
from shared.storage.tables import idempotency, inbox, log_head
from shared.storage.transaction import Transaction

Answer = TypeVar("Answer", bound=BaseModel)
Listener = Callable[[list[Row]], None]

SHORT_S = 0.05
"""How long another transaction of this process is waited for by who does not want to wait: as most of them take."""
KEEP_ANSWERS = timedelta(days=2)
KEEP_INBOX = timedelta(days=30)

# Built once: to build a statement costs more than to run it.
_heads = select(log_head.c.pp, log_head.c.pos).order_by(log_head.c.pp).with_for_update()
_LOCK = Among(_heads, log_head.c.pp)
_LOCK_FREE = Among(_heads.with_for_update(skip_locked=True), log_head.c.pp)
_LOCK_ONE = _heads.where(log_head.c.pp == bindparam("of"))


class Storage:
    """One service's database: a schema of PostgreSQL or a SQLite file.

    ``execute`` is for commands, ``transaction`` for consumers and timers, ``read`` for looking.
    Listeners hear of every commit that appended something, after it.
    """

    def __init__(self, settings: Settings, service: str, *, clock: Clock, ids: IdFactory = new_id) -> None:
        """Open the database; it must have been migrated (``lobby db upgrade``)."""
        self.service = service
        self.clock = clock
        self.ids = ids
        self.settings = settings
        self.engine = open_engine(settings.database_url_of(service), service)
        self._writer = self.engine.execution_options(lobby_writes=True)
        # SQLite has one writer; waiting for it inside the driver would block every green thread.
        self._turn = threading.Lock() if is_sqlite(self.engine) else None
        self._turns = [threading.Lock() for _ in range(PARTITIONS)]
        self._listeners: list[Listener] = []
        self._readers: dict[str, LogReader] = {}
        self._memory = Memory()
        self._commands = Commands(self)

    def on_commit(self, listener: Listener) -> None:
        """Call ``listener`` with what was appended, after each commit."""
        self._listeners.append(listener)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Look at the committed state."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self, *branches: str, cause: Cause | None = None, wait: bool = True) -> Iterator[Transaction]:
        """Begin a transaction that may append to these branches; it commits when the block ends well.

        Without ``wait``, it may only append to those that nobody else keeps for long: ``Transaction.heads``.
        """
        with self.locked({partition_of(branch) for branch in branches}, cause=cause, wait=wait) as tx:
            yield tx

    @contextmanager
    def locked(
        self, partitions: Iterable[int], *, cause: Cause | None = None, wait: bool = True
    ) -> Iterator[Transaction]:
        """As :meth:`transaction`, for whole partitions; locked in ascending order, so there's no deadlock."""
        with self._turn_for(sorted(set(partitions)), wait=wait) as mine, self._writer.connect() as connection:
            with connection.begin():
                heads = self._lock(connection, mine, wait=wait)
                tx = Transaction(
                    connection,
                    service=self.service,
                    now=self.clock.now(),
                    ids=self.ids,
                    cause=cause or Cause(causationid=None, traceparent=None, actor=self.service),
                    heads=heads,
                    remembered=self._memory.take(heads),
                )
                try:
                    yield tx
                except BaseException:
                    if tx.untouched:
                        self._memory.put(tx.heads, tx.remembered)
                    raise
                tx.flush()
            self._memory.put(tx.heads, tx.remembered)
        if tx.appended:
            for listener in self._listeners:
                listener(tx.appended)

    def execute(self, command: Command, use_case: Callable[[Transaction], Answer | None]) -> Answer | Replayed | None:
        """Carry out a command once; a repeated Idempotency-Key gets the first answer.

        Commands that wait at the same time share a transaction. Raises what ``use_case`` raises, with
        nothing changed, and :class:`~shared.storage.commands.IdempotencyKeyReused`.
        """
        answer: Answer | Replayed | None = self._commands.execute(command, use_case)
        return answer

    def reader(self, service: str) -> LogReader:
        """Return the log of a service (this one or another) for reading."""
        if service not in SERVICES:
            raise LookupError(f"no service is called {service!r}")
        if service not in self._readers:
            url = self.settings.database_url_of(service)
            self._readers[service] = LogReader(open_engine(url, service, pool_size=1))
        return self._readers[service]

    def forget_answers(self) -> None:
        """Forget answers that are too old for anybody to repeat their request."""
        self._forget(idempotency.c.at, KEEP_ANSWERS)

    def forget_inbox(self) -> None:
        """Forget which events were handled, of those that are too old to come again."""
        self._forget(inbox.c.at, KEEP_INBOX)

    def _forget(self, at: Column[datetime], keep: timedelta) -> None:
        with self._turn or nullcontext(), self._writer.begin() as connection:
            connection.execute(delete(at.table).where(at < self.clock.now() - keep))

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    @contextmanager
    def _turn_for(self, partitions: list[int], *, wait: bool) -> Iterator[list[int]]:
        """Wait for this process's own transactions, and not in the database: their memory is back when they end.

        Who waits for the head is let on by the commit, before its process knows that it has committed. Returns
        the partitions: without ``wait``, those that are free by and by.
        """
        with self._turn or nullcontext(), ExitStack() as turns:
            mine, until = [], time.monotonic() + SHORT_S
            for pp in partitions:
                if self._turns[pp].acquire(timeout=-1 if wait else max(0.0, until - time.monotonic())):
                    turns.callback(self._turns[pp].release)
                    mine.append(pp)
            yield mine

    def _lock(self, connection: Connection, partitions: list[int], *, wait: bool) -> dict[int, int]:
        if not partitions:
            return {}
        if wait and len(partitions) == 1:  # spared what a list costs
            return {pp: pos for pp, pos in connection.execute(_LOCK_ONE, {"of": partitions[0]})}
        return {pp: pos for pp, pos in (_LOCK if wait else _LOCK_FREE).execute(connection, partitions)}


def open_storage(settings: Settings, service: str) -> Storage:
    """Open a service's database with the clock of the settings."""
    return Storage(settings, service, clock=settings.business_clock)
