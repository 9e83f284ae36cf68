"""One transaction of a service: state, events and inbox, committed together or not at all."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from shared.commands import Cause
from shared.contracts.base import EventData
from shared.contracts.envelope import Event
from shared.contracts.registry import type_of
from shared.errors import Conflict
from shared.ids import IdFactory
from shared.storage import bulk
from shared.storage.engine import writes
from shared.storage.log import Row
from shared.storage.partition import partition_of
from shared.storage.tables import log


class VersionConflict(Conflict):
    """Somebody else changed the thing in the meantime."""

    code = "version_conflict"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where a transaction stood before a command."""

    writes: int
    appended: int
    heads: dict[int, int]


class Transaction:
    """What a use case is handed: the connection for its own tables, and the log to append to.

    The heads of the partitions that it may append to are locked when it begins, so a branch's
    transactions run one after another and its positions are gapless in the order of commits.
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
    ) -> None:
        """``heads`` are the locked partitions with their last positions."""
        self.connection = connection
        self.now = now
        self.ids = ids
        self.cause = cause
        self.appended: list[Row] = []
        self._source = f"/services/{service}"
        self._heads = heads
        self._rows: list[dict[str, object]] = []

    def begin_command(self, cause: Cause, now: datetime) -> "Mark":
        """Go on with the next command of a transaction that carries out several."""
        self.cause, self.now = cause, now
        return Mark(writes=writes(self.connection), appended=len(self.appended), heads=dict(self._heads))

    def take_back(self, mark: "Mark") -> bool:
        """Forget what was appended since; False, and no way back, where the database has changed already."""
        if writes(self.connection) != mark.writes:
            return False
        del self.appended[mark.appended :], self._rows[mark.appended :]
        self._heads = dict(mark.heads)
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
        A sequence that is taken raises :class:`VersionConflict` at commit, a naive time ValueError:
        every reader would refuse the event.
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
            data=data,
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
        if pp not in self._heads:
            raise LookupError(f"partition {pp} of branch {event.branchid} is not locked by this transaction")
        self._heads[pp] += 1
        body = event.to_json().decode()
        row = Row(
            pp=pp, pos=self._heads[pp], event_id=event.id, branch=event.branchid, type=event.type, own=own, body=body
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
        """Write what was appended. Called once, before the commit."""
        if not self._rows:
            return
        try:
            bulk.append(self.connection, self._rows)
        except IntegrityError as error:
            raise VersionConflict("another command changed this at the same time; read it again") from error
        bulk.move_heads(self.connection, {row.pp: self._heads[row.pp] for row in self.appended})
        self._rows = []
