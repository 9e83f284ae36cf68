"""What terminals report. A terminal is anything a customer or a sensor talks to."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from shared.contracts.base import GivenDate, Id, Name
from shared.contracts.envelope import EventData
from shared.contracts.events.types import UNKNOWN_CUSTOMER, Customer
from shared.contracts.registry import event

PrintedNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,4}[0-9]{1,6}$")]
AmountMinor = Annotated[int | None, Field(ge=0, le=2**53, description="In the currency's minor unit.")]
Currency = Annotated[
    str, Field(pattern=r"^[A-Z]{3}$", description="The amount's; none but yuan is ever a small one (T3).")
]
DeviceKind = Literal["atm", "crs", "vtm", "kiosk", "printer", "display", "phone"]
KnownVisit = Annotated[Id | None, Field(description="The visit that this is a further business of.")]
Businesses = Annotated[
    tuple[Name, ...],
    Field(
        max_length=8, description="Further businesses of the visit, or all of them, each with a ticket of its own (T7)."
    ),
]
Again = Annotated[
    bool, Field(description="Yes, another ticket although the customer has one for this business already.")
]


@dataclass(frozen=True, kw_only=True)
class _Wanted(EventData):
    """What a customer wants, and what is known of them (T1, T4)."""

    business: Name
    amount_minor: AmountMinor = None
    currency: Currency = "CNY"
    customer: Customer = UNKNOWN_CUSTOMER
    terminal_id: Id | None = None


@dataclass(frozen=True, kw_only=True)
class TicketRequest(_Wanted):
    """A business that a customer wants (T1, T4)."""

    visit_id: KnownVisit = None
    businesses: Businesses = ()
    again: Again = False

    @classmethod
    def completed(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Let the first of ``businesses`` be the ``business`` where only they are given."""
        several = data.get("businesses")
        if data.get("business") is None and isinstance(several, list | tuple) and several:
            return {**data, "business": several[0]}
        return data

    @property
    def wanted(self) -> dict[str, str]:
        """Every business that is wanted, each once and as named in order, with the field that names it."""
        fields = {code: f"businesses.{n}" for n, code in reversed([*enumerate(self.businesses)])}
        return {code: fields.get(code, "business") for code in (self.business, *self.businesses)}


@event("lobby.terminal.ticket_requested.v1")
@dataclass(frozen=True, kw_only=True)
class TicketRequested(TicketRequest):
    """A customer pressed the button of a queue terminal; the same body as ``POST …/tickets``."""


@event("lobby.terminal.ticket_issued_offline.v1")
@dataclass(frozen=True, kw_only=True)
class TicketIssuedOffline(_Wanted):
    """The terminal had no network and printed a number of a block that was leased to it (T4).

    The event's ``time`` is when; it may come hours later, in any order with the ticket's other events, and twice.
    """

    number: PrintedNumber
    business_date: Annotated[GivenDate | None, Field(description="By default the local date of ``time``.")] = None


@dataclass(frozen=True, kw_only=True)
class _OfPaper(EventData):
    """Which paper: by the ticket's id, or by the number where a terminal gave it out by itself."""

    ticket_id: Id | None = None
    number: PrintedNumber | None = None
    business_date: Annotated[GivenDate | None, Field(description="By default the local date of ``time``.")] = None
    terminal_id: Id | None = None

    def __post_init__(self) -> None:
        """Refuse what names no paper, or two."""
        if (self.ticket_id is None) == (self.number is None):
            raise ValueError("ticket_id or number is needed, and not both")


@event("lobby.terminal.ticket_printed.v1")
@dataclass(frozen=True, kw_only=True)
class TicketPrinted(_OfPaper):
    """The paper is in the customer's hand."""


@event("lobby.terminal.ticket_print_failed.v1")
@dataclass(frozen=True, kw_only=True)
class TicketPrintFailed(_OfPaper):
    """The paper did not come out, and the terminal gives the number up (T4).

    With ``ticket_id``, at once. Of a number that the terminal gave out by itself, once the paper's time is over: a
    ``ticket_printed`` or ``ticket_left`` until then, of whatever ``time``, says that it came out after all.
    """


@event("lobby.terminal.ticket_left.v1")
@dataclass(frozen=True, kw_only=True)
class TicketLeft(_OfPaper):
    """The customer told the terminal that they go without being served (T4, T7)."""


@event("lobby.terminal.device_reported.v1")
@dataclass(frozen=True, kw_only=True)
class DeviceReported(EventData):
    """A self-service device says how it is (T10).

    A report whose ``time`` is older than that of the newest one known changes nothing.
    """

    device_id: Name
    kind: DeviceKind = "kiosk"
    status: Literal["up", "down"]
    detail: Annotated[str | None, Field(max_length=500, description="In words.")] = None
