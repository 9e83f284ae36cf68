"""How the calls of incidents come to a branch: its unit of work, or its committed state."""

from sqlalchemy import Connection

from services.incidents.errors import IncidentNotFound
from services.incidents.handlers import LobbyReader, UnitOfWork
from services.incidents.store import StoredLobby, StoredUnitOfWork, branch_of
from shared.storage import Transaction
from shared.web.branches import Branches


class Lobbies(Branches[LobbyReader, UnitOfWork]):
    """The incidents of all branches, on the service's database."""

    def unit_of_work(self, tx: Transaction, branch: str) -> UnitOfWork:
        """Return a branch's unit of work in a transaction."""
        return StoredUnitOfWork(self._storage, tx, branch)

    def reader(self, connection: Connection, branch: str) -> LobbyReader:
        """Return a branch's incidents for looking."""
        return StoredLobby(self._storage, connection, branch)

    def find_branch(self, connection: Connection, id_: str) -> str:
        """Look up the branch of an incident; raise IncidentNotFound."""
        branch = branch_of(connection, id_)
        if branch is None:
            raise IncidentNotFound(f"no incident has the id {id_!r}")
        return branch
