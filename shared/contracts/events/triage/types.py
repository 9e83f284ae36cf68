"""Values of triage's events, and what all events of a ticket carry."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Id, Name, Seconds
from shared.contracts.envelope import EventData
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
CallWay = Literal["next", "share", "number", "handoff"]
"""How a call came about: the next in turn, the turn of who is no VIP, by number, by a manager."""
DeviceState = Literal["up", "down"]
CounterName = Annotated[
    Name, Field(description="The counter's number, a manager's desk by manager_id, or the device that did it.")
]
Waited = Annotated[
    Seconds, Field(description="The ticket's wait so far; it stands still while its customer is at a counter.")
]
Served = Annotated[Seconds, Field(description="The ticket's time at counters and devices; holds are left out.")]
QuotedP50 = Annotated[Seconds, Field(description="The wait that half of such tickets stay below, as promised (T9).")]
QuotedP90 = Annotated[Seconds, Field(description="The wait that 90 % stay below, as promised; 0: none was (T9).")]


@dataclass(frozen=True, kw_only=True)
class Form:
    """A document or form that the business needs (T5)."""

    code: Annotated[Name, Field(description="As the policy's file names it.")]
    name: LocalizedText


@dataclass(frozen=True, kw_only=True)
class Overtaken:
    """Somebody whom a call overtook, and how often that has happened to them, this call among it (T12)."""

    ticket_id: Id
    number: str
    times: Annotated[int, Field(ge=1, description="Of this ticket, at its present place in the line.")]


@dataclass(frozen=True, kw_only=True)
class OvertakenLane:
    """A line, or those of one business in it, in which a call overtakes who stands earlier (T12)."""

    line: Annotated[str, Field(description="A channel's, a counter's (counter:3) or a person's (person:chen).")]
    business: Annotated[Name | None, Field(description="Null: whatever they want.")] = None


@dataclass(frozen=True, kw_only=True)
class OfTicket(EventData):
    """What every event of a ticket carries, so that a reader needs no other event to place it."""

    visit_id: Annotated[Id, Field(description="The customer's stay, which may have several tickets (T7).")]
    ticket_id: Id
    number: Annotated[str, Field(description="As it is printed: A001 (T4).")]
    channel: Annotated[Channel, Field(description="Where it waits or is served (T2).")]
    business: Annotated[Name, Field(description="What the customer wants, by the policy's code (T1).")]
    business_date: Annotated[date, Field(description="The branch's local day on which the visit began.")]
