"""Slots that customers booked (T11)."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from shared.contracts.base import Id, Name, Text, Time
from shared.contracts.envelope import EventData
from shared.contracts.events.triage.types import Arrival
from shared.contracts.registry import event


@event("lobby.triage.appointment_booked.v1")
@dataclass(frozen=True, kw_only=True)
class AppointmentBooked(EventData):
    """A customer has a slot, another one, or theirs again: nothing was printed for who came (T11)."""

    appointment_id: Annotated[Id, Field(description="The booking system's, where it gave one.")]
    slot_at: Time
    business: Name
    customer_ref: Annotated[Id | None, Field(description="Opaque; never a name, a phone or a card number.")] = None


@event("lobby.triage.appointment_cancelled.v1")
@dataclass(frozen=True, kw_only=True)
class AppointmentCancelled(EventData):
    """The customer of an appointment will not come to its slot (T11)."""

    appointment_id: Id
    slot_at: Time
    business: Name
    reason: Text | None = None


@event("lobby.triage.appointment_arrived.v1")
@dataclass(frozen=True, kw_only=True)
class AppointmentArrived(EventData):
    """The customer of an appointment took a ticket: in time, too early, or too late (T11)."""

    appointment_id: Id
    ticket_id: Id
    slot_at: Time
    arrival: Annotated[Arrival, Field(description="Against the slot and policy's grace.")]


AppointmentEvent = AppointmentBooked | AppointmentArrived | AppointmentCancelled
