"""Reading the journal: by what somebody looks for, and chain by chain (W10)."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, select, union

from services.worklog.model.chain import Chain, Link
from services.worklog.store import tables
from shared.contracts.http.worklog import JournalEntry, JournalQuery

CHUNK = 500
"""How many links are read at once."""

_chain, _day, _journal = tables.chain.c, tables.day.c, tables.journal.c


class Journal:
    """The committed journal, for looking."""

    def __init__(self, connection: Connection, pause: Callable[[], None] = lambda: None) -> None:
        """``pause`` is called between chunks, so that a long look lets others work."""
        if connection.dialect.name == "postgresql":
            # Heads and links are read one after the other and have to be of the same instant.
            connection.execution_options(isolation_level="REPEATABLE READ")
        self._connection = connection
        self._pause = pause

    def search(self, query: JournalQuery, *, limit: int) -> Sequence[JournalEntry]:
        """Return what fits the query behind its position, in order."""
        rows = self._connection.execute(_matching(query).order_by(_journal.position).limit(limit))
        return [JournalEntry(position=position, hash=hash_, event=orjson.loads(body)) for position, hash_, body in rows]

    def heads(self, branches: Collection[str] | None) -> Iterator[Chain]:
        """Return the head of each chain of these branches, or of all; an empty one where it's gone."""
        heads = {(head.branch, head.day): head for head in self._stored_heads(branches)}
        for key in self._chains(branches):
            yield heads.get(key) or Chain(branch=key[0], day=key[1])

    def links(self, chain: Chain) -> Iterator[Link]:
        """Return a chain's links in order, read as they are asked for."""
        query = select(tables.journal).where(_journal.branch == chain.branch, _journal.day == chain.day)
        result = self._connection.execute(query.order_by(_journal.n), execution_options={"yield_per": CHUNK})
        for rows in result.partitions():
            yield from map(_link, rows)
            self._pause()

    def signed_hash(self, chain: Chain) -> str | None:
        """Return the hash that the day's log was signed with; None where it isn't signed."""
        query = select(_day.journal_hash).where(_day.branch == chain.branch, _day.business_date == chain.day)
        return self._connection.execute(query).scalar()

    def _stored_heads(self, branches: Collection[str] | None) -> list[Chain]:
        query = select(tables.chain)
        if branches is not None:
            query = query.where(_chain.branch.in_(branches))
        return [Chain(**row) for row in self._connection.execute(query).mappings()]

    def _chains(self, branches: Collection[str] | None) -> list[tuple[str, date]]:
        """Return every chain that has a head or a link, or that a day's log was signed after."""
        signed = select(_day.branch, _day.business_date).where(_day.journal_hash.is_not(None))
        ways = [
            (select(_chain.branch, _chain.day), _chain.branch),
            (select(_journal.branch, _journal.day), _journal.branch),
            (signed, _day.branch),
        ]
        queries = [query if branches is None else query.where(column.in_(branches)) for query, column in ways]
        return sorted((branch, day) for branch, day in self._connection.execute(union(*queries)))


def _matching(query: JournalQuery) -> Select[int, str, str]:
    found = select(_journal.position, _journal.hash, _journal.body).where(
        _journal.branch == query.branch, _journal.position > query.after
    )
    if query.from_ is not None:
        found = found.where(_journal.time >= query.from_)
    if query.to is not None:
        found = found.where(_journal.time <= query.to)
    if query.subject is not None:
        found = found.where(_journal.subject == query.subject)
    if query.type is not None and query.type.endswith("*"):
        found = found.where(_journal.type.startswith(query.type[:-1], autoescape=True))
    elif query.type is not None:
        found = found.where(_journal.type == query.type)
    return found


def _link(row: Row[Any]) -> Link:
    return Link(
        n=row.n,
        prev_hash=row.prev_hash,
        hash=row.hash,
        body=row.body.encode(),
        columns={
            "id": row.event_id,
            "type": row.type,
            "source": row.source,
            "subject": row.subject,
            "sequence": str(row.sequence),
        },
    )
