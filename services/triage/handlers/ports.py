"""What a use case needs of the outside. ``store`` gives it; a use case doesn't know how."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from services.triage.model import Channel, Counter, Customer, Device, Ticket, TicketState, Visit
from services.triage.model.events import CounterEvent, DeviceChanged, TicketRefused, VisitEvent
from services.triage.policy import History, Line


class Records(Protocol):
    """The lobby's state, for looking."""

    def visit_of(self, branch: str, ticket_id: str) -> Visit | None:
        """Return the visit that a ticket of this branch belongs to."""
        ...

    def visit(self, branch: str, visit_id: str) -> Visit | None:
        """Return a visit of this branch."""
        ...

    def open_tickets_of(self, branch: str, business: str, customer: Customer) -> Sequence[tuple[Visit, Ticket]]:
        """Return a known customer's open tickets for a business: of the same reference or card."""
        ...

    def counter(self, branch: str, counter: str) -> Counter:
        """Return a counter; a closed one where it never opened."""
        ...

    def counters(self, branch: str) -> Sequence[Counter]:
        """Return every counter that was ever opened, by name."""
        ...

    def devices(self, branch: str) -> Sequence[Device]:
        """Return every device that ever reported, by id."""
        ...

    def at_counters(self, branch: str) -> Mapping[str, tuple[Visit, Ticket]]:
        """Return the called or served ticket of each counter that has one."""
        ...

    def at_counter(self, branch: str, counter: str) -> tuple[Visit, Ticket] | None:
        """Return the called or served ticket of one counter."""
        ...

    def busy(self, branch: str) -> Collection[str]:
        """Return the counters that have a called or served ticket."""
        ...

    def waiting(self, branch: str, limit: int) -> Sequence[tuple[Visit, Ticket]]:
        """Return the tickets that wait, in the order in which they are called."""
        ...

    def lines(self, branch: str) -> Mapping[Channel, Line]:
        """Return the line of each channel that somebody waits for."""
        ...

    def unprinted(self, before: datetime, limit: int) -> Mapping[str, Sequence[str]]:
        """Return the tickets whose paper should have been reported by then, by branch (T4)."""
        ...

    def ahead(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines' waiting tickets are called before this rank."""
        ...

    def histories(self, branch: str) -> Mapping[Channel, History]:
        """Return what each channel has shown so far."""
        ...

    def totals(self, branch: str, day: date) -> Mapping[TicketState, int]:
        """Return how many of the day's tickets are in each state."""
        ...


class Desk(Records, Protocol):
    """One transaction's view of the lobby, for changing."""

    @property
    def now(self) -> datetime:
        """The business time at which the transaction began."""
        ...

    def new_id(self) -> str:
        """Return a new opaque id."""
        ...

    def next_number(self, branch: str, day: date, prefix: str, start: int = 1) -> int:
        """Draw the next number of a day's series from ``start`` on; a transaction that fails gives it back."""
        ...

    def ticket_with_number(self, branch: str, number: str) -> str | None:
        """Return the id of the newest ticket with this number."""
        ...

    def next_waiting(self, branch: str, lines: Collection[str]) -> str | None:
        """Return the id of the ticket that is next in these lines."""
        ...

    def standing_in(self, branch: str, lines: Collection[str]) -> Sequence[str]:
        """Return the ids of the tickets that wait in these lines, those too whose customers are elsewhere now."""
        ...

    def overtaken(self, branch: str, lines: Collection[str], ticket: Ticket) -> Sequence[str]:
        """Return who stood in line before this ticket and still waits in these lines, at most 50 (T12)."""
        ...

    def count_overtaking(self, branch: str, lines: Collection[str], ticket: Ticket) -> None:
        """Count that this ticket overtook them; who was overtaken as often as policy allows is next."""
        ...

    def record_visit(self, visit: Visit, happened: Iterable[VisitEvent], *, at: datetime | None = None) -> Visit:
        """Record what happened (at ``at``, by default now), and return the visit after it."""
        ...

    def record_counter(self, branch: str, counter: Counter, happened: Iterable[CounterEvent]) -> Counter:
        """Record what happened, and return the counter after it."""
        ...

    def record_device(self, branch: str, device: Device, happened: Iterable[DeviceChanged]) -> Device:
        """Record what happened, and return the device after it."""
        ...

    def record_refusal(self, branch: str, request_id: str, refusal: TicketRefused) -> None:
        """Record that a request can't be served."""
        ...

    def remember(self, branch: str, channel: Channel, history: History) -> None:
        """Keep what the channel has shown."""
        ...
