"""Who is next: a place in the line as one number, so that the next ticket is an index look-up (T6, T7, T12)."""

from dataclasses import dataclass
from datetime import datetime

from services.triage.policy.rules import Policy


@dataclass(frozen=True, kw_only=True)
class Line:
    """A channel's line: how many wait, and since when the one who has waited longest."""

    waiting: int
    longest_from: datetime


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many stand in a line now, and since when (in epoch seconds) the one who came first."""

    waiting: int
    oldest: float


def rank(policy: Policy, lined_at: datetime, priority: int) -> float:
    """Return the place in the line: the lowest rank is called first.

    A ticket's priority grows by one with every ``ageing_s`` it waits. All of them grow alike, so their
    order never changes while they wait: who stands ``priority`` units of ageing earlier is ahead.
    """
    return lined_at.timestamp() - priority * policy.ageing_s
