"""A paper that never came out: its ticket is given up, and what it used is free again (T4, T11)."""

from datetime import datetime

from services.triage.handlers.ticket_loader import step
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.model import Visit, commands
from services.triage.model.types import PaperReason


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
