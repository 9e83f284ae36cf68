"""The use cases of incidents: one function each, that loads, decides and records."""

from services.incidents.handlers.commands import amend_incident, close_incident, open_incident, record_step
from services.incidents.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.incidents.handlers.views import get_incident, list_incidents, timeline

__all__ = [
    "LobbyReader", "UnitOfWork", "amend_incident", "close_incident", "get_incident", "list_incidents", "open_incident",
    "record_step", "timeline",
]  # fmt: skip
