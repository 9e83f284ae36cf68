"""One transaction of a service: events, what follows from them, and inbox, committed together or not at all."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import IntegrityError

from shared.commands import Cause
from shared.contracts.envelope import Event, EventData, validated
from shared.contracts.registry import decode, type_of
from shared.errors import Conflict
from shared.ids import IdFactory, partition_of
from shared.storage import bulk, due
from shared.storage.aggregate import Project, no_rows
from shared.storage.engine import writes
from shared.storage.log import Row, of_subject
from shared.storage.states import Known, States


class VersionConflict(Conflict):
    """Somebody else changed the thing in the meantime."""

    code = "version_conflict"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where a transaction stood before a command."""

    writes: int
    inserts: int
    appended: int
    heads: dict[int, int]
    known: dict[str, Known[Any]]
    settled: frozenset[str]


class Transaction:
    """What a use case is handed: the branch's state, the log to append to, and the connection for look-ups.

    The heads of the partitions that it may append to are locked when it begins, so a branch's
    transactions run one after another and its positions are gapless in the order of commits. An event that is
    appended is applied to the branch's state at once; nothing else changes a state.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        service: str,
        now: datetime,
        ids: IdFactory,
        cause: Cause,
        heads: dict[int, int],
        states: States[Any] | None = None,
        project: Project = no_rows,
    ) -> None:
        """``heads`` are the locked partitions with their last positions, ``states`` what is committed there."""
        self._connection = connection
        self.now = now
        self.ids = ids
        self.cause = cause
        self.appended: list[Row] = []
        self._source = f"/services/{service}"
        self.heads = heads
        self._began = dict(heads)
        self._states = states
        self._project = project
        self._known: dict[str, Known[Any]] = {}
        self._before: dict[str, Known[Any]] = {}
        self._settled: frozenset[str] = frozenset()
        self._rows: list[dict[str, object]] = []
        self._inserts: list[tuple[Table, Mapping[str, Any]]] = []

    @property
    def connection(self) -> Connection:
        """The connection; what is appended, and the rows that follow from it, are not there before the commit."""
        return self._connection

    def state(self, branch: str) -> Any:
        """Return the branch's state after what this transaction has appended so far."""
        return self._of(branch).state

    def committed(self, branch: str) -> Known[Any]:
        """Return the branch's state as it was committed before this transaction, with where it stands in the log."""
        self._of(branch)
        return self._before[branch]

    def settle_due(self, branch: str) -> bool:
        """Note that the clock was looked at for a branch: what falls due next follows from its state.

        Return False where another process has just done so.
        """
        self._of(branch)
        self._settled |= {branch}
        return due.is_due(self._connection, branch, self.now)

    def events_of(self, subject: str) -> list[Event]:
        """Return a subject's events, oldest first, those that this transaction has appended among them."""
        bodies = [row.body for row in of_subject(self._connection, subject)]
        bodies += [str(row["body"]) for row in self._rows if row["subject"] == subject]
        return [decode(body.encode()) for body in bodies]

    def begin_command(self, cause: Cause, now: datetime) -> "Mark":
        """Go on with the next command of a transaction that carries out several."""
        self.cause, self.now = cause, now
        return self._mark()

    def rollback_to(self, mark: "Mark") -> bool:
        """Forget what was appended since; False, and no way back, where the database has changed already."""
        if writes(self._connection) != mark.writes:
            return False
        del self._inserts[mark.inserts :], self.appended[mark.appended :], self._rows[mark.appended :]
        self.heads, self._known, self._settled = dict(mark.heads), dict(mark.known), mark.settled
        return True

    def append(
        self,
        branch: str,
        subject: str,
        data: EventData,
        *,
        correlation: str,
        sequence: int,
        time: datetime | None = None,
    ) -> Event:
        """Append an event of ours; it is written when the transaction commits.

        ``sequence`` is the subject's version plus one. ``time`` is when it happened, by default now.
        A sequence that is taken raises :class:`VersionConflict` at commit; a naive time, and data that its
        class does not allow, ValueError: every reader would refuse the event.
        """
        if time is not None and time.tzinfo is None:
            raise ValueError("an event's time cannot be naive")
        event = self._event(
            branch, subject, data, id_=self.ids(), time=time or self.now, correlation=correlation, sequence=sequence
        )
        self.append_event(event, own=True)
        return event

    def append_unpublished(self, branch: str, data: EventData, time: datetime) -> None:
        """Append to our log what another said, not to be published: a state is folded from its own log alone."""
        id_ = self.ids()
        self.append_event(self._event(branch, f"heard:{id_}", data, id_=id_, time=time), own=False)

    @contextmanager
    def without_causation(self) -> Iterator[None]:
        """Append what the message at hand did not cause: who waits for its answer must not take it for that."""
        cause, self.cause = self.cause, replace(self.cause, causationid=None)
        try:
            yield
        finally:
            self.cause = cause

    def append_event(self, event: Event, *, own: bool) -> None:
        """Append a ready-made event: one that a terminal reported (own), or another service's (not own)."""
        pp = partition_of(event.branchid)
        if pp not in self.heads:
            raise LookupError(f"partition {pp} of branch {event.branchid} is not locked by this transaction")
        self.heads[pp] += 1
        body = event.to_json().decode()
        row = Row(
            pp=pp, pos=self.heads[pp], event_id=event.key, branch=event.branchid, type=event.type, own=own, body=body
        )
        if self._states is not None:
            known = self._of(event.branchid)
            state = self._states.aggregate.apply(known.state, event)
            self._known[event.branchid] = Known(state, row.pos, self.now, known.since + 1)
        self._inserts += self._project(event)
        self.appended.append(row)
        self._rows.append(
            {
                "pp": pp,
                "pos": row.pos,
                "event_id": event.key,
                "branch": event.branchid,
                "type": event.type,
                "source": event.source,
                "subject": event.subject,
                "sequence": event.sequence,
                "correlation": event.correlationid,
                "recorded": event.recordedtime,
                "own": own,
                "body": body,
            }
        )

    def receive(self, event_ids: Iterable[str]) -> set[str]:
        """Enter events into the inbox; return those that are new. The others were handled before."""
        ids = list(event_ids)
        return bulk.receive(self.connection, ids, self.now) if ids else set()

    def flush(self) -> None:
        """Write what was appended and what follows from it. Called once, before the commit."""
        try:
            if self._rows:
                heads = {row.pp: self.heads[row.pp] for row in self.appended}
                bulk.append_rows(self._connection, self._rows, heads)
            for table in dict.fromkeys(table for table, _ in self._inserts):
                bulk.upsert_rows(self._connection, table, [row for of, row in self._inserts if of is table])
        except IntegrityError as error:
            raise VersionConflict("another command changed this at the same time; read it again") from error
        self._write_due()
        self._rows, self._inserts = [], []

    def publish(self) -> None:
        """Let readers see the states that were committed. Called once, after the commit."""
        if self._states is not None:
            self._states.publish(self._began, self.heads, self._changed())

    def _event(
        self,
        branch: str,
        subject: str,
        data: EventData,
        *,
        id_: str,
        time: datetime,
        correlation: str | None = None,
        sequence: int = 1,
    ) -> Event:
        return Event.model_construct(
            specversion="1.0",
            id=id_,
            source=self._source,
            type=type_of(type(data)),
            subject=subject,
            time=time,
            datacontenttype="application/json",
            dataschema=None,
            branchid=branch,
            correlationid=correlation or subject,
            causationid=self.cause.causationid,
            sequence=sequence,
            recordedtime=self.now,
            traceparent=self.cause.traceparent,
            data=validated(type(data), data),
        )

    def _of(self, branch: str) -> Known[Any]:
        known = self._known.get(branch)
        if known is None:
            if self._states is None:
                raise LookupError("this service keeps no state of its branches")
            head = self._began[partition_of(branch)]
            known = self._before[branch] = self._states.at_head(self._connection, branch, head)
            self._known[branch] = known
        return known

    def _changed(self) -> dict[str, Known[Any]]:
        return {branch: known for branch, known in self._known.items() if known is not self._before[branch]}

    def _write_due(self) -> None:
        if self._states is None:
            return
        aggregate = self._states.aggregate
        next_look = {
            branch: aggregate.due(self._before[branch].state, known.state)
            for branch, known in self._changed().items()
            if branch not in self._settled
        }
        sooner = {branch: at for branch, at in next_look.items() if at is not None}
        due.bring_forward(self._connection, sooner)
        if self._settled:
            states = {branch: self._known[branch].state for branch in self._settled}
            due.settle(self._connection, {branch: aggregate.due(state, state) for branch, state in states.items()})

    def _mark(self) -> Mark:
        return Mark(
            writes=writes(self._connection),
            inserts=len(self._inserts),
            appended=len(self.appended),
            heads=dict(self.heads),
            known=dict(self._known),
            settled=self._settled,
        )
