"""What a use case needs of the outside. ``store`` gives it; a use case doesn't know how."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from services.triage.model import Appointment, Block, Counter, Device, PaperReport, Ticket, Visit
from services.triage.model.commands import Overtaking
from services.triage.model.types import Diversion
from services.triage.policy import Crowd, Estimator, Lane, Line, Quote, Standing
from services.triage.policy.thresholds import LineNow
from shared.contracts.events.triage import (
    AppointmentEvent,
    Channel,
    CounterEvent,
    DeviceChanged,
    NumberBlockLeased,
    Overtaken,
    ThresholdCrossed,
    TicketRefused,
    TicketState,
    VisitEvent,
)
from shared.contracts.events.types import Customer


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

    def waiting(self, branch: str, limit: int) -> Sequence[tuple[Visit, Ticket, Standing]]:
        """Return the tickets that wait with their places, by their rank."""
        ...

    def lines(self, branch: str) -> Mapping[Channel, Line]:
        """Return the line of each channel that somebody waits for."""
        ...

    def unprinted(self, before: datetime, limit: int) -> Mapping[str, Sequence[str]]:
        """Return the tickets whose paper should have been reported by then, by branch (T4)."""
        ...

    def overdue(self, day: date) -> Sequence[str]:
        """Return the branches that have open visits of days before this one."""
        ...

    def unended(self, branch: str, day: date, limit: int) -> Sequence[tuple[Visit, datetime | None]]:
        """Return a branch's open visits of days before this one, the oldest first, and when each was recorded last."""
        ...

    def last_touched(self, branch: str, since: date) -> datetime | None:
        """Return when anything of the branch's visits since that day was recorded last."""
        ...

    def ahead(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines' waiting tickets are called before this rank."""
        ...

    def behind(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines' waiting tickets are called after this rank."""
        ...

    def place(self, branch: str, ticket_id: str) -> tuple[float, float] | None:
        """Return a ticket's rank, and since when it stands in its line, in epoch seconds."""
        ...

    def earlier(self, branch: str, lines: Collection[str], lined: float) -> Mapping[str, int]:
        """Return how many of each of these lines stood there before."""
        ...

    def crowds(self, branch: str) -> Mapping[str, Crowd]:
        """Return how many stand in each line that anybody stands in, and since when the first."""
        ...

    def estimators(self, branch: str) -> Mapping[str, Estimator]:
        """Return what each line has taught about waits."""
        ...

    def estimator(self, branch: str, line: str) -> Estimator:
        """Return what a line has taught about waits; at first, what is guessed."""
        ...

    def diversions(self, branch: str, day: date) -> Mapping[tuple[Diversion, bool], int]:
        """Return how many of the day's diversions are where, and whether the customer went to the device (T3)."""
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

    def last_of_numbers(self, branch: str, day: date, prefix: str, start: int, count: int) -> int:
        """Draw so many numbers of a day's series at once, from ``start`` on; return the last of them."""
        ...

    def record_block(self, branch: str, leased: NumberBlockLeased) -> None:
        """Record that numbers are leased to a terminal."""
        ...

    def blocks_of(self, branch: str, terminal_id: str, day: date) -> Sequence[Block]:
        """Return the blocks that a terminal has for a day."""
        ...

    def ticket_of_day(self, branch: str, day: date, number: str) -> str | None:
        """Return the id of the ticket that has this number on this day."""
        ...

    def keep_report(self, branch: str, report: PaperReport) -> None:
        """Keep what a terminal said of a number that nobody has heard of yet, or whose paper failed.

        The earliest time counts.
        """
        ...

    def take_reports(self, branch: str, day: date, number: str) -> Sequence[PaperReport]:
        """Return what was kept of what was said of a number, and keep it no longer."""
        ...

    def next_number(self, branch: str, day: date, prefix: str, start: int = 1) -> int:
        """Draw the next number of a day's series from ``start`` on; a transaction that fails gives it back."""
        ...

    def ticket_with_number(self, branch: str, number: str) -> str | None:
        """Return the id of the newest ticket with this number."""
        ...

    def lanes(self, branch: str, counter: Counter) -> Sequence[Lane]:
        """Return the lanes that the counter serves and somebody waits in (T7, T12)."""
        ...

    def diverted(self, branch: str) -> Sequence[tuple[str, str]]:
        """Return the ids and businesses of the tickets that are on the way to a device (T3)."""
        ...

    def appointment(self, branch: str, appointment_id: str) -> Appointment | None:
        """Return an appointment of the branch (T11)."""
        ...

    def record_appointment(
        self, branch: str, appointment: Appointment, happened: Iterable[AppointmentEvent]
    ) -> Appointment:
        """Record what happened, and return the appointment after it."""
        ...

    def standing_in(self, branch: str, lines: Collection[str]) -> Sequence[str]:
        """Return the ids of the tickets that wait in these lines, those too whose customers are elsewhere now."""
        ...

    def overtaken(self, branch: str, counter: Counter, ticket: Ticket) -> Sequence[Overtaken]:
        """Return who stands earlier than this ticket and waits for the counter, the first 51 (T12).

        Each with how often they are overtaken, when the ticket is called now.
        """
        ...

    def vip_credit(self, branch: str, counter: str) -> float | None:
        """Return what VIPs have left of their share at this counter; None where nothing was kept yet (T7)."""
        ...

    def keep_vip_credit(self, branch: str, counter: str, credit: float) -> None:
        """Keep what VIPs have left of their share at this counter (T7)."""
        ...

    def times_overtaken(self, ticket_id: str) -> int:
        """Return how often a ticket has been overtaken at its place (T12)."""
        ...

    def passed_for_skill(self, branch: str, counter: Counter, ticket: Ticket) -> bool:
        """Return whether somebody stands earlier in the counter's channels whom its skills cannot serve."""
        ...

    def record_overtaking(
        self, visit: Visit, ticket: Ticket, counter: Counter, lanes: Collection[Lane], overtaking: Overtaking
    ) -> None:
        """Enter the call of a ticket, which waits, in the ledger: whom it overtakes is counted from now on (T12)."""
        ...

    def take_back_overtaking(self, visit: Visit, ticket: Ticket) -> None:
        """Take the last call of a ticket, which is at the counter yet, off the ledger: it was a mistake (T12)."""
        ...

    def record_visit(self, visit: Visit, happened: Iterable[VisitEvent], *, at: datetime | None = None) -> Visit:
        """Record what happened (at ``at``, by default now), and return the visit after it."""
        ...

    def record_counter(self, branch: str, counter: Counter, happened: Iterable[CounterEvent]) -> Counter:
        """Record what happened, and return the counter after it."""
        ...

    def record_device(self, branch: str, device: Device, happened: Iterable[DeviceChanged]) -> Device:
        """Record what happened, and when the device was heard of; return the device after it."""
        ...

    def record_refusal(self, branch: str, request_id: str, refusal: TicketRefused) -> None:
        """Record that a request can't be served."""
        ...

    def teach(self, branch: str, line: str, estimator: Estimator) -> None:
        """Keep what the line has taught (T9)."""
        ...

    def promise(self, branch: str, ticket_id: str, quote: Quote) -> None:
        """Keep what the ticket was promised, until it is called (T9)."""
        ...

    def redeem(self, branch: str, ticket_id: str) -> Quote | None:
        """Return what the ticket was promised, once; None where it was promised nothing, or has been called."""
        ...


class Waiting(Protocol):
    """Who may have to be looked after (T8)."""

    def care_due(self, branch: str, now: datetime, often: int, most: int) -> Sequence[tuple[Visit, Ticket, int]]:
        """Return whose care is due, or who was overtaken so often, each with how often."""
        ...


class Watching(Desk, Protocol):
    """What is looked at by the clock: alarms, care and thresholds (T8, T12)."""

    def line_state(self, branch: str, line: str) -> LineNow | None:
        """Return a line as it is; None where nobody ever stood there."""
        ...

    def capped(self, branch: str, line: str, cap: int, most: int) -> Sequence[str]:
        """Return who may not be overtaken any more and was not alarmed, the earliest first (T12)."""
        ...

    def keep_line(
        self, branch: str, line: LineNow, happened: Sequence[ThresholdCrossed], check_at: datetime | None
    ) -> None:
        """Record what a line crossed, and when it is looked at next."""
        ...

    def watch_at(self, ticket_id: str, due: datetime | None) -> None:
        """Write anew when the ticket's next alarm is due."""
        ...
