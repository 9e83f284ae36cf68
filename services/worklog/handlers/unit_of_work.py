"""What a use case is handed: the branch's days, the time, the log to record in; and the journal.

``store`` gives it; a use case knows no database.
"""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Protocol

from services.worklog.model.chain import Chain, Link
from services.worklog.model.day import Day, apply
from services.worklog.model.figures import Figures
from services.worklog.model.lobby_state import LobbyState
from shared.contracts.envelope import Event
from shared.contracts.events.worklog import DayEvent
from shared.contracts.http.worklog import JournalEntry, JournalQuery
from shared.unit_of_work import BranchReader, BranchUnitOfWork


class LobbyReader(BranchReader[LobbyState]):
    """The days of a branch, for looking."""

    @abstractmethod
    def events_of(self, subject: str) -> Sequence[Event]:
        """Return everything that happened to a day's log, in order."""

    @abstractmethod
    def figures_of(self, business_date: date) -> Figures:
        """Return what the events say; zeros where there are none."""

    @abstractmethod
    def chain_of(self, day: date) -> Chain:
        """Return the head of the journal's chain; an empty one where there is none."""

    @abstractmethod
    def managers_on_duty(self, business_date: date) -> int:
        """Return how many managers the roster names that was set last, on that day or before."""

    def day(self, business_date: date) -> Day:
        """Return what people wrote so far; a day that is not open is folded from its log."""
        known = self.state.days.get(business_date)
        if known is not None:
            return known
        day = Day(branch=self.branch, business_date=business_date)
        for event in self.events_of(day.subject):
            if isinstance(event.data, DayEvent):
                day = apply(day, event.data, at=event.time)
        return day


class UnitOfWork(LobbyReader, BranchUnitOfWork[LobbyState]):
    """One transaction of a branch: what is recorded is in the log and in the state, or nowhere."""

    def record(self, day: Day, event: DayEvent) -> Day:
        """Record what happened, and return the day after it."""
        self._append(day.subject, event, day.version + 1)
        return apply(day, event, at=self.now)


class Journal(Protocol):
    """The journal, for looking. ``store`` gives it; all calls see the same state."""

    def search(self, query: JournalQuery, *, limit: int) -> Sequence[JournalEntry]:
        """Return what fits the query behind its position, in order."""
        ...

    def heads(self, branches: Collection[str] | None) -> Iterable[Chain]:
        """Return the head of each chain of these branches, or of all."""
        ...

    def links(self, chain: Chain) -> Iterable[Link]:
        """Return a chain's links in order, read as they are asked for."""
        ...

    def signed_hash(self, chain: Chain) -> str | None:
        """Return the hash that the day's log was signed with; None where it isn't signed."""
        ...
