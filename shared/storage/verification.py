"""Is what is kept of a branch the fold of its log? And if not, make it so (``lobby state verify`` and ``rebuild``)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.exc import SQLAlchemyError

from shared.contracts.registry import decode
from shared.storage import bulk, due
from shared.storage.aggregate import ProjectedRow, heard_projection_of, projected_tables
from shared.storage.storage import Storage
from shared.storage.tables import log

CHUNK = 1000
"""Events that are read at a time."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something that is ``kept`` otherwise than the log says; ``where`` is a path in the state, or a table and key."""

    where: str
    kept: Any
    folded: Any
    table: str | None = None
    """The table, where it is a row that differs."""

    @property
    def kind(self) -> str:
        """What is wrong with the row: it is missing, too many, or differs; also said of a part of the state."""
        if self.table is None or (self.kept is not None and self.folded is not None):
            return "differing"
        return "missing" if self.kept is None else "too many"


class CannotBeFolded(Exception):
    """A log or a journal holds what no fold can follow: an event is missing or damaged, or ``apply`` has a bug."""

    def __init__(self, what: str, error: Exception) -> None:
        """``what`` could not be folded, ``error`` is what the fold raised."""
        super().__init__(f"cannot be folded: {type(error).__name__}: {error}")
        self.what = what


def branches(storage: Storage) -> list[str]:
    """Return every branch that something was told of, or heard."""
    heard = heard_projection_of(storage.service, storage.settings)
    with storage.read() as connection:
        found = set(connection.execute(select(log.c.branch).distinct()).scalars())
        return sorted(found.union(() if heard is None else heard.branches(connection)))


def verify(storage: Storage, branch: str) -> list[Difference]:
    """Fold a branch's log from its first event on, and return where the kept state and rows differ from it.

    What can't be folded at all differs, too: that is told instead of being raised, so that the other branches have
    their turn.
    """
    with storage.read() as connection:
        if connection.dialect.name == "postgresql":
            # Log, snapshot and rows are read one after the other and have to be of the same instant.
            connection.execution_options(isolation_level="REPEATABLE READ")
        return [*_state_differences(connection, storage, branch), *_row_differences(connection, storage, branch)]


def rebuild(storage: Storage, branch: str) -> None:
    """Throw away the snapshots and projected rows of a branch, and make them anew from its log.

    Raises CannotBeFolded, and leaves everything as it is then.
    """
    with storage.transaction(branch) as tx:
        with _folding("state"):
            storage.states.snapshots_anew(tx.connection, branch, tx.committed(branch).pos)
            state = tx.state(branch)
        due.settle(tx.connection, {branch: storage.states.aggregate.due(state, state)})
        rows = _projected(tx.connection, storage, branch)
        for table in projected_tables(storage.service):
            tx.connection.execute(delete(table).where(table.c.branch == branch))
            mine = [row for (name, _), row in rows.items() if name == table.name]
            if mine:
                bulk.upsert_rows(tx.connection, table, mine)
    storage.states.forget()


@contextmanager
def _folding(what: str) -> Iterator[None]:
    """Name what can't be folded; a database that is away is another matter."""
    try:
        yield
    except SQLAlchemyError:
        raise
    except Exception as error:
        raise CannotBeFolded(what, error) from error


def _state_differences(connection: Connection, storage: Storage, branch: str) -> Iterator[Difference]:
    dump = storage.states.aggregate.dump
    try:
        with _folding("state"):
            known = storage.known(connection, branch)
            refolded = storage.states.refolded(connection, branch, known.pos)
    except CannotBeFolded as error:
        yield Difference(where=error.what, kept=None, folded=str(error))
    else:
        yield from _differences("", orjson.loads(dump(known.state)), orjson.loads(dump(refolded.state)))
        kept, latest = due.next_look(connection, branch), storage.states.aggregate.due(refolded.state, refolded.state)
        if latest is not None and (kept is None or kept > latest):  # earlier is a look that finds nothing
            yield Difference(where=f"due {branch}", kept=kept, folded=latest, table="due")


def _row_differences(connection: Connection, storage: Storage, branch: str) -> Iterator[Difference]:
    try:
        projected = _projected(connection, storage, branch)
    except CannotBeFolded as error:
        yield Difference(where=error.what, kept=None, folded=str(error))
        return
    kept: dict[tuple[str, tuple[Any, ...]], Mapping[str, Any]] = {}
    for table in projected_tables(storage.service):
        for row in connection.execute(select(table).where(table.c.branch == branch)).mappings():
            kept[table.name, _key(table, row)] = dict(row)
    for name, key in sorted(kept.keys() | projected.keys(), key=str):
        found, wanted = kept.get((name, key)), projected.get((name, key))
        if found != wanted:
            yield Difference(where=f"{name} {'/'.join(map(str, key))}", kept=found, folded=wanted, table=name)


def _projected(
    connection: Connection, storage: Storage, branch: str
) -> dict[tuple[str, tuple[Any, ...]], Mapping[str, Any]]:
    """Return the rows that the events of a branch make. Raises CannotBeFolded."""
    with _folding("rows"):
        found = (*_from_log(connection, storage, branch), *_from_heard(connection, storage, branch))
    return {(table.name, _key(table, row)): dict(row) for table, row in found}


def _from_log(connection: Connection, storage: Storage, branch: str) -> Iterator[ProjectedRow]:
    last = 0
    query = select(log.c.pos, log.c.body).where(log.c.branch == branch).order_by(log.c.pos).limit(CHUNK)
    while found := connection.execute(query.where(log.c.pos > last)).all():
        for pos, body in found:
            last = pos
            yield from storage.project(decode(body.encode()))


def _from_heard(connection: Connection, storage: Storage, branch: str) -> Iterator[ProjectedRow]:
    heard = heard_projection_of(storage.service, storage.settings)
    yield from () if heard is None else heard.rows(connection, branch)


def _key(table: Table, row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def _differences(path: str, kept: Any, folded: Any) -> Iterator[Difference]:
    if isinstance(kept, dict) and isinstance(folded, dict):
        for name in sorted(kept.keys() | folded.keys()):
            yield from _differences(f"{path}.{name}".lstrip("."), kept.get(name), folded.get(name))
    elif isinstance(kept, list) and isinstance(folded, list) and len(kept) == len(folded):
        for n, (one, other) in enumerate(zip(kept, folded, strict=True)):
            yield from _differences(f"{path}.{n}", one, other)
    elif kept != folded:
        yield Difference(where=path, kept=kept, folded=folded)
