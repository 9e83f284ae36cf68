"""Reading the journal: by what somebody looks for, and chain by chain (W10).

Whatever is asked, it is found by an index, so that a search costs what it finds.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import BindParameter, ColumnElement, Connection, Row, Select, bindparam, func, select, union_all

from services.worklog.model.chain import Chain, Link
from services.worklog.store import tables
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


class StoredJournal:
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


Positions = tuple[int, int]
"""The first and the last position of a part of the journal."""
BEYOND = 2**62
"""Behind every position."""

_of_day = (_journal.branch == _chain.branch, _journal.day == _chain.day)
_link_of_day = select(_journal.position).where(*_of_day).correlate(tables.chain)
_first = _link_of_day.where(_journal.n == 1).scalar_subquery()
_last = _link_of_day.where(_journal.n == _chain.count).scalar_subquery()
_ENDS = select(func.min(_first).label("first"), func.max(_last).label("last")).select_from(tables.chain)


def search(connection: Connection, query: JournalQuery, *, limit: int) -> Sequence[JournalEntry]:
    """Return what fits the query behind its position, in order."""
    types = _types(connection, query) if query.type is not None else None
    if types == []:
        return []
    found: list[JournalEntry] = []
    after = query.after
    for first, last in _parts(connection, query):
        after = max(after, first - 1)
        if after < last and len(found) < limit:
            found += _entries(connection, query, types, (after + 1, last), limit - len(found))
            after = last
    return found


def _entries(
    connection: Connection, query: JournalQuery, types: Sequence[str] | None, part: Positions, limit: int
) -> list[JournalEntry]:
    if types is None:
        rows = connection.execute(_page(query, part, limit))
    else:  # each type by itself is in order by its index; together they would be sorted, all of them
        of_each = [_page(query, part, limit, _journal.type == type_) for type_ in types]
        merged = union_all(*(select(page.subquery()) for page in of_each)).subquery()
        rows = connection.execute(select(merged).order_by(merged.c.position).limit(limit))
    return [JournalEntry(position=position, hash=hash_, event=orjson.loads(body)) for position, hash_, body in rows]


def _page(query: JournalQuery, part: Positions, limit: int, *same: ColumnElement[bool]) -> Select[int, str, str]:
    """Return the query for the first that fit in a part; ``same`` is the type where one is asked for."""
    found = select(_journal.position, _journal.hash, _journal.body).where(_journal.branch == query.branch, *same)
    if query.subject is not None:
        found = found.where(_journal.subject == query.subject)
    if query.from_ is not None:
        found = found.where(_journal.time >= query.from_)
    if query.to is not None:
        found = found.where(_journal.time <= query.to)
    return found.where(_journal.position.between(*part)).order_by(_journal.position).limit(limit)


def _types(connection: Connection, query: JournalQuery) -> list[str] | None:
    """Return the branch's types that are asked for; None where that is all of them."""
    assert query.type is not None
    if not query.type.endswith("*"):
        return [query.type]
    every = connection.execute(_types_of(query.branch)).scalars().all()
    wanted = [type_ for type_ in every if type_.startswith(query.type[:-1])]
    return wanted if len(wanted) < len(every) or not every else None


def _types_of(branch: str) -> Select[str]:
    """Return the query for the branch's types: a look into the index for each, and not for each event."""
    of_branch = _journal.branch == branch
    found = select(func.min(_journal.type).label("type")).where(of_branch).cte("types", recursive=True)
    next_one = select(func.min(_journal.type)).where(of_branch, _journal.type > found.c.type).scalar_subquery()
    found = found.union_all(select(next_one).where(found.c.type.is_not(None)))
    return select(found.c.type).where(found.c.type.is_not(None))


def _parts(connection: Connection, query: JournalQuery) -> list[Positions]:
    """Return the parts of the journal that have the branch's events of the time in question, in order.

    Events are in the order in which they came, which is not always that in which they happened. Of each day the
    chain's head says between which times its events happened: the days that fit, one after the other, are a part.
    """
    if query.subject is not None or (query.from_ is None and query.to is None):
        return [(0, BEYOND)]
    days = connection.execute(
        select(_chain.day, _chain.earliest, _chain.latest).where(_chain.branch == query.branch).order_by(_chain.day)
    ).all()
    runs = groupby(days, lambda row: _overlaps(query, row.earliest, row.latest))
    fitting = [[row.day for row in run] for fits, run in runs if fits]
    if fitting and len(fitting[0]) == len(days):
        return [(0, BEYOND)]
    return sorted(_part(connection, query.branch, run) for run in fitting)  # an earlier day may have come later


def _part(connection: Connection, branch: str, days: Sequence[date]) -> Positions:
    of_run = (_chain.branch == branch, _chain.day.between(days[0], days[-1]))
    ends = connection.execute(_ENDS.where(*of_run)).one()
    return ends.first or 0, ends.last or BEYOND  # nothing: somebody has removed links


def _overlaps(query: JournalQuery, earliest: datetime | None, latest: datetime | None) -> bool:
    if earliest is None or latest is None:
        return True
    return (query.from_ is None or latest >= query.from_) and (query.to is None or earliest <= query.to)
