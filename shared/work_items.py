"""A work item: something that somebody owes by a time, until it is done or waived (V2, I4; later V7, W3-W6, W8). Pure.

One aggregate for whatever a branch owes: a lounge task, a hazard, a finding, a question that nobody could answer, a
lead. A service keeps its items inside its own state, and its own events say what happens to them; its fold turns each
into one of the facts below. So the outside sees the service's words (a hazard is *eliminated*, a question *answered*),
and owner, due time, fate and carry-over mean the same everywhere.

``decide`` refuses what can't be and ``apply`` is the only way in which an item changes. Being overdue is no fact: it
follows from ``due_at`` and the time of the look. Where a deadline has to speak by itself, the ``due_at`` of the open
items goes into the service's ``Aggregate.due`` (:mod:`shared.storage.due`).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

Fate = Literal["open", "done", "waived"]


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """Somebody owes it from now on, or by another time; None leaves what was said before.

    It is also how a shift accepts what was carried over to it.
    """

    owner: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Ended:
    """It is done, or needs no doing any more. ``by`` is None where it follows from something else that happened."""

    fate: Literal["done", "waived"]
    by: str | None
    at: datetime
    why: str


@dataclass(frozen=True, kw_only=True)
class CarriedOver:
    """A day ends and it is still open: it is ``to`` another business day's, whose shift has to accept it (W8)."""

    to: date
    by: str
    at: datetime


Fact = Assigned | Ended | CarriedOver
"""What can happen to a work item once it is there."""


class HasEnded(Exception):
    """Nothing happens to an item that is done or waived."""


class LacksOwner(Exception):
    """What nobody owes can't be carried over: somebody has to be named first (W8)."""


class NotLater(Exception):
    """An item is carried over to a later day than the one it belongs to."""


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """A work item as it is now: open until ``ended`` says otherwise.

    ``kind`` is the service's word for what is owed; ``business_date`` the day on which it came up.
    """

    item_id: str
    kind: str
    business_date: date
    opened_at: datetime
    owner: str | None = None
    due_at: datetime | None = None
    ended: Ended | None = None
    carried: tuple[CarriedOver, ...] = ()
    accepted: bool = True

    @property
    def fate(self) -> Fate:
        """What has become of it."""
        return "open" if self.ended is None else self.ended.fate

    @property
    def day(self) -> date:
        """The business day whose log it is in: the one on which it came up, or the last that it was carried over to."""
        return self.carried[-1].to if self.carried else self.business_date

    def is_overdue(self, now: datetime) -> bool:
        """Whether it was to be done by now and is not; what has no due time never is."""
        return self.ended is None and self.due_at is not None and self.due_at <= now


def decide(item: WorkItem, fact: Fact) -> tuple[Fact, ...]:
    """Return what happens where somebody wants ``fact`` to; nothing where it changes nothing.

    Raises HasEnded, LacksOwner, NotLater.
    """
    if item.ended is not None:
        if isinstance(fact, Ended) and fact.fate == item.fate:
            return ()
        raise HasEnded
    if isinstance(fact, CarriedOver):
        if item.owner is None:
            raise LacksOwner
        if fact.to <= item.day:
            raise NotLater
    return () if apply(item, fact) == item else (fact,)


def apply(item: WorkItem, fact: Fact) -> WorkItem:
    """Return the item after what happened; an item that has ended stays as it is."""
    if item.ended is not None:
        return item
    match fact:
        case Assigned(owner=owner, due_at=due_at):
            return replace(item, owner=owner or item.owner, due_at=due_at or item.due_at, accepted=True)
        case Ended():
            return replace(item, ended=fact)
        case CarriedOver():
            return replace(item, carried=(*item.carried, fact), accepted=False)
