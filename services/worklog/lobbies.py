"""How the calls and events of worklog come to a branch's days, and to the journal."""

from collections.abc import Callable
from datetime import tzinfo

from sqlalchemy import Connection

from services.worklog.handlers import Journal, LobbyReader, Recording, UnitOfWork
from services.worklog.store import StoredJournal, StoredJournalProjection, StoredLobby, StoredUnitOfWork
from shared.storage import Transaction
from shared.web.branches import Branches, Shown


class Lobbies(Branches[LobbyReader, UnitOfWork]):
    """The days of all branches, and their journal, on the service's database."""

    @property
    def zone(self) -> tzinfo:
        """Where the branches' days begin and end."""
        return self._storage.settings.default_timezone

    def unit_of_work(self, tx: Transaction, branch: str) -> UnitOfWork:
        """Return a branch's unit of work in a transaction."""
        return StoredUnitOfWork(self._storage, tx, branch)

    def reader(self, connection: Connection, branch: str) -> LobbyReader:
        """Return a branch's days for looking."""
        return StoredLobby(self._storage, connection, branch)

    def recording(self, tx: Transaction) -> Recording:
        """Return what takes the events of a transaction into the journal."""
        return Recording(StoredJournalProjection(tx), self.zone)

    def look_into_journal(self, view: Callable[[Journal], Shown], *, pause: Callable[[], None] = lambda: None) -> Shown:
        """Return a view of the journal as it is now; a long look lets others work in each ``pause``."""
        with self._storage.read() as connection:
            return view(StoredJournal(connection, pause))
