"""What one transaction of events reads and writes, each table in one statement (W7, W10)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Table, exists, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert_sqlite

from services.worklog.handlers.recording import DayKey, Entry, Page, SubjectKey
from services.worklog.model.chain import Chain
from services.worklog.model.figures import Figures, Visit
from services.worklog.store import tables
from shared.contracts.envelope import Event
from shared.storage import Transaction, bulk
from shared.storage.bulk import Among

FIGURES = TypeAdapter(Figures)

_chain, _figures, _journal, _subject, _visit = (
    tables.chain.c, tables.figures.c, tables.journal.c, tables.subject.c, tables.visit.c,
)  # fmt: skip

_SEQUENCES = Among(select(_subject.producer, _subject.subject, _subject.sequence), _subject.producer, _subject.subject)
_CHAINS = Among(select(tables.chain), _chain.branch, _chain.day)
_FIGURES_OF = Among(
    select(_figures.branch, _figures.business_date, _figures.body), _figures.branch, _figures.business_date
)
_VISITS = Among(select(tables.visit), _visit.visit_id)


class Ledger:
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
        return {(producer, subject): sequence for producer, subject, sequence in rows}

    def chains(self, days: Collection[DayKey]) -> Mapping[DayKey, Chain]:
        """Return the heads of those chains that exist."""
        rows = _CHAINS.execute(self._connection, days).mappings() if days else ()
        return {(row["branch"], row["day"]): Chain(**row) for row in rows}

    def figures(self, days: Collection[DayKey]) -> Mapping[DayKey, Figures]:
        """Return the figures of those days that have any."""
        rows = _FIGURES_OF.execute(self._connection, days) if days else ()
        return {(branch, day): FIGURES.validate_json(body) for branch, day, body in rows}

    def visits(self, visit_ids: Collection[str]) -> Mapping[str, tuple[str, Visit]]:
        """Return the branch and the record of those visits that are known."""
        rows = _VISITS.execute(self._connection, visit_ids) if visit_ids else ()
        return {row.visit_id: (row.branch, Visit(channel=row.channel, ended=row.ended, late=row.late)) for row in rows}

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
        self._put(
            tables.subject,
            (
                {"producer": producer, "subject": subject, "sequence": sequence}
                for (producer, subject), sequence in page.sequences.items()
            ),
        )
        self._put(
            tables.chain,
            (asdict(chain) for chain in page.chains.values()),
        )
        self._put(
            tables.figures,
            (_figures_row(branch, day, figures) for (branch, day), figures in page.figures.items()),
        )
        self._put(
            tables.visit,
            (
                {
                    "visit_id": id_,
                    "branch": branch,
                    "channel": visit.channel,
                    "ended": visit.ended,
                    "late": visit.late,
                }
                for id_, (branch, visit) in page.visits.items()
            ),
        )

    def _put(self, table: Table, rows: Iterable[dict[str, object]]) -> None:
        if rows := list(rows):
            bulk.write(self._connection, self._upsert(table), rows)


def _insert_postgresql(table: Table) -> Any:
    return bulk.insert_document(table, generated="position")


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
