"""What triage keeps beside its log: the fold's snapshots, and look-ups by key."""

from services.triage.store.aggregate import LobbyAggregate
from services.triage.store.projection import branch_policy, metadata, project, ticket
from services.triage.store.unit_of_work import StoredLobby, StoredUnitOfWork, branch_of, policies_followed

aggregate = LobbyAggregate
"""How triage folds its log: found by its name."""

projected = (ticket, branch_policy)
"""The tables that ``project`` writes."""

__all__ = [
    "LobbyAggregate",
    "StoredLobby",
    "StoredUnitOfWork",
    "aggregate",
    "branch_of",
    "metadata",
    "policies_followed",
    "project",
    "projected",
]
