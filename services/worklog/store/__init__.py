"""What worklog keeps beside its log: the journal and what is counted from it, snapshots, and look-ups by key."""

from services.worklog.store.aggregate import LobbyAggregate
from services.worklog.store.journal import StoredJournal
from services.worklog.store.projection import JournalCount, StoredJournalProjection, project
from services.worklog.store.tables import figures, metadata, signature, subject, visit
from services.worklog.store.unit_of_work import StoredLobby, StoredUnitOfWork

aggregate = LobbyAggregate
"""How worklog folds its log: found by its name."""

heard = JournalCount
"""How the journal is counted, from its first event on."""

projected = (signature, figures, visit, subject)
"""The tables that ``project`` and ``heard`` make the rows of."""

__all__ = [
    "JournalCount",
    "LobbyAggregate",
    "StoredJournal",
    "StoredJournalProjection",
    "StoredLobby",
    "StoredUnitOfWork",
    "aggregate",
    "heard",
    "metadata",
    "project",
    "projected",
]
