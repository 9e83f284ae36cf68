"""A unit of work on the service's database: the transaction's state, its log, and look-ups by key."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, Date, bindparam, select

from services.triage.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.triage.model import Appointment, LobbyState, Visit
from services.triage.model import apply as apply_to_visit
from services.triage.model.records import replace
from services.triage.policy import Policy
from services.triage.store import projection
from shared.contracts.envelope import Event
from shared.contracts.events.triage import AppointmentEvent, VisitEvent
from shared.contracts.registry import decode
from shared.storage import Storage
from shared.storage.aggregate import branch_lookup
from shared.storage.log import of_subject
from shared.storage.unit_of_work import StoredReader
from shared.storage.unit_of_work import StoredUnitOfWork as Stored

_ticket = projection.ticket.c
_VISIT_OF = select(_ticket.visit_id).where(
    _ticket.ticket_id == bindparam("of_ticket"), _ticket.branch == bindparam("of_branch")
)
branch_of = branch_lookup(_ticket.ticket_id)
"""Whose branch a ticket is."""
_NUMBERED = (
    select(_ticket.ticket_id)
    .where(_ticket.branch == bindparam("of_branch"), _ticket.number == bindparam("of_number"))
    .order_by(_ticket.business_date.desc())
    .limit(1)
)
_NUMBERED_ON = _NUMBERED.where(_ticket.business_date == bindparam("on_day", type_=Date))


def policies_followed(connection: Connection) -> list[tuple[str, str, str]]:
    """Return every branch that has a recorded policy, with its digest and the branch's own exceptions as JSON."""
    return [(row.branch, row.digest, row.overrides) for row in connection.execute(select(projection.branch_policy))]


class StoredLobby(StoredReader[LobbyState], LobbyReader):
    """A branch's committed state, for looking."""

    def __init__(self, storage: Storage, connection: Connection, branch: str, policy_before: Policy) -> None:
        """``policy_before`` is the policy where none was recorded yet."""
        super().__init__(storage, connection, branch)
        if self.state.in_force is None:
            self.state = replace(self.state, default_policy=policy_before)

    def ended_visit(self, *, ticket_id: str | None = None, visit_id: str | None = None) -> Visit | None:
        """Return a visit that has ended, from its log."""
        return _folded_visit(self._connection, self.branch, ticket_id, visit_id)


class StoredUnitOfWork(Stored[LobbyState], UnitOfWork):
    """A branch in a transaction that has its partition locked."""

    def ended_visit(self, *, ticket_id: str | None = None, visit_id: str | None = None) -> Visit | None:
        """Return a visit that has ended, from its log."""
        if visit_id is None and ticket_id is not None and ticket_id in self.state.queue.entries:
            visit_id = self.state.queue.entries[ticket_id].visit_id  # it may have ended in this transaction
        if visit_id is not None:
            return _folded(self._branch, visit_id, self._tx.events_of(visit_id))
        return _folded_visit(self._tx.connection, self._branch, ticket_id, None)

    def numbered(self, number: str, day: date | None = None) -> str | None:
        """Return the id of the ticket with this number on a day; the newest one where no day is named."""
        found = self.state.ticket_with_number(number) if day is None else self.state.ticket_of_day(day, number)
        if found is not None:
            return found
        given = {"of_branch": self._branch, "of_number": number, **({} if day is None else {"on_day": day})}
        older: str | None = self._tx.connection.execute(_NUMBERED if day is None else _NUMBERED_ON, given).scalar()
        return older

    def appointment(self, appointment_id: str) -> Appointment | None:
        """Return an appointment: one whose slot is long gone is folded from its log."""
        known = self.state.appointments.get(appointment_id)
        if known is not None:
            return known
        appointment = None
        for event in self._tx.events_of(self._subject("appointment", appointment_id)):
            if isinstance(event.data, AppointmentEvent):
                appointment = appointment or Appointment(appointment_id=appointment_id)
                appointment = appointment.apply(event.data, event.time)
        return appointment


def _folded_visit(connection: Connection, branch: str, ticket_id: str | None, visit_id: str | None) -> Visit | None:
    if visit_id is None:
        given = {"of_ticket": ticket_id, "of_branch": branch}
        visit_id = connection.execute(_VISIT_OF, given).scalar()
    if visit_id is None:
        return None
    return _folded(branch, visit_id, [decode(row.body.encode()) for row in of_subject(connection, visit_id)])


def _folded(branch: str, visit_id: str, happened: Sequence[Event]) -> Visit | None:
    visit = None
    for event in happened:
        data = event.data
        if not isinstance(data, VisitEvent) or event.branchid != branch:
            continue
        if visit is None:
            visit = Visit(visit_id=visit_id, branch=branch, business_date=data.business_date)
        visit = apply_to_visit(visit, data, event.time)
    return visit
