"""The calls that vip serves."""

from datetime import date
from typing import Literal

from pydantic import Field

from shared.contracts.base import Body, Id, Name, Text, Time, View
from shared.contracts.events.types import CardTier
from shared.contracts.events.vip import Manager, ManagerKind
from shared.contracts.http.operation import Operation

HandoffState = Literal["waiting", "offered", "escalated", "accepted", "completed", "withdrawn"]


class PersonalData(Body):
    """Who the customer is. It goes to the encrypted vault, never into an event or a log."""

    name: str | None = Field(default=None, max_length=100)
    phone: str | None = Field(default=None, max_length=40)


class Arrival(Body):
    """A VIP customer whom somebody recognised (V1)."""

    tier: Literal["gold", "platinum", "private"]
    recognised_by: Literal["card", "appointment", "word"] = "word"
    customer_ref: Id | None = None
    customer: PersonalData | None = None
    visit_id: Id | None = None
    business: Name | None = None
    manager_id: Id | None = Field(default=None, description="The customer's own manager, asked first.")


class LoungeTaskView(View):
    """What somebody owes the customer in the lounge by a time (V2)."""

    task_id: Id
    task: str = Field(description="tea, magazines.")
    owner: Id | None = Field(description="By manager_id; lobby_manager where none is on duty.")
    due_at: Time | None = None


class HandoffView(View):
    """A hand-off as it is now."""

    handoff_id: Id
    visit_id: Id
    branch: str
    state: HandoffState
    tier: CardTier
    business_date: date
    ticket_id: Id | None = None
    number: str | None = None
    customer_ref: Id | None = None
    manager_id: Id | None = None
    attempt: int = 0
    offered_until: Time | None = None
    in_lounge: bool = False
    promised_at: Time | None = None
    lounge_tasks: tuple[LoungeTaskView, ...] = Field(default=(), description="Those that are still owed (V2).")


class ManagerView(View):
    """A manager on the roster, with what they have in hand."""

    manager_id: Id
    kind: ManagerKind
    name: str | None = None
    on_duty: bool
    load: int
    max_load: int


class VipView(View):
    """The VIP side of the lobby now."""

    branch: str
    at: Time
    handoffs: tuple[HandoffView, ...]
    managers: tuple[ManagerView, ...]


class AcceptHandoff(Body):
    """Who takes the customer: whose token it is, or whom a lobby manager or supervisor speaks for."""

    manager_id: Id


class DeclineHandoff(Body):
    """Who can't, and why: whose token it is, or whom a lobby manager or supervisor speaks for."""

    manager_id: Id
    reason: Text | None = None


class Roster(Body):
    """The duty roster."""

    managers: tuple[Manager, ...]


class RosterView(View):
    """The duty roster as it is now."""

    branch: str
    managers: tuple[ManagerView, ...]


ARRIVE = Operation(
    name="vipArrive", service="vip", method="POST", path="/v1/branches/{b}/vip/arrivals", status=201,
    summary="A VIP customer is recognised and offered to the fitting manager (V1-V3).",
    request=Arrival, response=HandoffView,
)  # fmt: skip
VIP = Operation(
    name="vip", service="vip", method="GET", path="/v1/branches/{b}/vip",
    summary="VIP customers in the lobby, their hand-offs, and the managers.", response=VipView,
)  # fmt: skip
ACCEPT = Operation(
    name="acceptHandoff", service="vip", method="POST", path="/v1/handoffs/{id}/accept",
    summary="Take the customer (V3).", request=AcceptHandoff, response=HandoffView,
    codes=("handoff_not_found", "handoff_state", "not_on_roster", "not_oneself"),
)  # fmt: skip
DECLINE = Operation(
    name="declineHandoff", service="vip", method="POST", path="/v1/handoffs/{id}/decline",
    summary="Can't take the customer; the next manager is asked (V3).", request=DeclineHandoff,
    response=HandoffView,
    codes=("handoff_not_found", "handoff_state", "not_oneself"),
)  # fmt: skip
COMPLETE = Operation(
    name="completeHandoff", service="vip", method="POST", path="/v1/handoffs/{id}/complete",
    summary="Done with the customer (V3).", response=HandoffView,
    codes=("handoff_not_found", "handoff_state", "not_oneself"),
)  # fmt: skip
GET_ROSTER = Operation(
    name="roster", service="vip", method="GET", path="/v1/branches/{b}/roster", summary="Who is on duty (V8).",
    response=RosterView,
)  # fmt: skip
SET_ROSTER = Operation(
    name="setRoster", service="vip", method="PUT", path="/v1/branches/{b}/roster", summary="Set who is on duty (V8).",
    request=Roster, response=RosterView,
    codes=("manager_listed_twice",),
)  # fmt: skip

OPERATIONS = (ARRIVE, VIP, ACCEPT, DECLINE, COMPLETE, GET_ROSTER, SET_ROSTER)
