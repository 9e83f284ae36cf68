"""Who is looked after and why (T8), and who is guided to a device (T3), as calls."""

from typing import Literal

from pydantic import Field

from shared.contracts.base import Body, Id, Name, Seconds, Text, Time, View
from shared.contracts.events.triage import CareAction
from shared.contracts.events.types import LocalizedText, Reason
from shared.contracts.http.operation import Operation
from shared.contracts.http.triage import TicketView


class CareNeed(View):
    """Somebody to look after, and why."""

    ticket: TicketView
    reasons: tuple[Reason, ...]
    suggestions: tuple[LocalizedText, ...]
    urgency: float = Field(description="Higher comes first: the wait as a part of its limit, doubled for the frail.")
    quoted_p90_s: Seconds
    last_cared_at: Time | None = None
    last_cared_by: str | None = None
    last_action: CareAction | None = None


class CareView(View):
    """Whom to look after now, the most urgent first."""

    branch: str
    at: Time
    needs: tuple[CareNeed, ...]


class Cared(Body):
    """What was done for the customer."""

    action: CareAction
    note: Text | None = None
    by: Id | None = Field(default=None, description="Who it was; by default whose token it is.")


CARE = Operation(
    name="care", service="triage", method="GET", path="/v1/branches/{b}/care",
    summary="Whom to look after in the waiting area, in what order, and why (T8).", response=CareView,
)  # fmt: skip
CARED = Operation(
    name="cared", service="triage", method="POST", path="/v1/branches/{b}/tickets/{id}/cared",
    summary="Somebody looked after the customer: nobody need go there again soon (T8).", request=Cared,
    response=TicketView,
)  # fmt: skip


class DiversionStep(Body):
    """What became of the guidance to a device."""

    step: Literal["accepted", "declined", "completed", "fell_back"]
    device_id: Name | None = Field(
        default=None,
        description="The device that the customer goes to, or went to. Who goes to one goes to one that works and does "
        "the business (else 409 no_fitting_device).",
    )
    reason: Text | None = Field(default=None, description="Why not, in the customer's words.")


DIVERSION = Operation(
    name="diversion", service="triage", method="POST", path="/v1/branches/{b}/tickets/{id}/diversion",
    summary="The customer accepts the device, declines it, is done there, or falls back to the counter (T3).",
    request=DiversionStep, response=TicketView,
)  # fmt: skip

OPERATIONS = (CARE, CARED, DIVERSION)
