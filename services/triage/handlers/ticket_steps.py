"""The steps of a ticket's life (T4, T7): each loads, decides and records."""

from datetime import datetime

from services.triage.handlers.calling import require_back
from services.triage.handlers.counters_and_devices import free_where_nobody_calls, require_target
from services.triage.handlers.diversion import fall_back, guided_to
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.handlers.views import ticket_view
from services.triage.handlers.visits import decided, load, step
from services.triage.model import AT_COUNTER, Visit, apply, commands
from services.triage.model.visit import PaperReason
from shared.contracts.events.triage import VisitEvent
from shared.contracts.http.triage import Remark, TicketView, TransferTicket
from shared.errors import InvalidInput


def cancel_unprinted(uow: UnitOfWork, ticket_id: str, reason: PaperReason, at: datetime | None = None) -> Visit:
    """Let go of a ticket that is on no paper (since ``at``, by default now).

    Whoever came with an appointment can come to it again.
    """
    at = at or uow.now
    visit, _ = step(uow, commands.GiveUpPaper(ticket_id=ticket_id, at=at, reason=reason))
    name = visit.ticket(ticket_id).customer.appointment_id
    appointment = None if name is None else uow.appointment(name)
    if appointment is not None and appointment.ticket_id == ticket_id:
        uow.record_appointment(appointment, appointment.free())
    return visit


def cancel_failed_print(uow: UnitOfWork, visit: Visit, ticket_id: str) -> Visit | None:
    """Let go of a reserved ticket whose terminal said that its paper failed, since then; None where none did."""
    ticket = visit.ticket(ticket_id)
    for report in uow.state.reports.get((visit.business_date, ticket.number), ()):
        if report.kind == "print_failed":
            at = report.happened(ticket.requested_at, uow.now)
            return cancel_unprinted(uow, ticket_id, "print_failed", at)
    return None


def printed(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """Let the ticket wait: its paper is in the customer's hand. Once more changes nothing.

    Raises IllegalTransition for a number that was given up before: nobody will call it.
    """
    return _view(uow, commands.Print(ticket_id=ticket_id, at=uow.now))


def print_failed(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """Take the number back: its paper never came out, and nobody is to wait for it (T4)."""
    visit = cancel_unprinted(uow, ticket_id, "print_failed")
    return ticket_view(visit, visit.ticket(ticket_id), uow.now)


def reprint(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """Count a further copy of the paper (T4)."""
    return _view(uow, commands.Reprint(ticket_id=ticket_id, at=uow.now))


def recall(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """Call the number again."""
    return _view(uow, commands.Recall(ticket_id=ticket_id, at=uow.now))


def start(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """Begin the service."""
    return _view(uow, commands.Start(ticket_id=ticket_id, at=uow.now))


def complete(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """End the service."""
    return _view(uow, commands.Complete(ticket_id=ticket_id, at=uow.now))


def no_show(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """Put who did not come at the end of the line; at policy's limit they count as left."""
    limit = uow.policy.max_no_shows
    return _view(uow, commands.NoShow(ticket_id=ticket_id, at=uow.now, limit=limit))


def return_after_no_show(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """Let who missed the call stand where they stood, within policy's grace."""
    grace_s = uow.policy.no_show_grace_s
    return _view(uow, commands.Return(ticket_id=ticket_id, at=uow.now, grace_s=grace_s))


def hold(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """Set the business aside; the counter may call the next one."""
    return _view(uow, commands.Hold(ticket_id=ticket_id, at=uow.now))


def resume(uow: UnitOfWork, *, ticket_id: str) -> TicketView:
    """Go on with it; raise CounterBusy or CounterClosed where its counter can't."""
    return _at_counter(uow, commands.Resume(ticket_id=ticket_id, at=uow.now))


def transfer(uow: UnitOfWork, *, ticket_id: str, request: TransferTicket) -> TicketView:
    """Let the ticket wait for another channel, one counter or one person, at the place that policy gives it.

    Raises CounterClosed and PersonAway where nobody would call it there, NoFittingDevice where no device would do it.
    """
    require_target(uow, request)
    ticket = load(uow, ticket_id).ticket(ticket_id)
    channel = request.channel or ticket.channel
    command = commands.Transfer(
        ticket_id=ticket_id,
        at=uow.now,
        channel=channel,
        counter=request.counter,
        person=request.person,
        keeps_place=uow.policy.transfer_place == "request_time",
        devices=guided_to(uow, channel, ticket.business),
    )
    return _view(uow, command)


def left(uow: UnitOfWork, *, ticket_id: str, remark: Remark | None = None) -> TicketView:
    """Record that the customer left, at which stage, and why where somebody said so."""
    reason = remark.reason if remark is not None else None
    return _view(uow, commands.Leave(ticket_id=ticket_id, at=uow.now, reason=reason))


def undo(uow: UnitOfWork, *, ticket_id: str, remark: Remark) -> TicketView:
    """Take the last step back; raise CounterBusy where its counter has gone on to somebody else.

    Whom that sends back to a device of which none works any more waits for the counter.
    """
    if remark.reason is None:
        raise InvalidInput(
            "reason: say why the step is taken back", errors=[{"field": "reason", "message": "needed here"}]
        )
    today = uow.today
    command = commands.Undo(ticket_id=ticket_id, at=uow.now, reason=remark.reason, today=today)
    view = _at_counter(uow, command)
    if view.channel == "self_service" and fall_back(uow):
        visit = load(uow, ticket_id)
        return ticket_view(visit, visit.ticket(ticket_id), uow.now)
    return view


def _view(uow: UnitOfWork, command: commands.Step) -> TicketView:
    visit, _ = step(uow, command)
    return ticket_view(visit, visit.ticket(command.ticket_id), uow.now)


def _at_counter(uow: UnitOfWork, command: commands.Resume | commands.Undo) -> TicketView:
    """Carry out a step that may bring the ticket back to a counter: only to one that is open and free."""
    visit = load(uow, command.ticket_id)
    was_there = visit.ticket(command.ticket_id).state in AT_COUNTER
    happened = decided(visit, command)
    after = _after(visit, happened, command)
    ticket = after.ticket(command.ticket_id)
    if ticket.state in AT_COUNTER and not was_there and ticket.counter is not None:
        require_back(uow, ticket.counter)
    visit = uow.record_visit(visit, happened)
    visit = free_where_nobody_calls(uow, visit, visit.ticket(command.ticket_id))
    return ticket_view(visit, visit.ticket(command.ticket_id), uow.now)


def _after(visit: Visit, happened: list[VisitEvent], command: commands.Resume | commands.Undo) -> Visit:
    for event in happened:
        visit = apply(visit, event, command.at)
    return visit
