"""What can happen to a hand-off, named and shaped like the contracts in ``shared.contracts.vip``."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypedDict

from services.vip.model.roster import ManagerKind


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a manager was chosen: the rule, and the same in words."""

    rule: str
    zh: str
    en: str


class Key(TypedDict):
    """What every happening says of the hand-off it belongs to."""

    handoff_id: str
    visit_id: str
    business_date: date


@dataclass(frozen=True, kw_only=True)
class _OfArrival:
    handoff_id: str
    visit_id: str
    business_date: date


@dataclass(frozen=True, kw_only=True)
class CustomerArrived(_OfArrival):
    """A VIP customer is in the lobby (V1)."""

    tier: str
    recognised_by: str
    customer_ref: str | None = None
    ticket_id: str | None = None
    number: str | None = None
    business: str | None = None
    own_manager_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class LoungeSeated(_OfArrival):
    """The customer waits in the lounge, with a promised time (V2)."""

    promised_at: datetime


@dataclass(frozen=True, kw_only=True)
class LoungeTaskDue(_OfArrival):
    """Tea, magazines: somebody owes it by then (V2)."""

    task_id: str
    task: Literal["tea", "magazines"]
    owner: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class HandoffOffered(_OfArrival):
    """The hand-off is offered to a manager (V3)."""

    manager_id: str
    manager_kind: ManagerKind
    attempt: int
    expires_at: datetime
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HandoffAccepted(_OfArrival):
    """The manager takes the customer."""

    manager_id: str
    ticket_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class HandoffDeclined(_OfArrival):
    """The manager can't; the next one is asked."""

    manager_id: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class HandoffTimedOut(_OfArrival):
    """The manager did not answer in time; the next one is asked."""

    manager_id: str


@dataclass(frozen=True, kw_only=True)
class HandoffEscalated(_OfArrival):
    """No manager is left to ask: the supervisor decides."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class HandoffCompleted(_OfArrival):
    """The manager is done with the customer."""

    manager_id: str
    ticket_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class HandoffWithdrawn(_OfArrival):
    """Nothing is left to hand off: the customer left, or a VIP window served them."""

    reason: Literal["left", "served_at_window"]


Happening = (
    CustomerArrived
    | LoungeSeated
    | LoungeTaskDue
    | HandoffOffered
    | HandoffAccepted
    | HandoffDeclined
    | HandoffTimedOut
    | HandoffEscalated
    | HandoffCompleted
    | HandoffWithdrawn
)
