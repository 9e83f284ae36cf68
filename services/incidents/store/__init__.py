"""What incidents keeps beside its log: the fold's snapshots, and whose branch an incident is."""

from services.incidents.store.aggregate import LobbyAggregate
from services.incidents.store.projection import project
from services.incidents.store.tables import incident, metadata
from services.incidents.store.unit_of_work import StoredLobby, StoredUnitOfWork, branch_of

aggregate = LobbyAggregate
"""How incidents folds its log: found by its name."""

projected = (incident,)
"""The tables that ``project`` writes."""

__all__ = [
    "LobbyAggregate",
    "StoredLobby",
    "StoredUnitOfWork",
    "aggregate",
    "branch_of",
    "metadata",
    "project",
    "projected",
]
