"""The journal and what follows from it: what one transaction of events reads and writes (W7, W10).

Each table is read and written in one statement. All of it is a projection of the events that worklog heard: what is
counted is folded anew from the journal by :mod:`services.worklog.store.projection`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

from immutables import Map
from pydantic import TypeAdapter
from sqlalchemy import Row, Table, exists, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert_sqlite

from services.worklog.handlers.recording import Entry, Page, SubjectKey
from services.worklog.model.chain import Chain
from services.worklog.model.counted import Counted, DayKey, VisitKey
from services.worklog.model.figures import Figures, Visit
from services.worklog.store import tables
from shared.contracts.envelope import Event
from shared.storage import Transaction, bulk
from shared.storage.bulk import Among

FIGURES = TypeAdapter(Figures)

_chain, _figures, _journal, _subject, _visit = (
    tables.chain.c, tables.figures.c, tables.journal.c, tables.subject.c, tables.visit.c,
)  # fmt: skip

_SEQUENCES = Among(select(tables.subject), _subject.branch, _subject.producer, _subject.subject)
_CHAINS = Among(select(tables.chain), _chain.branch, _chain.day)
_FIGURES_OF = Among(
    select(_figures.branch, _figures.business_date, _figures.body), _figures.branch, _figures.business_date
)
_VISITS = Among(select(tables.visit), _visit.branch, _visit.visit_id)


class StoredJournalProjection:
    """The tables that events are recorded in, in one transaction that has locked their branches."""

    def __init__(self, tx: Transaction) -> None:
        """``tx`` is the transaction of the events."""
        self._connection = tx.connection
        is_sqlite = tx.connection.dialect.name == "sqlite"
        self._insert: Callable[[Table], Any] = insert if is_sqlite else _insert_postgresql
        self._upsert = _upsert_sqlite if is_sqlite else _upsert_postgresql

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
            bulk.write(self._connection, self._insert(tables.journal), [_entry_row(entry) for entry in page.entries])
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
            bulk.write(self._connection, self._upsert(table), rows)


def _insert_postgresql(table: Table) -> Any:
    return bulk.insert_document(table, generated="position")


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


@cache
def _upsert_postgresql(table: Table) -> Any:
    statement = bulk.insert_document(table)
    changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


@cache
def _upsert_sqlite(table: Table) -> Any:
    statement = upsert_sqlite(table)
    changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


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
