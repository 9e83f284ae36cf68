"""What every event of a ticket carries."""

from datetime import date
from typing import TypedDict

from services.triage.model.ticket import Ticket
from services.triage.model.visit import Visit
from shared.contracts.events.triage import Channel


class OfTicket(TypedDict):
    """What every event of a ticket carries."""

    visit_id: str
    ticket_id: str
    number: str
    channel: Channel
    business: str
    business_date: date


def of_ticket(visit: Visit, ticket: Ticket) -> OfTicket:
    """Return what every event of the ticket carries."""
    return {
        "visit_id": visit.visit_id,
        "ticket_id": ticket.ticket_id,
        "number": ticket.number,
        "channel": ticket.channel,
        "business": ticket.business,
        "business_date": visit.business_date,
    }
