"""Customers who wait too long and who looked after them (T8, T12), and who is guided to a device (T3)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Id, Name, Seconds
from shared.contracts.envelope import EventData
from shared.contracts.events.triage.types import (
    CareAction,
    Channel,
    OfTicket,
    QuotedP50,
    QuotedP90,
    StarvationCause,
    Waited,
)
from shared.contracts.events.types import Reason
from shared.contracts.registry import event


@event("lobby.triage.wait_promise_breached.v1")
@dataclass(frozen=True, kw_only=True)
class WaitPromiseBreached(OfTicket):
    """The customer has waited longer than the 90 % promise on the ticket; once a ticket (T8, T9)."""

    waited_s: Waited
    quoted_p50_s: QuotedP50
    quoted_p90_s: QuotedP90


@event("lobby.triage.starvation_alarmed.v1")
@dataclass(frozen=True, kw_only=True)
class StarvationAlarmed(OfTicket):
    """The customer has waited beyond policy's limit, or may not be overtaken any more; once a ticket (T12)."""

    cause: Annotated[
        StarvationCause, Field(description="wait: longer than limit_s; cap: overtaken as often as policy allows.")
    ]
    waited_s: Waited
    limit_s: Annotated[Seconds, Field(description="What policy allowed at that time.")]
    times_overtaken: Annotated[int, Field(ge=0, description="At the ticket's present place in the line.")] = 0


@event("lobby.triage.starvation_cleared.v1")
@dataclass(frozen=True, kw_only=True)
class StarvationCleared(OfTicket):
    """The one whom the alarm was for waits no more."""

    by: Annotated[str, Field(description="The step that ended it, as the middle of its event's type: ticket_called.")]


@event("lobby.triage.customer_cared.v1")
@dataclass(frozen=True, kw_only=True)
class CustomerCared(OfTicket):
    """Somebody looked after the customer (T8)."""

    action: CareAction
    note: str | None = None
    by: Annotated[Id, Field(description="Who looked after them: whom the call named, else whose token it was.")]
    recorded_by: Annotated[Id | None, Field(description="Whose token it was, where the call named another.")] = None


@event("lobby.triage.threshold_crossed.v1")
@dataclass(frozen=True, kw_only=True)
class ThresholdCrossed(EventData):
    """A line's length, longest wait or promised wait went above policy's limit, or is back below it (T8)."""

    channel: Channel
    measure: Annotated[Literal["length", "longest_wait", "p90"], Field(description="Tickets, seconds, seconds.")]
    above: Annotated[bool, Field(description="False: it is back below.")]
    value: Annotated[float, Field(ge=0, description="In the unit of the measure.")]
    limit: Annotated[float, Field(ge=0, description="Policy's, in the same unit.")]
    business_date: date


@event("lobby.triage.diversion_offered.v1")
@dataclass(frozen=True, kw_only=True)
class DiversionOffered(OfTicket):
    """The customer is guided to a device that does the business (T3)."""

    devices: Annotated[tuple[str, ...], Field(description="The kinds of device that do it and work now.")] = ()


@event("lobby.triage.diversion_accepted.v1")
@dataclass(frozen=True, kw_only=True)
class DiversionAccepted(OfTicket):
    """The customer goes to the device."""

    device_id: Name | None = None


@event("lobby.triage.diversion_declined.v1")
@dataclass(frozen=True, kw_only=True)
class DiversionDeclined(OfTicket):
    """The customer prefers the counter, and waits there at the place of their request."""

    reason: str | None = None


@event("lobby.triage.diversion_completed.v1")
@dataclass(frozen=True, kw_only=True)
class DiversionCompleted(OfTicket):
    """The business was done at the device."""

    device_id: Name | None = None


@event("lobby.triage.diversion_fell_back.v1")
@dataclass(frozen=True, kw_only=True)
class DiversionFellBack(OfTicket):
    """It did not work out: the customer waits for the counter, at the place of their request."""

    reason: Reason
    automatic: Annotated[bool, Field(description="Nobody asked: the last fitting device went down.")] = False
