"""The tables of worklog, and what its use cases read and write in them."""

from services.worklog.store.desk import Desk, Records
from services.worklog.store.journal import Journal
from services.worklog.store.ledger import Ledger
from services.worklog.store.tables import metadata

__all__ = ["Desk", "Journal", "Ledger", "Records", "metadata"]
