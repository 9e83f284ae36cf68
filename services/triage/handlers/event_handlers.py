"""What triage makes of events: what terminals say, and what managers do with hand-offs.

Each may come twice or late: what no longer fits changes nothing.
"""

from collections.abc import Callable
from dataclasses import replace

from services.triage.handlers.calling import overtaking
from services.triage.handlers.counters_and_devices import report_device
from services.triage.handlers.issue import issue
from services.triage.handlers.offline import apply_report, day_of, issue_offline, record_report
from services.triage.handlers.ticket_steps import cancel_unprinted
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.handlers.visits import decided, step
from services.triage.model import Counter, PaperReport, PaperReportKind, Ticket, Visit, commands
from shared.contracts.envelope import Event
from shared.contracts.events import terminal, vip
from shared.contracts.events.triage import TicketRefused
from shared.errors import LobbyError, PredecessorMissing

EventHandler = Callable[[UnitOfWork, Event], None]


def ticket_requested(uow: UnitOfWork, event: Event) -> None:
    """Issue a ticket, or say why not: the terminal learns either by ``causationid`` (T4)."""
    request = event.data
    assert isinstance(request, terminal.TicketRequested)
    try:
        issue(uow, request=request, asked=event.time)
    except LobbyError as error:
        uow.record_refusal(event.key, refusal_of(error, request.terminal_id))


def refusal_of(error: LobbyError, terminal_id: str | None) -> TicketRefused:
    """Say in an event what an HTTP caller would read in the problem document."""
    said = {name: error.extra.get(name) for name in ("field", "number", "ticket_id")}
    return TicketRefused(code=error.code, detail=error.detail, terminal_id=terminal_id, **said)


def ticket_issued_offline(uow: UnitOfWork, event: Event) -> None:
    """Enter a ticket that a terminal gave out while it had no network, or say why not (T4)."""
    said = event.data
    assert isinstance(said, terminal.TicketIssuedOffline)
    by = said.terminal_id or event.source.rpartition("/")[2]
    try:
        issue_offline(uow, said, event.time, by)
    except LobbyError as error:
        uow.record_refusal(event.key, replace(refusal_of(error, by), number=said.number))


def of_paper(kind: PaperReportKind) -> EventHandler:
    """Return what to do when a terminal says something of a paper: by the ticket's id, or by an offline number (T4)."""

    def said(uow: UnitOfWork, event: Event) -> None:
        data = event.data
        assert isinstance(data, terminal.TicketPrinted | terminal.TicketPrintFailed | terminal.TicketLeft)
        day = day_of(uow, data.business_date, event.time)
        if data.ticket_id is None:
            assert data.number is not None, "the contract asks for one of them"
            record_report(uow, PaperReport(number=data.number, business_date=day, kind=kind, at=event.time))
            return
        visit = _visit(uow, event, data.ticket_id)
        number, state = visit.ticket(data.ticket_id).number, visit.ticket(data.ticket_id).state
        if kind == "print_failed":
            if state == "reserved":
                cancel_unprinted(uow, data.ticket_id, "print_failed")
            return
        apply_report(uow, visit, data.ticket_id, PaperReport(number=number, business_date=day, kind=kind, at=uow.now))

    return said


def device_reported(uow: UnitOfWork, event: Event) -> None:
    """Take a device's report (T10)."""
    data = event.data
    assert isinstance(data, terminal.DeviceReported)
    report_device(
        uow,
        device_id=data.device_id,
        kind=data.kind,
        status=data.status,
        detail=data.detail,
        at=event.time,
    )


def handoff_accepted(uow: UnitOfWork, event: Event) -> None:
    """Let the manager's desk call and serve the VIP's ticket, unless a window did or the customer left (V3).

    A customer who is at a window with another ticket is the manager's afterwards.
    """
    data = event.data
    assert isinstance(data, vip.HandoffAccepted)
    if data.ticket_id is not None:
        visit = _visit(uow, event, data.ticket_id)
        _hand_off(uow, visit, visit.ticket(data.ticket_id), data.manager_id)


def handoff_completed(uow: UnitOfWork, event: Event) -> None:
    """Complete the ticket that the manager's desk serves (V3)."""
    data = event.data
    assert isinstance(data, vip.HandoffCompleted)
    if data.ticket_id is None:
        return
    visit = _visit(uow, event, data.ticket_id)
    ticket = visit.ticket(data.ticket_id)
    if ticket.called_at is None:  # a window had the customer when the manager accepted
        visit = _hand_off(uow, visit, ticket, data.manager_id)
        ticket = visit.ticket(data.ticket_id)
    if ticket.state != "serving" or ticket.counter != data.manager_id:
        return
    step(uow, commands.Complete(ticket_id=ticket.ticket_id, at=uow.now))


def _hand_off(uow: UnitOfWork, visit: Visit, ticket: Ticket, manager: str) -> Visit:
    """Return the visit with the ticket at the manager's desk, if it waits and the customer is at no window."""
    if ticket.state not in ("reserved", "waiting") or visit.elsewhere(ticket.ticket_id) is not None:
        return visit
    window = Counter(counter=manager, channels=(ticket.channel,))
    past = overtaking(uow, window, uow.state.queue.lanes(window), ticket, "handoff")
    command = commands.HandOff(ticket_id=ticket.ticket_id, at=uow.now, counter=manager, overtaking=past)
    return uow.record_visit(visit, decided(visit, command))


paper_printed = of_paper("printed")
paper_failed = of_paper("print_failed")
paper_left = of_paper("left")


def _visit(uow: UnitOfWork, event: Event, ticket_id: str) -> Visit:
    visit = uow.visit_of(ticket_id)
    if visit is None:
        raise PredecessorMissing(event.subject)
    return visit
