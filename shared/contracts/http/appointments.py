"""Appointments, as calls (T11)."""

from typing import Literal

from pydantic import Field

from shared.contracts.base import Body, GivenDate, GivenTime, Id, Name, Time, View
from shared.contracts.http.operation import Operation
from shared.contracts.http.triage import Remark


class BookAppointment(Body):
    """A slot that a customer booked."""

    appointment_id: Id | None = Field(default=None, description="The booking system's id; a new one where it has none.")
    slot_at: GivenTime
    business: Name
    customer_ref: Id | None = Field(default=None, description="Opaque; never a name, a phone or a card number.")


class BookAppointments(Body):
    """Appointments to book or import; one that is known with this slot changes nothing, another slot moves it.

    One that was cancelled is booked again.
    """

    appointments: tuple[BookAppointment, ...] = Field(min_length=1, max_length=500)


class AppointmentView(View):
    """An appointment as it is now."""

    appointment_id: Id
    slot_at: Time
    business: Name
    customer_ref: Id | None = None
    state: Literal["booked", "arrived", "cancelled"]
    arrival: Literal["on_time", "early", "late"] | None = None
    arrived_at: Time | None = None
    ticket_id: Id | None = None


class AppointmentsView(View):
    """Appointments in the order of their slots."""

    branch: str
    appointments: tuple[AppointmentView, ...]


class AppointmentsQuery(Body):
    """Which day, by the branch's clock; today by default."""

    day: GivenDate | None = Field(default=None, alias="date")


BOOK = Operation(
    name="bookAppointments", service="triage", method="POST", path="/v1/branches/{b}/appointments", status=201,
    summary="Book or import appointments; a ticket request names one as customer.appointment_id (T11).",
    request=BookAppointments, response=AppointmentsView, codes=("unknown_business",),
)  # fmt: skip
APPOINTMENTS = Operation(
    name="appointments", service="triage", method="GET", path="/v1/branches/{b}/appointments",
    summary="A day's appointments, and who has come (T11).", query=AppointmentsQuery,
    response=AppointmentsView,
)  # fmt: skip

CANCEL = Operation(
    name="cancelAppointment", service="triage", method="POST", path="/v1/branches/{b}/appointments/{id}/cancel",
    summary="Cancel an appointment: who comes all the same is a walk-in (T11).",
    request=Remark, response=AppointmentView, codes=("appointment_not_found", "appointment_used"),
)  # fmt: skip

OPERATIONS = (BOOK, APPOINTMENTS, CANCEL)
