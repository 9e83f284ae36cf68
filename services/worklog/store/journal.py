"""Reading the journal: by what somebody looks for, and chain by chain (W10)."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, select, union_all

from services.worklog.model.chain import Chain, Link
from services.worklog.store import tables
from services.worklog.store.journal_search import search
from shared.contracts.http.worklog import JournalEntry, JournalQuery

CHUNK = 500
"""How many links are read at once."""


def _smallest(*keys: Select[Any]) -> Select[Any]:
    """Return the query for the smallest key that these find, each with a look into an index."""
    found = union_all(*keys).subquery()
    return select(func.min(found.c.key))


_chain, _journal, _signature = tables.chain.c, tables.journal.c, tables.signature.c
_of: BindParameter[Any] = bindparam("of")
_behind: BindParameter[Any] = bindparam("behind")
_NEXT_BRANCH = _smallest(
    select(func.min(_chain.branch).label("key")).where(_chain.branch > _behind),
    select(func.min(_journal.branch).label("key")).where(_journal.branch > _behind),
    select(func.min(_signature.branch).label("key")).where(_signature.branch > _behind),
)
_NEXT_DAY = _smallest(
    select(func.min(_chain.day).label("key")).where(_chain.branch == _of, _chain.day > _behind),
    select(func.min(_journal.day).label("key")).where(_journal.branch == _of, _journal.day > _behind),
    select(func.min(_signature.business_date).label("key")).where(
        _signature.branch == _of, _signature.business_date > _behind
    ),
)


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
        return search(self._connection, query, limit=limit)

    def heads(self, branches: Collection[str] | None) -> Iterator[Chain]:
        """Return the head of each chain of these branches, or of all; an empty one where it's gone.

        A chain is whatever has a head or a link, or a day whose log was signed after it. They are found one after
        the other by their keys: to sort the whole journal for a list of its days would take it all at once.
        """
        for branch in self._branches() if branches is None else sorted(branches):
            for day in self._days(branch):
                query = select(tables.chain).where(_chain.branch == branch, _chain.day == day)
                head = self._connection.execute(query).mappings().one_or_none()
                yield Chain(branch=branch, day=day) if head is None else Chain(**head)

    def links(self, chain: Chain) -> Iterator[Link]:
        """Return a chain's links in order, read as they are asked for."""
        query = select(tables.journal).where(_journal.branch == chain.branch, _journal.day == chain.day)
        result = self._connection.execute(query.order_by(_journal.n), execution_options={"yield_per": CHUNK})
        for rows in result.partitions():
            yield from map(_link, rows)
            self._pause()

    def signed_hash(self, chain: Chain) -> str | None:
        """Return the hash that the day's log was signed with; None where it isn't signed."""
        query = select(_signature.journal_hash).where(
            _signature.branch == chain.branch, _signature.business_date == chain.day
        )
        return self._connection.execute(query).scalar()

    def _branches(self) -> Iterator[str]:
        branch = ""
        while (branch := self._connection.execute(_NEXT_BRANCH, {"behind": branch}).scalar() or "") != "":
            yield branch

    def _days(self, branch: str) -> Iterator[date]:
        day: date | None = date.min
        while (day := self._connection.execute(_NEXT_DAY, {"of": branch, "behind": day}).scalar()) is not None:
            yield day


def _link(row: Row[Any]) -> Link:
    return Link(
        n=row.n,
        prev_hash=row.prev_hash,
        hash=row.hash,
        body=row.body.encode(),
        time=row.time,
        columns={
            "id": row.event_id,
            "type": row.type,
            "source": row.source,
            "subject": row.subject,
            "sequence": str(row.sequence),
        },
    )
