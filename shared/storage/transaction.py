"""One transaction of a service: state, events and inbox, committed together or not at all."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, func, select
from sqlalchemy.exc import IntegrityError

from shared.commands import Cause
from shared.contracts.envelope import Event
from shared.contracts.event_data import EventData, validated
from shared.contracts.registry import type_of
from shared.errors import Conflict
from shared.ids import IdFactory
from shared.storage import bulk
from shared.storage.engine import writes
from shared.storage.log import Row
from shared.storage.memory import Remembered
from shared.storage.partition import partition_of
from shared.storage.tables import log

T = TypeVar("T")


class VersionConflict(Conflict):
    """Somebody else changed the thing in the meantime."""

    code = "version_conflict"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where a transaction stood before a command."""

    writes: int
    later: int
    appended: int
    heads: dict[int, int]


class Transaction:
    """What a use case is handed: the connection for its own tables, and the log to append to.

    The heads of the partitions that it may append to are locked when it begins, so a branch's
    transactions run one after another and its positions are gapless in the order of commits.

    Rows that nobody reads meanwhile are written together (:meth:`later`), and what was read is remembered
    for the branch's next transaction (:meth:`recall`).
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
        remembered: dict[int, Remembered],
    ) -> None:
        """``heads`` are the locked partitions with their last positions, ``remembered`` what is known of each."""
        self._connection = connection
        self.now = now
        self.ids = ids
        self.cause = cause
        self.appended: list[Row] = []
        self._source = f"/services/{service}"
        self.heads = heads
        self.remembered = remembered
        self._rows: list[dict[str, object]] = []
        self._later: list[tuple[Hashable, Executable, Mapping[str, Any]]] = []
        self._put_off: dict[Hashable, Executable] = {}
        self._caught_up = 0
        self._caught_up_writes = 0
        self._lost = False
        self._untouched = self._mark()

    @property
    def connection(self) -> Connection:
        """The connection, for who must see what was put off as written."""
        self._catch_up()
        return self._connection

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the embedded default."""
        return self._connection.dialect.name == "sqlite"

    def begin_command(self, cause: Cause, now: datetime) -> "Mark":
        """Go on with the next command of a transaction that carries out several."""
        self.cause, self.now = cause, now
        return self._mark()

    def take_back(self, mark: "Mark") -> bool:
        """Forget what was appended and put off since; False, and no way back, where the database has changed already.

        What was remembered is forgotten too, where it may have followed the changes.
        """
        if self._lost or self._own_writes() != mark.writes or self._caught_up > mark.later:
            return False
        if self._mark() == mark:
            return True
        del self._later[mark.later - self._caught_up :]
        self._put_off = {key: statement for key, statement, _ in self._later}
        del self.appended[mark.appended :], self._rows[mark.appended :]
        self.heads = dict(mark.heads)
        for remembered in self.remembered.values():
            remembered.clear()
        return True

    @property
    def untouched(self) -> bool:
        """Whether nothing was changed, so that what is remembered holds even if the transaction fails."""
        return not (self._lost or self._connection.invalidated) and self._mark() == self._untouched

    def later(self, statement: Executable, row: Mapping[str, Any], key: Hashable, *, replaces: bool = False) -> None:
        """Write a row before anybody reads, or at the commit: those of one statement together.

        ``key`` names the row, whose changes are carried out in their order; one that ``replaces`` an earlier one
        by the same statement is carried out in its stead.
        """
        if key in self._put_off and not (replaces and self._put_off[key] is statement):
            self._catch_up()
        self._put_off[key] = statement
        self._later.append((key, statement, row))

    def recall(self, branch: str, kind: type[T], load: Callable[[], T]) -> T:
        """Return what this process knows of a branch; ``load`` reads it where it knows nothing.

        It is kept while nobody else appends to the branch's partition. So whatever is remembered changes with an
        event only, and who changes the database changes it too, or calls :meth:`forget`.
        """
        remembered = self.remembered[partition_of(branch)]
        if (branch, kind) not in remembered:
            remembered[branch, kind] = load()
        known: T = remembered[branch, kind]
        return known

    def forget(self, branch: str, kind: type) -> None:
        """Let it be read anew."""
        self.remembered[partition_of(branch)].pop((branch, kind), None)

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
        event = Event.model_construct(
            specversion="1.0",
            id=self.ids(),
            source=self._source,
            type=type_of(type(data)),
            subject=subject,
            time=time or self.now,
            datacontenttype="application/json",
            dataschema=None,
            branchid=branch,
            correlationid=correlation,
            causationid=self.cause.causationid,
            sequence=sequence,
            recordedtime=self.now,
            traceparent=self.cause.traceparent,
            data=validated(type(data), data),
        )
        self.append_event(event, own=True)
        return event

    @contextmanager
    def apart(self) -> Iterator[None]:
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
            pp=pp, pos=self.heads[pp], event_id=event.id, branch=event.branchid, type=event.type, own=own, body=body
        )
        self.appended.append(row)
        self._rows.append(
            {
                "pp": pp,
                "pos": row.pos,
                "event_id": event.id,
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

    def last_sequence(self, subject: str) -> int:
        """Return the sequence of the subject's last event in this log; 0 where it has none."""
        pending = [int(str(row["sequence"])) for row in self._rows if row["subject"] == subject]
        if pending:
            return max(pending)
        query = select(func.max(log.c.sequence)).where(log.c.subject == subject)
        return self.connection.execute(query).scalar() or 0

    def receive(self, event_ids: Iterable[str]) -> set[str]:
        """Enter events into the inbox; return those that are new. The others were handled before."""
        ids = list(event_ids)
        return bulk.receive(self.connection, ids, self.now) if ids else set()

    def flush(self) -> None:
        """Write what was put off and what was appended. Called once, before the commit."""
        self._catch_up()
        if not self._rows:
            return
        try:
            bulk.insert_rows(self._connection, log, self._rows)
        except IntegrityError as error:
            raise VersionConflict("another command changed this at the same time; read it again") from error
        bulk.move_heads(self._connection, {row.pp: self.heads[row.pp] for row in self.appended})
        self._rows = []

    def _catch_up(self) -> None:
        """Write what was put off, the rows of each statement together."""
        if not self._later:
            return
        together: dict[Executable, dict[Hashable, Mapping[str, Any]]] = {}
        for key, statement, row in self._later:
            together.setdefault(statement, {})[key] = row
        self._caught_up += len(self._later)
        self._later, self._put_off = [], {}
        before = writes(self._connection)
        try:
            for statement, rows in together.items():
                bulk.write(self._connection, statement, list(rows.values()))
        except BaseException:
            self._lost = True  # they may be an earlier command's, whichever asked for them
            raise
        self._caught_up_writes += writes(self._connection) - before

    def _mark(self) -> Mark:
        return Mark(
            writes=self._own_writes(),
            later=self._caught_up + len(self._later),
            appended=len(self.appended),
            heads=dict(self.heads),
        )

    def _own_writes(self) -> int:
        return writes(self._connection) - self._caught_up_writes
