"""The tables of vip, and the records that its use cases read and write."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from services.vip.model import Handoff, Roster, State, Ticket, apply, apply_roster, begin
from shared.contracts.events.vip import CustomerArrived, HandoffEvent, RosterSet
from shared.storage import Transaction
from shared.storage.types import UtcDateTime

metadata = MetaData()

handoff_table = Table(
    "handoff",
    metadata,
    Column("handoff_id", String(128), primary_key=True),
    Column("branch", String(32), nullable=False),
    Column("visit_id", String(128), nullable=False),
    Column("version", Integer, nullable=False, comment="The sequence of its last event."),
    Column("state", String(16), nullable=False),
    Column("manager_id", String(128)),
    Column("arrived_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, comment="When the offer runs out; null where nobody is asked."),
    Column("unsettled", Boolean, nullable=False, comment="Waits and has no seat yet, or was asked for in vain."),
    Column("body", Text, nullable=False),
    Index("handoff_branch_state", "branch", "state", "arrived_at"),
    Index("handoff_branch_unsettled", "branch", "unsettled"),
    Index("handoff_state_expires", "state", "expires_at"),
    Index("handoff_visit", "visit_id"),
    comment="Every hand-off as it is now (V1-V3).",
)

roster_table = Table(
    "roster",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("body", Text, nullable=False),
    comment="The duty roster of each branch (V8).",
)

ticket_table = Table(
    "ticket",
    metadata,
    Column("ticket_id", String(128), primary_key=True),
    Column("visit_id", String(128), nullable=False),
    Column("number", String(64), nullable=False),
    Column("tier", String(16), nullable=False),
    Column("business", String(64)),
    Column("customer_ref", String(128)),
    Column("handoff_id", String(128)),
    Column("over", Boolean, nullable=False, comment="Called at a window, or left: no arrival any more."),
    Index("ticket_handoff", "handoff_id"),
    comment="VIP tickets of triage, remembered until the paper is printed.",
)

_handoffs = TypeAdapter(Handoff)
_rosters = TypeAdapter(Roster)

_ACTIVE: tuple[State, ...] = ("waiting", "offered", "escalated", "accepted")


class Records:
    """The committed state, for looking."""

    def __init__(self, connection: Connection) -> None:
        """``connection`` sees the service's tables."""
        self.connection = connection

    def handoff(self, handoff_id: str) -> Handoff | None:
        """Return a hand-off."""
        rows = self._handoffs(select(handoff_table.c.body).where(handoff_table.c.handoff_id == handoff_id))
        return rows[0] if rows else None

    def branch_of(self, handoff_id: str) -> str | None:
        """Return the branch of a hand-off."""
        query = select(handoff_table.c.branch).where(handoff_table.c.handoff_id == handoff_id)
        return self.connection.execute(query).scalar()

    def active(self, branch: str) -> Sequence[Handoff]:
        """Return the branch's hand-offs that have not ended, the earliest arrival first."""
        return self._handoffs(_of_branch(branch, _ACTIVE))

    def roster(self, branch: str) -> Roster:
        """Return the branch's roster; an empty one where none was ever set."""
        body = self.connection.execute(select(roster_table.c.body).where(roster_table.c.branch == branch)).scalar()
        return Roster(branch=branch) if body is None else _rosters.validate_json(body)

    def loads(self, branch: str, *states: State) -> dict[str, int]:
        """Return how many of the branch's hand-offs in these states each manager has."""
        t = handoff_table.c
        query = select(t.manager_id, func.count()).where(t.branch == branch, t.state.in_(states)).group_by(t.manager_id)
        return {manager: count for manager, count in self.connection.execute(query) if manager is not None}

    def overdue(self, now: datetime) -> list[str]:
        """Return the branches where an offer has run out."""
        t = handoff_table.c
        query = select(t.branch).where(t.state == "offered", t.expires_at <= now).distinct()
        return sorted(self.connection.execute(query).scalars())

    def _handoffs(self, query: Select[str]) -> list[Handoff]:
        return [_handoffs.validate_json(body) for body in self.connection.execute(query).scalars()]


class Desk(Records):
    """One transaction's view of the records, for changing."""

    def __init__(self, tx: Transaction) -> None:
        """``tx`` has locked the branch's partition."""
        super().__init__(tx.connection)
        self.tx = tx

    @property
    def now(self) -> datetime:
        """The business time at which the transaction began."""
        return self.tx.now

    def new_id(self) -> str:
        """Return a new opaque id."""
        return self.tx.ids()

    def active_of_visit(self, visit_id: str) -> Handoff | None:
        """Return the hand-off of a visit that has not ended."""
        of_visit = self._handoffs(select(handoff_table.c.body).where(handoff_table.c.visit_id == visit_id))
        return next((handoff for handoff in of_visit if not handoff.ended), None)

    def waiting(self, branch: str, first: int) -> Sequence[Handoff]:
        """Return the branch's hand-offs that nobody is asked for, the earliest arrival first.

        At the most the ``first`` that came, and in any case those that have no seat yet or may have
        nobody left to ask.
        """
        t = handoff_table.c
        earliest = self._handoffs(_of_branch(branch, ("waiting",)).limit(first))
        if len(earliest) < first:
            return earliest
        unsettled = self._handoffs(_of_branch(branch, ("waiting",)).where(t.unsettled))
        known = {handoff.handoff_id for handoff in earliest}
        return [*earliest, *(handoff for handoff in unsettled if handoff.handoff_id not in known)]

    def count_waiting(self, branch: str) -> int:
        """Return how many of the branch's hand-offs nobody is asked for."""
        t = handoff_table.c
        query = select(func.count()).where(t.branch == branch, t.state == "waiting")
        return self.connection.execute(query).scalar_one()

    def expired(self, branch: str) -> Sequence[Handoff]:
        """Return the branch's hand-offs whose offer has run out by now."""
        return self._handoffs(_of_branch(branch, ("offered",)).where(handoff_table.c.expires_at <= self.now))

    def begin(self, branch: str, arrival: CustomerArrived, *, at: datetime) -> Handoff:
        """Record an arrival, and return the hand-off that it begins."""
        handoff = begin(arrival, branch=branch, at=at)
        self._append(handoff, arrival, at)
        self.connection.execute(insert(handoff_table).values(**_row(handoff)))
        return handoff

    def record(self, handoff: Handoff, events: Iterable[HandoffEvent]) -> Handoff:
        """Record what happened, and return the state after it."""
        before = handoff.version
        for event in events:
            handoff = apply(handoff, event)
            self._append(handoff, event, self.now)
        if handoff.version != before:
            row = _row(handoff)
            self.connection.execute(
                update(handoff_table).where(handoff_table.c.handoff_id == handoff.handoff_id).values(**row)
            )
        return handoff

    def record_roster(self, roster: Roster, events: Iterable[RosterSet]) -> Roster:
        """Record a new roster, and return it."""
        for event in events:
            roster = apply_roster(roster, event)
            subject = f"roster:{roster.branch}"
            self.tx.append(roster.branch, subject, event, correlation=subject, sequence=roster.version)
            self._upsert(roster_table, {"branch": roster.branch, "body": _rosters.dump_json(roster).decode()})
        return roster

    def ticket(self, ticket_id: str) -> Ticket | None:
        """Return what is remembered of a ticket."""
        row = self.connection.execute(select(ticket_table).where(ticket_table.c.ticket_id == ticket_id)).one_or_none()
        return None if row is None else Ticket(**row._mapping)

    def ticket_of(self, handoff_id: str) -> Ticket | None:
        """Return the ticket that belongs to a hand-off."""
        row = self.connection.execute(select(ticket_table).where(ticket_table.c.handoff_id == handoff_id)).first()
        return None if row is None else Ticket(**row._mapping)

    def remember(self, ticket: Ticket) -> None:
        """Remember a ticket, or what is new about it."""
        self._upsert(ticket_table, asdict(ticket))

    def _append(self, handoff: Handoff, event: HandoffEvent, at: datetime) -> None:
        self.tx.append(
            handoff.branch,
            handoff.handoff_id,
            event,
            correlation=handoff.visit_id,
            sequence=handoff.version,
            time=at,
        )

    def _upsert(self, table: Table, values: dict[str, object]) -> None:
        make = insert_sqlite if self.connection.dialect.name == "sqlite" else insert_postgresql
        keys = [column.name for column in table.primary_key]
        changed = {name: value for name, value in values.items() if name not in keys}
        self.connection.execute(make(table).values(**values).on_conflict_do_update(index_elements=keys, set_=changed))


def _of_branch(branch: str, states: tuple[State, ...]) -> Select[str]:
    t = handoff_table.c
    query = select(t.body).where(t.branch == branch, t.state.in_(states))
    return query.order_by(t.arrived_at, t.handoff_id)


def _row(handoff: Handoff) -> dict[str, object]:
    return {
        "handoff_id": handoff.handoff_id,
        "branch": handoff.branch,
        "visit_id": handoff.visit_id,
        "version": handoff.version,
        "state": handoff.state,
        "manager_id": handoff.manager_id,
        "arrived_at": handoff.arrived_at,
        "expires_at": handoff.expires_at,
        "unsettled": handoff.state == "waiting" and (handoff.promised_at is None or bool(handoff.asked)),
        "body": _handoffs.dump_json(handoff).decode(),
    }
