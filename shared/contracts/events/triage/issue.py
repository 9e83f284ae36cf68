"""A ticket comes to be: on paper, from a leased block of numbers, or not at all (T1, T4)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field

from shared.contracts.base import Id, Name, Seconds, Time
from shared.contracts.event_data import EventData
from shared.contracts.events.triage.types import Arrival, Channel, Form, OfTicket
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
