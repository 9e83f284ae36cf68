"""What vip makes of triage's events: a VIP ticket's paper is an arrival, its call or its end a withdrawal.

Each may come twice or late: what is known already changes nothing. What triage said of a VIP ticket goes into vip's own
log where it changes what vip knows, so that the log alone gives the same state again.
"""

from services.vip import model
from services.vip.handlers.commands import dispatch
from services.vip.handlers.unit_of_work import UnitOfWork
from shared.contracts.envelope import Event
from shared.contracts.events import triage
from shared.contracts.events.vip import CustomerArrived
from shared.errors import PredecessorMissing


def is_for_vips(data: triage.TicketIssued | triage.TicketPrinted) -> bool:
    """Whether the ticket is for the VIP channel: of all others vip need not know that they are there (V1)."""
    return data.channel == "vip"


def ticket_issued(uow: UnitOfWork, event: Event) -> None:
    """Remember a VIP ticket: its customer arrives when the paper is printed (V1)."""
    data = event.data
    assert isinstance(data, triage.TicketIssued)
    if data.ticket_id not in uow.state.tickets and not uow.state.is_long_gone(data.business_date):
        uow.append_unpublished(data, event.time)


def ticket_printed(uow: UnitOfWork, event: Event) -> None:
    """Take a VIP ticket's paper for the customer's arrival, unless somebody recognised them before (V1)."""
    data = event.data
    assert isinstance(data, triage.TicketPrinted)
    ticket = uow.state.tickets.get(data.ticket_id)
    if ticket is None and uow.state.is_long_gone(data.business_date):
        return  # whoever came then is not in the lobby any more
    if ticket is None:
        raise PredecessorMissing(event.subject, "triage")
    if ticket.over or ticket.handoff_id is not None:
        return
    if uow.state.of_visit(data.visit_id) is None:
        _begin(uow, event, data, ticket)
    else:  # the ticket belongs to the hand-off that there is
        uow.append_unpublished(data, event.time)
    dispatch(uow)


def ticket_called(uow: UnitOfWork, event: Event) -> None:
    """Withdraw the hand-off of a VIP ticket that a window has called, not the manager's own desk (V1)."""
    data = event.data
    assert isinstance(data, triage.TicketCalled)
    handoff = _handoff_of(uow, data)
    if handoff is not None and handoff.state == "accepted" and handoff.manager_id == data.counter:
        return
    _end(uow, event, data, "served_at_window")


def ticket_left(uow: UnitOfWork, event: Event) -> None:
    """Withdraw the hand-off of a VIP ticket whose customer has left."""
    data = event.data
    assert isinstance(data, triage.TicketLeft)
    _end(uow, event, data, "left")


def visit_ended(uow: UnitOfWork, event: Event) -> None:
    """Withdraw the hand-off of a customer who left; complete it where their VIP ticket was served."""
    data = event.data
    assert isinstance(data, triage.VisitEnded)
    handoff = uow.state.of_visit(data.visit_id)
    if handoff is None:
        return
    if data.outcome == "left":
        uow.record(handoff, model.withdraw(handoff, "left"))
    elif handoff.state == "accepted" and handoff.ticket_id is not None:
        # The desk completed the ticket in triage: the manager is free, whether or not they said so here.
        uow.record(handoff, model.complete(handoff))
    dispatch(uow)


def _begin(uow: UnitOfWork, event: Event, data: triage.TicketPrinted, ticket: model.Ticket) -> None:
    arrival = CustomerArrived(
        handoff_id=uow.new_id(),
        visit_id=data.visit_id,
        business_date=data.business_date,
        tier=ticket.tier,
        recognised_by="card",
        customer_ref=ticket.customer_ref,
        ticket_id=ticket.ticket_id,
        number=ticket.number,
        business=ticket.business,
    )
    uow.begin(arrival, at=event.time)


def _handoff_of(uow: UnitOfWork, data: triage.TicketCalled | triage.TicketLeft) -> model.Handoff | None:
    """Return the hand-off of a ticket, if it has not ended."""
    ticket = uow.state.tickets.get(data.ticket_id)
    if ticket is None or ticket.handoff_id is None:
        return None
    return uow.state.handoffs.get(ticket.handoff_id)


def _end(
    uow: UnitOfWork, event: Event, data: triage.TicketCalled | triage.TicketLeft, reason: model.WithdrawReason
) -> None:
    ticket = uow.state.tickets.get(data.ticket_id)
    is_vip = ticket is not None or data.channel == "vip"
    handoff = _handoff_of(uow, data)
    if is_vip and not (ticket is not None and ticket.over) and not uow.state.is_long_gone(data.business_date):
        uow.append_unpublished(data, event.time)  # so that a paper that is printed late brings nobody back
    if handoff is not None:
        uow.record(handoff, model.withdraw(handoff, reason))
        dispatch(uow)
