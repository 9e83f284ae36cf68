"""A ticket from the moment it comes to be (T1, T4), over the steps of its life, to the end of the visit (T7, T12)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field

from shared.contracts.base import Id, Name, Seconds, Time
from shared.contracts.envelope import EventData
from shared.contracts.events.triage.types import (
    Arrival,
    CallWay,
    Channel,
    CounterName,
    Form,
    OfTicket,
    Outcome,
    Overtaken,
    OvertakenLane,
    QuotedP50,
    QuotedP90,
    Served,
    TicketState,
    Waited,
)
from shared.contracts.events.types import UNKNOWN_CUSTOMER, Customer, Reason
from shared.contracts.registry import event


@event("lobby.triage.ticket_issued.v1")
@dataclass(frozen=True, kw_only=True)
class TicketIssued(OfTicket):
    """A ticket is reserved; it waits from when its paper is printed (T4)."""

    priority: Annotated[int, Field(ge=0, description="Higher is served first.")]
    customer: Customer = UNKNOWN_CUSTOMER
    amount_minor: Annotated[int | None, Field(description="In the currency's minor unit.")] = None
    currency: Annotated[str, Field(description="The amount's, ISO 4217.")] = "CNY"
    requested_at: Annotated[Time, Field(description="When the customer asked; the event's time is the same.")]
    terminal_id: Annotated[Id | None, Field(description="Where it was asked for.")] = None
    reasons: Annotated[tuple[Reason, ...], Field(description="Why this channel and priority (T2, T6).")] = ()
    forms: Annotated[tuple[Form, ...], Field(description="What the business needs (T5).")] = ()
    position: Annotated[int, Field(ge=1, description="1 is next.")]
    wait_p50_s: Annotated[Seconds, Field(description="Half of such tickets wait less, as promised (T9).")]
    wait_p90_s: Annotated[Seconds, Field(description="0: no wait was promised.")]
    promised: Annotated[bool, Field(description="Whether the customer was told that wait when they asked (T9).")]
    estimated_from: Annotated[
        tuple[float, ...],
        Field(
            description="What the estimator saw: its 11 inputs; none where a counter was ready, or nothing was told."
        ),
    ]
    offline: Annotated[bool, Field(description="A terminal gave the number out while it had no network.")] = False
    late: Annotated[bool, Field(description="It was heard of after its business day: nobody calls it.")] = False
    policy_version: Annotated[
        int, Field(ge=0, description="Which of the branch's policies decided; 0: not recorded.")
    ] = 0
    policy_digest: Annotated[str, Field(description="What identifies that policy's content.")] = ""
    lined_at: Annotated[Time | None, Field(description="The place in the line, where it is not the request's.")] = None
    appointment: Annotated[Arrival | None, Field(description="How the customer of an appointment came (T11).")] = None


@event("lobby.triage.number_block_leased.v1")
@dataclass(frozen=True, kw_only=True)
class NumberBlockLeased(EventData):
    """A terminal may give out the numbers ``first`` to ``last`` by itself while it has no network (T4)."""

    block_id: Id
    terminal_id: Name
    channel: Channel
    prefix: str
    first: Annotated[int, Field(ge=0, description="Without the prefix.")]
    last: Annotated[int, Field(ge=0, description="Without the prefix; the block's own last one.")]
    width: Annotated[int, Field(ge=1, description="Digits that a number is filled up to with zeros.")]
    business_date: Annotated[date, Field(description="The only day on which its numbers are good.")]
    expires_at: Annotated[Time, Field(description="From then on the terminal gives none of them out.")]
    report_until: Annotated[Time, Field(description="Until then its events are believed.")]


@event("lobby.triage.ticket_refused.v1")
@dataclass(frozen=True, kw_only=True)
class TicketRefused(EventData):
    """A request that came as an event cannot be served; ``causationid`` is the request's id."""

    code: Annotated[
        str, Field(description="As the same request would be refused by HTTP; programs tell refusals apart by it.")
    ]
    detail: Annotated[str, Field(description="The same in words.")]
    field: Annotated[str | None, Field(description="The field to mend.")] = None
    terminal_id: Id | None = None
    number: Annotated[str | None, Field(description="The number that the refusal is about.")] = None
    ticket_id: Annotated[Id | None, Field(description="The ticket that the customer has already.")] = None


@event("lobby.triage.ticket_printed.v1")
@dataclass(frozen=True, kw_only=True)
class TicketPrinted(OfTicket):
    """The paper is in the customer's hand: the ticket waits from now on."""


@event("lobby.triage.ticket_reprinted.v1")
@dataclass(frozen=True, kw_only=True)
class TicketReprinted(OfTicket):
    """The paper is printed once more (T4)."""

    copies: Annotated[int, Field(ge=1, description="The copies after the first paper.")]


@event("lobby.triage.ticket_called.v1")
@dataclass(frozen=True, kw_only=True)
class TicketCalled(OfTicket):
    """A counter (or a manager's desk) calls the ticket (T7)."""

    counter: CounterName
    waited_s: Waited
    quoted_p50_s: QuotedP50
    quoted_p90_s: QuotedP90
    way: Annotated[CallWay, Field(description="How the call came about.")]
    overtaken_lanes: Annotated[
        tuple[OvertakenLane, ...], Field(description="Where somebody stands earlier whom the call overtakes (T12).")
    ]
    vip_credit: Annotated[
        float | None,
        Field(description="What VIPs have left of their share of the counter's calls, where others wait, too (T7)."),
    ] = None
    overtakes: Annotated[
        tuple[Id, ...],
        Field(description="Tickets that stand earlier in the counter's lines and still wait, the first 50 (T12)."),
    ] = ()
    overtaken: Annotated[tuple[Overtaken, ...], Field(description="The same with how often each was overtaken.")] = ()
    overtakes_more: Annotated[bool, Field(description="Whether there are more than those named.")] = False
    overtaking_reason: Annotated[Reason | None, Field(description="The rule that let this one go first.")] = None
    forced: Annotated[bool, Field(description="Somebody was pushed beyond policy's cap: called by a person.")] = False
    for_skill: Annotated[
        bool, Field(description="Others stand earlier whom this counter cannot serve; they are not overtaken.")
    ] = False
    times_overtaken: Annotated[int, Field(ge=0, description="How often the called one was overtaken before.")] = 0


@event("lobby.triage.ticket_recalled.v1")
@dataclass(frozen=True, kw_only=True)
class TicketRecalled(OfTicket):
    """The number is called again."""

    counter: CounterName


@event("lobby.triage.service_started.v1")
@dataclass(frozen=True, kw_only=True)
class ServiceStarted(OfTicket):
    """The customer is at the counter."""

    counter: CounterName
    waited_s: Waited


@event("lobby.triage.ticket_completed.v1")
@dataclass(frozen=True, kw_only=True)
class TicketCompleted(OfTicket):
    """The business is done."""

    counter: CounterName | None = None
    waited_s: Waited
    service_s: Served
    reason: Annotated[
        str | None,
        Field(description="day_end: nobody said that it was done; an unfinished spell of service isn't counted."),
    ] = None


@event("lobby.triage.ticket_no_show.v1")
@dataclass(frozen=True, kw_only=True)
class TicketNoShow(OfTicket):
    """Nobody came when the number was called (过号)."""

    counter: CounterName


@event("lobby.triage.ticket_returned.v1")
@dataclass(frozen=True, kw_only=True)
class TicketReturned(OfTicket):
    """Who did not come is back within the policy's grace, and stands where they stood before (T7)."""

    away_s: Annotated[Seconds, Field(description="From the call that was missed.")]


@event("lobby.triage.ticket_held.v1")
@dataclass(frozen=True, kw_only=True)
class TicketHeld(OfTicket):
    """The business is set aside, to be resumed."""

    counter: CounterName


@event("lobby.triage.ticket_resumed.v1")
@dataclass(frozen=True, kw_only=True)
class TicketResumed(OfTicket):
    """The business goes on."""

    counter: CounterName


@event("lobby.triage.ticket_transferred.v1")
@dataclass(frozen=True, kw_only=True)
class TicketTransferred(OfTicket):
    """The ticket waits for another channel now; ``channel`` is the new one."""

    from_channel: Annotated[Channel, Field(description="Where it was before.")]
    to_counter: Annotated[Name | None, Field(description="The only counter that calls it.")] = None
    to_person: Annotated[Id | None, Field(description="The only person who calls it, by teller_ref.")] = None
    keeps_place: Annotated[bool, Field(description="It stands where its request time puts it; else at the end.")] = True


@event("lobby.triage.ticket_left.v1")
@dataclass(frozen=True, kw_only=True)
class TicketLeft(OfTicket):
    """The customer left before the business was done, at this stage."""

    stage: Annotated[TicketState, Field(description="How far it had come.")]
    waited_s: Waited
    reason: Annotated[
        str | None,
        Field(
            description="no_show, print_failed, not_printed or day_end where the system decided; else what a person "
            "said."
        ),
    ] = None


@event("lobby.triage.step_undone.v1")
@dataclass(frozen=True, kw_only=True)
class StepUndone(OfTicket):
    """The last step was a mistake; the ticket is in ``state`` again."""

    state: TicketState
    reason: Annotated[str, Field(description="What the person said who took it back.")]
    undone: Annotated[str | None, Field(description="What is taken back, as its type names it: ticket_called.")] = None
    waited_s: Annotated[Seconds, Field(description="The wait that the undone call had told.")] = 0
    quoted_p90_s: Annotated[Seconds, Field(description="The wait that the ticket had been promised.")] = 0


@event("lobby.triage.ticket_reprioritised.v1")
@dataclass(frozen=True, kw_only=True)
class TicketReprioritised(OfTicket):
    """A new policy gives the ticket, which still waits or is served, another priority (T6, T12)."""

    priority: Annotated[int, Field(ge=0, description="Higher is served first.")]
    from_priority: Annotated[int, Field(ge=0)]
    policy_version: Annotated[int, Field(ge=1, description="The policy that gives it.")]


@event("lobby.triage.visit_ended.v1")
@dataclass(frozen=True, kw_only=True)
class VisitEnded(EventData):
    """The customer's stay is over: every visit has exactly one of these."""

    visit_id: Id
    channel: Annotated[Channel, Field(description="Of the ticket that ended last.")]
    outcome: Annotated[Outcome, Field(description="served: at least one of its tickets was completed.")]
    business_date: Annotated[date, Field(description="The branch's local day on which the visit began.")]
    waited_s: Annotated[Seconds, Field(description="The customer's wait, once however many tickets waited (T9).")]
    service_s: Annotated[Seconds, Field(description="Of all its tickets together; holds are left out.")]
    stage: Annotated[TicketState | None, Field(description="Where the customer left; none where they were served.")] = (
        None
    )
    reason: Annotated[str | None, Field(description="As of the ticket that ended last: no_show, day_end, …")] = None
