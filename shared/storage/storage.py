"""A service's database, as its use cases, consumers and timers see it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel
from sqlalchemy import Column, ColumnElement, Connection, bindparam, delete, select

from shared.clock import Clock
from shared.commands import Cause, Command, Replayed
from shared.ids import PARTITIONS, IdFactory, new_id, partition_of
from shared.settings import SERVICES, Settings
from shared.storage import due, states
from shared.storage.aggregate import Aggregate, Project, aggregate_of, no_rows, projection_of
from shared.storage.bulk import InArray
from shared.storage.commands import Commands
from shared.storage.engine import is_sqlite, is_transient, open_engine
from shared.storage.log import LogReader, Row
from shared.storage.states import Known, States
from shared.storage.tables import dead_letter, idempotency, inbox, log_head
from shared.storage.transaction import Transaction

log = structlog.get_logger()

Answer = TypeVar("Answer", bound=BaseModel)
Listener = Callable[[list[Row]], None]

PUT_OFF = timedelta(minutes=1)
"""When a branch is looked at again whose look failed: else those that fail would be first in line for ever."""
SNAPSHOTS_A_COMMIT = 16
LOCK_WAIT_S = 0.05
"""How long another transaction of this process is waited for by who does not want to wait: as most of them take."""
KEEP_ANSWERS = timedelta(days=2)
KEEP_INBOX = timedelta(days=30)
KEEP_RESOLVED = timedelta(days=30)

# Built once: to build a statement costs more than to run it.
_heads = select(log_head.c.pp, log_head.c.pos).order_by(log_head.c.pp).with_for_update()
_LOCK = InArray(_heads, log_head.c.pp)
_LOCK_FREE = InArray(_heads.with_for_update(skip_locked=True), log_head.c.pp)
_HEAD = select(log_head.c.pos).where(log_head.c.pp == bindparam("of"))
_LOCK_ONE = _heads.where(log_head.c.pp == bindparam("of"))


class Storage:
    """One service's database: a schema of PostgreSQL or a SQLite file.

    ``execute`` is for commands, ``transaction`` for consumers and timers, ``read`` for looking.
    Listeners hear of every commit that appended something, after it.
    """

    def __init__(
        self,
        settings: Settings,
        service: str,
        *,
        clock: Clock,
        ids: IdFactory = new_id,
        aggregate: Aggregate[Any] | None = None,
        project: Project = no_rows,
    ) -> None:
        """Open the database; it must have been migrated (``lobby db upgrade``).

        ``aggregate`` is how the service folds its log; None for one that keeps no state of its branches.
        ``project`` says which rows an event makes.
        """
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
        self.project = project
        cache_bytes = settings.state_cache_mb * 1024 * 1024
        self._states = None if aggregate is None else States(aggregate, cache_bytes=cache_bytes)
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
                    states=self._states,
                    project=self.project,
                )
                yield tx
                tx.flush()
            tx.publish()
        if tx.appended:
            for listener in self._listeners:
                listener(tx.appended)

    @property
    def keeps_states(self) -> bool:
        """Whether the service knows its branches by folding its log."""
        return self._states is not None

    @property
    def states(self) -> States[Any]:
        """The states of the branches; LookupError for a service that keeps none."""
        if self._states is None:
            raise LookupError(f"{self.service} keeps no state of its branches")
        return self._states

    def state(self, branch: str) -> Any:
        """Return the committed state of a branch."""
        with self.read() as connection:
            return self.known(connection, branch).state

    def known(self, connection: Connection, branch: str) -> Known[Any]:
        """Return the committed state of a branch, with where it stands in the log."""
        head: int = connection.execute(_HEAD, {"of": partition_of(branch)}).scalar() or 0
        return self.states.at_head(connection, branch, head)

    def state_at(self, branch: str, time: datetime) -> Any:
        """Return the state of a branch at an instant: after the last event that was recorded until then."""
        with self.read() as connection:
            return self.states.at(connection, branch, time).state

    def branches_due(self, *, limit: int) -> list[str]:
        """Return the branches in which the clock alone may have changed something, the longest overdue first."""
        with self.read() as connection:
            return list(due.branches_due(connection, self.clock.now(), limit=limit))

    def look_at_due(self, look: Callable[[str], None], *, limit: int) -> None:
        """Call ``look`` with each branch in which something is due, the longest overdue first.

        One that fails is put off and holds up no other. A database that is away is no branch's fault: that is raised.
        """
        for branch in self.branches_due(limit=limit):
            try:
                look(branch)
            except Exception as error:
                if is_transient(error):
                    raise
                log.exception("branch_not_looked_at", service=self.service, branch=branch)
                with self._turn or nullcontext(), self._writer.begin() as connection:
                    due.settle(connection, {branch: self.clock.now() + PUT_OFF})

    def take_snapshots(self, *, all_changed: bool = False) -> int:
        """Store snapshots of the states that have moved far from their last one; return how many.

        ``all_changed``: of every state that has moved at all, as at the end of the process.
        """
        if self._states is None:
            return 0
        moved = list(self._states.due_for_snapshot(self.clock.now(), all_changed=all_changed).items())
        for start in range(0, len(moved), SNAPSHOTS_A_COMMIT):
            taken = []
            for branch, known in moved[start : start + SNAPSHOTS_A_COMMIT]:
                taken.append(self._states.snapshot_of(branch, known))
                time.sleep(0)  # branches that were as busy are due together: between two of them calls have their turn
            with self._turn or nullcontext(), self._writer.begin() as connection:
                states.save(connection, self._states.aggregate.version, taken)
            self._states.have_snapshot(taken)
        return len(moved)

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

    def forget_resolved(self) -> None:
        """Forget dead letters that were handled in the end. What was given up stays: it is the reason for a gap."""
        self._forget(dead_letter.c.at, KEEP_RESOLVED, dead_letter.c.state == "resolved")

    def _forget(self, at: Column[datetime], keep: timedelta, *only: ColumnElement[bool]) -> None:
        with self._turn or nullcontext(), self._writer.begin() as connection:
            connection.execute(delete(at.table).where(at < self.clock.now() - keep, *only))

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    @contextmanager
    def _turn_for(self, partitions: list[int], *, wait: bool) -> Iterator[list[int]]:
        """Wait for this process's own transactions, and not in the database: their states are known when they end.

        Who waits for the head is let on by the commit, before its process knows that it has committed. Returns
        the partitions: without ``wait``, those that are free by and by.
        """
        with self._turn or nullcontext(), ExitStack() as turns:
            mine, until = [], time.monotonic() + LOCK_WAIT_S
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
    """Open a service's database with the clock of the settings, and the fold that the service declares."""
    return declared_storage(settings, service, settings.business_clock)


def declared_storage(settings: Settings, service: str, clock: Clock) -> Storage:
    """Open a service's database with what the service declares of it, and another clock."""
    aggregate, project = aggregate_of(service, settings), projection_of(service)
    return Storage(settings, service, clock=clock, aggregate=aggregate, project=project)
