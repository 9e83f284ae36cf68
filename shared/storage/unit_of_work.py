"""A branch on the service's database: its committed state, and its state in a transaction."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from shared.contracts.envelope import Event, EventData
from shared.contracts.registry import decode
from shared.storage.log import of_subject
from shared.storage.storage import Storage
from shared.storage.transaction import Transaction
from shared.unit_of_work import BranchReader, BranchUnitOfWork, State


class StoredReader(BranchReader[State]):
    """A branch's committed state, for looking."""

    def __init__(self, storage: Storage, connection: Connection, branch: str) -> None:
        """Read with this connection."""
        self.zone = storage.settings.default_timezone
        self._storage = storage
        self._connection = connection
        self.now = storage.clock.now()
        self.state = storage.known(connection, branch).state

    def state_at(self, time: datetime) -> State:
        """Return the branch's state at an instant, from its log."""
        state: State = self._storage.states.at(self._connection, self.branch, time).state
        return state

    def events_of(self, subject: str) -> Sequence[Event]:
        """Return a subject's events in order."""
        return [decode(row.body.encode()) for row in of_subject(self._connection, subject)]


class StoredUnitOfWork(BranchUnitOfWork[State]):
    """A branch in a transaction that has its partition locked."""

    def __init__(self, storage: Storage, tx: Transaction, branch: str) -> None:
        """Record in the transaction's log."""
        self.zone = storage.settings.default_timezone
        self._storage = storage
        self._tx = tx
        self._branch = branch
        self.now = tx.now  # several commands share a transaction; each has its own time before it gets this
        self.state = tx.state(branch)

    def state_at(self, time: datetime) -> State:
        """Return the branch's state at an instant, from its log."""
        state: State = self._storage.states.at(self._tx.connection, self._branch, time).state
        return state

    def events_of(self, subject: str) -> Sequence[Event]:
        """Return a subject's events in order, those that this transaction has appended among them."""
        return self._tx.events_of(subject)

    def new_id(self) -> str:
        """Return a new opaque id."""
        return self._tx.ids()

    def append_unpublished(self, said: EventData, at: datetime) -> None:
        """Keep in our log what another said."""
        self._tx.append_unpublished(self._branch, said, at)
        self.state = self._tx.state(self._branch)

    def _append(
        self,
        subject: str,
        data: EventData,
        sequence: int,
        at: datetime | None = None,
        *,
        correlation: str | None = None,
    ) -> None:
        self._tx.append(self._branch, subject, data, correlation=correlation or subject, sequence=sequence, time=at)
        self.state = self._tx.state(self._branch)
