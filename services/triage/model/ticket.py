"""A ticket: the number printed for one business of a visit."""

from dataclasses import dataclass
from datetime import datetime

from services.triage.model.copying import replace
from services.triage.model.types import ENDED, Diversion
from shared.contracts.events.triage import Arrival, CareAction, Channel, Outcome, TicketState
from shared.contracts.events.types import Customer


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
