"""A visit: one customer's stay, from ticket to leaving. The aggregate that a ticket belongs to."""

from dataclasses import dataclass
from datetime import date

from services.triage.model.ticket import Ticket
from services.triage.model.words import Outcome


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The visit after ``version`` events."""

    visit_id: str
    branch: str
    business_date: date
    version: int = 0
    tickets: tuple[Ticket, ...] = ()
    outcome: Outcome | None = None

    @property
    def ended(self) -> bool:
        """Whether the customer's stay is over."""
        return self.outcome is not None

    def ticket(self, ticket_id: str) -> Ticket:
        """Return one of its tickets; raise LookupError."""
        for ticket in self.tickets:
            if ticket.ticket_id == ticket_id:
                return ticket
        raise LookupError(f"visit {self.visit_id} has no ticket {ticket_id}")

    def with_ticket(self, changed: Ticket) -> tuple[Ticket, ...]:
        """Return its tickets with this one in the place of its former self."""
        return tuple(changed if ticket.ticket_id == changed.ticket_id else ticket for ticket in self.tickets)
