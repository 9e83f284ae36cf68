"""The domain: visits with their tickets, counters and devices. Pure: the standard library and the events."""

from services.triage.model import commands
from services.triage.model.apply import apply
from services.triage.model.appointment import Appointment
from services.triage.model.commands import AlreadyEnded, Elsewhere, NoDevice, NothingToUndo, Refusal
from services.triage.model.counters_and_devices import (
    PAPER_REPORTS,
    Block,
    Counter,
    Device,
    PaperReport,
    PaperReportKind,
)
from services.triage.model.decide import allowed_in, decide
from services.triage.model.lobby_state import LobbyState, PolicyInForce
from services.triage.model.visit import AT_COUNTER, ENDED, OPEN, Ticket, Visit

__all__ = [
    "AT_COUNTER", "ENDED", "OPEN", "PAPER_REPORTS", "AlreadyEnded", "Appointment", "Block", "Counter", "Device",
    "Elsewhere", "LobbyState", "NoDevice", "NothingToUndo", "PaperReport", "PaperReportKind", "PolicyInForce",
    "Refusal", "Ticket", "Visit", "allowed_in", "apply", "commands", "decide",
]  # fmt: skip
