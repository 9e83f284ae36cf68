"""What terminals tell us. A terminal is anything a customer or a sensor talks to."""

from typing import Any, Literal

from pydantic import Field, model_validator

from shared.contracts.base import EventData, Id, Name
from shared.contracts.registry import event

CardTier = Literal["none", "gold", "platinum", "private"]


class Customer(EventData):
    """What is known of who asks for a ticket (T1). Every field is optional; no personal data."""

    customer_ref: Id | None = Field(default=None, description="Opaque; never a name, a phone or a card number.")
    card_tier: CardTier = "none"
    card_token: Id | None = Field(default=None, description="The card reader's token of the card.")
    age: int | None = Field(default=None, ge=0, le=130)
    mobility_impaired: bool = False
    pregnant: bool = False
    with_infant: bool = False
    urgent: bool = False
    party_size: int = Field(default=1, ge=1, le=50)
    appointment_id: Id | None = None


class TicketRequest(EventData):
    """A business that a customer wants (T1, T4)."""

    business: Name
    amount_minor: int | None = Field(default=None, ge=0, le=2**53, description="In the currency's minor unit.")
    currency: str = Field(default="CNY", pattern=r"^[A-Z]{3}$")
    customer: Customer = Customer()
    terminal_id: Id | None = None
    visit_id: Id | None = Field(default=None, description="The visit that this is a further business of.")
    businesses: tuple[Name, ...] = Field(
        default=(),
        max_length=8,
        description="Further businesses of the visit, each with a ticket of its own (T7).",
    )
    again: bool = Field(
        default=False, description="Yes, another ticket although the customer has one for this business already."
    )

    @model_validator(mode="before")
    @classmethod
    def _first_of_several(cls, values: Any) -> Any:
        """Take the first of ``businesses`` for ``business`` where only they are given."""
        if isinstance(values, dict) and values.get("business") is None and values.get("businesses"):
            several = values["businesses"]
            if isinstance(several, list | tuple):
                return {**values, "business": several[0], "businesses": several[1:]}
        return values

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every business that is wanted, each once, in the order in which they were named."""
        return tuple(dict.fromkeys((self.business, *self.businesses)))


@event("lobby.terminal.ticket_requested.v1")
class TicketRequested(TicketRequest):
    """A customer pressed the button of a queue terminal; the same body as ``POST …/tickets``."""


@event("lobby.terminal.ticket_printed.v1")
class TicketPrinted(EventData):
    """The paper is in the customer's hand."""

    ticket_id: Id


@event("lobby.terminal.device_reported.v1")
class DeviceReported(EventData):
    """A self-service device says how it is (T10)."""

    device_id: Name
    kind: Literal["atm", "crs", "vtm", "kiosk", "printer", "display", "phone"] = "kiosk"
    status: Literal["up", "down"]
    detail: str | None = Field(default=None, max_length=500)
