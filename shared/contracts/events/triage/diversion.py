"""A customer is guided to a device that does the business (T3)."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from shared.contracts.base import Name
from shared.contracts.events.triage.types import OfTicket
from shared.contracts.events.types import Reason
from shared.contracts.registry import event


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
