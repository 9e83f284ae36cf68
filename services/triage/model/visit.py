"""A visit: one customer's stay, from ticket to leaving. The aggregate that a ticket belongs to."""

from dataclasses import dataclass
from datetime import date, datetime

from services.triage.model.ticket import Ticket, seconds_between
from services.triage.model.types import AT_COUNTER, IN_LOBBY
from shared.contracts.events.triage import Outcome


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The visit after ``version`` events.

    ``waited_s`` sums up the spells in which the customer only waited, for however many tickets;
    ``waiting_since`` is the start of the one that runs.
    """

    visit_id: str
    branch: str
    business_date: date
    version: int = 0
    tickets: tuple[Ticket, ...] = ()
    outcome: Outcome | None = None
    waited_s: float = 0.0
    waiting_since: datetime | None = None

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

    def elsewhere(self, ticket_id: str) -> Ticket | None:
        """Return the ticket, another than this one, that the customer is at a counter with now."""
        for ticket in self.tickets:
            if ticket.state in AT_COUNTER and ticket.ticket_id != ticket_id:
                return ticket
        return None

    def stands(self, ticket: Ticket) -> bool:
        """Whether a ticket stands in its line: its customer is here, and its day is not over."""
        return ticket.state == "waiting" and not ticket.late and self.elsewhere(ticket.ticket_id) is None

    @property
    def late(self) -> bool:
        """Whether all of it was heard of after its business day (T4)."""
        return bool(self.tickets) and all(ticket.late for ticket in self.tickets)

    @property
    def at_counter(self) -> bool:
        """Whether the customer is called or served now."""
        return any(ticket.state in AT_COUNTER for ticket in self.tickets)

    @property
    def waits(self) -> bool:
        """Whether the customer does nothing but wait now."""
        return not self.at_counter and any(ticket.state in IN_LOBBY for ticket in self.tickets)

    def waited(self, at: datetime) -> float:
        """Return the seconds that the customer has waited until ``at``, once for all tickets (T9)."""
        if len(self.tickets) == 1:
            return self.tickets[0].waited(at)
        return self.waited_s + seconds_between(self.waiting_since, at)

    def with_ticket(self, changed: Ticket) -> tuple[Ticket, ...]:
        """Return its tickets with this one in the place of its former self."""
        return tuple(changed if ticket.ticket_id == changed.ticket_id else ticket for ticket in self.tickets)
