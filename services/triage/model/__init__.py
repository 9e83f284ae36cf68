"""The domain: visits with their tickets, counters and devices. Pure; standard library only."""

from services.triage.model import commands, events
from services.triage.model.apply import apply
from services.triage.model.appointment import Appointment
from services.triage.model.block import PAPER_REPORTS, Block, PaperReport, PaperReportKind
from services.triage.model.decide import allowed_in, decide
from services.triage.model.lobby import Counter, Device
from services.triage.model.refusals import AlreadyEnded, Elsewhere, NoDevice, NothingToUndo, Refusal
from services.triage.model.ticket import Ticket
from services.triage.model.visit import Visit
from services.triage.model.words import (
    AT_COUNTER,
    ENDED,
    OPEN,
    CardTier,
    Channel,
    Customer,
    Form,
    Outcome,
    Overtaken,
    Reason,
    TicketState,
    Words,
)

__all__ = [
    "AT_COUNTER", "ENDED", "OPEN", "PAPER_REPORTS", "AlreadyEnded", "Appointment", "Block", "CardTier", "Channel",
    "Counter", "Customer", "Device", "Elsewhere", "Form", "NoDevice", "NothingToUndo", "Outcome", "Overtaken",
    "PaperReport", "PaperReportKind", "Reason", "Refusal", "Ticket", "TicketState", "Visit", "Words", "allowed_in",
    "apply", "commands", "decide", "events",
]  # fmt: skip
