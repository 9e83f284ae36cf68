"""What an event makes of a visit. Pure: the same events at the same times make the same visit."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from services.triage.model.annotations import kept, marked
from services.triage.model.records import replace
from services.triage.model.visit import IN_LOBBY, Ticket, Visit, seconds_between
from shared.contracts.events import triage as events
from shared.contracts.events.triage import TicketState

STEP_NAMES: Mapping[type, str] = MappingProxyType(
    {
        events.TicketCalled: "ticket_called",
        events.ServiceStarted: "service_started",
        events.TicketCompleted: "ticket_completed",
        events.TicketNoShow: "ticket_no_show",
        events.TicketReturned: "ticket_returned",
        events.TicketHeld: "ticket_held",
        events.TicketResumed: "ticket_resumed",
        events.TicketTransferred: "ticket_transferred",
        events.TicketLeft: "ticket_left",
    }
)
"""The steps that can be taken back, as the middle of their events' types names them."""


def apply(visit: Visit, event: events.VisitEvent, at: datetime) -> Visit:
    """Return the visit after an event that happened at ``at``."""
    match event:
        case events.VisitEnded():
            after = replace(visit, outcome=event.outcome)
        case events.TicketIssued():
            after = replace(visit, tickets=(*visit.tickets, _issued(event)))
        case _:
            after = replace(visit, tickets=visit.with_ticket(_step(visit.ticket(event.ticket_id), event, at)))
    after = _customer_waits(visit, _others_pause(after, at), event, at)
    return replace(after, version=visit.version + 1)


def _others_pause(visit: Visit, at: datetime) -> Visit:
    """While the customer is at a counter with one ticket, the wait for the others stands still."""
    if len(visit.tickets) == 1:
        return visit
    return replace(visit, tickets=tuple(_paused(ticket, visit.at_counter, at) for ticket in visit.tickets))


def _paused(ticket: Ticket, away: bool, at: datetime) -> Ticket:
    if ticket.state not in IN_LOBBY or away == (ticket.waiting_since is None):
        return ticket
    if away:
        return replace(ticket, waited_s=ticket.waited(at), waiting_since=None)
    return replace(ticket, waiting_since=at)


def _customer_waits(before: Visit, visit: Visit, event: events.VisitEvent, at: datetime) -> Visit:
    """Keep the time that the customer waits, once however many tickets wait (T9)."""
    if before.waits == visit.waits:
        return visit
    undone = before.ticket(event.ticket_id) if isinstance(event, events.StepUndone) else None
    if not visit.waits:
        # What is taken back made nobody wait: its spell was no waiting.
        spell = 0.0 if undone is not None else seconds_between(before.waiting_since, at)
        return replace(visit, waited_s=before.waited_s + spell, waiting_since=None)
    if isinstance(event, events.TicketIssued):
        return replace(visit, waiting_since=event.requested_at)
    since = undone.called_at if undone is not None and undone.called_at is not None else at
    return replace(visit, waiting_since=since)


def _issued(event: events.TicketIssued) -> Ticket:
    return Ticket(
        ticket_id=event.ticket_id,
        number=event.number,
        channel=event.channel,
        business=event.business,
        priority=event.priority,
        customer=event.customer,
        requested_at=event.requested_at,
        lined_at=event.lined_at or event.requested_at,
        appointment=event.appointment,
        waiting_since=event.requested_at,
        quoted_p50_s=event.wait_p50_s,
        quoted_p90_s=event.wait_p90_s,
        late=event.late,
    )


def _step(ticket: Ticket, event: events.TicketEvent, at: datetime) -> Ticket:
    if isinstance(event, events.Mark):
        return marked(ticket, event, at)
    match event:
        case events.TicketPrinted():
            return replace(ticket, state="waiting")
        case events.TicketRecalled():
            return ticket
        case events.TicketReprinted():
            return replace(ticket, copies=event.copies)
        case events.StepUndone():
            assert ticket.before is not None, "the domain only undoes what it can"
            return kept(ticket.before, ticket)
        case events.TicketReprioritised():
            return ticket.with_priority(event.priority)
        case events.TicketIssued():
            raise AssertionError("a ticket is issued once")
        case _:
            return _moved(ticket.remembering(STEP_NAMES[type(event)]), event, at)


def _moved(
    ticket: Ticket,
    event: events.TicketCalled
    | events.ServiceStarted
    | events.TicketCompleted
    | events.TicketNoShow
    | events.TicketReturned
    | events.TicketHeld
    | events.TicketResumed
    | events.TicketTransferred
    | events.TicketLeft,
    at: datetime,
) -> Ticket:
    match event:
        case events.TicketCalled():
            called = replace(ticket, waited_s=event.waited_s, waiting_since=None, for_counter=None, for_person=None)
            return replace(called, state="called", counter=event.counter, called_at=at)
        case events.ServiceStarted():
            here = replace(ticket, missed_at=None, stood_at=None)
            return replace(here, state="serving", started_at=ticket.started_at or at, serving_since=at)
        case events.TicketCompleted():
            done = replace(ticket, served_s=event.service_s, serving_since=None)
            done = replace(done, waited_s=event.waited_s, waiting_since=None, counter=event.counter)
            return replace(done, state="completed", ended_at=at)
        case events.TicketNoShow():
            back = replace(ticket, waiting_since=at, lined_at=at, no_shows=ticket.no_shows + 1)
            back = replace(back, missed_at=at, stood_at=ticket.stood_at or ticket.lined_at)
            return replace(back, state="waiting", counter=None)
        case events.TicketReturned():
            return replace(ticket, lined_at=ticket.stood_at or ticket.lined_at, missed_at=None, stood_at=None)
        case events.TicketHeld():
            return replace(ticket, state="held", served_s=ticket.served(at), serving_since=None, held_at=at)
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
    line = replace(ticket, channel=event.channel, for_counter=event.to_counter, for_person=event.to_person)
    line = replace(line, lined_at=ticket.requested_at if event.keeps_place else at, waiting_since=since)
    # The paper may still be in the printer.
    state: TicketState = "reserved" if ticket.state == "reserved" else "waiting"
    return replace(line, state=state, counter=None, missed_at=None, stood_at=None)
