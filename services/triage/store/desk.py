"""One transaction's view of the lobby: what happens is appended to the log, and the state follows it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime

from services.triage.model import Appointment, Block, Counter, Device, Visit, apply
from services.triage.policy import Estimator, Quote
from services.triage.store import queries, tables
from services.triage.store.appointments import APPOINTMENT, ONE, appointment_row
from services.triage.store.bodies import AWAY, ESTIMATOR, QUOTE, counter_row, device_row, visit_row
from services.triage.store.numbers import Numbers
from services.triage.store.subjects import subject_of
from shared.contracts.event_data import EventData
from shared.contracts.events.triage import (
    AppointmentEvent,
    CounterEvent,
    DeviceChanged,
    NumberBlockLeased,
    TicketRefused,
    VisitEvent,
)


class Desk(Numbers):
    """The records, for changing."""

    def new_id(self) -> str:
        """Return a new opaque id."""
        return self._tx.ids()

    def ticket_with_number(self, branch: str, number: str) -> str | None:
        """Return the id of the newest ticket with this number."""
        found: str | None = self.connection.execute(queries.NUMBERED, {"of_branch": branch, "number": number}).scalar()
        return found

    def standing_in(self, branch: str, lines: Collection[str]) -> Sequence[str]:
        """Return the ids of the tickets that wait in these lines, those too whose customers are elsewhere now."""
        given = {"of_branch": branch, "lines": [*lines, *(AWAY + line for line in lines)]}
        return list(self.connection.execute(queries.STANDING, given).scalars())

    def vip_credit(self, branch: str, counter: str) -> float | None:
        """Return what VIPs have left of their share at this counter; None where nothing was kept yet (T7)."""
        found = self.connection.execute(queries.VIP_CREDIT, {"of_branch": branch, "counter": counter}).scalar()
        return None if found is None else float(found)

    def keep_vip_credit(self, branch: str, counter: str, credit: float) -> None:
        """Keep what VIPs have left of their share at this counter (T7)."""
        self._put(tables.vip_credit, {"branch": branch, "counter": counter, "credit": credit})

    def record_visit(self, visit: Visit, happened: Iterable[VisitEvent], *, at: datetime | None = None) -> Visit:
        """Record what happened (at ``at``, by default now), and return the visit after it."""
        before = visit
        for event in happened:
            visit = apply(visit, event, at or self.now)
            self._append(visit.branch, visit.visit_id, visit.version, event, at)
        if visit.version != before.version:
            self._put(tables.visit, visit_row(visit, self.now))
            self._floor(visit.branch).keep(visit)
            for ticket in visit.tickets:
                self.keep(before, visit, ticket)
        return visit

    def record_counter(self, branch: str, counter: Counter, happened: Iterable[CounterEvent]) -> Counter:
        """Record what happened, and return the counter after it."""
        for event in happened:
            counter = counter.apply(event)
            self._append(branch, subject_of("counter", branch, counter.counter), counter.version, event)
            self._put(tables.counter, counter_row(branch, counter))
            self._floor(branch).counters[counter.counter] = counter
        return counter

    def record_device(self, branch: str, device: Device, happened: Iterable[DeviceChanged]) -> Device:
        """Record what happened, and when the device was heard of; return the device after it."""
        for event in happened:
            device = device.apply(event)
            self._append(branch, subject_of("device", branch, device.device_id), device.version, event)
        self._put(tables.device, device_row(branch, device))
        self._floor(branch).devices[device.device_id] = device
        return device

    def record_block(self, branch: str, leased: NumberBlockLeased) -> None:
        """Record that numbers are leased to a terminal."""
        self._append(branch, subject_of("block", leased.block_id), 1, leased)
        row = {field.name: getattr(leased, field.name) for field in fields(Block)}
        self._put(tables.number_block, {"branch": branch, **row})

    def appointment(self, branch: str, appointment_id: str) -> Appointment | None:
        """Return an appointment of the branch (T11)."""
        body = self.connection.execute(ONE, {"of_branch": branch, "wanted": appointment_id}).scalar()
        return None if body is None else APPOINTMENT.validate_json(body)

    def record_appointment(
        self, branch: str, appointment: Appointment, happened: Iterable[AppointmentEvent]
    ) -> Appointment:
        """Record what happened, and return the appointment after it."""
        for event in happened:
            appointment = appointment.apply(event, self.now)
            subject = subject_of("appointment", branch, appointment.appointment_id)
            self._append(branch, subject, appointment.version, event)
            self._put(tables.appointment, appointment_row(branch, appointment))
        return appointment

    def record_refusal(self, branch: str, request_id: str, refusal: TicketRefused) -> None:
        """Record that a request can't be served."""
        self._append(branch, request_id, 1, refusal)

    def teach(self, branch: str, line: str, estimator: Estimator) -> None:
        """Keep what the line has taught (T9)."""
        body = ESTIMATOR.dump_json(estimator).decode()
        self._put(tables.estimator, {"branch": branch, "line": line, "body": body})
        self._floor(branch).estimators[line] = estimator

    def promise(self, branch: str, ticket_id: str, quote: Quote) -> None:
        """Keep what the ticket was promised, until it is called (T9)."""
        self._floor(branch).quotes[ticket_id] = quote
        self._put(tables.quote, {"ticket_id": ticket_id, "body": QUOTE.dump_json(quote).decode()})

    def redeem(self, branch: str, ticket_id: str) -> Quote | None:
        """Return what the ticket was promised, once; None where it was promised nothing, or has been called."""
        promised = self._floor(branch).quotes
        if ticket_id in promised:
            quote, promised[ticket_id] = promised[ticket_id], None
            if quote is not None:
                self._tx.later(queries.FORGET_QUOTE, {"promised_to": ticket_id}, (tables.quote.name, ticket_id))
            return quote
        body = self.connection.execute(queries.REDEEM, {"promised_to": ticket_id}).scalar()
        return None if body is None else QUOTE.validate_json(body)

    def _append(self, branch: str, subject: str, version: int, event: EventData, at: datetime | None = None) -> None:
        self._tx.append(branch, subject, event, correlation=subject, sequence=version, time=at)
