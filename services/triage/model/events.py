"""What happens in triage, as the domain records it. ``shared.contracts.triage`` has the same names in public."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from services.triage.model.words import (
    Arrival,
    CareAction,
    Channel,
    Customer,
    Form,
    Outcome,
    Overtaken,
    Reason,
    StarvationCause,
    TicketState,
)


@dataclass(frozen=True, kw_only=True)
class _OfTicket:
    """What every event of a ticket carries."""

    visit_id: str
    ticket_id: str
    number: str
    channel: Channel
    business: str
    business_date: date


@dataclass(frozen=True, kw_only=True)
class TicketIssued(_OfTicket):
    """A ticket is reserved (T4)."""

    priority: int
    customer: Customer
    amount_minor: int | None
    currency: str
    requested_at: datetime
    terminal_id: str | None
    reasons: tuple[Reason, ...]
    forms: tuple[Form, ...]
    position: int
    wait_p50_s: float
    wait_p90_s: float
    offline: bool = False
    late: bool = False
    policy_version: int = 0
    policy_digest: str = ""
    lined_at: datetime | None = None
    appointment: Arrival | None = None


@dataclass(frozen=True, kw_only=True)
class NumberBlockLeased:
    """A terminal may give out these numbers by itself, on this day, while it has no network (T4)."""

    block_id: str
    terminal_id: str
    channel: Channel
    prefix: str
    first: int
    last: int
    width: int
    business_date: date
    expires_at: datetime
    report_until: datetime


@dataclass(frozen=True, kw_only=True)
class TicketRefused:
    """A request that came as an event cannot be served."""

    code: str
    detail: str
    field: str | None
    terminal_id: str | None
    number: str | None = None
    ticket_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class TicketPrinted(_OfTicket):
    """The paper is in the customer's hand."""


@dataclass(frozen=True, kw_only=True)
class TicketReprinted(_OfTicket):
    """The paper is printed once more: ``copies`` are those after the first (T4)."""

    copies: int


@dataclass(frozen=True, kw_only=True)
class TicketCalled(_OfTicket):
    """A counter (or a manager's desk) calls the ticket (T7, T12)."""

    counter: str
    waited_s: float
    quoted_p50_s: float
    quoted_p90_s: float
    overtakes: tuple[str, ...]
    overtaken: tuple[Overtaken, ...] = ()
    overtakes_more: bool = False
    overtaking_reason: Reason | None = None
    forced: bool = False
    for_skill: bool = False
    times_overtaken: int = 0


@dataclass(frozen=True, kw_only=True)
class TicketRecalled(_OfTicket):
    """The number is called again."""

    counter: str


@dataclass(frozen=True, kw_only=True)
class ServiceStarted(_OfTicket):
    """The customer is at the counter."""

    counter: str
    waited_s: float


@dataclass(frozen=True, kw_only=True)
class TicketCompleted(_OfTicket):
    """The business is done."""

    counter: str | None
    waited_s: float
    service_s: float
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class TicketNoShow(_OfTicket):
    """Nobody came when the number was called."""

    counter: str


@dataclass(frozen=True, kw_only=True)
class TicketReturned(_OfTicket):
    """Who did not come is back in time, and stands where they stood (T7)."""

    away_s: float


@dataclass(frozen=True, kw_only=True)
class TicketHeld(_OfTicket):
    """The business is set aside."""

    counter: str


@dataclass(frozen=True, kw_only=True)
class TicketResumed(_OfTicket):
    """The business goes on."""

    counter: str


@dataclass(frozen=True, kw_only=True)
class TicketTransferred(_OfTicket):
    """The ticket waits for another channel now; ``channel`` is the new one.

    ``to_counter`` or ``to_person`` is who alone calls it; neither: whoever serves the channel.
    """

    from_channel: Channel
    to_counter: str | None = None
    to_person: str | None = None
    keeps_place: bool = True


@dataclass(frozen=True, kw_only=True)
class TicketLeft(_OfTicket):
    """The customer left before the business was done, at this stage."""

    stage: TicketState
    waited_s: float
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class StepUndone(_OfTicket):
    """The last step was a mistake; the ticket is in ``state`` again.

    ``undone`` names what is taken back as the middle of its event's type (ticket_called), with the wait
    that it told and the one that had been promised, so that who counted it can count it off.
    """

    state: TicketState
    reason: str
    undone: str | None = None
    waited_s: float = 0.0
    quoted_p90_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TicketReprioritised(_OfTicket):
    """A new policy gives the ticket another priority (T6, T12)."""

    priority: int
    from_priority: int
    policy_version: int


@dataclass(frozen=True, kw_only=True)
class VisitEnded:
    """The customer's stay is over: every visit has exactly one of these."""

    visit_id: str
    channel: Channel
    outcome: Outcome
    business_date: date
    waited_s: float
    service_s: float
    stage: TicketState | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class CounterOpened:
    """A counter serves these channels from now on (T10)."""

    counter: str
    channels: tuple[Channel, ...]
    teller_ref: str | None
    businesses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CounterClosed:
    """A counter serves nobody any more."""

    counter: str


@dataclass(frozen=True, kw_only=True)
class DeviceChanged:
    """A self-service device goes down or comes back (T10)."""

    device_id: str
    kind: str
    status: Literal["up", "down"]
    detail: str | None


@dataclass(frozen=True, kw_only=True)
class PolicyChanged:
    """The branch is run by this policy from now on."""

    version: int
    digest: str
    source: str
    by: str | None
    changed: tuple[str, ...]
    overrides: Mapping[str, Any]
    policy: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DiversionOffered(_OfTicket):
    """The customer is guided to a device that does the business (T3)."""

    devices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DiversionAccepted(_OfTicket):
    """The customer goes to the device."""

    device_id: str | None


@dataclass(frozen=True, kw_only=True)
class DiversionDeclined(_OfTicket):
    """The customer prefers the counter."""

    reason: str | None


@dataclass(frozen=True, kw_only=True)
class DiversionCompleted(_OfTicket):
    """The business was done at the device."""

    device_id: str | None


@dataclass(frozen=True, kw_only=True)
class DiversionFellBack(_OfTicket):
    """It did not work out: the customer waits for the counter, at the place of their request."""

    reason: Reason
    automatic: bool


@dataclass(frozen=True, kw_only=True)
class WaitPromiseBreached(_OfTicket):
    """The customer has waited longer than the 90 % promise on the ticket; once a ticket (T8, T9)."""

    waited_s: float
    quoted_p50_s: float
    quoted_p90_s: float


@dataclass(frozen=True, kw_only=True)
class StarvationAlarmed(_OfTicket):
    """The customer has waited beyond policy's limit, or may not be overtaken any more; once a ticket (T12)."""

    cause: StarvationCause
    waited_s: float
    limit_s: float
    times_overtaken: int


@dataclass(frozen=True, kw_only=True)
class StarvationCleared(_OfTicket):
    """The one whom the alarm was for waits no more: ``by`` is the step, as its event's type names it."""

    by: str


@dataclass(frozen=True, kw_only=True)
class CustomerCared(_OfTicket):
    """Somebody looked after the customer (T8)."""

    action: CareAction
    note: str | None
    by: str


@dataclass(frozen=True, kw_only=True)
class ThresholdCrossed:
    """A line's length, longest wait or promised wait went above policy's limit, or is back below it (T8)."""

    channel: Channel
    measure: Literal["length", "longest_wait", "p90"]
    above: bool
    value: float
    limit: float
    business_date: date


@dataclass(frozen=True, kw_only=True)
class AppointmentBooked:
    """A customer has a slot, another one, or theirs again: nothing was printed for who came (T11)."""

    appointment_id: str
    slot_at: datetime
    business: str
    customer_ref: str | None


@dataclass(frozen=True, kw_only=True)
class AppointmentArrived:
    """The customer of an appointment took a ticket: in time, too early, or too late (T11)."""

    appointment_id: str
    ticket_id: str
    slot_at: datetime
    arrival: Arrival


@dataclass(frozen=True, kw_only=True)
class AppointmentCancelled:
    """The customer of an appointment will not come to its slot (T11)."""

    appointment_id: str
    slot_at: datetime
    business: str
    reason: str | None


AppointmentEvent = AppointmentBooked | AppointmentArrived | AppointmentCancelled

Mark = (
    DiversionOffered | DiversionAccepted | DiversionDeclined | DiversionCompleted | DiversionFellBack
    | WaitPromiseBreached | StarvationAlarmed | StarvationCleared | CustomerCared
)  # fmt: skip
"""What is noted of a ticket without its going anywhere: no step, so that an undo passes it over."""

TicketEvent = (
    TicketIssued | TicketPrinted | TicketReprinted | TicketCalled | TicketRecalled | ServiceStarted | TicketCompleted
    | TicketNoShow | TicketReturned | TicketHeld | TicketResumed | TicketTransferred | TicketLeft | StepUndone
    | TicketReprioritised | Mark
)  # fmt: skip
VisitEvent = TicketEvent | VisitEnded
CounterEvent = CounterOpened | CounterClosed
HAPPENINGS: tuple[type, ...] = (
    TicketIssued, TicketRefused, NumberBlockLeased, TicketPrinted, TicketReprinted, TicketCalled, TicketRecalled,
    ServiceStarted,
    TicketCompleted, TicketNoShow, TicketReturned, TicketHeld, TicketResumed, TicketTransferred, TicketLeft, StepUndone,
    VisitEnded, CounterOpened, CounterClosed, DeviceChanged, TicketReprioritised, PolicyChanged, DiversionOffered,
    DiversionAccepted, DiversionDeclined, DiversionCompleted, DiversionFellBack, WaitPromiseBreached, StarvationAlarmed,
    StarvationCleared, CustomerCared, ThresholdCrossed, AppointmentBooked, AppointmentArrived,
    AppointmentCancelled,
)  # fmt: skip
"""Every kind of thing that can happen here."""
