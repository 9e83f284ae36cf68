"""Tickets that wait for one counter or one person: only while somebody there can call them (T7, T10)."""

from collections.abc import Collection

from services.triage.errors import CounterClosed, PersonAway
from services.triage.handlers.ticket_loader import decided
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.model import Counter, Ticket, Visit, commands
from shared.contracts.http.triage import TransferTicket
from shared.errors import InvalidInput


def require_target(uow: UnitOfWork, request: TransferTicket) -> None:
    """Raise where a transfer names nothing, too much, or somebody who isn't there."""
    if request.channel is None and request.counter is None and request.person is None:
        problem = {"field": "channel", "message": "needed where neither counter nor person is given"}
        raise InvalidInput("name the channel, the counter or the person", errors=[problem])
    if request.counter is not None and request.person is not None:
        problem = {"field": "person", "message": "not together with counter"}
        raise InvalidInput("a ticket waits for a counter or for a person, not for both", errors=[problem])
    if request.counter is not None and not uow.state.counter(request.counter).is_open:
        raise CounterClosed(f"counter {request.counter} is closed", state="closed", allowed=["open"])
    present = present_persons(uow.state.counters)
    if request.person is not None and request.person not in present:
        raise PersonAway(f"{request.person} is at no open counter now", field="person", present=sorted(present))


def present_persons(windows: Collection[Counter]) -> set[str]:
    """Return who works at an open counter."""
    return {window.teller_ref for window in windows if window.is_open and window.teller_ref is not None}


def free_all(uow: UnitOfWork, window: Counter) -> None:
    """Let those go to their channel's line who wait for a counter, or its person, that calls nobody any more."""
    gone = [line for line in window.lines if line not in window.channels]
    for ticket_id in uow.state.waiting_in(gone):
        visit = uow.visit_of(ticket_id)
        if visit is not None:
            free_where_nobody_calls(uow, visit, visit.ticket(ticket_id))


def free_where_nobody_calls(uow: UnitOfWork, visit: Visit, ticket: Ticket) -> Visit:
    """Return the visit with this ticket in its channel's line, if nobody is left whom it could wait for."""
    if ticket.state != "waiting" or not _is_stuck(uow, ticket):
        return visit
    command = commands.Transfer(ticket_id=ticket.ticket_id, at=uow.now, channel=ticket.channel)
    return uow.record_visit(visit, decided(visit, command))


def _is_stuck(uow: UnitOfWork, ticket: Ticket) -> bool:
    if ticket.for_counter is not None:
        return not uow.state.counter(ticket.for_counter).is_open
    return ticket.for_person is not None and ticket.for_person not in present_persons(uow.state.counters)
