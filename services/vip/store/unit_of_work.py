"""A unit of work on the service's database, and the look-up of a hand-off's branch."""

from sqlalchemy import Connection, bindparam, select

from services.vip.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.vip.model import LobbyState
from services.vip.store import tables
from shared.storage.unit_of_work import StoredReader
from shared.storage.unit_of_work import StoredUnitOfWork as Stored

_BRANCH_OF = select(tables.handoff.c.branch).where(tables.handoff.c.handoff_id == bindparam("of_handoff"))


def branch_of(connection: Connection, handoff_id: str) -> str | None:
    """Return the branch of a hand-off."""
    branch: str | None = connection.execute(_BRANCH_OF, {"of_handoff": handoff_id}).scalar()
    return branch


class StoredLobby(StoredReader[LobbyState], LobbyReader):
    """A branch's committed state, for looking."""


class StoredUnitOfWork(Stored[LobbyState], UnitOfWork):
    """A branch in a transaction that has its partition locked."""
