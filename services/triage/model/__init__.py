"""The domain: visits with their tickets, counters and devices. Pure: the standard library and the events."""

from services.triage.model import commands
from services.triage.model.apply import apply
from services.triage.model.appointment import Appointment
from services.triage.model.block import PAPER_REPORTS, Block, PaperReport, PaperReportKind
from services.triage.model.decide import allowed_in, decide
from services.triage.model.lobby import Counter, Device
from services.triage.model.lobby_state import LobbyState, PolicyInForce
from services.triage.model.refusals import AlreadyEnded, Elsewhere, NoDevice, NothingToUndo, Refusal
from services.triage.model.ticket import Ticket
from services.triage.model.types import AT_COUNTER, ENDED, OPEN
from services.triage.model.visit import Visit

__all__ = [
    "AT_COUNTER", "ENDED", "OPEN", "PAPER_REPORTS", "AlreadyEnded", "Appointment", "Block", "Counter", "Device",
    "Elsewhere", "LobbyState", "NoDevice", "NothingToUndo", "PaperReport", "PaperReportKind", "PolicyInForce",
    "Refusal", "Ticket", "Visit", "allowed_in", "apply", "commands", "decide",
]  # fmt: skip
