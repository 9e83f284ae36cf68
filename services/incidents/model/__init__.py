"""The domain of incidents. Pure: no clock, no database, no framework."""

from services.incidents.model.incident import (
    Amendment,
    Incident,
    IsClosed,
    IsOpen,
    NotOfThisKind,
    State,
    Step,
    TooEarly,
    Unfinished,
    amend,
    apply,
    begin,
    close,
    record_step,
)
from services.incidents.model.lobby_state import LobbyState, folded

__all__ = [
    "Amendment", "Incident", "IsClosed", "IsOpen", "LobbyState", "NotOfThisKind", "State", "Step", "TooEarly",
    "Unfinished", "amend", "apply", "begin", "close", "folded", "record_step",
]  # fmt: skip
