"""The use cases of worklog: load, decide, record. No framework, no SQL."""

from services.worklog.handlers.days import add_note, close_day, get_day, record_checks
from services.worklog.handlers.journal import search, verify_chains
from services.worklog.handlers.recording import Recording

__all__ = ["Recording", "add_note", "close_day", "get_day", "record_checks", "search", "verify_chains"]
