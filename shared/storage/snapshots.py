"""Snapshots: a branch's state at a position of its log, so that nobody folds the log from its beginning.

A snapshot can be thrown away at any time: the log makes it anew. The newest of a branch shortens a start. Those
that lie apart, and the last of each day, stay: they shorten the way to the state at an instant.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from shared.storage.tables import log, snapshot

APART = 250
"""A snapshot with fewer events than these before the next goes: the end of a process, or another process, made one."""
LEVEL = 1
"""How hard zlib tries: a large state is packed in 4 ms, to an eighth."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of a branch after the event at ``pos``, which was recorded at ``recorded``."""

    branch: str
    pos: int
    recorded: datetime
    body: bytes


def newest(
    connection: Connection, branch: str, version: int, *, up_to: int | None = None, until: datetime | None = None
) -> Snapshot | None:
    """Return the newest snapshot of this version, at or before a position or a time."""
    query = select(snapshot.c.pos, snapshot.c.recorded, snapshot.c.body).where(
        snapshot.c.branch == branch, snapshot.c.version == version
    )
    if up_to is not None:
        query = query.where(snapshot.c.pos <= up_to)
    if until is not None:
        query = query.where(snapshot.c.recorded <= until)
    row = connection.execute(query.order_by(snapshot.c.pos.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return Snapshot(branch=branch, pos=row.pos, recorded=row.recorded, body=zlib.decompress(row.body))


def save(connection: Connection, version: int, taken: Sequence[Snapshot]) -> None:
    """Keep snapshots; of each branch the one before goes, unless it lies apart or was the last of its day (UTC)."""
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    for one in taken:
        before = connection.execute(
            select(snapshot.c.pos, snapshot.c.recorded)
            .where(snapshot.c.branch == one.branch, snapshot.c.version == version)
            .order_by(snapshot.c.pos.desc())
            .limit(1)
        ).one_or_none()
        connection.execute(
            insert(snapshot).on_conflict_do_nothing(),
            {
                "branch": one.branch, "pos": one.pos, "version": version, "recorded": one.recorded,
                "body": zlib.compress(one.body, LEVEL),
            },
        )  # fmt: skip
        if before is None or before.pos >= one.pos or before.recorded.date() != one.recorded.date():
            continue
        between = select(log.c.pos).where(log.c.branch == one.branch, log.c.pos > before.pos, log.c.pos <= one.pos)
        if len(connection.execute(between.limit(APART)).all()) < APART:
            mine = (snapshot.c.branch == one.branch, snapshot.c.version == version, snapshot.c.pos == before.pos)
            connection.execute(delete(snapshot).where(*mine))


def forget(connection: Connection, branch: str | None = None, *, other_than: int | None = None) -> int:
    """Throw snapshots away: a branch's, or all; those of other versions only, where one is named. Return how many."""
    query = delete(snapshot)
    if branch is not None:
        query = query.where(snapshot.c.branch == branch)
    if other_than is not None:
        query = query.where(snapshot.c.version != other_than)
    return connection.execute(query).rowcount
