"""The use cases of vip: one function each, that loads, decides and records."""

from services.vip.handlers.commands import (
    accept_handoff,
    arrive,
    complete_handoff,
    decline_handoff,
    set_roster,
    settle,
)
from services.vip.handlers.event_handlers import is_for_vips
from services.vip.handlers.ports import Desk, Vault
from services.vip.handlers.views import roster_view, vip_view

__all__ = [
    "Desk", "Vault", "accept_handoff", "arrive", "complete_handoff", "decline_handoff", "is_for_vips", "roster_view",
    "set_roster", "settle", "vip_view",
]  # fmt: skip
