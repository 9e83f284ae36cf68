"""Values of triage's events, and what all events of a ticket carry."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Id, Name
from shared.contracts.event_data import EventData
from shared.contracts.events.types import LocalizedText

Channel = Literal[
    "counter", "self_service", "phone_bank", "online", "green", "vip", "corporate", "loan_desk", "wealth_desk",
    "corporate_desk",
]  # fmt: skip
TicketState = Literal["reserved", "waiting", "called", "serving", "held", "completed", "left"]
Outcome = Literal["served", "left"]
Arrival = Literal["on_time", "early", "late"]
"""How the customer of an appointment came (T11)."""
CareAction = Literal["water", "seat", "reading", "apology", "other_channel", "escort", "other"]
StarvationCause = Literal["wait", "cap"]
DeviceState = Literal["up", "down"]


@dataclass(frozen=True, kw_only=True)
class Form:
    """A document or form that the business needs (T5)."""

    code: Name
    name: LocalizedText


@dataclass(frozen=True, kw_only=True)
class Overtaken:
    """Somebody whom a call overtook, and how often that has happened to them, this call among it (T12)."""

    ticket_id: Id
    number: str
    times: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, kw_only=True)
class OfTicket(EventData):
    """What every event of a ticket carries, so that a reader needs no other event to place it."""

    visit_id: Id
    ticket_id: Id
    number: str
    channel: Channel
    business: Name
    business_date: Annotated[date, Field(description="The branch's local day on which the visit began.")]
