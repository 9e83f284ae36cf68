"""What a use case is handed: the branch's state, the time, and the log to record in.

``store`` gives it, on a database or in memory; a use case doesn't know how.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from hashlib import sha256

from services.triage.model import Appointment, Counter, Device, LobbyState, Visit, apply
from services.triage.policy import Policy
from shared.contracts.events.triage import (
    AppointmentEvent,
    CounterEvent,
    DeviceChanged,
    NumberBlockLeased,
    PolicyChanged,
    ThresholdCrossed,
    TicketRefused,
    VisitEvent,
)
from shared.unit_of_work import BranchReader, BranchUnitOfWork

BATCH_LIMIT = 200
"""How many tickets, visits or lines one look at the clock takes up: a branch's head is locked meanwhile."""
LONGEST_SUBJECT = 128


class LobbyReader(BranchReader[LobbyState]):
    """A branch's lobby, for looking."""

    @abstractmethod
    def ended_visit(self, *, ticket_id: str | None = None, visit_id: str | None = None) -> Visit | None:
        """Return a visit that has ended, by its own id or a ticket's, from its log."""

    @property
    def policy(self) -> Policy:
        """The policy that the branch is run by."""
        return self.state.policy

    def state_of_day(self, day: date, kept_days: int) -> LobbyState:
        """Return the state that shows a day's figures: the one after that day, where today's keeps them no more."""
        newest = self.state.newest_day
        if newest is None or day >= newest - timedelta(days=kept_days):
            return self.state
        return self.state_at(datetime.combine(day + timedelta(days=1), time(), self.zone))

    def visit_of(self, ticket_id: str) -> Visit | None:
        """Return the visit that a ticket of this branch belongs to."""
        return self.state.visit_of(ticket_id) or self.ended_visit(ticket_id=ticket_id)

    def visit(self, visit_id: str) -> Visit | None:
        """Return a visit of this branch."""
        return self.state.visits.get(visit_id) or self.ended_visit(visit_id=visit_id)


class UnitOfWork(LobbyReader, BranchUnitOfWork[LobbyState]):
    """One transaction of a branch: what is recorded is in the log and in the state, or nowhere."""

    @abstractmethod
    def numbered(self, number: str, day: date | None = None) -> str | None:
        """Return the id of the ticket with this number on a day; the newest one where no day is named."""

    @abstractmethod
    def appointment(self, appointment_id: str) -> Appointment | None:
        """Return an appointment of the branch (T11)."""

    def next_number(self, day: date, prefix: str, start: int = 1) -> int:
        """Return the next number of a day's series, which begins at ``start``: used once it is recorded."""
        return self.state.numbers.get((day, prefix), start - 1) + 1

    def record_visit(self, visit: Visit, happened: Sequence[VisitEvent], *, at: datetime | None = None) -> Visit:
        """Record what happened (at ``at``, by default now), and return the visit after it."""
        for version, event in enumerate(happened, visit.version + 1):
            self._append(visit.visit_id, event, version, at)
        known = self.state.visits.get(visit.visit_id)
        if known is None:  # it has ended
            for event in happened:
                visit = apply(visit, event, at or self.now)
        return known or visit

    def record_counter(self, counter: Counter, happened: Iterable[CounterEvent]) -> Counter:
        """Record what happened, and return the counter after it."""
        for version, event in enumerate(happened, counter.version + 1):
            self._append(self._subject("counter", counter.counter), event, version)
        return self.state.counter(counter.counter)

    def record_device(self, device: Device, happened: Iterable[DeviceChanged]) -> Device:
        """Record what happened, and return the device after it."""
        for version, event in enumerate(happened, device.version + 1):
            self._append(self._subject("device", device.device_id), event, version)
        return self.state.device_states.get(device.device_id) or device

    def record_appointment(self, appointment: Appointment, happened: Iterable[AppointmentEvent]) -> Appointment:
        """Record what happened, and return the appointment after it."""
        name = appointment.appointment_id
        for version, event in enumerate(happened, appointment.version + 1):
            self._append(self._subject("appointment", name), event, version)
            appointment = appointment.apply(event, self.now)
        return appointment

    def record_block(self, leased: NumberBlockLeased) -> None:
        """Record that numbers are leased to a terminal."""
        self._append(_subject_of("block", leased.block_id), leased, 1)

    def record_refusal(self, request_id: str, refusal: TicketRefused) -> None:
        """Record that a request can't be served."""
        self._append(request_id, refusal, 1)

    def record_policy(self, changed: PolicyChanged) -> None:
        """Record the branch's new policy."""
        self._append(self._subject("policy"), changed, changed.version)

    def record_crossings(self, line: str, version: int, happened: Iterable[ThresholdCrossed]) -> None:
        """Record what a line, which has had ``version`` events, crossed (T8)."""
        for sequence, event in enumerate(happened, version + 1):
            self._append(self._subject("line", line), event, sequence)

    def _subject(self, kind: str, *names: str) -> str:
        return _subject_of(kind, self.branch, *names)


def _subject_of(kind: str, *names: str) -> str:
    """Return the subject of a thing: its kind and names, or a digest of them where they are too long for one."""
    text = ":".join((kind, *names))
    return text if len(text) <= LONGEST_SUBJECT else f"{kind}:{sha256(text.encode()).hexdigest()}"
