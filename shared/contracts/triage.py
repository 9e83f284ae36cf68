"""What triage says: visits, tickets, counters and devices (T1-T10)."""

from datetime import date
from typing import Any, Literal

from pydantic import Field

from shared.contracts.base import EventData, Id, Name, Reason, Seconds, Text, Time, Words
from shared.contracts.registry import event
from shared.contracts.terminal import Customer

Channel = Literal[
    "counter", "self_service", "phone_bank", "online", "green", "vip", "corporate", "loan_desk", "wealth_desk",
    "corporate_desk",
]  # fmt: skip
TicketState = Literal["reserved", "waiting", "called", "serving", "held", "completed", "left"]
Outcome = Literal["served", "left"]


CareAction = Literal["water", "seat", "reading", "apology", "other_channel", "escort", "other"]


class Form(EventData):
    """A document or form that the business needs (T5)."""

    code: Name
    name: Words


class Overtaken(EventData):
    """Somebody whom a call overtook, and how often that has happened to them, this call among it (T12)."""

    ticket_id: Id
    number: str
    times: int = Field(ge=1)


class _OfTicket(EventData):
    """What every event of a ticket carries, so that a reader needs no other event to place it."""

    visit_id: Id
    ticket_id: Id
    number: str
    channel: Channel
    business: Name
    business_date: date = Field(description="The branch's local day on which the visit began.")


@event("lobby.triage.ticket_issued.v1")
class TicketIssued(_OfTicket):
    """A ticket is reserved; it waits from when its paper is printed (T4)."""

    priority: int = Field(ge=0, description="Higher is served first.")
    customer: Customer = Customer()
    amount_minor: int | None = None
    currency: str = "CNY"
    requested_at: Time
    terminal_id: Id | None = None
    reasons: tuple[Reason, ...] = ()
    forms: tuple[Form, ...] = ()
    position: int = Field(ge=1, description="1 is next.")
    wait_p50_s: Seconds
    wait_p90_s: Seconds = Field(description="0: no wait was promised.")
    offline: bool = Field(default=False, description="A terminal gave the number out while it had no network.")
    late: bool = Field(default=False, description="It was heard of after its business day: nobody calls it.")
    policy_version: int = Field(default=0, ge=0, description="Which of the branch's policies decided; 0: not recorded.")
    policy_digest: str = Field(default="", description="What identifies that policy's content.")
    lined_at: Time | None = Field(default=None, description="The place in the line, where it is not the request's.")
    appointment: Literal["on_time", "early", "late"] | None = Field(
        default=None, description="How the customer of an appointment came (T11)."
    )


@event("lobby.triage.number_block_leased.v1")
class NumberBlockLeased(EventData):
    """A terminal may give out the numbers ``first`` to ``last`` by itself while it has no network (T4)."""

    block_id: Id
    terminal_id: Name
    channel: Channel
    prefix: str
    first: int = Field(ge=0)
    last: int = Field(ge=0)
    width: int = Field(ge=1, description="Digits that a number is filled up to with zeros.")
    business_date: date
    expires_at: Time = Field(description="From then on the terminal gives none of them out.")
    report_until: Time = Field(description="Until then its events are believed.")


@event("lobby.triage.ticket_refused.v1")
class TicketRefused(EventData):
    """A request that came as an event cannot be served; ``causationid`` is the request's id."""

    code: str
    detail: str
    field: str | None = None
    terminal_id: Id | None = None
    number: str | None = Field(default=None, description="The number that the refusal is about.")
    ticket_id: Id | None = Field(default=None, description="The ticket that the customer has already.")


@event("lobby.triage.ticket_printed.v1")
class TicketPrinted(_OfTicket):
    """The paper is in the customer's hand: the ticket waits from now on."""


@event("lobby.triage.ticket_reprinted.v1")
class TicketReprinted(_OfTicket):
    """The paper is printed once more (T4)."""

    copies: int = Field(ge=1, description="The copies after the first paper.")


@event("lobby.triage.ticket_called.v1")
class TicketCalled(_OfTicket):
    """A counter (or a manager's desk) calls the ticket (T7)."""

    counter: Name
    waited_s: Seconds
    quoted_p50_s: Seconds
    quoted_p90_s: Seconds
    overtakes: tuple[Id, ...] = Field(
        default=(), description="Tickets that stand earlier in the counter's lines and still wait, the first 50 (T12)."
    )
    overtaken: tuple[Overtaken, ...] = Field(default=(), description="The same with how often each was overtaken.")
    overtakes_more: bool = Field(default=False, description="Whether there are more than those named.")
    overtaking_reason: Reason | None = Field(default=None, description="The rule that let this one go first.")
    forced: bool = Field(default=False, description="Somebody was pushed beyond policy's cap: called by a person.")
    for_skill: bool = Field(
        default=False, description="Others stand earlier whom this counter cannot serve; they are not overtaken."
    )
    times_overtaken: int = Field(default=0, ge=0, description="How often the called one was overtaken before.")


@event("lobby.triage.ticket_recalled.v1")
class TicketRecalled(_OfTicket):
    """The number is called again."""

    counter: Name


@event("lobby.triage.service_started.v1")
class ServiceStarted(_OfTicket):
    """The customer is at the counter."""

    counter: Name
    waited_s: Seconds


@event("lobby.triage.ticket_completed.v1")
class TicketCompleted(_OfTicket):
    """The business is done."""

    counter: Name | None = None
    waited_s: Seconds
    service_s: Seconds
    reason: str | None = Field(
        default=None, description="day_end: nobody said that it was done; an unfinished spell of service isn't counted."
    )


@event("lobby.triage.ticket_no_show.v1")
class TicketNoShow(_OfTicket):
    """Nobody came when the number was called (过号)."""

    counter: Name


@event("lobby.triage.ticket_returned.v1")
class TicketReturned(_OfTicket):
    """Who did not come is back within the policy's grace, and stands where they stood before (T7)."""

    away_s: Seconds


@event("lobby.triage.ticket_held.v1")
class TicketHeld(_OfTicket):
    """The business is set aside, to be resumed."""

    counter: Name


@event("lobby.triage.ticket_resumed.v1")
class TicketResumed(_OfTicket):
    """The business goes on."""

    counter: Name


@event("lobby.triage.ticket_transferred.v1")
class TicketTransferred(_OfTicket):
    """The ticket waits for another channel now; ``channel`` is the new one."""

    from_channel: Channel
    to_counter: Name | None = Field(default=None, description="The only counter that calls it.")
    to_person: Id | None = Field(default=None, description="The only person who calls it, by teller_ref.")
    keeps_place: bool = Field(default=True, description="It stands where its request time puts it; else at the end.")


@event("lobby.triage.ticket_left.v1")
class TicketLeft(_OfTicket):
    """The customer left before the business was done, at this stage."""

    stage: TicketState
    waited_s: Seconds
    reason: str | None = Field(
        default=None,
        description="no_show, print_failed, not_printed or day_end where the system decided; else what a person said.",
    )


@event("lobby.triage.step_undone.v1")
class StepUndone(_OfTicket):
    """The last step was a mistake; the ticket is in ``state`` again."""

    state: TicketState
    reason: str
    undone: str | None = Field(default=None, description="What is taken back, as its type names it: ticket_called.")
    waited_s: Seconds = Field(default=0, description="The wait that the undone call had told.")
    quoted_p90_s: Seconds = Field(default=0, description="The wait that the ticket had been promised.")


@event("lobby.triage.ticket_reprioritised.v1")
class TicketReprioritised(_OfTicket):
    """A new policy gives the ticket, which still waits or is served, another priority (T6, T12)."""

    priority: int = Field(ge=0)
    from_priority: int = Field(ge=0)
    policy_version: int = Field(ge=1)


@event("lobby.triage.visit_ended.v1")
class VisitEnded(EventData):
    """The customer's stay is over: every visit has exactly one of these."""

    visit_id: Id
    channel: Channel
    outcome: Outcome
    business_date: date
    waited_s: Seconds
    service_s: Seconds
    stage: TicketState | None = Field(default=None, description="Where the customer left; none where they were served.")
    reason: str | None = Field(default=None, description="As of the ticket that ended last: no_show, day_end, …")


@event("lobby.triage.counter_opened.v1")
class CounterOpened(EventData):
    """A counter serves these channels from now on (T10)."""

    counter: Name
    channels: tuple[Channel, ...]
    teller_ref: Id | None = None
    businesses: tuple[Name, ...] = Field(default=(), description="Its skills; none means every business.")


@event("lobby.triage.counter_closed.v1")
class CounterClosed(EventData):
    """A counter serves nobody any more."""

    counter: Name


@event("lobby.triage.device_changed.v1")
class DeviceChanged(EventData):
    """A self-service device goes down or comes back (T10)."""

    device_id: Name
    kind: str
    status: Literal["up", "down"]
    detail: str | None = None


@event("lobby.triage.policy_changed.v1")
class PolicyChanged(EventData):
    """The branch is run by this policy from now on (T2, T3, T6, T8, T11).

    The event carries the whole policy, so that whoever replays a day, or needs the opening hours, needs no file.
    """

    version: int = Field(ge=1, description="Counts the branch's policies from 1.")
    digest: str = Field(description="SHA-256 of the policy's canonical JSON, in hexadecimal.")
    source: str = Field(description="The bank's policy file, or `default`.")
    by: Id | None = Field(default=None, description="Who set the branch's own exceptions; null: the file changed.")
    changed: tuple[str, ...] = Field(default=(), description="The fields that differ from the policy before.")
    overrides: dict[str, Any] = Field(default={}, description="The branch's own exceptions, set by HTTP.")
    policy: dict[str, Any] = Field(description="Every field with its value; `lobby policy schema` describes them.")


@event("lobby.triage.diversion_offered.v1")
class DiversionOffered(_OfTicket):
    """The customer is guided to a device that does the business (T3)."""

    devices: tuple[str, ...] = Field(default=(), description="The kinds of device that do it and work now.")


@event("lobby.triage.diversion_accepted.v1")
class DiversionAccepted(_OfTicket):
    """The customer goes to the device."""

    device_id: Name | None = None


@event("lobby.triage.diversion_declined.v1")
class DiversionDeclined(_OfTicket):
    """The customer prefers the counter, and waits there at the place of their request."""

    reason: str | None = None


@event("lobby.triage.diversion_completed.v1")
class DiversionCompleted(_OfTicket):
    """The business was done at the device."""

    device_id: Name | None = None


@event("lobby.triage.diversion_fell_back.v1")
class DiversionFellBack(_OfTicket):
    """It did not work out: the customer waits for the counter, at the place of their request."""

    reason: Reason
    automatic: bool = Field(default=False, description="Nobody asked: the last fitting device went down.")


@event("lobby.triage.wait_promise_breached.v1")
class WaitPromiseBreached(_OfTicket):
    """The customer has waited longer than the 90 % promise on the ticket; once a ticket (T8, T9)."""

    waited_s: Seconds
    quoted_p50_s: Seconds
    quoted_p90_s: Seconds


@event("lobby.triage.starvation_alarmed.v1")
class StarvationAlarmed(_OfTicket):
    """The customer has waited beyond policy's limit, or may not be overtaken any more; once a ticket (T12)."""

    cause: Literal["wait", "cap"]
    waited_s: Seconds
    limit_s: Seconds
    times_overtaken: int = Field(default=0, ge=0)


@event("lobby.triage.starvation_cleared.v1")
class StarvationCleared(_OfTicket):
    """The one whom the alarm was for waits no more."""

    by: str = Field(description="The step that ended it, as the middle of its event's type: ticket_called.")


@event("lobby.triage.customer_cared.v1")
class CustomerCared(_OfTicket):
    """Somebody looked after the customer (T8)."""

    action: CareAction
    note: str | None = None
    by: Id


@event("lobby.triage.threshold_crossed.v1")
class ThresholdCrossed(EventData):
    """A line's length, longest wait or promised wait went above policy's limit, or is back below it (T8)."""

    channel: Channel
    measure: Literal["length", "longest_wait", "p90"] = Field(description="Tickets, seconds, seconds.")
    above: bool
    value: float = Field(ge=0)
    limit: float = Field(ge=0)
    business_date: date


@event("lobby.triage.appointment_booked.v1")
class AppointmentBooked(EventData):
    """A customer has a slot, another one, or theirs again: nothing was printed for who came (T11)."""

    appointment_id: Id
    slot_at: Time
    business: Name
    customer_ref: Id | None = None


@event("lobby.triage.appointment_cancelled.v1")
class AppointmentCancelled(EventData):
    """The customer of an appointment will not come to its slot (T11)."""

    appointment_id: Id
    slot_at: Time
    business: Name
    reason: Text | None = None


@event("lobby.triage.appointment_arrived.v1")
class AppointmentArrived(EventData):
    """The customer of an appointment took a ticket: in time, too early, or too late (T11)."""

    appointment_id: Id
    ticket_id: Id
    slot_at: Time
    arrival: Literal["on_time", "early", "late"]
