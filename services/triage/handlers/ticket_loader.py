"""Loading a ticket's visit and deciding a step, in the words of the outside."""

from services.triage import errors
from services.triage.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.triage.model import AlreadyEnded, Elsewhere, NoDevice, NothingToUndo, Refusal, Visit, commands, decide
from shared.contracts.events.triage import VisitEvent
from shared.errors import Conflict

_ERRORS: dict[type[Refusal], type[Conflict]] = {
    Refusal: errors.IllegalTransition,
    Elsewhere: errors.CustomerElsewhere,
    AlreadyEnded: errors.VisitEnded,
    NoDevice: errors.NoFittingDevice,
    NothingToUndo: errors.NothingToUndo,
}


def load(lobby: LobbyReader, ticket_id: str) -> Visit:
    """Return the ticket's visit; raise :class:`errors.TicketNotFound`."""
    visit = lobby.visit_of(ticket_id)
    if visit is None:
        raise errors.TicketNotFound(f"no ticket has the id {ticket_id!r}")
    return visit


def decided(visit: Visit, command: commands.Step) -> list[VisitEvent]:
    """Decide; raise a :class:`Conflict` with ``state`` and ``allowed`` where the domain refuses."""
    try:
        return decide(visit, command)
    except Refusal as refusal:
        raise _ERRORS[type(refusal)](refusal.detail, state=refusal.state, allowed=list(refusal.allowed)) from refusal


def step(uow: UnitOfWork, command: commands.Step) -> tuple[Visit, list[VisitEvent]]:
    """Load, decide and record at the step's time; return the visit after it and what happened."""
    visit = load(uow, command.ticket_id)
    happened = decided(visit, command)
    return uow.record_visit(visit, happened, at=command.at), happened
