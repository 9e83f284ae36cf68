"""The calls that triage serves."""

from dataclasses import fields
from datetime import date
from typing import Any, Literal

import orjson
from pydantic import ConfigDict, Field

from shared.contracts.base import Body, GivenDate, GivenTime, Id, Name, Seconds, Text, Time, View
from shared.contracts.events.terminal import (
    Again,
    AmountMinor,
    Businesses,
    Currency,
    KnownVisit,
    TicketRequest,
)
from shared.contracts.events.triage import Channel, Form, Outcome, TicketState
from shared.contracts.events.types import UNKNOWN_CUSTOMER, Customer, Reason
from shared.contracts.http.operation import JSON, YAML, Operation


class TakeTicket(Body):
    """A business that a customer wants: what a terminal's ``ticket_requested`` says."""

    business: Name
    amount_minor: AmountMinor = None
    currency: Currency = "CNY"
    customer: Customer = UNKNOWN_CUSTOMER
    terminal_id: Id | None = None
    visit_id: KnownVisit = None
    businesses: Businesses = ()
    again: Again = False
    requested_at: GivenTime | None = Field(
        default=None, description="When the customer asked, if that was earlier: a terminal that had no network."
    )

    @classmethod
    def completed(cls, raw: bytes) -> bytes:
        """Let the first of ``businesses`` be the ``business`` where only they are given."""
        try:
            said = orjson.loads(raw)
            return orjson.dumps(TicketRequest.completed(said)) if isinstance(said, dict) else raw
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            return raw  # what is wrong with it is said by who reads it next

    def ticket_request(self) -> TicketRequest:
        """Return the request without its time."""
        return TicketRequest(**{field.name: getattr(self, field.name) for field in fields(TicketRequest)})


class Wait(View):
    """The promised wait from now: half of such tickets wait less than p50_s, 90 % less than p90_s (T9)."""

    p50_s: Seconds
    p90_s: Seconds


class Promises(View):
    """How the promises of late compare with what was waited: quoted against waited (T9)."""

    judged: int = Field(ge=0, description="How many who had to queue were called since the channel's first.")
    kept: float = Field(ge=0, le=1, description="Of the latest, the share that waited no longer than p90_s.")
    error_s: Seconds = Field(description="Of the latest, how far the wait lay from p50_s on average.")


class TicketTaken(View):
    """The answer to a ticket request."""

    visit_id: Id
    ticket_id: Id
    number: str
    channel: Channel
    business: Name
    business_date: date
    priority: int
    reasons: tuple[Reason, ...]
    position: int
    wait: Wait
    forms: tuple[Form, ...]
    others: tuple["TicketTaken", ...] = Field(
        default=(), description="The tickets of the visit's further businesses, in the order of the request."
    )


class TicketView(View):
    """A ticket as it is now."""

    visit_id: Id
    ticket_id: Id
    number: str
    channel: Channel
    business: Name
    business_date: date
    state: TicketState
    priority: int
    counter: Name | None = None
    no_shows: int = 0
    for_counter: Name | None = Field(default=None, description="The only counter that calls it.")
    for_person: Id | None = Field(default=None, description="The only person who calls it.")
    copies: int = Field(default=0, description="Copies of the paper after the first.")
    requested_at: Time
    called_at: Time | None = None
    started_at: Time | None = None
    ended_at: Time | None = None
    waited_s: Seconds = 0
    outcome: Outcome | None = None
    overtaken: int | None = Field(
        default=None, description="How often somebody who stands later was called before it; told in the queue (T12)."
    )
    wait: Wait | None = Field(default=None, description="How much longer, corrected; only while it waits (T9).")


class LeaseNumbers(Body):
    """Numbers that a terminal wants to have for when its network is gone."""

    channel: Channel = "counter"
    size: int = Field(default=50, ge=1, le=500)
    business_date: GivenDate | None = Field(default=None, description="Today or tomorrow; by default today.")


class NumberBlock(View):
    """Numbers that nobody but this terminal gives out: ``prefix`` and ``from`` to ``to``, filled up to ``width``."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, serialize_by_alias=True)

    block_id: Id
    terminal_id: Name
    channel: Channel
    prefix: str
    from_: int = Field(alias="from")
    to: int
    width: int
    first_number: str = Field(description="As it is printed: A051.")
    last_number: str
    business_date: date
    expires_at: Time = Field(description="From then on the terminal gives none of them out.")
    report_until: Time = Field(description="Until then the events of its offline tickets are believed.")


class OpenCounter(Body):
    """Which channels the counter serves; by default the counter queue and the green channel."""

    channels: tuple[Channel, ...] = Field(default=("counter", "green"), min_length=1)
    teller_ref: Id | None = None
    businesses: tuple[Name, ...] = Field(
        default=(), max_length=50, description="Its skills: the only businesses that it does; none means all of them."
    )


class CounterView(View):
    """A counter as it is now."""

    counter: Name
    state: Literal["open", "closed"]
    channels: tuple[Channel, ...]
    businesses: tuple[Name, ...] = Field(default=(), description="Its skills; none means every business.")
    serving: TicketView | None = None


class CallNumber(Body):
    """Call this ticket, by its number or its id."""

    number: str | None = None
    ticket_id: Id | None = None


class TransferTicket(Body):
    """Where the ticket waits from now on: a channel, and there anybody, one counter, or one person."""

    channel: Channel | None = Field(
        default=None,
        description="Its own, where only a counter or a person is named. self_service is guidance to a device, as a "
        "diversion: one must work that does the business (else 409 no_fitting_device).",
    )
    counter: Name | None = None
    person: Id | None = Field(default=None, description="The teller_ref of an open counter.")


class Remark(Body):
    """A reason in words."""

    reason: Text | None = None


class DeviceStatus(Body):
    """How a device is."""

    kind: Literal["atm", "crs", "vtm", "kiosk", "printer", "display", "phone"] = "kiosk"
    status: Literal["up", "down"]
    detail: str | None = Field(default=None, max_length=500)


class DeviceView(View):
    """A device as it is now."""

    device_id: Name
    kind: str
    status: Literal["up", "down"]
    detail: str | None = None


class ChannelView(View):
    """One channel's line."""

    channel: Channel
    waiting: int = Field(ge=0)
    longest_wait_s: Seconds
    wait: Wait = Field(description="What a newcomer is promised, without priority, for what all its counters do (T9).")
    promises: Promises | None = Field(default=None, description="None until somebody was called (T9).")
    counters: int = Field(default=0, description="Open counters that serve it.")
    idle: int = Field(default=0, description="Of those, how many have nobody.")
    load: float | None = Field(
        default=None, description="Waiting in the lines that these counters share, per open counter; null without one."
    )


class DiversionsView(View):
    """What became of the day's guidance to devices (T3)."""

    offered: int = 0
    accepted: int = Field(default=0, description="Of those, who went to the device.")
    declined: int = 0
    completed: int = 0
    fell_back: int = 0
    under_way: int = Field(default=0, description="Offered or accepted, and not ended.")
    completed_share: float = Field(default=0, ge=0, le=1, description="Completed, of those that have ended.")


class QueueView(View):
    """The lobby now."""

    branch: str
    at: Time
    business_date: date
    channels: tuple[ChannelView, ...]
    waiting: tuple[TicketView, ...] = Field(description="In the order in which they would be called.")
    counters: tuple[CounterView, ...]
    devices: tuple[DeviceView, ...]
    diversion: DiversionsView = DiversionsView()
    issued_today: int
    served_today: int
    left_today: int


class PolicyView(View):
    """The policy that a branch is run by."""

    branch: str
    version: int = Field(ge=0, description="Counts the branch's policies; 0: it has had no day yet.")
    digest: str = Field(description="What identifies the content.")
    since: Time | None = None
    source: str = Field(description="The bank's policy file, or `default`.")
    overrides: dict[str, Any] = Field(default={}, description="The branch's own exceptions, set by `PUT`.")
    policy: dict[str, Any] = Field(description="Every field with its value; `lobby policy schema` describes them.")
    problem: str | None = Field(
        default=None, description="What is wrong with the bank's file, or with the branch's exceptions over it."
    )


TAKE_TICKET = Operation(
    name="takeTicket", service="triage", method="POST", path="/v1/branches/{b}/tickets", status=201,
    summary="Take a ticket: identify the customer, choose the channel, promise a wait (T1-T5, T9).",
    request=TakeTicket, response=TicketTaken,
    codes=("unknown_business", "branch_closed", "already_queued", "visit_not_found", "visit_ended"),
)  # fmt: skip
TICKET_PRINTED = Operation(
    name="ticketPrinted", service="triage", method="POST", path="/v1/branches/{b}/tickets/{id}/printed",
    summary="The paper is in the customer's hand; the ticket waits from now on. Refused once it was given up (T4).",
    response=TicketView, codes=("illegal_transition",),
)  # fmt: skip
PRINT_FAILED = Operation(
    name="printFailed", service="triage", method="POST", path="/v1/branches/{b}/tickets/{id}/print-failed",
    summary="The paper did not come out: the number is taken back, and nobody waits for it (T4).",
    response=TicketView, codes=("illegal_transition",),
)  # fmt: skip
REPRINT = Operation(
    name="reprint", service="triage", method="POST", path="/v1/branches/{b}/tickets/{id}/reprint",
    summary="Print the paper once more; each copy is counted (T4).",
    response=TicketView, codes=("illegal_transition",),
)  # fmt: skip
LEASE_NUMBERS = Operation(
    name="leaseNumbers", service="triage", method="POST", path="/v1/branches/{b}/terminals/{t}/number-blocks",
    status=201, summary="Lease a block of numbers to a terminal, for when it has no network (T4).",
    request=LeaseNumbers, response=NumberBlock,
)  # fmt: skip
OPEN_COUNTER = Operation(
    name="openCounter", service="triage", method="POST", path="/v1/branches/{b}/counters/{c}/open",
    summary="Open a counter, or change what an open one serves (T10).",
    request=OpenCounter, response=CounterView, codes=("not_at_counter",),
)  # fmt: skip
CLOSE_COUNTER = Operation(
    name="closeCounter", service="triage", method="POST", path="/v1/branches/{b}/counters/{c}/close",
    summary="Close a counter (T10).", response=CounterView, codes=("not_at_counter",),
)  # fmt: skip
CALL_NEXT = Operation(
    name="callNext", service="triage", method="POST", path="/v1/branches/{b}/counters/{c}/call-next", empty=True,
    summary="Call the next fitting ticket; 204 when nobody fits (T7, T12).", response=TicketView,
    codes=("counter_closed", "counter_busy", "not_at_counter"),
)  # fmt: skip
CALL_NUMBER = Operation(
    name="callNumber", service="triage", method="POST", path="/v1/branches/{b}/counters/{c}/call",
    summary="Call a specific number (T7).", request=CallNumber, response=TicketView,
    codes=("counter_closed", "counter_busy", "not_at_counter"),
)  # fmt: skip


def _step(name: str, verb: str, summary: str, request: type[Body] | None = None) -> Operation:
    return Operation(
        name=name, service="triage", method="POST", path=f"/v1/tickets/{{id}}/{verb}", summary=summary,
        request=request, response=TicketView, codes=("not_at_counter",),
    )  # fmt: skip


RECALL = _step("recall", "recall", "Call the number again (T7).")
START = _step("start", "start", "The customer is at the counter (T7).")
COMPLETE = _step("complete", "complete", "The business is done (T7).")
NO_SHOW = _step("noShow", "no-show", "Nobody came (过号): the ticket waits at the end of its line (T7).")
RETURN = _step("comeBack", "return", "Who missed the call is back in time, and stands where they stood (T7).")
HOLD = _step("hold", "hold", "Set the business aside (T7).")
RESUME = _step("resume", "resume", "Go on with it (T7).")
TRANSFER = _step(
    "transfer", "transfer", "Let the ticket wait for another channel, a counter or a person (T7).", TransferTicket
)
LEFT = _step("left", "left", "The customer left (T7).", Remark)
UNDO = _step("undo", "undo", "Take the last step back, with a reason (T7).", Remark)
QUEUE = Operation(
    name="queue", service="triage", method="GET", path="/v1/branches/{b}/queue",
    summary="The lobby now: waiting by channel, counters, devices, estimates.", response=QueueView,
)  # fmt: skip
TICKET = Operation(
    name="ticket", service="triage", method="GET", path="/v1/tickets/{id}", summary="One ticket as it is now.",
    response=TicketView,
)  # fmt: skip
DEVICE_STATUS = Operation(
    name="deviceStatus", service="triage", method="POST", path="/v1/branches/{b}/devices/{d}/status",
    summary="A device goes down or comes back; routing follows at once (T10).",
    request=DeviceStatus, response=DeviceView,
)  # fmt: skip
POLICY = Operation(
    name="policy", service="triage", method="GET", path="/v1/branches/{b}/policy",
    summary="The policy that the branch is run by, and since when (T2, T3, T6, T8, T11).",
    response=PolicyView,
)  # fmt: skip
SET_POLICY = Operation(
    name="setPolicy", service="triage", method="PUT", path="/v1/branches/{b}/policy",
    summary="Set what the branch does differently from the bank, as YAML or JSON, in the place of what it did.",
    response=PolicyView, media_type=YAML, other_media_types=(JSON,),
    codes=("invalid_policy", "policy_file_unusable"),
)  # fmt: skip
CLEAR_POLICY = Operation(
    name="clearPolicy", service="triage", method="DELETE", path="/v1/branches/{b}/policy",
    summary="Take everything back that the branch does differently from the bank.", response=PolicyView,
    codes=("policy_file_unusable",),
)  # fmt: skip

OPERATIONS = (
    TAKE_TICKET, TICKET_PRINTED, PRINT_FAILED, REPRINT, LEASE_NUMBERS, OPEN_COUNTER, CLOSE_COUNTER, CALL_NEXT,
    CALL_NUMBER, RECALL, START, COMPLETE, NO_SHOW, RETURN, HOLD, RESUME, TRANSFER, LEFT, UNDO, QUEUE, TICKET,
    DEVICE_STATUS, POLICY, SET_POLICY, CLEAR_POLICY,
)  # fmt: skip
