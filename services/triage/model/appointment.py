"""An appointment: a slot that a customer booked for a business (T11)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.triage.model.copying import replace
from services.triage.model.events import AppointmentArrived, AppointmentBooked, AppointmentEvent
from services.triage.model.words import Arrival


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
    version: int = 0

    @property
    def state(self) -> Literal["booked", "arrived"]:
        """Whether the customer has come."""
        return "booked" if self.arrival is None else "arrived"

    def book(self, slot_at: datetime, business: str, customer_ref: str | None) -> list[AppointmentEvent]:
        """Book it, or another slot; nothing happens where it is so already, or the customer has come."""
        if self.arrival is not None or (slot_at, business, customer_ref) == (
            self.slot_at, self.business, self.customer_ref,
        ):  # fmt: skip
            return []
        return [
            AppointmentBooked(
                appointment_id=self.appointment_id, slot_at=slot_at, business=business, customer_ref=customer_ref
            )
        ]

    def apply(self, event: AppointmentEvent, at: datetime) -> "Appointment":
        """Return the appointment after an event."""
        after = replace(self, version=self.version + 1)
        if isinstance(event, AppointmentArrived):
            return replace(after, arrival=event.arrival, ticket_id=event.ticket_id, arrived_at=at)
        return replace(after, slot_at=event.slot_at, business=event.business, customer_ref=event.customer_ref)
