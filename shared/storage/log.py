"""Reading a log: by position for cursors, by subject for gaps, by correlation for timelines."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Select, select, union_all
from sqlalchemy.dialects.postgresql import insert as upsert_postgresql
from sqlalchemy.dialects.sqlite import insert as upsert_sqlite

from shared.storage.tables import cursor, log, log_head


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One event of a log, with where it stands."""

    pp: int
    pos: int
    event_id: str
    branch: str
    type: str
    own: bool
    body: str


_columns = (log.c.pp, log.c.pos, log.c.event_id, log.c.branch, log.c.type, log.c.own, log.c.body)


def heads(connection: Connection) -> dict[int, int]:
    """Return the last committed position of each partition. No later commit can add one at or below it."""
    return {pp: pos for pp, pos in connection.execute(select(log_head.c.pp, log_head.c.pos))}


def after(
    connection: Connection, positions: Mapping[int, int], *, limit: int, branches: Collection[str] | None = None
) -> list[Row]:
    """Return events behind these positions, of all branches or of some, each partition in order, ``limit`` in all."""
    if not positions:
        return []
    of_each = [_behind(pp, pos, branches).limit(limit) for pp, pos in sorted(positions.items())]
    if len(of_each) == 1:
        return _rows(connection.execute(of_each[0]))
    # A look into the index for each partition: one condition with OR would walk through the index from its beginning.
    together = union_all(*(select(one.subquery()) for one in of_each)).subquery()
    return _rows(connection.execute(select(together).order_by(together.c.pp, together.c.pos).limit(limit)))


def _behind(pp: int, pos: int, branches: Collection[str] | None) -> Select[int, int, str, str, str, bool, str]:
    query = select(*_columns).where(log.c.pp == pp, log.c.pos > pos).order_by(log.c.pos)
    return query if branches is None else query.where(log.c.branch.in_(branches))


def of_subject(connection: Connection, subject: str, *, before: int | None = None) -> list[Row]:
    """Return a subject's events in order, those with a smaller sequence than ``before`` if it's given."""
    query = select(*_columns).where(log.c.subject == subject).order_by(log.c.sequence)
    return _rows(connection.execute(query if before is None else query.where(log.c.sequence < before)))


def of_correlation(connection: Connection, correlation: str) -> list[Row]:
    """Return the events that belong to a visit or an incident, in the order of their positions."""
    query = select(*_columns).where(log.c.correlation == correlation).order_by(log.c.pp, log.c.pos)
    return _rows(connection.execute(query))


def _rows(result: Iterable[tuple[int, int, str, str, str, bool, str]]) -> list[Row]:
    return [Row(pp=p, pos=n, event_id=e, branch=b, type=t, own=o, body=j) for p, n, e, b, t, o, j in result]


class LogReader:
    """Another service's log, read only: for gaps and for catching up."""

    def __init__(self, engine: Engine) -> None:
        """``engine`` opens the producer's database."""
        self._engine = engine

    def heads(self) -> dict[int, int]:
        """As :func:`heads`."""
        with self._engine.connect() as connection:
            return heads(connection)

    def after(self, positions: Mapping[int, int], *, limit: int) -> list[Row]:
        """As :func:`after`."""
        with self._engine.connect() as connection:
            return after(connection, positions, limit=limit)

    def of_subject(self, subject: str, *, before: int | None = None) -> list[Row]:
        """As :func:`of_subject`."""
        with self._engine.connect() as connection:
            return of_subject(connection, subject, before=before)


class Cursor:
    """A named cursor in the database that the reader writes to; absent partitions are at 0."""

    def __init__(self, name: str) -> None:
        """``name`` is unique within the service's database."""
        self.name = name

    def load(self, connection: Connection) -> dict[int, int]:
        """Return the position of each partition that the reader has begun."""
        rows = connection.execute(select(cursor.c.pp, cursor.c.pos).where(cursor.c.name == self.name))
        return {pp: pos for pp, pos in rows}

    def save(self, connection: Connection, positions: Mapping[int, int]) -> None:
        """Move the cursor to these positions, in the caller's transaction."""
        if not positions:
            return
        insert = upsert_sqlite if connection.dialect.name == "sqlite" else upsert_postgresql
        statement = insert(cursor)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name", "pp"], set_={"pos": statement.excluded.pos}),
            [{"name": self.name, "pp": pp, "pos": pos} for pp, pos in sorted(positions.items())],
        )
