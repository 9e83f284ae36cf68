"""Rows that follow from events: signatures from worklog's own; the journal, and what it makes, from all (W7, W10).

One transaction of events reads and writes each table in one statement. What follows from the journal (figures, visits,
subjects) can be folded anew from it, by the same functions.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from immutables import Map
from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, Table, exists, insert, or_, select

from services.worklog.handlers.event_handlers import Entry, Page, SubjectKey, count_event, subject_key
from services.worklog.model.chain import Chain
from services.worklog.model.figures import Counted, DayKey, Figures, Visit, VisitKey
from services.worklog.store import tables
from shared.contracts.envelope import Event, Undecodable
from shared.contracts.events.worklog import DayClosed
from shared.contracts.registry import decode
from shared.settings import Settings
from shared.storage import Transaction, bulk
from shared.storage.aggregate import ProjectedRow
from shared.storage.bulk import InArray
from shared.storage.tables import dead_letter

FIGURES = TypeAdapter(Figures)
CHUNK = 500
"""How many events are read at once."""

_chain, _figures, _journal, _subject, _visit = (
    tables.chain.c, tables.figures.c, tables.journal.c, tables.subject.c, tables.visit.c,
)  # fmt: skip

_SEQUENCES = InArray(select(tables.subject), _subject.branch, _subject.producer, _subject.subject)
_CHAINS = InArray(select(tables.chain), _chain.branch, _chain.day)
_FIGURES_OF = InArray(
    select(_figures.branch, _figures.business_date, _figures.body), _figures.branch, _figures.business_date
)
_VISITS = InArray(select(tables.visit), _visit.branch, _visit.visit_id)


class StoredJournalProjection:
    """The tables that events are recorded in, in one transaction that has locked their branches."""

    def __init__(self, tx: Transaction) -> None:
        """``tx`` is the transaction of the events."""
        self._connection = tx.connection

    def sequences(self, subjects: Collection[SubjectKey]) -> Mapping[SubjectKey, int]:
        """Return the last sequence of those subjects that are known."""
        rows = _SEQUENCES.execute(self._connection, subjects) if subjects else ()
        return {(branch, producer, subject): sequence for branch, producer, subject, sequence in rows}

    def chains(self, days: Collection[DayKey]) -> Mapping[DayKey, Chain]:
        """Return the heads of those chains that exist."""
        rows = _CHAINS.execute(self._connection, days).mappings() if days else ()
        return {(row["branch"], row["day"]): Chain(**row) for row in rows}

    def counted(self, days: Collection[DayKey], visits: Collection[VisitKey]) -> Counted:
        """Return the figures of those days and the records of those visits, where there are any."""
        return _counted(
            _FIGURES_OF.execute(self._connection, days) if days else (),
            _VISITS.execute(self._connection, visits) if visits else (),
        )

    def has(self, event: Event) -> bool:
        """Whether the journal holds this very event."""
        same = exists().where(
            _journal.branch == event.branchid,
            _journal.subject == event.subject,
            _journal.sequence == event.sequence,
            _journal.event_id == event.id,
        )
        return bool(self._connection.execute(select(same)).scalar())

    def write(self, page: Page) -> None:
        """Write the page."""
        if not (page.entries or page.skipped):
            return
        if page.entries:
            is_sqlite = self._connection.dialect.name == "sqlite"
            statement = insert(tables.journal) if is_sqlite else bulk.insert_document(tables.journal, "position")
            bulk.write(self._connection, statement, [_entry_row(entry) for entry in page.entries])
        self._put(tables.subject, subject_rows(page.sequences))
        self._put(
            tables.chain,
            (asdict(chain) for chain in page.chains.values()),
        )
        of_days, of_visits = counted_rows(page.counted)
        self._put(tables.figures, of_days)
        self._put(tables.visit, of_visits)

    def _put(self, table: Table, rows: Iterable[dict[str, object]]) -> None:
        if rows := list(rows):
            bulk.upsert_rows(self._connection, table, rows)


def subject_rows(sequences: Mapping[SubjectKey, int]) -> Sequence[dict[str, object]]:
    """Return the rows of how far the journal has come with each subject."""
    return [
        {"branch": branch, "producer": producer, "subject": subject, "sequence": sequence}
        for (branch, producer, subject), sequence in sequences.items()
    ]


def counted_rows(counted: Counted) -> tuple[Sequence[dict[str, object]], Sequence[dict[str, object]]]:
    """Return the rows of the figures, and of the visits."""
    return (
        [_figures_row(branch, day, figures) for (branch, day), figures in counted.figures.items()],
        [{"branch": branch, "visit_id": id_, **asdict(visit)} for (branch, id_), visit in counted.visits.items()],
    )


def _counted(figures: Iterable[Row[Any]], visits: Iterable[Row[Any]]) -> Counted:
    return Counted(
        figures=Map(((row.branch, row.business_date), FIGURES.validate_json(row.body)) for row in figures),
        visits=Map(
            ((row.branch, row.visit_id), Visit(channel=row.channel, ended=row.ended, late=row.late)) for row in visits
        ),
    )


def _entry_row(entry: Entry) -> dict[str, object]:
    event, chain = entry.event, entry.chain
    return {
        "branch": chain.branch,
        "day": chain.day,
        "n": chain.count,
        "event_id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "sequence": event.sequence,
        "time": event.time,
        "recorded": event.recordedtime,
        "body": entry.body.decode(),
        "prev_hash": entry.prev_hash,
        "hash": chain.hash,
    }


def _figures_row(branch: str, day: object, figures: Figures) -> dict[str, object]:
    return {
        "branch": branch,
        "business_date": day,
        "managers": figures.managers,
        "body": FIGURES.dump_json(figures).decode(),
    }


def project(event: Event) -> Iterable[ProjectedRow]:
    """Return the rows that an event of worklog's own makes."""
    data = event.data
    if isinstance(data, DayClosed) and data.journal_hash is not None:
        yield tables.signature, {
            "branch": event.branchid, "business_date": data.business_date, "journal_hash": data.journal_hash,
        }  # fmt: skip


class JournalCount:
    """What is counted of a branch, and how far its subjects have come, folded again from its journal."""

    def __init__(self, settings: Settings) -> None:
        """``settings`` name the time zone, in which the days begin and end."""
        self._zone = settings.default_timezone

    def branches(self, connection: Connection) -> Iterable[str]:
        """Return every branch that the journal has an event of."""
        return connection.execute(select(tables.chain.c.branch).distinct()).scalars()

    def rows(self, connection: Connection, branch: str) -> Iterable[ProjectedRow]:
        """Return the figures, visits and subjects that the journal of a branch makes."""
        counted, sequences = self.refold(connection, branch)
        of_days, of_visits = counted_rows(counted)
        of_subjects = subject_rows(sequences)
        for table, rows in ((tables.figures, of_days), (tables.visit, of_visits), (tables.subject, of_subjects)):
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
        query = select(tables.journal.c.position, tables.journal.c.body).where(tables.journal.c.branch == branch)
        query = query.order_by(tables.journal.c.position).limit(CHUNK)
        while found := connection.execute(query.where(tables.journal.c.position > position)).all():
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
