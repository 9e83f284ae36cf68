"""A visit: one customer's stay, from ticket to leaving. The aggregate that a ticket belongs to."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypedDict

from services.triage.model.records import replace
from shared.contracts.events.triage import Arrival, CareAction, Channel, Outcome, TicketState
from shared.contracts.events.types import Customer

PaperReason = Literal["print_failed", "not_printed"]
"""Why a ticket's paper was given up: the printer failed, or nobody reported the paper in time (T4)."""

Diversion = Literal["offered", "accepted", "declined", "completed", "fell_back"]
DiversionStep = Literal["accepted", "declined", "completed", "fell_back"]

ENDED: frozenset[TicketState] = frozenset(("completed", "left"))
OPEN: frozenset[TicketState] = frozenset(("reserved", "waiting", "called", "serving", "held"))
IN_LOBBY: frozenset[TicketState] = frozenset(("reserved", "waiting"))
AT_COUNTER: frozenset[TicketState] = frozenset(("called", "serving"))


def seconds_between(start: datetime | None, end: datetime) -> float:
    """Return the seconds from ``start`` to ``end``: 0 without a start, never negative."""
    return 0.0 if start is None else max(0.0, (end - start).total_seconds())


def line_of_counter(counter: str | None) -> str | None:
    """Return the line of those who wait for one counter."""
    return None if counter is None else f"counter:{counter}"


def line_of_person(person: str | None) -> str | None:
    """Return the line of those who wait for one person, at whatever counter."""
    return None if person is None else f"person:{person}"


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One business of a visit.

    ``waited_s`` and ``served_s`` sum up the spells that are over; ``waiting_since`` and
    ``serving_since`` are the start of the one that runs. ``lined_at`` is the place in the line.
    ``before`` is the ticket before its last step ``last``, for undo. ``missed_at`` is when its customer
    did not come, ``stood_at`` the place in the line from before that. ``for_counter`` or ``for_person`` is who
    alone calls it, until it is called. A ``late`` one was heard of after its business day: it stands in no line.
    """

    ticket_id: str
    number: str
    channel: Channel
    business: str
    priority: int
    customer: Customer
    requested_at: datetime
    lined_at: datetime
    quoted_p50_s: float
    quoted_p90_s: float
    state: TicketState = "reserved"
    counter: str | None = None
    waiting_since: datetime | None = None
    serving_since: datetime | None = None
    called_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    waited_s: float = 0.0
    served_s: float = 0.0
    no_shows: int = 0
    missed_at: datetime | None = None
    stood_at: datetime | None = None
    copies: int = 0
    last: str | None = None
    for_counter: str | None = None
    for_person: str | None = None
    late: bool = False
    appointment: Arrival | None = None
    diversion: Diversion | None = None
    accepted_at: datetime | None = None
    device_id: str | None = None
    held_at: datetime | None = None
    raised: tuple[str, ...] = ()
    alarmed: bool = False
    attended_at: datetime | None = None
    attended_by: str | None = None
    attended_how: CareAction | None = None
    before: "Ticket | None" = None

    @property
    def line(self) -> str:
        """The line that it stands in while it waits: its channel's, a counter's or a person's."""
        return line_of_counter(self.for_counter) or line_of_person(self.for_person) or self.channel

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state in ENDED

    @property
    def ended_unprinted(self) -> bool:
        """Whether it ended before its paper was in anybody's hand: whoever has that paper now is never called."""
        return self.ended and self.before is not None and self.before.state == "reserved"

    @property
    def outcome(self) -> Outcome | None:
        """How it ended."""
        if self.state == "completed":
            return "served"
        return "left" if self.state == "left" else None

    def waited(self, at: datetime) -> float:
        """Return the seconds that the customer has waited until ``at`` (T9)."""
        return self.waited_s + seconds_between(self.waiting_since, at)

    def served(self, at: datetime) -> float:
        """Return the seconds of service until ``at``."""
        return self.served_s + seconds_between(self.serving_since, at)

    def with_priority(self, priority: int) -> "Ticket":
        """Return the ticket with another priority, which an undo of its last step keeps."""
        before = None if self.before is None else replace(self.before, priority=priority)
        return replace(self, priority=priority, before=before)

    def remembering(self, step: str) -> "Ticket":
        """Return the ticket with itself as what an undo of ``step`` goes back to: one step, no chain."""
        return replace(self, before=replace(self, before=None), last=step)


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
