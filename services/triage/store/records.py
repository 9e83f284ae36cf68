"""The lobby's state, for looking: every query of triage by its name."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from services.triage.model import AT_COUNTER, Channel, Counter, Device, Ticket, TicketState, Visit
from services.triage.policy import History, Line
from services.triage.store import tables
from services.triage.store.bodies import COUNTER, DEVICE, VISIT

_visit, _ticket = tables.visit.c, tables.ticket.c


class Records:
    """What a connection can see of the lobby."""

    def __init__(self, connection: Connection) -> None:
        """Read with this connection."""
        self.connection = connection

    def branch_of(self, ticket_id: str) -> str | None:
        """Return the branch of a ticket."""
        branch: str | None = self.connection.execute(
            select(_ticket.branch).where(_ticket.ticket_id == ticket_id)
        ).scalar()
        return branch

    def visit_of(self, branch: str, ticket_id: str) -> Visit | None:
        """Return the visit that a ticket of this branch belongs to."""
        query = (
            select(_visit.body)
            .join(tables.ticket, _ticket.visit_id == _visit.visit_id)
            .where(_ticket.ticket_id == ticket_id, _ticket.branch == branch)
        )
        body = self.connection.execute(query).scalar()
        return None if body is None else VISIT.validate_json(body)

    def counter(self, branch: str, counter: str) -> Counter:
        """Return a counter; a closed one where it never opened."""
        query = select(tables.counter.c.body).where(
            tables.counter.c.branch == branch, tables.counter.c.counter == counter
        )
        body = self.connection.execute(query).scalar()
        return Counter(counter=counter) if body is None else COUNTER.validate_json(body)

    def counters(self, branch: str) -> Sequence[Counter]:
        """Return every counter that was ever opened, by name."""
        query = select(tables.counter.c.body).where(tables.counter.c.branch == branch)
        bodies = self.connection.execute(query.order_by(tables.counter.c.counter)).scalars()
        return [COUNTER.validate_json(body) for body in bodies]

    def devices(self, branch: str) -> Sequence[Device]:
        """Return every device that ever reported, by id."""
        query = select(tables.device.c.body).where(tables.device.c.branch == branch)
        bodies = self.connection.execute(query.order_by(tables.device.c.device_id)).scalars()
        return [DEVICE.validate_json(body) for body in bodies]

    def at_counters(self, branch: str) -> Mapping[str, tuple[Visit, Ticket]]:
        """Return the called or served ticket of each counter that has one."""
        query = _with_visits().where(_ticket.branch == branch, _ticket.state.in_(AT_COUNTER))
        return {ticket.counter: (visit, ticket) for visit, ticket in self._tickets(query) if ticket.counter is not None}

    def busy(self, branch: str) -> Collection[str]:
        """Return the counters that have a called or served ticket."""
        query = select(_ticket.counter).where(_ticket.branch == branch, _ticket.state.in_(AT_COUNTER))
        return set(self.connection.execute(query).scalars())

    def waiting(self, branch: str, limit: int) -> Sequence[tuple[Visit, Ticket]]:
        """Return the tickets that wait, in the order in which they are called."""
        query = _with_visits().where(_ticket.branch == branch, _ticket.state == "waiting")
        return self._tickets(query.order_by(_ticket.rank, _ticket.ticket_id).limit(limit))

    def lines(self, branch: str) -> Mapping[Channel, Line]:
        """Return the line of each channel that somebody waits for."""
        query = (
            select(_ticket.channel, func.count(), func.min(_ticket.waiting_from))
            .where(_ticket.branch == branch, _ticket.state == "waiting")
            .group_by(_ticket.channel)
        )
        return {row[0]: Line(waiting=row[1], longest_from=row[2]) for row in self.connection.execute(query)}

    def ahead(self, branch: str, channels: Collection[Channel], rank: float) -> int:
        """Return how many of these channels' waiting tickets are called before this rank."""
        query = select(func.count()).where(*in_line(branch, channels), _ticket.rank <= rank)
        return self.connection.execute(query).scalar_one()

    def histories(self, branch: str) -> Mapping[Channel, History]:
        """Return what each channel has shown so far."""
        stat = tables.channel_stat.c
        query = select(stat.channel, stat.service_s, stat.last_wait_s, stat.served).where(stat.branch == branch)
        rows = self.connection.execute(query)
        return {row[0]: History(service_s=row[1], last_wait_s=row[2], served=row[3]) for row in rows}

    def totals(self, branch: str, day: date) -> Mapping[TicketState, int]:
        """Return how many of the day's tickets are in each state."""
        query = (
            select(_ticket.state, func.count())
            .where(_ticket.branch == branch, _ticket.business_date == day)
            .group_by(_ticket.state)
        )
        return {row[0]: row[1] for row in self.connection.execute(query)}

    def _tickets(self, query: Select[Any]) -> list[tuple[Visit, Ticket]]:
        found = []
        for row in self.connection.execute(query):
            visit = VISIT.validate_json(row[1])
            found.append((visit, visit.ticket(row[0])))
        return found


def _with_visits() -> Select[Any]:
    return select(_ticket.ticket_id, _visit.body).join(tables.visit, _visit.visit_id == _ticket.visit_id)


def in_line(branch: str, channels: Collection[Channel]) -> tuple[ColumnElement[bool], ...]:
    """Return the condition for who waits for these channels."""
    return _ticket.branch == branch, _ticket.state == "waiting", _ticket.channel.in_(sorted(channels))
