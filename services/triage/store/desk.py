"""One transaction's view of the lobby: what happens is appended to the log, and the state follows it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Table, bindparam, case, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from services.triage.model import Channel, Counter, Device, Ticket, Visit, apply
from services.triage.model.events import CounterEvent, DeviceChanged, TicketRefused, VisitEvent
from services.triage.policy import FRONT_S, History, Policy
from services.triage.store import queries, tables
from services.triage.store.bodies import AWAY, counter_row, device_row, ticket_row, visit_row
from services.triage.store.records import Records
from shared.contracts.registry import from_domain
from shared.storage import Transaction

_ticket = tables.ticket.c

NAMED_OVERTAKEN = 50
"""How many of those whom a call overtakes its event names."""

_OVERTAKEN = select(_ticket.ticket_id).where(*queries.BEFORE).order_by(_ticket.lined).limit(NAMED_OVERTAKEN)
_OVERTAKE = (
    update(tables.ticket)
    .where(*queries.BEFORE)
    .values(
        overtaken=_ticket.overtaken + 1,
        rank=case((_ticket.overtaken + 1 >= bindparam("most"), _ticket.lined - FRONT_S), else_=_ticket.rank),
    )
)


class Desk(Records):
    """The records, for changing, inside a transaction that has the branch's partition locked."""

    def __init__(self, tx: Transaction, policy: Policy) -> None:
        """Append to the transaction's log; ``policy`` gives the places in the line."""
        super().__init__(tx.connection)
        self._tx = tx
        self._policy = policy
        self._insert: Any = insert_sqlite if tx.connection.dialect.name == "sqlite" else insert_postgresql

    @property
    def now(self) -> datetime:
        """The business time at which the transaction began."""
        return self._tx.now

    def new_id(self) -> str:
        """Return a new opaque id."""
        return self._tx.ids()

    def next_number(self, branch: str, day: date, prefix: str, start: int = 1) -> int:
        """Draw the next number of a day's series from ``start`` on; a transaction that fails gives it back."""
        given = {"branch": branch, "business_date": day, "prefix": prefix, "last": start}
        number: int = self.connection.execute(_draw(self._insert), given).scalar_one()
        return number

    def ticket_with_number(self, branch: str, number: str) -> str | None:
        """Return the id of the newest ticket with this number."""
        found: str | None = self.connection.execute(queries.NUMBERED, {"of_branch": branch, "number": number}).scalar()
        return found

    def next_waiting(self, branch: str, lines: Collection[str]) -> str | None:
        """Return the id of the ticket that is next: the first of the heads of these lines."""
        given = {f"line{n}": line for n, line in enumerate(lines)}
        found: str | None = self.connection.execute(queries.heads(len(given)), {"of_branch": branch, **given}).scalar()
        return found

    def standing_in(self, branch: str, lines: Collection[str]) -> Sequence[str]:
        """Return the ids of the tickets that wait in these lines, those too whose customers are elsewhere now."""
        given = {"of_branch": branch, "lines": [*lines, *(AWAY + line for line in lines)]}
        return list(self.connection.execute(queries.STANDING, given).scalars())

    def overtaken(self, branch: str, lines: Collection[str], ticket: Ticket) -> Sequence[str]:
        """Return who stood in line before this ticket and still waits in these lines, the first 50 (T12)."""
        return list(self.connection.execute(_OVERTAKEN, _before(branch, lines, ticket)).scalars())

    def count_overtaking(self, branch: str, lines: Collection[str], ticket: Ticket) -> None:
        """Count that this ticket overtook them; who was overtaken as often as policy allows is next."""
        given = {**_before(branch, lines, ticket), "most": self._policy.max_overtakes}
        self.connection.execute(_OVERTAKE, given)

    def record_visit(self, visit: Visit, happened: Iterable[VisitEvent], *, at: datetime | None = None) -> Visit:
        """Record what happened (at ``at``, by default now), and return the visit after it."""
        before = visit.version
        for event in happened:
            visit = apply(visit, event, at or self.now)
            self._append(visit.branch, visit.visit_id, visit.version, event, at)
        if visit.version != before:
            self._put(tables.visit, visit_row(visit, self.now))
            for ticket in visit.tickets:
                row = ticket_row(self._policy, visit, ticket, self.now)
                self.connection.execute(_upsert_ticket(self._insert, self._policy.max_overtakes), row)
        return visit

    def record_counter(self, branch: str, counter: Counter, happened: Iterable[CounterEvent]) -> Counter:
        """Record what happened, and return the counter after it."""
        for event in happened:
            counter = counter.apply(event)
            self._append(branch, f"counter:{branch}:{counter.counter}", counter.version, event)
            self._put(tables.counter, counter_row(branch, counter))
        return counter

    def record_device(self, branch: str, device: Device, happened: Iterable[DeviceChanged]) -> Device:
        """Record what happened, and return the device after it."""
        for event in happened:
            device = device.apply(event)
            self._append(branch, f"device:{branch}:{device.device_id}", device.version, event)
            self._put(tables.device, device_row(branch, device))
        return device

    def record_refusal(self, branch: str, request_id: str, refusal: TicketRefused) -> None:
        """Record that a request can't be served."""
        self._append(branch, request_id, 1, refusal)

    def remember(self, branch: str, channel: Channel, history: History) -> None:
        """Keep what the channel has shown."""
        self._put(tables.channel_stat, {"branch": branch, "channel": channel, **asdict(history)})

    def _append(self, branch: str, subject: str, version: int, event: object, at: datetime | None = None) -> None:
        data = from_domain("triage", event)
        self._tx.append(branch, subject, data, correlation=subject, sequence=version, time=at)

    def _put(self, table: Table, row: dict[str, Any]) -> None:
        self.connection.execute(_upsert(self._insert, table), row)


@cache  # a statement costs more to build than to run
def _upsert(insert: Any, table: Table) -> Any:
    """Return the statement that writes a row whether or not it is there."""
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


@cache
def _upsert_ticket(insert: Any, max_overtakes: int) -> Any:
    """As :func:`_upsert`, but a ticket that keeps its place in the line keeps what overtaking has made of it.

    One that goes back to an earlier place (who missed the call is back) keeps how often it was
    overtaken, too: two places don't make two allowances (T12).
    """
    statement = insert(tables.ticket)
    new = statement.excluded
    changed = {column.name: new[column.name] for column in tables.ticket.c if not column.primary_key}
    later, stays = _ticket.lined < new.lined, _ticket.lined == new.lined
    first = case((_ticket.overtaken >= max_overtakes, new.lined - FRONT_S), else_=new.rank)
    changed["rank"] = case((stays, _ticket.rank), (later, new.rank), else_=first)
    changed["overtaken"] = case((later, 0), else_=_ticket.overtaken)
    return statement.on_conflict_do_update(index_elements=["ticket_id"], set_=changed)


@cache
def _draw(insert: Any) -> Any:
    """Return the statement that draws the next number of a series."""
    series = tables.number_series
    statement = insert(series).on_conflict_do_update(
        index_elements=["branch", "business_date", "prefix"], set_={"last": series.c.last + 1}
    )
    return statement.returning(series.c.last)


def _before(branch: str, lines: Collection[str], ticket: Ticket) -> dict[str, object]:
    """Return the parameters of :data:`queries.BEFORE`."""
    return {"of_branch": branch, "lines": sorted(lines), "lined_before": ticket.lined_at.timestamp()}
