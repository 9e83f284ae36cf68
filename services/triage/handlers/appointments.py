"""Appointments: booked, imported and cancelled; ``issue`` checks in who comes to one (T11)."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Protocol

from services.triage.errors import AppointmentNotFound, AppointmentUsed
from services.triage.handlers.house import House
from services.triage.handlers.issue import business_of
from services.triage.handlers.ports import Desk
from services.triage.model import Appointment
from shared.contracts.http.appointments import AppointmentsView, AppointmentView, BookAppointments
from shared.contracts.http.triage import Remark


class Booked(Protocol):
    """The appointments, for looking."""

    def appointments(self, branch: str, begin: datetime, end: datetime) -> Sequence[Appointment]:
        """Return the appointments with a slot from ``begin`` until ``end``, in their order."""
        ...


def book(desk: Desk, house: House, *, branch: str, request: BookAppointments) -> AppointmentsView:
    """Book appointments, all or none; raise :class:`UnknownBusiness`."""
    booked = []
    for n, wanted in enumerate(request.appointments):
        business_of(house.policy, wanted.business, f"appointments.{n}.business")
        name = wanted.appointment_id or desk.new_id()
        before = desk.appointment(branch, name) or Appointment(appointment_id=name)
        happened = before.book(wanted.slot_at, wanted.business, wanted.customer_ref)
        booked.append(desk.record_appointment(branch, before, happened))
    return _view(branch, booked)


def cancel(desk: Desk, house: House, *, branch: str, appointment_id: str, remark: Remark) -> AppointmentView:
    """Cancel an appointment; raise :class:`AppointmentNotFound` and :class:`AppointmentUsed`."""
    before = desk.appointment(branch, appointment_id)
    if before is None:
        raise AppointmentNotFound(f"no appointment of {branch} has the id {appointment_id!r}")
    if before.arrival is not None:
        raise AppointmentUsed("the customer has come and has a ticket", ticket_id=before.ticket_id, state=before.state)
    return _one(desk.record_appointment(branch, before, before.cancel(remark.reason)))


def appointments_view(
    records: Booked, house: House, *, branch: str, day: date | None, now: datetime
) -> AppointmentsView:
    """Return a day's appointments; today's where no day is named."""
    begin = datetime.combine(day or now.astimezone(house.zone).date(), time(), house.zone)
    return _view(branch, records.appointments(branch, begin, begin + timedelta(days=1)))


def _view(branch: str, appointments: Sequence[Appointment]) -> AppointmentsView:
    return AppointmentsView(branch=branch, appointments=tuple(map(_one, appointments)))


def _one(appointment: Appointment) -> AppointmentView:
    return AppointmentView.model_validate(appointment, from_attributes=True)
