"""The fairness ledger as a call: who was overtaken, by whom, why, and how often (T12)."""

from datetime import date

from pydantic import Field

from shared.contracts.base import Body, GivenDate, Id, Name, Time, View
from shared.contracts.events.triage import TicketState
from shared.contracts.events.types import Reason
from shared.contracts.http.operation import Operation


class OvertakingView(View):
    """A call that overtook somebody."""

    at: Time
    ticket_id: Id = Field(description="Who was called.")
    number: str
    counter: Name
    reason: Reason
    counts: bool = Field(description="False: the counter could not have served those who stood earlier.")
    forced: bool = Field(description="A person pushed somebody beyond policy's cap.")
    whom: int = Field(ge=0, description="How many it overtook, counted to 50.")
    more: bool = Field(description="Whether there were more than 50.")


class OvertakenView(View):
    """Somebody who was overtaken, and by which calls at their last place in the line."""

    ticket_id: Id
    number: str
    channel: str
    state: TicketState
    times: int
    by: tuple[OvertakingView, ...]


class RuleView(View):
    """What one rule did."""

    reason: Reason
    calls: int
    whom: int = Field(description="Overtakings, each call counted to 50.")


class FairnessView(View):
    """A day's ledger."""

    branch: str
    business_date: date
    cap: int = Field(description="Nobody is overtaken more often, unless a person forces it.")
    tickets: int
    overtaken: int = Field(description="Tickets that were overtaken at least once.")
    capped: int = Field(description="Tickets that were overtaken as often as policy allows, or more.")
    capped_share: float = Field(ge=0, le=1, description="Of the tickets that were overtaken.")
    beyond_cap: int = Field(description="Tickets that a person pushed beyond the cap.")
    overtakings: int = Field(description="How often all of them were overtaken, together.")
    most_times: int
    by_rule: tuple[RuleView, ...]
    most_overtaken: tuple[OvertakenView, ...] = Field(description="The 20 who were overtaken most.")
    ledger: tuple[OvertakingView, ...] = Field(description="The newest 200 calls that overtook somebody.")


class FairnessQuery(Body):
    """Which day; today by default."""

    day: GivenDate | None = Field(default=None, alias="date")


FAIRNESS = Operation(
    name="fairness", service="triage", method="GET", path="/v1/branches/{b}/fairness",
    summary="The fairness ledger: who was overtaken, by whom, why, and how often (T12).",
    query=FairnessQuery, response=FairnessView,
)  # fmt: skip

OPERATIONS = (FAIRNESS,)
