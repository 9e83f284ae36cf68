"""Who is next: a place in the line as one number, so that the next ticket is an index look-up (T6, T7, T12)."""

from datetime import datetime

from services.triage.policy.rules import Policy

FRONT_S = 1e10
"""Far more than any wait: what puts a ticket that was overtaken too often before all others."""


def rank(policy: Policy, lined_at: datetime, priority: int) -> float:
    """Return the place in the line: the lowest rank is called first.

    A ticket's priority grows by one with every ``ageing_s`` it waits. All of them grow alike, so their
    order never changes while they wait: who stands ``priority`` units of ageing earlier is ahead.
    """
    return lined_at.timestamp() - priority * policy.ageing_s
