"""A unit of work on the service's database, and the look-up of an incident's branch."""

from sqlalchemy import Connection, bindparam, select

from services.incidents.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.incidents.model import LobbyState
from services.incidents.store import tables
from shared.storage.unit_of_work import StoredReader
from shared.storage.unit_of_work import StoredUnitOfWork as Stored

_BRANCH_OF = select(tables.incident.c.branch).where(tables.incident.c.incident_id == bindparam("of_incident"))


def branch_of(connection: Connection, incident_id: str) -> str | None:
    """Return the branch of an incident."""
    branch: str | None = connection.execute(_BRANCH_OF, {"of_incident": incident_id}).scalar()
    return branch


class StoredLobby(StoredReader[LobbyState], LobbyReader):
    """A branch's committed state, for looking."""


class StoredUnitOfWork(Stored[LobbyState], UnitOfWork):
    """A branch in a transaction that has its partition locked."""
