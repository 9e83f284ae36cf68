"""The use cases of triage: one function each, that loads, decides and records."""

from services.triage.handlers.appointments import appointments_view, book, cancel
from services.triage.handlers.calling import call_next, call_number
from services.triage.handlers.care import care_view, cared, check_lines, raise_alarms
from services.triage.handlers.closing import end_days, give_up_papers
from services.triage.handlers.diversion import divert
from services.triage.handlers.fairness import fairness_view
from services.triage.handlers.governing import adopt, policy_view, set_overrides
from services.triage.handlers.house import House
from services.triage.handlers.issue import take_ticket
from services.triage.handlers.offline import lease_numbers
from services.triage.handlers.ports import Desk, Records
from services.triage.handlers.resources import close_counter, open_counter, report_device
from services.triage.handlers.steps import (
    come_back,
    complete,
    hold,
    left,
    no_show,
    print_failed,
    printed,
    recall,
    reprint,
    resume,
    start,
    transfer,
    undo,
)
from services.triage.handlers.views import one_ticket, queue_view

__all__ = [
    "Desk", "House", "Records", "adopt", "appointments_view", "book", "call_next", "call_number",
    "cancel", "care_view", "cared", "check_lines", "close_counter", "come_back", "complete", "divert", "end_days",
    "fairness_view", "give_up_papers", "hold", "lease_numbers", "left", "no_show", "one_ticket", "open_counter",
    "policy_view", "print_failed", "printed", "queue_view", "raise_alarms", "recall", "report_device", "reprint",
    "resume", "set_overrides", "start", "take_ticket", "transfer", "undo",
]  # fmt: skip
