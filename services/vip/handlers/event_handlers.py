"""What vip makes of triage's events: a VIP ticket's paper is an arrival, its call or its end a withdrawal.

Each may come twice or late: what is known already changes nothing.
"""

from dataclasses import replace

from services.vip import model
from services.vip.handlers.commands import dispatch
from services.vip.handlers.ports import Desk
from shared.contracts.envelope import Event
from shared.contracts.events import triage
from shared.contracts.events.vip import CustomerArrived
from shared.errors import PredecessorMissing


def is_for_vips(data: triage.TicketIssued | triage.TicketPrinted) -> bool:
    """Whether the ticket is for the VIP channel: of all others vip need not know that they are there (V1)."""
    return data.channel == "vip"


def ticket_issued(desk: Desk, event: Event) -> None:
    """Remember a VIP ticket: its customer arrives when the paper is printed (V1)."""
    data = event.data
    assert isinstance(data, triage.TicketIssued)
    if desk.ticket(data.ticket_id) is not None:
        return
    ticket = model.Ticket(
        ticket_id=data.ticket_id,
        visit_id=data.visit_id,
        number=data.number,
        tier=data.customer.card_tier,
        business=data.business,
        customer_ref=data.customer.customer_ref,
    )
    desk.remember(ticket)


def ticket_printed(desk: Desk, event: Event) -> None:
    """Take a VIP ticket's paper for the customer's arrival, unless somebody recognised them before (V1)."""
    data = event.data
    assert isinstance(data, triage.TicketPrinted)
    ticket = desk.ticket(data.ticket_id)
    if ticket is None:
        raise PredecessorMissing(event.subject, "triage")
    if ticket.over or ticket.handoff_id is not None:
        return
    handoff = desk.active_of_visit(data.visit_id) or _begin(desk, event, data, ticket)
    desk.remember(replace(ticket, handoff_id=handoff.handoff_id))
    dispatch(desk, event.branchid)


def ticket_called(desk: Desk, event: Event) -> None:
    """Withdraw the hand-off of a VIP ticket that a window has called, not the manager's own desk (V1)."""
    data = event.data
    assert isinstance(data, triage.TicketCalled)
    handoff = _handoff_of(desk, data)
    if handoff is not None and handoff.state == "accepted" and handoff.manager_id == data.counter:
        return
    _end(desk, data, handoff, "served_at_window")


def ticket_left(desk: Desk, event: Event) -> None:
    """Withdraw the hand-off of a VIP ticket whose customer has left."""
    data = event.data
    assert isinstance(data, triage.TicketLeft)
    _end(desk, data, _handoff_of(desk, data), "left")


def visit_ended(desk: Desk, event: Event) -> None:
    """Withdraw the hand-off of a customer who left; complete it where their VIP ticket was served."""
    data = event.data
    assert isinstance(data, triage.VisitEnded)
    handoff = desk.active_of_visit(data.visit_id)
    if handoff is None:
        return
    if data.outcome == "left":
        desk.record(handoff, model.withdraw(handoff, "left"))
    elif handoff.state == "accepted" and handoff.ticket_id is not None:
        # The desk completed the ticket in triage: the manager is free, whether or not they said so here.
        desk.record(handoff, model.complete(handoff))
    dispatch(desk, handoff.branch)


def _begin(desk: Desk, event: Event, data: triage.TicketPrinted, ticket: model.Ticket) -> model.Handoff:
    arrival = CustomerArrived(
        handoff_id=desk.new_id(),
        visit_id=data.visit_id,
        business_date=data.business_date,
        tier=ticket.tier,
        recognised_by="card",
        customer_ref=ticket.customer_ref,
        ticket_id=ticket.ticket_id,
        number=ticket.number,
        business=ticket.business,
    )
    return desk.begin(event.branchid, arrival, at=event.time)


def _handoff_of(desk: Desk, data: triage.TicketCalled | triage.TicketLeft) -> model.Handoff | None:
    ticket = desk.ticket(data.ticket_id)
    if ticket is None or ticket.handoff_id is None:
        return None
    return desk.handoff(ticket.handoff_id)


def _end(
    desk: Desk,
    data: triage.TicketCalled | triage.TicketLeft,
    handoff: model.Handoff | None,
    reason: model.WithdrawReason,
) -> None:
    ticket = desk.ticket(data.ticket_id)
    if ticket is None and data.channel != "vip":
        return
    known = ticket or model.Ticket(ticket_id=data.ticket_id, visit_id=data.visit_id, number=data.number)
    if not known.over:  # remembered, so that a paper that is printed late brings nobody back
        desk.remember(replace(known, over=True))
    if handoff is not None:
        desk.record(handoff, model.withdraw(handoff, reason))
        dispatch(desk, handoff.branch)
