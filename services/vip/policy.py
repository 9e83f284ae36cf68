"""Whom a hand-off is offered to, and what happens when nobody is free (V2, V3). Pure.

The customer's own manager is asked first, then those whose kind fits the business, then the other
kinds that look after customers, then product and lobby managers; within each, who has least in
hand. Nobody is asked twice for one hand-off, and nobody beyond what they can take.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from services.vip.model import Handoff, Roster
from shared.contracts.events.types import Reason
from shared.contracts.events.vip import (
    HandoffEscalated,
    HandoffEvent,
    HandoffOffered,
    LoungeSeated,
    LoungeTaskDue,
    Manager,
    ManagerKind,
)

OFFER_TIMEOUT = timedelta(seconds=120)
"""How long a manager may take to answer, in business time."""

TALK = timedelta(seconds=600)
"""How long a manager takes for a customer, as far as the lounge's promise goes."""

LONGEST_PROMISE = timedelta(hours=1)

LOUNGE_TASKS: tuple[tuple[Literal["tea", "magazines"], timedelta], ...] = (
    ("tea", timedelta(seconds=180)),
    ("magazines", timedelta(seconds=300)),
)
"""What a customer in the lounge gets, and by when (V2)."""

LOBBY_MANAGER = "lobby_manager"
"""Who owes the lounge's tasks where no lobby manager is on the roster."""

_WORDS_OF_KIND: Mapping[ManagerKind, frozenset[str]] = {
    "wealth": frozenset(
        ("wealth", "fund", "funds", "bond", "bonds", "insurance", "custody", "investment", "gold", "securities")
    ),
    "credit": frozenset(("loan", "loans", "credit", "mortgage", "lending")),
    "corporate": frozenset(("corporate", "company", "enterprise", "settlement", "payroll", "collection")),
}
_KIND_NAMES: Mapping[ManagerKind, str] = {
    "retail": "零售客户经理",
    "corporate": "公司客户经理",
    "credit": "信贷客户经理",
    "wealth": "理财经理",
    "product": "产品经理",
    "lobby": "大堂经理",
}
_CUSTOMER_KINDS = frozenset(("retail", "corporate", "credit", "wealth"))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The manager to ask, and why."""

    manager: Manager
    reasons: tuple[Reason, ...]


def kind_for(business: str | None) -> ManagerKind:
    """Return the kind of manager that fits a business: by the words in its name, retail otherwise."""
    words = set((business or "").lower().replace("-", "_").split("_"))
    if "card" in words:  # a credit card is no loan
        return "retail"
    return next((kind for kind, known in _WORDS_OF_KIND.items() if words & known), "retail")


def choose(handoff: Handoff, roster: Roster, loads: Mapping[str, int]) -> Choice | None:
    """Return whom to ask next, or None where nobody is free who was not asked before.

    ``loads`` holds what each manager has in hand: hand-offs accepted, and one that is offered.
    """
    free = [m for m in _not_asked(handoff, roster) if loads.get(m.manager_id, 0) < m.max_load]
    if not free:
        return None
    wanted = kind_for(handoff.business)

    def order(manager: Manager) -> tuple[int, int, str]:
        return _rank(handoff, manager, wanted), loads.get(manager.manager_id, 0), manager.manager_id

    best = min(free, key=order)
    return Choice(manager=best, reasons=_reasons(handoff, best, wanted, loads.get(best.manager_id, 0)))


def more_can_be_placed(roster: Roster, loads: Mapping[str, int]) -> bool:
    """Say whether a customer who never was asked for would not just wait: somebody has room, or nobody is there."""
    on_duty = [m for m in roster.managers if m.on_duty]
    return not on_duty or any(loads.get(m.manager_id, 0) < m.max_load for m in on_duty)


def place(
    handoff: Handoff, roster: Roster, loads: Mapping[str, int], *, ahead: int, now: datetime
) -> tuple[HandoffEvent, ...]:
    """Decide for a waiting hand-off: offered, seated in the lounge, or the supervisor's.

    ``ahead`` is how many wait in front of it. Nothing happens where it waits in the lounge already
    and still nobody is free.
    """
    choice = choose(handoff, roster, loads)
    if choice is not None:
        offer = HandoffOffered(
            **handoff.key,
            manager_id=choice.manager.manager_id,
            manager_kind=choice.manager.kind,
            attempt=len(handoff.asked) + 1,
            expires_at=now + OFFER_TIMEOUT,
            reasons=choice.reasons,
        )
        return (offer,)
    if not any(_not_asked(handoff, roster)):
        on_duty = any(m.on_duty for m in roster.managers)
        return (HandoffEscalated(**handoff.key, reason="all_asked" if on_duty else "nobody_on_duty"),)
    return () if handoff.promised_at else _seat(handoff, roster, ahead, now)


def _not_asked(handoff: Handoff, roster: Roster) -> list[Manager]:
    return [m for m in roster.managers if m.on_duty and m.manager_id not in handoff.asked]


def _rank(handoff: Handoff, manager: Manager, wanted: ManagerKind) -> int:
    if manager.manager_id == handoff.own_manager_id:
        return 0
    if manager.kind == wanted:
        return 1
    return 2 if manager.kind in _CUSTOMER_KINDS else 3


def _reasons(handoff: Handoff, manager: Manager, wanted: ManagerKind, load: int) -> tuple[Reason, ...]:
    load_reason = Reason(
        rule="load",
        zh=f"手头 {load} 位客户, 上限 {manager.max_load} 位",
        en=f"has {load} of {manager.max_load} in hand",
    )
    rank = _rank(handoff, manager, wanted)
    if rank == 0:
        return (Reason(rule="own_manager", zh="客户自己的客户经理", en="the customer's own manager"), load_reason)
    name = _KIND_NAMES[manager.kind]
    if rank == 1:
        fits = Reason(rule="kind_fits", zh=f"{name}适合该业务", en=f"a {manager.kind} manager fits the business")
        return (fits, load_reason)
    other = Reason(
        rule="fallback",
        zh=f"{_KIND_NAMES[wanted]}无人空闲, 由{name}接待",
        en=f"no {wanted} manager is free; a {manager.kind} manager is asked",
    )
    return (other, load_reason)


def _seat(handoff: Handoff, roster: Roster, ahead: int, now: datetime) -> tuple[HandoffEvent, ...]:
    places = sum(m.max_load for m in roster.managers if m.on_duty)
    promised = now + min(TALK * ceil((ahead + 1) / places), LONGEST_PROMISE)
    owner = next((m.manager_id for m in roster.managers if m.on_duty and m.kind == "lobby"), LOBBY_MANAGER)
    tasks = (
        LoungeTaskDue(**handoff.key, task_id=f"{handoff.handoff_id}:{task}", task=task, owner=owner, due_at=now + due)
        for task, due in LOUNGE_TASKS
    )
    return (LoungeSeated(**handoff.key, promised_at=promised), *tasks)
