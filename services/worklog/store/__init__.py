"""What worklog keeps beside its log: the journal and what is counted from it, snapshots, and look-ups by key."""

from services.worklog.store.aggregate import OpenDaysAggregate
from services.worklog.store.journal import Journal
from services.worklog.store.journal_projection import StoredJournalProjection
from services.worklog.store.projection import JournalCount, project
from services.worklog.store.tables import figures, metadata, signature, subject, visit
from services.worklog.store.unit_of_work import StoredDays, StoredUnitOfWork

aggregate = OpenDaysAggregate
"""How worklog folds its log: found by its name."""

heard = JournalCount
"""How the journal is counted, from its first event on."""

projected = (signature, figures, visit, subject)
"""The tables that ``project`` and ``heard`` make the rows of."""

__all__ = [
    "Journal",
    "JournalCount",
    "OpenDaysAggregate",
    "StoredDays",
    "StoredJournalProjection",
    "StoredUnitOfWork",
    "aggregate",
    "heard",
    "metadata",
    "project",
    "projected",
]
