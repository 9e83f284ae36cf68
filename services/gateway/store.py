"""The gateway's own tables: branches it has heard of, and the dead letters of the whole system."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    false,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from shared.storage import Cursor
from shared.storage.tables import UtcDateTime, log

PORTION = 5000
"""How many events are forgotten at once."""

_FORGOTTEN = Cursor("forgotten")
"""The last position of each partition that was forgotten: what lies before it has gaps."""

metadata = MetaData(info={"log_indexes": {"log_own_recorded": ("own", "recorded")}})

branch = Table(
    "branch",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("last_event_at", UtcDateTime, nullable=False),
    comment="The branches that anything was heard of.",
)

collected_dead_letter = Table(
    "collected_dead_letter",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("service", String(32), nullable=False),
    Column("queue", String(128), nullable=False),
    Column("code", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("branch", String(32)),
    Column("event_id", String(128)),
    Column("type", String(128)),
    Column("subject", String(128)),
    Column("content_type", String(255)),
    Column("by_broker", Integer, nullable=False, comment="1 where the broker parked it, not a service."),
    Column("body", LargeBinary, nullable=False),
    Index("collected_dead_letter_at", "at"),
    comment="The dead letters of every service, as they told them; a service's own are in its dead_letter.",
)


_dead_letter = collected_dead_letter.c


def _insert(connection: Connection, table: Table) -> Any:
    return (insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql)(table)


def _activity(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=["branch"], set_={"last_event_at": insert.excluded.last_event_at}
    )


# Built once: to build a statement costs more than to run it.
_ACTIVITY_SQLITE, _ACTIVITY_POSTGRESQL = _activity(insert_sqlite(branch)), _activity(insert_postgresql(branch))


def record_activity(connection: Connection, branches: Mapping[str, datetime]) -> None:
    """Remember when each branch was heard of last."""
    if branches:
        statement = _ACTIVITY_SQLITE if connection.dialect.name == "sqlite" else _ACTIVITY_POSTGRESQL
        connection.execute(statement, [{"branch": name, "last_event_at": at} for name, at in sorted(branches.items())])


def branches(connection: Connection, only: Collection[str] | None) -> list[tuple[str, datetime]]:
    """Return each of these branches, or all, that was heard of, and when it was last."""
    query = select(branch.c.branch, branch.c.last_event_at).order_by(branch.c.branch)
    found = connection.execute(query if only is None else query.where(branch.c.branch.in_(only)))
    return [(name, at) for name, at in found]


def put_dead_letter(connection: Connection, values: Mapping[str, Any]) -> None:
    """Enter a dead letter, or what became of it."""
    statement = _insert(connection, collected_dead_letter).values(**values)
    changing = ("code", "reason", "attempts", "state")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={name: statement.excluded[name] for name in changing}
        )
    )


def list_dead_letters(
    connection: Connection, *, service: str | None, state: str | None, branches: frozenset[str] | None, limit: int
) -> list[RowMapping]:
    """Return dead letters, the newest first; ``branches`` None means all, unreadable ones included."""
    query = select(collected_dead_letter).order_by(_dead_letter.at.desc(), _dead_letter.id.desc()).limit(limit)
    if service is not None:
        query = query.where(_dead_letter.service == service)
    if state is not None:
        query = query.where(_dead_letter.state == state)
    if branches is not None:
        query = query.where(_dead_letter.branch.in_(branches))
    return list(connection.execute(query).mappings())


def find_dead_letter(connection: Connection, id_: str) -> RowMapping | None:
    """Return one dead letter."""
    return connection.execute(select(collected_dead_letter).where(_dead_letter.id == id_)).mappings().one_or_none()


def mark_dead_letter(connection: Connection, seen_as: RowMapping, state: str) -> None:
    """Change a dead letter's state, unless its consumer has told of it since it was seen."""
    same = (_dead_letter.state == seen_as["state"]) & (_dead_letter.attempts == seen_as["attempts"])
    connection.execute(update(collected_dead_letter).where(_dead_letter.id == seen_as["id"], same).values(state=state))


def held(connection: Connection, pp: int, after: int) -> bool:
    """Say whether the log still has every position of a partition behind ``after``."""
    return after >= _FORGOTTEN.load(connection).get(pp, 0)


def forget_dead_letters(connection: Connection, before: datetime) -> None:
    """Delete dead letters that were settled, of those that came before."""
    settled = _dead_letter.state.in_(("resolved", "discarded"))
    connection.execute(delete(collected_dead_letter).where(_dead_letter.at < before, settled))


def forget(connection: Connection, before: datetime, own_before: datetime) -> int:
    """Delete what the stream need not hold any more; what terminals said is kept longer. Returns how many.

    A portion at a time, the oldest first, so that nobody waits long for the database: again until it's 0.
    """
    forgotten: Counter[int] = Counter()
    count = 0
    for own, until in ((false(), before), (true(), own_before)):
        old = (log.c.own == own) & (log.c.recorded < until)
        portion = select(log.c.recorded).where(old).order_by(log.c.recorded).limit(1).offset(PORTION)
        if (end := connection.execute(portion).scalar()) is not None:
            old &= log.c.recorded <= end
        for pp, pos in connection.execute(delete(log).where(old).returning(log.c.pp, log.c.pos)):
            forgotten[pp] = max(forgotten[pp], pos)
            count += 1
    known = _FORGOTTEN.load(connection) if forgotten else {}
    _FORGOTTEN.save(connection, {pp: pos for pp, pos in forgotten.items() if pos > known.get(pp, 0)})
    return count
