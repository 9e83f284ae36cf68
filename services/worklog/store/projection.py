"""Rows that follow from events: signatures from worklog's own, figures and visits from the journal's."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from services.worklog.handlers.facts import count_event
from services.worklog.model.counted import Counted
from services.worklog.store.journal_projection import counted_rows
from services.worklog.store.tables import chain, figures, journal, signature, visit
from shared.contracts.envelope import Event
from shared.contracts.events.worklog import DayClosed
from shared.contracts.registry import decode
from shared.settings import Settings
from shared.storage.projection import ProjectedRow

CHUNK = 500
"""How many events are read at once."""


def project(event: Event) -> Iterable[ProjectedRow]:
    """Return the rows that an event of worklog's own makes."""
    data = event.data
    if isinstance(data, DayClosed) and data.journal_hash is not None:
        yield signature, {
            "branch": event.branchid, "business_date": data.business_date, "journal_hash": data.journal_hash,
        }  # fmt: skip


class JournalCount:
    """What is counted of a branch, folded again from its journal."""

    def __init__(self, settings: Settings) -> None:
        """``settings`` name the time zone, in which the days begin and end."""
        self._zone = settings.default_timezone

    def branches(self, connection: Connection) -> Iterable[str]:
        """Return every branch that the journal has an event of."""
        return connection.execute(select(chain.c.branch).distinct()).scalars()

    def rows(self, connection: Connection, branch: str) -> Iterable[ProjectedRow]:
        """Return the figures and visits that the journal of a branch makes."""
        counted = self.refold(connection, branch)
        for table, rows in zip((figures, visit), counted_rows(counted), strict=True):
            yield from ((table, row) for row in rows)

    def refold(self, connection: Connection, branch: str) -> Counted:
        """Fold the journal of a branch from its first event on.

        Its positions grow in the order in which its events were recorded, since its partition was locked.
        """
        counted, position = Counted(), 0
        query = select(journal.c.position, journal.c.body).where(journal.c.branch == branch)
        query = query.order_by(journal.c.position).limit(CHUNK)
        while found := connection.execute(query.where(journal.c.position > position)).all():
            for row in found:
                counted = count_event(counted, decode(row.body.encode()), self._zone)
            position = found[-1].position
        return counted
