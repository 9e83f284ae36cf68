"""The use cases of vip: one function each, that loads, decides and records."""

from services.vip.handlers.commands import (
    Actor,
    accept_handoff,
    arrive,
    complete_handoff,
    decline_handoff,
    set_roster,
)
from services.vip.handlers.event_handlers import is_for_vips
from services.vip.handlers.timers import pass_on
from services.vip.handlers.unit_of_work import LobbyReader, UnitOfWork, Vault
from services.vip.handlers.views import roster_view, vip_view

__all__ = [
    "Actor", "LobbyReader", "UnitOfWork", "Vault", "accept_handoff", "arrive", "complete_handoff", "decline_handoff",
    "is_for_vips", "pass_on", "roster_view", "set_roster", "vip_view",
]  # fmt: skip
