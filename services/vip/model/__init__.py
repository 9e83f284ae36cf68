"""The domain of vip. Pure: no clock, no database, no framework."""

from services.vip.model.handoff import (
    ALLOWED,
    ENDED,
    Action,
    Handoff,
    NotAllowed,
    State,
    WithdrawReason,
    accept,
    apply,
    begin,
    complete,
    decline,
    time_out,
    withdraw,
)
from services.vip.model.lobby_state import LobbyState, Ticket, folded
from services.vip.model.roster import ListedTwice, Roster, apply_roster, set_roster

__all__ = [
    "ALLOWED", "ENDED", "Action", "Handoff", "ListedTwice", "LobbyState", "NotAllowed", "Roster", "State", "Ticket",
    "WithdrawReason", "accept", "apply", "apply_roster", "begin", "complete", "decline", "folded", "set_roster",
    "time_out", "withdraw",
]  # fmt: skip
