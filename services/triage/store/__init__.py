"""What triage keeps beside its log: the fold's snapshots, and look-ups by key."""

from services.triage.store.aggregate import LobbyAggregate
from services.triage.store.branch_policies import policies_followed
from services.triage.store.tables import metadata
from services.triage.store.unit_of_work import StoredLobby, StoredUnitOfWork, branch_of

aggregate = LobbyAggregate
"""How triage folds its log: found by its name."""

__all__ = [
    "LobbyAggregate",
    "StoredLobby",
    "StoredUnitOfWork",
    "aggregate",
    "branch_of",
    "metadata",
    "policies_followed",
]
