"""How tickets and visits end: each visit has exactly one end, whoever or whatever makes it (T7)."""

from collections.abc import Sequence
from datetime import datetime

from services.triage.model import commands
from services.triage.model.apply import apply
from services.triage.model.event_fields import OfTicket, of_ticket
from services.triage.model.ticket import Ticket
from services.triage.model.visit import Visit
from shared.contracts.events import triage as events

DAY_END = "day_end"


def left(of: OfTicket, ticket: Ticket, at: datetime, reason: str | None) -> events.TicketLeft:
    """The customer is gone, at the stage that the ticket is in."""
    return events.TicketLeft(**of, stage=ticket.state, waited_s=ticket.waited(at), reason=reason)


def end(visit: Visit, happened: Sequence[events.VisitEvent], at: datetime) -> events.VisitEnded:
    """End a visit whose tickets have all ended with what happened last."""
    last = next(event for event in reversed(happened) if not isinstance(event, events.VisitEnded))
    gone = last if isinstance(last, events.TicketLeft) else None
    served = any(ticket.state == "completed" for ticket in visit.tickets)
    return events.VisitEnded(
        visit_id=visit.visit_id,
        channel=last.channel,
        outcome="served" if served else "left",
        business_date=visit.business_date,
        waited_s=visit.waited(at),
        service_s=sum(ticket.served_s for ticket in visit.tickets),
        stage=None if served or gone is None else gone.stage,
        reason=_reason(last),
    )


def end_day(visit: Visit, command: commands.EndDay) -> list[events.VisitEvent]:
    """End what nobody ended (T7): who was being served was served, everybody else left, at their stage.

    How long an unfinished service took is not known, so that only its finished spells count.
    """
    happened: list[events.VisitEvent] = []
    for ticket in visit.tickets:
        if not ticket.ended:
            happened.append(_closed(visit, ticket, command.at))
    after = visit
    for event in happened:
        after = apply(after, event, command.at)
    return [*happened, end(after, happened, command.at)] if happened else []


def _closed(visit: Visit, ticket: Ticket, at: datetime) -> events.VisitEvent:
    of = of_ticket(visit, ticket)
    if ticket.state != "serving":
        return left(of, ticket, at, DAY_END)
    return events.TicketCompleted(
        **of, counter=ticket.counter, waited_s=ticket.waited_s, service_s=ticket.served_s, reason=DAY_END
    )


def _reason(last: events.VisitEvent) -> str | None:
    return last.reason if isinstance(last, events.TicketLeft | events.TicketCompleted) else None
