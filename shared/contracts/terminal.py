"""What terminals tell us. A terminal is anything a customer or a sensor talks to."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.contracts.base import EventData, Id, Name
from shared.contracts.registry import event

PrintedNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,4}[0-9]{1,6}$")]
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


class _Wanted(EventData):
    """What a customer wants, and what is known of them (T1, T4)."""

    business: Name
    amount_minor: int | None = Field(default=None, ge=0, le=2**53, description="In the currency's minor unit.")
    currency: str = Field(
        default="CNY", pattern=r"^[A-Z]{3}$", description="The amount's; none but yuan is ever a small one (T3)."
    )
    customer: Customer = Customer()
    terminal_id: Id | None = None


class TicketRequest(_Wanted):
    """A business that a customer wants (T1, T4)."""

    visit_id: Id | None = Field(default=None, description="The visit that this is a further business of.")
    businesses: tuple[Name, ...] = Field(
        default=(),
        max_length=8,
        description="Further businesses of the visit, or all of them, each with a ticket of its own (T7).",
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
                return {**values, "business": several[0]}
        return values

    @property
    def wanted(self) -> dict[str, str]:
        """Every business that is wanted, each once and as named in order, with the field that names it."""
        fields = {code: f"businesses.{n}" for n, code in reversed([*enumerate(self.businesses)])}
        return {code: fields.get(code, "business") for code in (self.business, *self.businesses)}


@event("lobby.terminal.ticket_requested.v1")
class TicketRequested(TicketRequest):
    """A customer pressed the button of a queue terminal; the same body as ``POST …/tickets``."""


@event("lobby.terminal.ticket_issued_offline.v1")
class TicketIssuedOffline(_Wanted):
    """The terminal had no network and printed a number of a block that was leased to it (T4).

    The event's ``time`` is when; it may come hours later, in any order with the ticket's other events, and twice.
    """

    number: PrintedNumber
    business_date: date | None = Field(default=None, description="By default the local date of ``time``.")


class _OfPaper(EventData):
    """Which paper: by the ticket's id, or by the number where a terminal gave it out by itself."""

    ticket_id: Id | None = None
    number: PrintedNumber | None = None
    business_date: date | None = Field(default=None, description="By default the local date of ``time``.")
    terminal_id: Id | None = None

    @model_validator(mode="after")
    def _names_the_paper(self) -> Self:
        if (self.ticket_id is None) == (self.number is None):
            raise ValueError("ticket_id or number is needed, and not both")
        return self


@event("lobby.terminal.ticket_printed.v1")
class TicketPrinted(_OfPaper):
    """The paper is in the customer's hand."""


@event("lobby.terminal.ticket_print_failed.v1")
class TicketPrintFailed(_OfPaper):
    """The paper did not come out, and the terminal gives the number up (T4).

    With ``ticket_id``, at once. Of a number that the terminal gave out by itself, once the paper's time is over: a
    ``ticket_printed`` or ``ticket_left`` until then, of whatever ``time``, says that it came out after all.
    """


@event("lobby.terminal.ticket_left.v1")
class TicketLeft(_OfPaper):
    """The customer told the terminal that they go without being served (T4, T7)."""


@event("lobby.terminal.device_reported.v1")
class DeviceReported(EventData):
    """A self-service device says how it is (T10).

    A report whose ``time`` is older than that of the newest one known changes nothing.
    """

    device_id: Name
    kind: Literal["atm", "crs", "vtm", "kiosk", "printer", "display", "phone"] = "kiosk"
    status: Literal["up", "down"]
    detail: str | None = Field(default=None, max_length=500)
