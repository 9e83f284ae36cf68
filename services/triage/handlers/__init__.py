"""The use cases of triage: one function each, that loads, decides and records."""

from services.triage.handlers.appointments import appointments_view, book, cancel
from services.triage.handlers.attention import attend, attention_view
from services.triage.handlers.calling import call_next, call_number
from services.triage.handlers.counters_and_devices import (
    close_counter,
    open_counter,
    report_device,
    require_own,
    require_own_ticket,
)
from services.triage.handlers.diversion import divert
from services.triage.handlers.fairness import fairness_view
from services.triage.handlers.issue import take_ticket
from services.triage.handlers.offline import lease_numbers
from services.triage.handlers.policy_admin import adopt, policy_view, set_overrides
from services.triage.handlers.ticket_steps import (
    complete,
    hold,
    left,
    no_show,
    print_failed,
    printed,
    recall,
    reprint,
    resume,
    return_after_no_show,
    start,
    transfer,
    undo,
)
from services.triage.handlers.timers import Silence, conclude_from_silence, watch_waits
from services.triage.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.triage.handlers.views import one_ticket, queue_view

__all__ = [
    "LobbyReader", "Silence", "UnitOfWork", "adopt", "appointments_view", "attend", "attention_view", "book",
    "call_next", "call_number", "cancel", "close_counter", "complete", "conclude_from_silence", "divert",
    "fairness_view", "hold", "lease_numbers", "left", "no_show", "one_ticket", "open_counter", "policy_view",
    "print_failed", "printed", "queue_view", "recall", "report_device", "reprint", "require_own",
    "require_own_ticket", "resume", "return_after_no_show",
    "set_overrides", "start", "take_ticket", "transfer", "undo", "watch_waits",
]  # fmt: skip
