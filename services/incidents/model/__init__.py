"""The domain of incidents. Pure: no clock, no database, no framework."""

from services.incidents.model.happenings import (
    OPENED,
    DisputeOpened,
    DisruptionOpened,
    Evidence,
    Happening,
    HazardOpened,
    IncidentAmended,
    IncidentClosed,
    Opened,
    StepRecorded,
    SuspiciousPersonOpened,
)
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
    "OPENED", "Amendment", "DisputeOpened", "DisruptionOpened", "Evidence", "Happening", "HazardOpened", "Incident",
    "IncidentAmended", "IncidentClosed", "IsClosed", "IsOpen", "NotOfThisKind", "Opened", "State", "Step",
    "StepRecorded", "SuspiciousPersonOpened", "TooEarly", "Unfinished", "amend", "apply", "begin", "close",
    "record_step",
]  # fmt: skip
