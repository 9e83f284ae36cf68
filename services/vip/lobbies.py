"""How the calls, events and timers of vip come to a branch: its unit of work, or its committed state."""

from sqlalchemy import Connection

from services.vip.errors import HandoffNotFound
from services.vip.handlers import LobbyReader, UnitOfWork, pass_on
from services.vip.store import StoredLobby, StoredUnitOfWork, branch_of
from shared.storage import Transaction
from shared.web.branches import Branches

BATCH_LIMIT = 200
"""How many branches one look at the clock takes up."""


class Lobbies(Branches[LobbyReader, UnitOfWork]):
    """The VIP side of all branches, on the service's database."""

    def unit_of_work(self, tx: Transaction, branch: str) -> UnitOfWork:
        """Return a branch's unit of work in a transaction."""
        return StoredUnitOfWork(self._storage, tx, branch)

    def reader(self, connection: Connection, branch: str) -> LobbyReader:
        """Return a branch's VIP side for looking."""
        return StoredLobby(self._storage, connection, branch)

    def find_branch(self, connection: Connection, id_: str) -> str:
        """Look up the branch of a hand-off; raise HandoffNotFound."""
        branch = branch_of(connection, id_)
        if branch is None:
            raise HandoffNotFound(f"no hand-off has the id {id_!r}")
        return branch

    def watch_offers(self) -> None:
        """Pass on what nobody answered in time, in each branch in which something is due (V3)."""

        def look(branch: str) -> None:
            with self._storage.transaction(branch) as tx:
                if tx.settle_due(branch):
                    pass_on(self.unit_of_work(tx, branch))

        self._storage.look_at_due(look, limit=BATCH_LIMIT)
