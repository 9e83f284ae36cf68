"""Visits: the one that a ticket or a request belongs to, and a step decided on it (T4, T7)."""

from datetime import datetime

from services.triage import errors
from services.triage.errors import AlreadyQueued, VisitEnded, VisitNotFound
from services.triage.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.triage.model import AlreadyEnded, Elsewhere, NoDevice, NothingToUndo, Refusal, Visit, commands, decide
from shared.contracts.events.terminal import TicketRequest
from shared.contracts.events.triage import VisitEvent
from shared.contracts.events.types import UNKNOWN_CUSTOMER, Customer
from shared.errors import Conflict

_ERRORS: dict[type[Refusal], type[Conflict]] = {
    Refusal: errors.IllegalTransition,
    Elsewhere: errors.CustomerElsewhere,
    AlreadyEnded: errors.VisitEnded,
    NoDevice: errors.NoFittingDevice,
    NothingToUndo: errors.NothingToUndo,
}


def load(lobby: LobbyReader, ticket_id: str) -> Visit:
    """Return the ticket's visit; raise :class:`errors.TicketNotFound`."""
    visit = lobby.visit_of(ticket_id)
    if visit is None:
        raise errors.TicketNotFound(f"no ticket has the id {ticket_id!r}")
    return visit


def decided(visit: Visit, command: commands.Step) -> list[VisitEvent]:
    """Decide; raise a :class:`Conflict` with ``state`` and ``allowed`` where the domain refuses."""
    try:
        return decide(visit, command)
    except Refusal as refusal:
        raise _ERRORS[type(refusal)](refusal.detail, state=refusal.state, allowed=list(refusal.allowed)) from refusal


def step(uow: UnitOfWork, command: commands.Step) -> tuple[Visit, list[VisitEvent]]:
    """Load, decide and record at the step's time; return the visit after it and what happened."""
    visit = load(uow, command.ticket_id)
    happened = decided(visit, command)
    return uow.record_visit(visit, happened, at=command.at), happened


def visit_for(uow: UnitOfWork, *, request: TicketRequest, asked: datetime) -> Visit:
    """Return the visit that the request names, or a new one; raise VisitNotFound, VisitEnded."""
    if request.visit_id is None:
        day = asked.astimezone(uow.zone).date()
        return Visit(visit_id=uow.new_id(), branch=uow.branch, business_date=day)
    known = None if "\0" in request.visit_id else uow.visit(request.visit_id)
    if known is None:
        raise VisitNotFound(f"visit_id: no visit of {uow.branch} has the id {request.visit_id!r}", field="visit_id")
    if known.ended:
        detail = f"visit_id: the visit has ended ({known.outcome}); leave visit_id out and it is a new one"
        raise VisitEnded(detail, state=known.outcome, allowed=[], field="visit_id")
    return known


def customer_of(request: TicketRequest, visit: Visit) -> Customer:
    """Return who asks; of a visit that is known already, who began it, unless the request knows better."""
    said = request.customer
    return visit.tickets[0].customer if visit.tickets and said == UNKNOWN_CUSTOMER else said


def require_not_queued(uow: UnitOfWork, visit: Visit, business: str, customer: Customer, field: str) -> None:
    """Raise AlreadyQueued where the visit, or the customer on the same day, has an open ticket for the business.

    ``field`` is where the request names it.
    """
    theirs = [(visit, ticket) for ticket in visit.tickets if ticket.business == business and not ticket.ended]
    for of, ticket in theirs or uow.state.open_tickets_of(business, customer):
        if of.business_date == visit.business_date:
            raise AlreadyQueued(
                f"{field}: the customer has ticket {ticket.number} for {business}, which is {ticket.state}; "
                "say `again` if another one is meant",
                field=field,
                ticket_id=ticket.ticket_id,
                number=ticket.number,
                visit_id=of.visit_id,
                state=ticket.state,
                allowed=["again"],
            )
