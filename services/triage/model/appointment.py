"""An appointment: a slot that a customer booked for a business (T11)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.triage.model.records import replace
from shared.contracts.events.triage import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentEvent,
    Arrival,
)


@dataclass(frozen=True, kw_only=True)
class Appointment:
    """An appointment after ``version`` events; ``arrival`` tells how its customer came, with which ticket."""

    appointment_id: str
    slot_at: datetime | None = None
    business: str | None = None
    customer_ref: str | None = None
    arrival: Arrival | None = None
    ticket_id: str | None = None
    arrived_at: datetime | None = None
    cancelled: bool = False
    version: int = 0

    @property
    def state(self) -> Literal["booked", "arrived", "cancelled"]:
        """Whether the customer has come, or will not."""
        if self.arrival is not None:
            return "arrived"
        return "cancelled" if self.cancelled else "booked"

    def book(self, slot_at: datetime, business: str, customer_ref: str | None) -> list[AppointmentEvent]:
        """Book it, or another slot; nothing happens where it is so already, or the customer has come."""
        booked, wanted = (self.slot_at, self.business, self.customer_ref), (slot_at, business, customer_ref)
        if self.arrival is not None or (booked == wanted and not self.cancelled):
            return []
        return [self._booked(slot_at, business, customer_ref)]

    def cancel(self, reason: str | None) -> list[AppointmentEvent]:
        """Cancel it; nothing happens where it is so already. The customer must not have come."""
        assert self.slot_at is not None
        assert self.business is not None
        assert self.arrival is None
        if self.cancelled:
            return []
        return [
            AppointmentCancelled(
                appointment_id=self.appointment_id, slot_at=self.slot_at, business=self.business, reason=reason
            )
        ]

    def free(self) -> list[AppointmentEvent]:
        """Let the customer come to it again, whose ticket never was on paper."""
        assert self.slot_at is not None
        assert self.business is not None
        return [self._booked(self.slot_at, self.business, self.customer_ref)]

    def apply(self, event: AppointmentEvent, at: datetime) -> "Appointment":
        """Return the appointment after an event."""
        after = replace(self, version=self.version + 1)
        if isinstance(event, AppointmentArrived):
            return replace(after, arrival=event.arrival, ticket_id=event.ticket_id, arrived_at=at)
        if isinstance(event, AppointmentCancelled):
            return replace(after, cancelled=True)
        return Appointment(
            appointment_id=self.appointment_id,
            slot_at=event.slot_at,
            business=event.business,
            customer_ref=event.customer_ref,
            version=after.version,
        )

    def _booked(self, slot_at: datetime, business: str, customer_ref: str | None) -> AppointmentBooked:
        return AppointmentBooked(
            appointment_id=self.appointment_id, slot_at=slot_at, business=business, customer_ref=customer_ref
        )
