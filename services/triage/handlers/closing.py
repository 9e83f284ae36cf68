"""What time decides: papers that nobody reported are given up (T4)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from services.triage.handlers.loading import step
from services.triage.handlers.ports import Desk
from services.triage.model import commands

AT_ONCE = 200
"""How many tickets or visits one look at the clock takes up."""

LATENCY_S = 45.0
"""Wall seconds that a report may be on its way while the system works: time that passes for a machine
is no reason to take a customer for gone, least of all at a clock that runs 2,000 times as fast."""


def latest(now: datetime, rate: float) -> datetime:
    """Return the business time before which something is overdue, at a clock of this rate."""
    return now - timedelta(seconds=LATENCY_S * rate)


def give_up_papers(desk: Desk, *, branch: str, ticket_ids: Iterable[str]) -> None:
    """Let go of reserved tickets whose paper was never reported; whose paper came meanwhile goes on (T4)."""
    for ticket_id in ticket_ids:
        visit = desk.visit_of(branch, ticket_id)
        if visit is not None and visit.ticket(ticket_id).state == "reserved":
            step(desk, branch, commands.GiveUpPaper(ticket_id=ticket_id, at=desk.now, reason="not_printed"))
