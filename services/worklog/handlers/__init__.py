"""The use cases of worklog: load, decide, record. No framework, no SQL."""

from services.worklog.handlers.days import add_note, close_day, get_day, record_checks
from services.worklog.handlers.journal import search, verify_chains
from services.worklog.handlers.recording import Recording
from services.worklog.handlers.unit_of_work import DayReader, UnitOfWork

__all__ = [
    "DayReader",
    "Recording",
    "UnitOfWork",
    "add_note",
    "close_day",
    "get_day",
    "record_checks",
    "search",
    "verify_chains",
]
