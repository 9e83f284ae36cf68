"""Appointments: booked, imported and cancelled; ``issue`` checks in who comes to one (T11)."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from services.triage.errors import AppointmentNotFound, AppointmentUsed
from services.triage.handlers.issue import business_of
from services.triage.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.triage.model import Appointment
from services.triage.model.fold import APPOINTMENT_DAYS
from shared.contracts.http.appointments import AppointmentsView, AppointmentView, BookAppointments
from shared.contracts.http.triage import Remark


def book(uow: UnitOfWork, *, request: BookAppointments) -> AppointmentsView:
    """Book appointments, all or none; raise :class:`UnknownBusiness`."""
    booked = []
    for n, wanted in enumerate(request.appointments):
        business_of(uow.policy, wanted.business, f"appointments.{n}.business")
        name = wanted.appointment_id or uow.new_id()
        before = uow.appointment(name) or Appointment(appointment_id=name)
        happened = before.book(wanted.slot_at, wanted.business, wanted.customer_ref)
        booked.append(uow.record_appointment(before, happened))
    return _view(uow.branch, booked)


def cancel(uow: UnitOfWork, *, appointment_id: str, remark: Remark) -> AppointmentView:
    """Cancel an appointment; raise :class:`AppointmentNotFound` and :class:`AppointmentUsed`."""
    before = uow.appointment(appointment_id)
    if before is None:
        raise AppointmentNotFound(f"no appointment of {uow.branch} has the id {appointment_id!r}")
    if before.arrival is not None:
        raise AppointmentUsed("the customer has come and has a ticket", ticket_id=before.ticket_id, state=before.state)
    return _one(uow.record_appointment(before, before.cancel(remark.reason)))


def appointments_view(lobby: LobbyReader, *, day: date | None) -> AppointmentsView:
    """Return a day's appointments; today's where no day is named."""
    day = day or lobby.today
    begin = datetime.combine(day, time(), lobby.zone)
    end = begin + timedelta(days=1)
    return _view(lobby.branch, lobby.state_of_day(day, APPOINTMENT_DAYS).appointments_between(begin, end))


def _view(branch: str, appointments: Sequence[Appointment]) -> AppointmentsView:
    return AppointmentsView(branch=branch, appointments=tuple(map(_one, appointments)))


def _one(appointment: Appointment) -> AppointmentView:
    return AppointmentView.model_validate(appointment, from_attributes=True)
