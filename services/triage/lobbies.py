"""How triage's calls, events and timers come to a branch: its unit of work, or its committed state."""

from collections.abc import Callable
from typing import TypeVar

from services.triage.errors import TicketNotFound
from services.triage.handlers import LobbyReader, Silence, UnitOfWork, conclude_from_silence, watch_waits
from services.triage.policy_source import PolicySource
from services.triage.store import StoredLobby, branch_of
from shared.commands import Replayed
from shared.contracts.base import View
from shared.settings import Settings
from shared.storage import Storage, Transaction
from shared.web.call import Call

Answer = View | Replayed | None
Shown = TypeVar("Shown", bound=View)

BATCH_LIMIT = 200
"""How many branches one look at the clock takes up."""
KNOWN_TICKETS = 100_000
"""How many tickets' branches are remembered; a ticket never changes its branch."""


class Lobbies:
    """The lobbies of all branches, on the service's database."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        """Read the bank's policy file, which the settings name."""
        self._storage = storage
        self.policies = PolicySource(settings)
        self._branch_of: dict[str, str] = {}

    def carry_out(
        self, call: Call, use_case: Callable[[UnitOfWork], View | None], *, branch: str | None = None
    ) -> Answer:
        """Carry out a use case of the call's branch, or of another."""
        branch = branch or call.branch
        command = call.command if branch == call.branch else call.command_for(branch)
        return self._storage.execute(command, lambda tx: use_case(self.unit_of_work(tx, branch)))

    def step(self, call: Call, use_case: Callable[[UnitOfWork], View]) -> Answer:
        """Carry out a use case of a ticket, which knows its branch."""
        return self.carry_out(call, use_case, branch=self.branch_of(call.id))

    def look(self, branch: str, view: Callable[[LobbyReader], Shown]) -> Shown:
        """Return a view of a branch as it is now."""
        with self._storage.read() as connection:
            return view(StoredLobby(self._storage, branch, connection, self.policies.policy_before(branch)))

    def branch_of(self, ticket_id: str) -> str:
        """Return the branch of a ticket; raise TicketNotFound."""
        branch = self._branch_of.get(ticket_id)
        if branch is None:
            with self._storage.read() as connection:
                branch = branch_of(connection, ticket_id)
            if branch is None:
                raise TicketNotFound(f"no ticket has the id {ticket_id!r}")
            if len(self._branch_of) >= KNOWN_TICKETS:
                del self._branch_of[next(iter(self._branch_of))]
            self._branch_of[ticket_id] = branch
        return branch

    def follow_policy_file(self) -> None:
        """Let the branches follow the bank's policy file when it changes."""
        self.policies.refresh(self._storage)

    def watch_waits(self) -> None:
        """Look at the waits of each branch in which something is due, and settle when to look again."""
        for branch in self._storage.branches_due(limit=BATCH_LIMIT):
            with self._storage.transaction(branch) as tx:
                if tx.settle_due(branch):
                    watch_waits(self.unit_of_work(tx, branch))

    def conclude_from_silence(self) -> None:
        """Conclude from silence in each branch in which something is due; :meth:`watch_waits` settles the next look."""
        silence = Silence(wall_s=self._storage.settings.silence_s, rate=self._storage.clock.rate)
        for branch in self._storage.branches_due(limit=BATCH_LIMIT):
            with self._storage.transaction(branch) as tx:
                conclude_from_silence(self.unit_of_work(tx, branch), silence)

    def unit_of_work(self, tx: Transaction, branch: str) -> UnitOfWork:
        """Return a branch's unit of work in a transaction."""
        return self.policies.unit_of_work(self._storage, tx, branch)
