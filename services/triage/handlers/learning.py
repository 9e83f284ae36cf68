"""What a line learns from: who is called, whose service ends; a promise to who goes elsewhere is void (T9)."""

from collections.abc import Iterable, Sequence

from services.triage.handlers.ports import Desk
from services.triage.policy import Group, line_name
from shared.contracts.events.triage import (
    TicketCalled,
    TicketCompleted,
    TicketLeft,
    TicketTransferred,
    VisitEvent,
)


def learn(desk: Desk, branch: str, happened: Sequence[VisitEvent]) -> None:
    """Learn from what happened to a visit."""
    for event in happened:
        if isinstance(event, TicketCalled):
            _from_call(desk, branch, event)
        elif isinstance(event, TicketCompleted):
            line = line_name(event.channel)
            desk.teach(branch, line, desk.estimator(branch, line).served(desk.now.timestamp(), event.service_s))
    forget(desk, branch, happened)


def forget(desk: Desk, branch: str, happened: Iterable[VisitEvent]) -> None:
    """Let go of what was promised to who left, or was sent to wait for something else."""
    for event in happened:
        if isinstance(event, (TicketLeft, TicketTransferred)):
            desk.redeem(branch, event.ticket_id)


def _from_call(desk: Desk, branch: str, event: TicketCalled) -> None:
    """Compare what was promised with what was waited, once: a second call, after a no-show, was not promised."""
    quote = desk.redeem(branch, event.ticket_id)
    if quote is not None and Group.named(quote.group).channel == event.channel:
        line = line_name(event.channel)
        desk.teach(branch, line, desk.estimator(branch, line).called(quote.group, event.waited_s, quote))
