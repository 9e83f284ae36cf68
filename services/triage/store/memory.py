"""The lobby in memory: the same port as the tables, without a database.

What a policy would do is found out by letting the real use cases run on it, a day a second (``lobby
simulate --compare``). It keeps no log: what happens is told to a listener. There are no transactions
either: a use case decides before it records, so that one that refuses has changed nothing.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta

from services.triage.model import (
    AT_COUNTER,
    Appointment,
    Block,
    Counter,
    Device,
    PaperReport,
    Ticket,
    Visit,
    apply,
)
from services.triage.model.commands import Overtaking
from services.triage.policy import Estimator, Lane, Policy, Quote
from services.triage.store.memory_lines import Spot
from services.triage.store.memory_records import MemoryRecords
from services.triage.store.subjects import subject_of
from shared.clock import Clock
from shared.contracts.events.triage import (
    AppointmentEvent,
    CounterEvent,
    DeviceChanged,
    NumberBlockLeased,
    TicketRefused,
    VisitEvent,
)
from shared.ids import IdFactory, new_id

Listener = Callable[[str, str, int, object, datetime], None]
"""Hears what happens: the branch, the subject, its sequence, the event, and when."""


def _nobody(branch: str, subject: str, sequence: int, event: object, at: datetime) -> None:
    pass


class MemoryDesk(MemoryRecords):
    """The same, for changing."""

    def __init__(self, policy: Policy, clock: Clock, *, ids: IdFactory = new_id, listener: Listener = _nobody) -> None:
        """``policy`` gives the places in the line; ``listener`` hears every event."""
        super().__init__(clock)
        self._policy = policy
        self._ids = ids
        self._listener = listener

    def new_id(self) -> str:
        """Return a new opaque id."""
        return self._ids()

    def next_number(self, branch: str, day: date, prefix: str, start: int = 1) -> int:
        """Draw the next number of a day's series from ``start`` on."""
        return self.last_of_numbers(branch, day, prefix, start, 1)

    def last_of_numbers(self, branch: str, day: date, prefix: str, start: int, count: int) -> int:
        """Draw so many numbers of a day's series at once, from ``start`` on; return the last of them."""
        self._numbers[branch, day, prefix] = self._numbers.get((branch, day, prefix), start - 1) + count
        return self._numbers[branch, day, prefix]

    def record_block(self, branch: str, leased: NumberBlockLeased) -> None:
        """Record that numbers are leased to a terminal."""
        self._listener(branch, subject_of("block", leased.block_id), 1, leased, self.now)
        block = Block(**{field.name: getattr(leased, field.name) for field in fields(Block)})
        self._blocks[branch, leased.terminal_id, leased.business_date].append(block)

    def keep_report(self, branch: str, report: PaperReport) -> None:
        """Keep what a terminal said of a number; of one kind of report, the earliest time counts."""
        said = self._reports[branch, report.business_date, report.number]
        if report.kind not in said or report.at < said[report.kind].at:
            said[report.kind] = report

    def take_reports(self, branch: str, day: date, number: str) -> Sequence[PaperReport]:
        """Return what was kept of what was said of a number, and keep it no longer."""
        return list(self._reports.pop((branch, day, number), {}).values())

    def keep_vip_credit(self, branch: str, counter: str, credit: float) -> None:
        """Keep what VIPs have left of their share at this counter (T7)."""
        self._credits[branch, counter] = credit

    def record_overtaking(
        self, visit: Visit, ticket: Ticket, counter: Counter, lanes: Collection[Lane], overtaking: Overtaking
    ) -> None:
        """Count the call of a ticket with everybody whom it overtakes (T12)."""
        for lane in lanes:
            self._lines.overtake(visit.branch, lane, ticket.lined_at.timestamp(), by=ticket.ticket_id)

    def take_back_overtaking(self, visit: Visit, ticket: Ticket) -> None:
        """Count the last call of a ticket off for those whom it overtook (T12)."""
        self._lines.take_back(visit.branch, ticket.ticket_id)

    def record_visit(self, visit: Visit, happened: Iterable[VisitEvent], *, at: datetime | None = None) -> Visit:
        """Record what happened (at ``at``, by default now), and return the visit after it."""
        before, when = visit.version, at or self.now
        for event in happened:
            visit = apply(visit, event, when)
            self._listener(visit.branch, visit.visit_id, visit.version, event, when)
        if visit.version != before:
            self._visits[visit.visit_id] = visit
            self._touched[visit.visit_id] = self.now
            for ticket in visit.tickets:
                self._place(visit, ticket)
        return visit

    def record_counter(self, branch: str, counter: Counter, happened: Iterable[CounterEvent]) -> Counter:
        """Record what happened, and return the counter after it."""
        for event in happened:
            counter = counter.apply(event)
            self._listener(branch, subject_of("counter", branch, counter.counter), counter.version, event, self.now)
            self._counters[branch][counter.counter] = counter
        return counter

    def record_device(self, branch: str, device: Device, happened: Iterable[DeviceChanged]) -> Device:
        """Record what happened, and when the device was heard of; return the device after it."""
        for event in happened:
            device = device.apply(event)
            self._listener(branch, subject_of("device", branch, device.device_id), device.version, event, self.now)
        self._devices[branch][device.device_id] = device
        return device

    def record_appointment(
        self, branch: str, appointment: Appointment, happened: Iterable[AppointmentEvent]
    ) -> Appointment:
        """Record what happened, and return the appointment after it."""
        for event in happened:
            appointment = appointment.apply(event, self.now)
            subject = subject_of("appointment", branch, appointment.appointment_id)
            self._listener(branch, subject, appointment.version, event, self.now)
            self._appointments[branch, appointment.appointment_id] = appointment
        return appointment

    def record_refusal(self, branch: str, request_id: str, refusal: TicketRefused) -> None:
        """Record that a request can't be served."""
        self._listener(branch, request_id, 1, refusal, self.now)

    def teach(self, branch: str, line: str, estimator: Estimator) -> None:
        """Keep what the line has taught (T9)."""
        self._estimators[branch][line] = estimator

    def promise(self, branch: str, ticket_id: str, quote: Quote) -> None:
        """Keep what the ticket was promised, until it is called (T9)."""
        self._quotes[ticket_id] = quote

    def redeem(self, branch: str, ticket_id: str) -> Quote | None:
        """Return what the ticket was promised, once; None where it was promised nothing, or has been called."""
        return self._quotes.pop(ticket_id, None)

    def _place(self, visit: Visit, ticket: Ticket) -> None:
        """Keep where the ticket is: in a line, at a counter, or neither."""
        self._visit_of[ticket.ticket_id] = visit.visit_id
        self._lines.put(Spot.of(self._policy, visit, ticket), waits=ticket.state == "waiting")
        known = self._open[visit.branch, ticket.business]
        known.pop(ticket.ticket_id, None)
        if not ticket.ended:
            known[ticket.ticket_id] = None
        self._expires.pop(ticket.ticket_id, None)
        if ticket.state == "reserved":
            self._expires[ticket.ticket_id] = self.now + timedelta(seconds=self._policy.reserved_expiry_s)
        taken = self._taken[visit.branch]
        for counter in [name for name, ticket_id in taken.items() if ticket_id == ticket.ticket_id]:
            del taken[counter]
        if ticket.state in AT_COUNTER and ticket.counter is not None:
            taken[ticket.counter] = ticket.ticket_id
