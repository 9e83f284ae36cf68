"""Diversion to a device, as a call (T3)."""

from typing import Literal

from pydantic import Field

from shared.contracts.base import Body, Name, Text
from shared.contracts.http.operation import STAFF, Operation
from shared.contracts.http.triage import TicketView


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
    roles=STAFF | {"terminal"}, request=DiversionStep, response=TicketView,
)  # fmt: skip

OPERATIONS = (DIVERSION,)
