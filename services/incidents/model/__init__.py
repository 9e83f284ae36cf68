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

__all__ = [
    "Amendment", "Incident", "IsClosed", "IsOpen", "NotOfThisKind", "State", "Step", "TooEarly", "Unfinished", "amend",
    "apply", "begin", "close", "record_step",
]  # fmt: skip
