"""Appointments: booked, imported, and checked in with a ticket request (T11)."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Protocol

from services.triage.handlers.house import House
from services.triage.handlers.issue import business_of
from services.triage.handlers.ports import Desk
from services.triage.model import Appointment
from shared.contracts.http.appointments import AppointmentsView, AppointmentView, BookAppointments


class Booked(Protocol):
    """The appointments, for looking."""

    def appointments(self, branch: str, begin: datetime, end: datetime) -> Sequence[Appointment]:
        """Return the appointments with a slot from ``begin`` until ``end``, in their order."""
        ...


def book(desk: Desk, house: House, *, branch: str, request: BookAppointments) -> AppointmentsView:
    """Book appointments, all or none; raise :class:`UnknownBusiness`."""
    booked = []
    for wanted in request.appointments:
        business_of(house.policy, wanted.business)
        name = wanted.appointment_id or desk.new_id()
        before = desk.appointment(branch, name) or Appointment(appointment_id=name)
        happened = before.book(wanted.slot_at, wanted.business, wanted.customer_ref)
        booked.append(desk.record_appointment(branch, before, happened))
    return _view(branch, booked)


def appointments_view(
    records: Booked, house: House, *, branch: str, day: date | None, now: datetime
) -> AppointmentsView:
    """Return a day's appointments; today's where no day is named."""
    begin = datetime.combine(day or now.astimezone(house.zone).date(), time(), house.zone)
    return _view(branch, records.appointments(branch, begin, begin + timedelta(days=1)))


def _view(branch: str, appointments: Sequence[Appointment]) -> AppointmentsView:
    found = tuple(AppointmentView.model_validate(one, from_attributes=True) for one in appointments)
    return AppointmentsView(branch=branch, appointments=found)
