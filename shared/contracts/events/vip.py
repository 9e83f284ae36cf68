"""What vip records: arrivals, the lounge, hand-offs, the roster (V1-V3, V8)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Id, Name, Time
from shared.contracts.envelope import EventData
from shared.contracts.events.types import CardTier, Reason
from shared.contracts.registry import event

ManagerKind = Literal["retail", "corporate", "credit", "wealth", "product", "lobby"]
"""零售 · 公司 · 信贷 · 理财 · 产品 · 大堂: the six kinds of manager."""


@dataclass(frozen=True, kw_only=True)
class _OfArrival(EventData):
    handoff_id: Id
    visit_id: Id
    business_date: Annotated[date, Field(description="The branch's local day on which the visit began.")]


@event("lobby.vip.customer_arrived.v1")
@dataclass(frozen=True, kw_only=True)
class CustomerArrived(_OfArrival):
    """A VIP customer is in the lobby (V1)."""

    tier: CardTier
    recognised_by: Annotated[Literal["card", "appointment", "word"], Field(description="word: somebody said so.")]
    customer_ref: Annotated[Id | None, Field(description="Opaque; who it is is in the vault.")] = None
    ticket_id: Id | None = None
    number: Annotated[str | None, Field(description="Of the ticket, as it is printed.")] = None
    business: Name | None = None
    own_manager_id: Annotated[Id | None, Field(description="The customer's own manager, asked first.")] = None


@event("lobby.vip.lounge_seated.v1")
@dataclass(frozen=True, kw_only=True)
class LoungeSeated(_OfArrival):
    """The customer waits in the lounge, with a promised time (V2)."""

    promised_at: Annotated[Time, Field(description="When a manager will have time, as promised.")]


@event("lobby.vip.lounge_task_due.v1")
@dataclass(frozen=True, kw_only=True)
class LoungeTaskDue(_OfArrival):
    """Tea, magazines: somebody owes it by then (V2)."""

    task_id: Id
    task: Literal["tea", "magazines"]
    owner: Annotated[Id, Field(description="By manager_id; lobby_manager where none is on duty.")]
    due_at: Annotated[Time, Field(description="By then it is to be done.")]


@event("lobby.vip.handoff_offered.v1")
@dataclass(frozen=True, kw_only=True)
class HandoffOffered(_OfArrival):
    """The hand-off is offered to a manager (V3)."""

    manager_id: Id
    manager_kind: ManagerKind
    attempt: Annotated[int, Field(ge=1, description="Which manager in turn this is for the hand-off.")]
    expires_at: Annotated[Time, Field(description="Until then the manager may answer.")]
    reasons: Annotated[tuple[Reason, ...], Field(description="Why this manager (V3).")] = ()


@event("lobby.vip.handoff_accepted.v1")
@dataclass(frozen=True, kw_only=True)
class HandoffAccepted(_OfArrival):
    """The manager takes the customer."""

    manager_id: Id
    ticket_id: Id | None = None
    by: Annotated[Id | None, Field(description="Who said so on the manager's behalf; null: the manager.")] = None


@event("lobby.vip.handoff_declined.v1")
@dataclass(frozen=True, kw_only=True)
class HandoffDeclined(_OfArrival):
    """The manager can't; the next one is asked."""

    manager_id: Id
    reason: str | None = None
    by: Annotated[Id | None, Field(description="Who said so on the manager's behalf; null: the manager.")] = None


@event("lobby.vip.handoff_timed_out.v1")
@dataclass(frozen=True, kw_only=True)
class HandoffTimedOut(_OfArrival):
    """The manager did not answer in time; the next one is asked."""

    manager_id: Id


@event("lobby.vip.handoff_escalated.v1")
@dataclass(frozen=True, kw_only=True)
class HandoffEscalated(_OfArrival):
    """No manager is left to ask: the supervisor decides."""

    reason: Annotated[str, Field(description="all_asked or nobody_on_duty.")]


@event("lobby.vip.handoff_completed.v1")
@dataclass(frozen=True, kw_only=True)
class HandoffCompleted(_OfArrival):
    """The manager is done with the customer."""

    manager_id: Id
    ticket_id: Id | None = None
    by: Annotated[Id | None, Field(description="Who said so on the manager's behalf; null: the manager.")] = None


@event("lobby.vip.handoff_withdrawn.v1")
@dataclass(frozen=True, kw_only=True)
class HandoffWithdrawn(_OfArrival):
    """Nothing is left to hand off: the customer left, or a VIP window served them."""

    reason: Literal["left", "served_at_window"]


@dataclass(frozen=True, kw_only=True)
class Manager(EventData):
    """A manager on the duty roster (V8)."""

    manager_id: Id
    kind: ManagerKind
    name: Annotated[str | None, Field(max_length=64, description="As on the name plate; staff, not a customer.")] = None
    on_duty: bool = True
    skills: Annotated[tuple[Name, ...], Field(description="Businesses or languages that they are good at.")] = ()
    max_load: Annotated[int, Field(ge=1, le=50, description="How many customers they take at a time.")] = 1


@event("lobby.vip.roster_set.v1")
@dataclass(frozen=True, kw_only=True)
class RosterSet(EventData):
    """The whole duty roster of the branch from now on (V8)."""

    managers: tuple[Manager, ...]


HandoffEvent = (
    CustomerArrived | LoungeSeated | LoungeTaskDue | HandoffOffered | HandoffAccepted | HandoffDeclined
    | HandoffTimedOut | HandoffEscalated | HandoffCompleted | HandoffWithdrawn
)  # fmt: skip
