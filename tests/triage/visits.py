"""Visits as the domain's tests need them."""

from datetime import UTC, date, datetime, timedelta

from services.triage.model import Visit, apply, commands, decide
from shared.contracts.events.triage import TicketState
from shared.contracts.events.types import Customer

NINE = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)


def at(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def issue(ticket_id: str = "t1", number: str = "A001", requested_at: datetime = NINE) -> commands.Issue:
    return commands.Issue(
        ticket_id=ticket_id, number=number, channel="counter", business="account_service", priority=0,
        customer=Customer(), amount_minor=None, currency="CNY", requested_at=requested_at, terminal_id=None, reasons=(),
        forms=(), position=1, wait_p50_s=60.0, wait_p90_s=120.0, promised=True, estimated_from=(),
    )  # fmt: skip


def after(visit: Visit, command: commands.VisitCommand, time: datetime = NINE) -> Visit:
    """Return the visit after a command."""
    for event in decide(visit, command):
        visit = apply(visit, event, time)
    return visit


def visit(*ticket_ids: str) -> Visit:
    """Return a visit with these tickets reserved."""
    result = Visit(visit_id="v1", branch="demo", business_date=TODAY)
    for n, ticket_id in enumerate(ticket_ids or ("t1",), start=1):
        result = after(result, issue(ticket_id, f"A{n:03d}"))
    return result


STEPS: dict[str, commands.Step] = {
    "printed": commands.Print(ticket_id="t1", at=at(5)),
    "call": commands.Call(ticket_id="t1", at=at(60), counter="3"),
    "hand-off": commands.HandOff(ticket_id="t1", at=at(60), counter="m1"),
    "recall": commands.Recall(ticket_id="t1", at=at(70)),
    "start": commands.Start(ticket_id="t1", at=at(80)),
    "complete": commands.Complete(ticket_id="t1", at=at(200)),
    "no-show": commands.NoShow(ticket_id="t1", at=at(120), limit=3),
    "return": commands.Return(ticket_id="t1", at=at(150), grace_s=600),
    "print-failed": commands.GiveUpPaper(ticket_id="t1", at=at(9), reason="print_failed"),
    "reprint": commands.Reprint(ticket_id="t1", at=at(9)),
    "hold": commands.Hold(ticket_id="t1", at=at(100)),
    "resume": commands.Resume(ticket_id="t1", at=at(160)),
    "transfer": commands.Transfer(ticket_id="t1", at=at(110), channel="loan_desk"),
    "left": commands.Leave(ticket_id="t1", at=at(130)),
    "undo": commands.Undo(ticket_id="t1", at=at(140), reason="a mistake", today=TODAY),
}

WAY_TO: dict[TicketState, tuple[str, ...]] = {
    "reserved": (),
    "waiting": ("printed",),
    "called": ("printed", "call"),
    "serving": ("printed", "call", "start"),
    "held": ("printed", "call", "start", "hold"),
    "completed": ("printed", "call", "start", "complete"),
    "left": ("printed", "left"),
}


def brought(state: TicketState, *more: str) -> Visit:
    """Return a visit whose ticket was brought to this state, and then further by these steps."""
    result = visit()
    for name in (*WAY_TO[state], *more):
        result = after(result, STEPS[name], STEPS[name].at)
    return result
