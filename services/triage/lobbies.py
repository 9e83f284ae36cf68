"""How triage's calls, events and timers come to a branch: its unit of work, or its committed state."""

from sqlalchemy import Connection

from services.triage.errors import TicketNotFound
from services.triage.handlers import LobbyReader, Silence, UnitOfWork, conclude_from_silence, watch_waits
from services.triage.policy_source import PolicySource
from services.triage.store import StoredLobby, branch_of
from shared.settings import Settings
from shared.storage import Storage, Transaction
from shared.web.branches import Branches

BATCH_LIMIT = 200
"""How many branches one look at the clock takes up."""


class Lobbies(Branches[LobbyReader, UnitOfWork]):
    """The lobbies of all branches, on the service's database."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        """Read the bank's policy file, which the settings name."""
        super().__init__(storage)
        self.policies = PolicySource(settings)

    def unit_of_work(self, tx: Transaction, branch: str) -> UnitOfWork:
        """Return a branch's unit of work in a transaction."""
        return self.policies.unit_of_work(self._storage, tx, branch)

    def reader(self, connection: Connection, branch: str) -> LobbyReader:
        """Return a branch's lobby for looking."""
        return StoredLobby(self._storage, connection, branch, self.policies.policy_before(branch))

    def find_branch(self, connection: Connection, id_: str) -> str:
        """Look up the branch of a ticket; raise TicketNotFound."""
        branch = branch_of(connection, id_)
        if branch is None:
            raise TicketNotFound(f"no ticket has the id {id_!r}")
        return branch

    def follow_policy_file(self) -> None:
        """Let the branches follow the bank's policy file when it changes."""
        self.policies.refresh(self._storage)

    def watch_waits(self) -> None:
        """Look at the waits of each branch in which something is due, and settle when to look again."""

        def look(branch: str) -> None:
            with self._storage.transaction(branch) as tx:
                if tx.settle_due(branch):
                    watch_waits(self.unit_of_work(tx, branch))

        self._storage.look_at_due(look, limit=BATCH_LIMIT)

    def conclude_from_silence(self) -> None:
        """Conclude from silence in each branch in which something is due; :meth:`watch_waits` settles the next look."""
        silence = Silence(wall_s=self._storage.settings.silence_s, rate=self._storage.clock.rate)

        def look(branch: str) -> None:
            with self._storage.transaction(branch) as tx:
                conclude_from_silence(self.unit_of_work(tx, branch), silence)

        self._storage.look_at_due(look, limit=BATCH_LIMIT)
