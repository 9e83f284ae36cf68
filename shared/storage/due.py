"""What the clock alone changes: one row a branch with the next time to look at it.

Timers read these rows by their index, so a bank of 40,000 branches in which nothing is due costs one empty look-up.
The rows outlive a restart, and a clock that jumps ahead finds everything that has become due meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from shared.storage import bulk
from shared.storage.tables import due


def branches_due(connection: Connection, now: datetime, *, limit: int) -> Sequence[str]:
    """Return the branches to look at by now, the longest overdue first."""
    return list(connection.execute(_DUE, {"now": now, "most": limit}).scalars())


def is_due(connection: Connection, branch: str, now: datetime) -> bool:
    """Return whether a branch is still to be looked at: another process may just have done so."""
    return connection.execute(_ONE, {"of_branch": branch, "now": now}).first() is not None


def next_look(connection: Connection, branch: str) -> datetime | None:
    """Return when a branch is to be looked at; None where nothing is noted."""
    at: datetime | None = connection.execute(select(due.c.at).where(due.c.branch == branch)).scalar()
    return at


def bring_forward(connection: Connection, at: Mapping[str, datetime]) -> None:
    """Let branches be looked at no later than at these times."""
    _upsert(connection, at, sooner=True)


def settle(connection: Connection, at: Mapping[str, datetime | None]) -> None:
    """Set the next look at branches that were just looked at; None: until something changes, there is none."""
    _upsert(connection, {branch: when for branch, when in at.items() if when is not None}, sooner=False)
    for branch in sorted(branch for branch, when in at.items() if when is None):
        connection.execute(_NEVER, {"of_branch": branch})


def _upsert(connection: Connection, at: Mapping[str, datetime], *, sooner: bool) -> None:
    if at:
        statement = _STATEMENTS[connection.dialect.name == "sqlite", sooner]
        bulk.write(connection, statement, [{"branch": branch, "at": when} for branch, when in sorted(at.items())])


def _statement(statement: Any, *, sooner: bool) -> Any:
    return statement.on_conflict_do_update(
        index_elements=["branch"],
        set_={"at": statement.excluded.at},
        where=due.c.at > statement.excluded.at if sooner else None,
    )


_DUE = select(due.c.branch).where(due.c.at <= bindparam("now")).order_by(due.c.at).limit(bindparam("most"))
_ONE = select(due.c.branch).where(due.c.branch == bindparam("of_branch"), due.c.at <= bindparam("now"))
_NEVER = delete(due).where(due.c.branch == bindparam("of_branch"))
_STATEMENTS = {
    (is_sqlite, sooner): _statement(insert_sqlite(due) if is_sqlite else bulk.insert_document(due), sooner=sooner)
    for is_sqlite in (True, False)
    for sooner in (True, False)
}
