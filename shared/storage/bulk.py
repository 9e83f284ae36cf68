"""Many rows with one statement: a JSON document or an array on PostgreSQL, a parameter or an execution a row on SQLite.

A transaction of 200 events is a handful of round trips either way. On PostgreSQL arrays cost a third of
what ``executemany`` does, and most of that is the driver's quoting, which one document doesn't need.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    Executable,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from shared.storage.tables import idempotency, inbox, log, log_head

_ROWS = cast(bindparam("rows", type_=Text), postgresql.JSON)


@cache
def insert_document(table: Table, generated: str | None = None) -> postgresql.Insert:
    """Return PostgreSQL's insert of the rows of a :func:`document`, to which ON CONFLICT can be added.

    ``generated`` is a column that the database fills itself.
    """
    columns = [column(one.name, one.type) for one in table.columns if one.name != generated]
    rows = func.json_to_recordset(_ROWS).table_valued(*columns).render_derived(with_types=True)
    return postgresql.insert(table).from_select([one.name for one in columns], select(rows))


def document(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameter of such a statement."""
    return {"rows": orjson.dumps(rows).decode()}


class InArray:
    """A query for the rows whose column has one of many values, or whose columns have one of many tuples of values.

    To PostgreSQL they are one array a column: a parameter each would be another statement for each number of them,
    which the driver takes apart and the server plans every time.
    """

    def __init__(self, query: Select[Any], *columns: Column[Any]) -> None:
        """``query`` without that condition. The columns are those of an index, all of them: others are scanned."""
        self._names = [f"among_{column.name}" for column in columns]
        arrays = [bindparam(name, type_=postgresql.ARRAY(c.type)) for name, c in zip(self._names, columns, strict=True)]
        if len(columns) == 1:
            self._array = query.where(columns[0] == any_(arrays[0]))
            self._list = query.where(columns[0].in_(bindparam("among", expanding=True)))
        else:
            given = func.unnest(*arrays).table_valued(*(c.name for c in columns)).render_derived("among")
            self._array = query.join(given, and_(*(c == given.c[c.name] for c in columns)))
            # SQLite finds no index for tuples of values, but it does for the rows of a table.
            rows = func.json_each(bindparam("among", type_=Text)).table_valued("value", name="among")
            of = [func.json_extract(rows.c.value, f"$[{n}]") for n in range(len(columns))]
            self._list = query.join(rows, and_(*(c == value for c, value in zip(columns, of, strict=True))))

    def execute(self, connection: Connection, values: Collection[Any]) -> CursorResult[*tuple[Any, ...]]:
        """Run the query; ``values`` are tuples where there are several columns."""
        several = len(self._names) > 1
        if connection.dialect.name == "sqlite":
            return connection.execute(
                self._list, {"among": orjson.dumps(list(values)).decode() if several else list(values)}
            )
        of_each = zip(*values, strict=True) if several else [values]
        return connection.execute(self._array, {name: list(of) for name, of in zip(self._names, of_each, strict=True)})


def write(connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Carry out a statement for each of the rows: for all at once, where it takes a :func:`document`."""
    at_once = isinstance(statement, postgresql.Insert) and statement.select is not None
    connection.execute(statement, document(rows) if at_once else list(rows))


_heads = func.unnest(
    bindparam("head_pp", type_=postgresql.ARRAY(log_head.c.pp.type)),
    bindparam("head_pos", type_=postgresql.ARRAY(log_head.c.pos.type)),
)
_given = _heads.table_valued("pp", "pos").render_derived("given")
_advance = update(log_head).where(log_head.c.pp == _given.c.pp).values(pos=_given.c.pos)
_APPEND = insert_document(log).add_cte(_advance.cte("advanced"))
_RECEIVE = text(
    "INSERT INTO inbox (event_id, at) SELECT unnest(CAST(:ids AS text[])), CAST(:at AS timestamptz) "
    "ON CONFLICT DO NOTHING RETURNING event_id"
)
_ANSWERS = InArray(select(idempotency), idempotency.c.actor, idempotency.c.key)
_ADVANCE_ONE = update(log_head).where(log_head.c.pp == bindparam("of")).values(pos=bindparam("pos"))
_RECEIVE_ONE = insert_sqlite(inbox).on_conflict_do_nothing().returning(inbox.c.event_id)


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows into a table; each has every column."""
    if connection.dialect.name == "sqlite":
        connection.execute(insert(table), list(rows))
    else:
        write(connection, insert_document(table), rows)


def upsert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows into a table, each in the place of one with its primary key; of two such rows the last one counts."""
    keys = [column.name for column in table.primary_key]
    newest = {tuple(row[key] for key in keys): row for row in rows}
    write(connection, _upsert(table, connection.dialect.name == "sqlite"), list(newest.values()))


@cache
def _upsert(table: Table, sqlite: bool) -> Executable:
    statement: Any = insert_sqlite(table) if sqlite else insert_document(table)
    keys = [column.name for column in table.primary_key]
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    updated: Executable = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return updated


def answers(connection: Connection, keys: Sequence[tuple[str, str]]) -> CursorResult[*tuple[Any, ...]]:
    """Look for the answers to these Idempotency-Keys, each with the actor who sent it."""
    return _ANSWERS.execute(connection, keys)


def append_rows(connection: Connection, rows: Sequence[Mapping[str, Any]], heads: Mapping[int, int]) -> None:
    """Append rows to the log, and set the last position of each partition; on PostgreSQL in one statement."""
    if connection.dialect.name == "sqlite":
        connection.execute(insert(log), list(rows))
        connection.execute(_ADVANCE_ONE, [{"of": pp, "pos": pos} for pp, pos in heads.items()])
    else:
        positions = {"head_pp": list(heads), "head_pos": list(heads.values())}
        connection.execute(_APPEND, document(rows) | positions)


def receive(connection: Connection, event_ids: Sequence[str], at: datetime) -> set[str]:
    """Enter events into the inbox; return those that were not in it."""
    if connection.dialect.name != "sqlite":
        return set(connection.execute(_RECEIVE, {"ids": list(event_ids), "at": at}).scalars())
    entered = (connection.execute(_RECEIVE_ONE, {"event_id": id_, "at": at}).scalar() for id_ in event_ids)
    return {id_ for id_ in entered if id_ is not None}
