"""What an event makes of a visit. Pure: the same events at the same times make the same visit."""

from dataclasses import replace
from datetime import datetime

from services.triage.model import events
from services.triage.model.ticket import Ticket
from services.triage.model.visit import Visit


def apply(visit: Visit, event: events.VisitEvent, at: datetime) -> Visit:
    """Return the visit after an event that happened at ``at``."""
    visit = replace(visit, version=visit.version + 1)
    match event:
        case events.VisitEnded():
            return replace(visit, outcome=event.outcome)
        case events.TicketIssued():
            return replace(visit, tickets=(*visit.tickets, _issued(event)))
        case _:
            return replace(visit, tickets=visit.with_ticket(_step(visit.ticket(event.ticket_id), event, at)))


def _issued(event: events.TicketIssued) -> Ticket:
    return Ticket(
        ticket_id=event.ticket_id,
        number=event.number,
        channel=event.channel,
        business=event.business,
        priority=event.priority,
        customer=event.customer,
        requested_at=event.requested_at,
        lined_at=event.requested_at,
        waiting_since=event.requested_at,
        quoted_p50_s=event.wait_p50_s,
        quoted_p90_s=event.wait_p90_s,
    )


def _step(ticket: Ticket, event: events.TicketEvent, at: datetime) -> Ticket:
    match event:
        case events.TicketPrinted():
            return replace(ticket, state="waiting")
        case events.TicketRecalled():
            return ticket
        case events.StepUndone():
            assert ticket.before is not None, "the domain only undoes what it can"
            return ticket.before
        case events.TicketIssued():
            raise AssertionError("a ticket is issued once")
        case _:
            return _moved(ticket.remembering(), event, at)


def _moved(
    ticket: Ticket,
    event: events.TicketCalled
    | events.ServiceStarted
    | events.TicketCompleted
    | events.TicketNoShow
    | events.TicketHeld
    | events.TicketResumed
    | events.TicketTransferred
    | events.TicketLeft,
    at: datetime,
) -> Ticket:
    match event:
        case events.TicketCalled():
            called = replace(ticket, waited_s=event.waited_s, waiting_since=None)
            return replace(called, state="called", counter=event.counter, called_at=at)
        case events.ServiceStarted():
            return replace(ticket, state="serving", started_at=ticket.started_at or at, serving_since=at)
        case events.TicketCompleted():
            done = replace(ticket, served_s=event.service_s, serving_since=None)
            return replace(done, state="completed", ended_at=at)
        case events.TicketNoShow():
            back = replace(ticket, waiting_since=at, lined_at=at, no_shows=ticket.no_shows + 1)
            return replace(back, state="waiting", counter=None)
        case events.TicketHeld():
            return replace(ticket, state="held", served_s=ticket.served(at), serving_since=None)
        case events.TicketResumed():
            return replace(ticket, state="serving", serving_since=at, counter=event.counter)
        case events.TicketTransferred():
            return _transferred(ticket, event, at)
        case events.TicketLeft():
            gone = replace(ticket, waited_s=event.waited_s, waiting_since=None)
            gone = replace(gone, served_s=ticket.served(at), serving_since=None)
            return replace(gone, state="left", ended_at=at)


def _transferred(ticket: Ticket, event: events.TicketTransferred, at: datetime) -> Ticket:
    ticket = replace(ticket, served_s=ticket.served(at), serving_since=None)
    since = ticket.waiting_since or at
    line = replace(ticket, channel=event.channel, lined_at=ticket.requested_at, waiting_since=since)
    return replace(line, state="waiting", counter=None)
