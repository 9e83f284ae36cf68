"""The use cases of worklog: load, decide, record. No framework, no SQL."""

from services.worklog.handlers.commands import add_note, close_day, record_checks
from services.worklog.handlers.event_handlers import Recording
from services.worklog.handlers.unit_of_work import Journal, LobbyReader, UnitOfWork
from services.worklog.handlers.views import get_day, search, verify_chains

__all__ = [
    "Journal", "LobbyReader", "Recording", "UnitOfWork", "add_note", "close_day", "get_day", "record_checks", "search",
    "verify_chains",
]  # fmt: skip
