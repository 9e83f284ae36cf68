"""What the clock alone changes of a branch: offers that nobody answered (V3)."""

from datetime import datetime

from services.vip import model
from services.vip.handlers.commands import dispatch
from services.vip.handlers.unit_of_work import UnitOfWork
from services.vip.model import LobbyState


def pass_on(uow: UnitOfWork) -> None:
    """Time out the offers that nobody answered, and ask the next managers.

    Who waits in the lounge needs no look: whatever frees a manager offers them in its own transaction.
    """
    for handoff in uow.state.active:
        uow.record(handoff, model.time_out(handoff, now=uow.now))
    dispatch(uow)


def next_look(state: LobbyState) -> datetime | None:
    """Return when the next offer runs out."""
    return state.next_expiry
