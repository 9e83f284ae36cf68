"""How a service's calls come to a branch: to its unit of work, or to its committed state."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from sys import intern
from typing import Generic, TypeVar

from sqlalchemy import Connection

from shared.commands import Replayed
from shared.contracts.base import View
from shared.errors import NotFound
from shared.storage import Storage, Transaction
from shared.web.request_context import Call

Answer = View | Replayed | None
Shown = TypeVar("Shown", bound=View)
Reader = TypeVar("Reader")
UnitOfWork = TypeVar("UnitOfWork")

KNOWN_THINGS = 100_000
"""Of how many tickets, hand-offs… the branch is remembered; none of them ever changes it."""


class Branches(ABC, Generic[Reader, UnitOfWork]):
    """All branches, on the service's database."""

    def __init__(self, storage: Storage) -> None:
        """Nothing is known of any branch yet."""
        self._storage = storage
        self._branch_of: dict[str, str] = {}

    @abstractmethod
    def unit_of_work(self, tx: Transaction, branch: str) -> UnitOfWork:
        """Return a branch's unit of work in a transaction."""

    @abstractmethod
    def reader(self, connection: Connection, branch: str) -> Reader:
        """Return a branch for looking."""

    def find_branch(self, connection: Connection, id_: str) -> str:
        """Look up the branch of a ticket, a hand-off, an incident…; raise the NotFound that fits.

        A service whose paths all name their branch has nothing to look up.
        """
        raise NotFound(f"nothing has the id {id_!r}")

    def carry_out(
        self, call: Call, use_case: Callable[[UnitOfWork], View | None], *, branch: str | None = None
    ) -> Answer:
        """Carry out a use case of the call's branch, or of another."""
        branch = branch or call.branch
        command = call.command if branch == call.branch else call.command_for(branch)
        return self._storage.execute(command, lambda tx: use_case(self.unit_of_work(tx, branch)))

    def step(self, call: Call, use_case: Callable[[UnitOfWork], View]) -> Answer:
        """Carry out a use case of the thing whose id the path has: it knows its branch."""
        return self.carry_out(call, use_case, branch=self.branch_of(call.id))

    def look(self, branch: str, view: Callable[[Reader], Shown]) -> Shown:
        """Return a view of a branch as it is now."""
        with self._storage.read() as connection:
            return view(self.reader(connection, branch))

    def look_at(self, call: Call, view: Callable[[Reader], Shown]) -> Shown:
        """Return a view of the thing whose id the path has; raise Forbidden if the token doesn't cover its branch."""
        branch = self.branch_of(call.id)
        call.principal.require_branch(branch)
        return self.look(branch, view)

    def branch_of(self, id_: str) -> str:
        """Return the branch of a ticket, a hand-off, an incident…; raise the NotFound that fits."""
        branch = self._branch_of.get(id_)
        if branch is None:
            with self._storage.read() as connection:
                branch = intern(self.find_branch(connection, id_))  # one text for all its things
            if len(self._branch_of) >= KNOWN_THINGS:
                del self._branch_of[next(iter(self._branch_of))]
            self._branch_of[id_] = branch
        return branch
