"""Rows that follow from events: signatures from worklog's own; figures, visits and subjects from the journal's."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from sqlalchemy import Connection, or_, select

from services.worklog.handlers.facts import count_event
from services.worklog.handlers.recording import SubjectKey, subject_key
from services.worklog.model.counted import Counted
from services.worklog.store.journal_projection import counted_rows, subject_rows
from services.worklog.store.tables import chain, figures, journal, signature, subject, visit
from shared.contracts.envelope import Event, Undecodable
from shared.contracts.events.worklog import DayClosed
from shared.contracts.registry import decode
from shared.settings import Settings
from shared.storage.projection import ProjectedRow
from shared.storage.tables import dead_letter

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
    """What is counted of a branch, and how far its subjects have come, folded again from its journal."""

    def __init__(self, settings: Settings) -> None:
        """``settings`` name the time zone, in which the days begin and end."""
        self._zone = settings.default_timezone

    def branches(self, connection: Connection) -> Iterable[str]:
        """Return every branch that the journal has an event of."""
        return connection.execute(select(chain.c.branch).distinct()).scalars()

    def rows(self, connection: Connection, branch: str) -> Iterable[ProjectedRow]:
        """Return the figures, visits and subjects that the journal of a branch makes."""
        counted, sequences = self.refold(connection, branch)
        for table, rows in zip(
            (figures, visit, subject), (*counted_rows(counted), subject_rows(sequences)), strict=True
        ):
            yield from ((table, row) for row in rows)

    def refold(self, connection: Connection, branch: str) -> tuple[Counted, dict[SubjectKey, int]]:
        """Fold the journal of a branch from its first event on; return what is counted, and how far each subject came.

        A subject goes on behind an event that an operator gave up: the journal lacks it, its dead letter has it.
        """
        counted, sequences = Counted(), dict[SubjectKey, int]()
        for event in self._recorded(connection, branch):
            counted = count_event(counted, event, self._zone)
            sequences[subject_key(event)] = event.sequence
        for event in _given_up(connection, branch):
            key = subject_key(event)
            sequences[key] = max(sequences.get(key, 0), event.sequence)
        return counted, sequences

    def _recorded(self, connection: Connection, branch: str) -> Iterator[Event]:
        """Return the branch's events in the order in which they were recorded: its partition was locked then."""
        position = 0
        query = select(journal.c.position, journal.c.body).where(journal.c.branch == branch)
        query = query.order_by(journal.c.position).limit(CHUNK)
        while found := connection.execute(query.where(journal.c.position > position)).all():
            yield from (decode(row.body.encode()) for row in found)
            position = found[-1].position


def _given_up(connection: Connection, branch: str) -> Iterator[Event]:
    """Return the branch's events that an operator gave up, those among them that nobody could read at first."""
    of_branch = or_(dead_letter.c.branch == branch, dead_letter.c.branch.is_(None))
    query = select(dead_letter.c.body).where(of_branch, dead_letter.c.state == "discarded")
    for body in connection.execute(query).scalars():
        with suppress(Undecodable):
            event = decode(body)
            if event.branchid == branch:
                yield event
