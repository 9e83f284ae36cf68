"""What vip keeps beside its log: the fold's snapshots, and whose branch a hand-off is."""

from services.vip.store.aggregate import LobbyAggregate
from services.vip.store.projection import project
from services.vip.store.tables import handoff, metadata
from services.vip.store.unit_of_work import StoredLobby, StoredUnitOfWork, branch_of

aggregate = LobbyAggregate
"""How vip folds its log: found by its name."""

projected = (handoff,)
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
