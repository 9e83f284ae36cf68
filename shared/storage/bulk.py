"""Writing many rows with one statement: arrays on PostgreSQL, one execution a row on SQLite.

A transaction of 200 events is a handful of round trips either way; on PostgreSQL an array per column
costs a third of what ``executemany`` does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, text, update
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from shared.storage.tables import inbox, log, log_head

_LOG_ARRAYS = {
    "pp": "smallint[]",
    "pos": "bigint[]",
    "event_id": "text[]",
    "branch": "text[]",
    "type": "text[]",
    "source": "text[]",
    "subject": "text[]",
    "sequence": "integer[]",
    "correlation": "text[]",
    "recorded": "timestamptz[]",
    "own": "boolean[]",
    "body": "text[]",
}
_APPEND = text(
    f"INSERT INTO log ({', '.join(_LOG_ARRAYS)}) "
    f"SELECT * FROM unnest({', '.join(f'CAST(:{name} AS {kind})' for name, kind in _LOG_ARRAYS.items())})"
)
_MOVE = text(
    "UPDATE log_head SET pos = moved.pos "
    "FROM unnest(CAST(:pp AS smallint[]), CAST(:pos AS bigint[])) AS moved (pp, pos) WHERE log_head.pp = moved.pp"
)
_RECEIVE = text(
    "INSERT INTO inbox (event_id, at) SELECT unnest(CAST(:ids AS text[])), CAST(:at AS timestamptz) "
    "ON CONFLICT DO NOTHING RETURNING event_id"
)
_MOVE_ONE = update(log_head).where(log_head.c.pp == bindparam("of")).values(pos=bindparam("pos"))
_RECEIVE_ONE = insert_sqlite(inbox).on_conflict_do_nothing().returning(inbox.c.event_id)


def append(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows into the log."""
    if connection.dialect.name == "sqlite":
        connection.execute(insert(log), list(rows))
    else:
        connection.execute(_APPEND, {name: [row[name] for row in rows] for name in _LOG_ARRAYS})


def move_heads(connection: Connection, positions: Mapping[int, int]) -> None:
    """Set the last position of each partition."""
    ordered = sorted(positions.items())
    if connection.dialect.name == "sqlite":
        connection.execute(_MOVE_ONE, [{"of": pp, "pos": pos} for pp, pos in ordered])
    else:
        connection.execute(_MOVE, {"pp": [pp for pp, _ in ordered], "pos": [pos for _, pos in ordered]})


def receive(connection: Connection, event_ids: Sequence[str], at: datetime) -> set[str]:
    """Enter events into the inbox; return those that were not in it."""
    if connection.dialect.name != "sqlite":
        return set(connection.execute(_RECEIVE, {"ids": list(event_ids), "at": at}).scalars())
    entered = (connection.execute(_RECEIVE_ONE, {"event_id": id_, "at": at}).scalar() for id_ in event_ids)
    return {id_ for id_ in entered if id_ is not None}
