"""The hand-off of a VIP customer to a manager (V1-V3): what may happen next, and what it leads to.

The functions look at the state and return what happened; :func:`apply` is the only way that the
state changes. A hand-off is never dropped: somebody is asked, or it waits in the lounge, or the
supervisor has it, until it is completed or the customer is gone. Who is asked is ``policy``'s.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, TypedDict

from shared.contracts.events.vip import (
    CustomerArrived,
    HandoffAccepted,
    HandoffCompleted,
    HandoffDeclined,
    HandoffEscalated,
    HandoffEvent,
    HandoffOffered,
    HandoffTimedOut,
    HandoffWithdrawn,
    LoungeSeated,
    LoungeTaskDue,
)
from shared.work_items import Ended, WorkItem
from shared.work_items import apply as apply_to_item

State = Literal["waiting", "offered", "escalated", "accepted", "completed", "withdrawn"]
Action = Literal["accept", "decline", "complete"]
WithdrawReason = Literal["left", "served_at_window"]

ENDED: frozenset[State] = frozenset(("completed", "withdrawn"))

ALLOWED: dict[State, tuple[Action, ...]] = {
    "waiting": ("accept",),
    "offered": ("accept", "decline"),
    "escalated": ("accept",),
    "accepted": ("complete",),
    "completed": (),
    "withdrawn": (),
}


class NotAllowed(Exception):
    """The hand-off's state does not allow this, or not to this manager; ``allowed`` says what is."""

    def __init__(self, action: Action, state: State, allowed: tuple[Action, ...], holder: str | None = None) -> None:
        """``holder`` is the manager whom the hand-off is offered to, or who has it."""
        super().__init__(f"{action} is not allowed in the state {state}")
        self.action = action
        self.state = state
        self.allowed = allowed
        self.holder = holder


class Key(TypedDict):
    """What every event says of the hand-off that it belongs to."""

    handoff_id: str
    visit_id: str
    business_date: date


@dataclass(frozen=True, kw_only=True)
class Handoff:
    """A hand-off as it is now. ``version`` counts what has happened to it."""

    handoff_id: str
    visit_id: str
    branch: str
    business_date: date
    arrived_at: datetime
    tier: str
    version: int = 1
    state: State = "waiting"
    customer_ref: str | None = None
    ticket_id: str | None = None
    number: str | None = None
    business: str | None = None
    own_manager_id: str | None = None
    manager_id: str | None = None
    asked: tuple[str, ...] = ()
    expires_at: datetime | None = None
    promised_at: datetime | None = None
    lounge_tasks: tuple[WorkItem, ...] = ()

    @property
    def key(self) -> Key:
        """What every event says of it."""
        return {"handoff_id": self.handoff_id, "visit_id": self.visit_id, "business_date": self.business_date}

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state in ENDED

    @property
    def unsettled(self) -> bool:
        """Whether it waits and may have to be seated or escalated, though no manager is free."""
        return self.state == "waiting" and (self.promised_at is None or bool(self.asked))

    @property
    def in_lounge(self) -> bool:
        """Whether the customer was seated in the lounge and nobody has taken them yet."""
        return self.promised_at is not None and self.state in ("waiting", "offered", "escalated")


def begin(arrival: CustomerArrived, *, branch: str, at: datetime) -> Handoff:
    """Return the hand-off that begins with an arrival."""
    return Handoff(
        handoff_id=arrival.handoff_id,
        visit_id=arrival.visit_id,
        branch=branch,
        business_date=arrival.business_date,
        arrived_at=at,
        tier=arrival.tier,
        customer_ref=arrival.customer_ref,
        ticket_id=arrival.ticket_id,
        number=arrival.number,
        business=arrival.business,
        own_manager_id=arrival.own_manager_id,
    )


def accept(
    handoff: Handoff, manager_id: str, *, ticket_id: str | None = None, by: str | None = None
) -> tuple[HandoffEvent, ...]:
    """A manager takes the customer; a second time by the same manager changes nothing.

    That somebody may take it who was not asked is for the caller to judge. ``ticket_id`` is the
    ticket of the same visit, where the arrival named none; ``by`` who says so on the manager's behalf.
    Raises :class:`NotAllowed`.
    """
    if handoff.state == "accepted" and handoff.manager_id == manager_id:
        return ()
    _check(handoff, "accept", manager_id)
    ticket = handoff.ticket_id or ticket_id
    return (HandoffAccepted(**handoff.key, manager_id=manager_id, ticket_id=ticket, by=by),)


def decline(
    handoff: Handoff, manager_id: str, *, reason: str | None = None, by: str | None = None
) -> tuple[HandoffEvent, ...]:
    """The manager who is asked can't; ``by`` says so on their behalf. Raises :class:`NotAllowed`."""
    _check(handoff, "decline", manager_id)
    return (HandoffDeclined(**handoff.key, manager_id=manager_id, reason=reason, by=by),)


def complete(handoff: Handoff, *, by: str | None = None) -> tuple[HandoffEvent, ...]:
    """The manager is done with the customer; ``by`` says so on their behalf. Raises :class:`NotAllowed`."""
    _check(handoff, "complete", handoff.manager_id)
    assert handoff.manager_id is not None
    return (HandoffCompleted(**handoff.key, manager_id=handoff.manager_id, ticket_id=handoff.ticket_id, by=by),)


def time_out(handoff: Handoff, *, now: datetime) -> tuple[HandoffEvent, ...]:
    """The manager did not answer in time; nothing happens where the time is not up."""
    if handoff.state != "offered" or handoff.expires_at is None or handoff.expires_at > now:
        return ()
    assert handoff.manager_id is not None
    return (HandoffTimedOut(**handoff.key, manager_id=handoff.manager_id),)


def withdraw(handoff: Handoff, reason: WithdrawReason) -> tuple[HandoffEvent, ...]:
    """The customer is gone; nothing happens to a hand-off that has ended."""
    return () if handoff.ended else (HandoffWithdrawn(**handoff.key, reason=reason),)


def apply(handoff: Handoff, event: HandoffEvent, *, at: datetime) -> Handoff:
    """Return the state after what happened at that time.

    What is owed in the lounge is owed until the customer leaves it: to a manager, a window, or the door (V2).
    """
    after = replace(handoff, version=handoff.version + 1)
    match event:
        case LoungeSeated(promised_at=promised_at):
            return replace(after, promised_at=promised_at)
        case HandoffOffered(manager_id=manager_id, expires_at=expires_at):
            asked = (*handoff.asked, manager_id)
            return replace(after, state="offered", manager_id=manager_id, asked=asked, expires_at=expires_at)
        case HandoffAccepted(manager_id=manager_id, ticket_id=ticket_id):
            tasks = _waived(handoff, by=manager_id, at=at, why="accepted")
            return replace(
                after,
                state="accepted",
                manager_id=manager_id,
                ticket_id=ticket_id,
                expires_at=None,
                lounge_tasks=tasks,
            )
        case HandoffDeclined() | HandoffTimedOut():
            return replace(after, state="waiting", manager_id=None, expires_at=None)
        case HandoffEscalated():
            return replace(after, state="escalated", manager_id=None, expires_at=None)
        case HandoffCompleted():
            return replace(after, state="completed")
        case HandoffWithdrawn(reason=reason):
            tasks = _waived(handoff, by=None, at=at, why=reason)
            return replace(after, state="withdrawn", expires_at=None, lounge_tasks=tasks)
        case LoungeTaskDue():
            return replace(after, lounge_tasks=(*handoff.lounge_tasks, _task(event, at)))
        case CustomerArrived():
            raise ValueError("a hand-off begins only once")


def _task(event: LoungeTaskDue, at: datetime) -> WorkItem:
    return WorkItem(
        item_id=event.task_id,
        kind=event.task,
        business_date=event.business_date,
        opened_at=at,
        owner=event.owner,
        due_at=event.due_at,
    )


def _waived(handoff: Handoff, *, by: str | None, at: datetime, why: str) -> tuple[WorkItem, ...]:
    ended = Ended(fate="waived", by=by, at=at, why=why)
    return tuple(apply_to_item(task, ended) for task in handoff.lounge_tasks)


def _check(handoff: Handoff, action: Action, manager_id: str | None) -> None:
    allowed = ALLOWED[handoff.state]
    asked_other = handoff.state == "offered" and handoff.manager_id != manager_id
    if action not in allowed or asked_other:
        raise NotAllowed(action, handoff.state, () if asked_other else allowed, handoff.manager_id)
