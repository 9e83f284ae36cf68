"""What a use case is handed: the branch's VIP side, the time, and the log to record in.

``store`` and the vault give it; a use case knows neither.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.vip.model import Handoff, LobbyState, apply, folded
from shared.contracts.envelope import Event
from shared.contracts.events.vip import CustomerArrived, HandoffEvent, RosterSet
from shared.unit_of_work import BranchReader, BranchUnitOfWork


class LobbyReader(BranchReader[LobbyState]):
    """A branch's VIP side, for looking."""

    @abstractmethod
    def events_of(self, subject: str) -> Sequence[Event]:
        """Return everything that happened to a hand-off, in order."""

    def handoff(self, handoff_id: str) -> Handoff | None:
        """Return a hand-off of the branch; one that has ended is folded from its log."""
        known = self.state.handoffs.get(handoff_id)
        if known is not None:
            return known
        events = self.events_of(handoff_id)
        return folded(self.branch, ((event.data, event.time) for event in events if event.branchid == self.branch))


class UnitOfWork(LobbyReader, BranchUnitOfWork[LobbyState]):
    """One transaction of a branch: what is recorded is in the log and in the state, or nowhere."""

    def begin(self, arrival: CustomerArrived, *, at: datetime) -> Handoff:
        """Record an arrival, and return the hand-off that it begins."""
        self._append(arrival.handoff_id, arrival, 1, at, correlation=arrival.visit_id)
        return self.state.handoffs[arrival.handoff_id]

    def record(self, handoff: Handoff, happened: Iterable[HandoffEvent]) -> Handoff:
        """Record what happened, and return the hand-off after it."""
        for sequence, event in enumerate(happened, handoff.version + 1):
            self._append(handoff.handoff_id, event, sequence, correlation=handoff.visit_id)
            handoff = apply(handoff, event, at=self.now)
        return handoff

    def record_roster(self, happened: Iterable[RosterSet]) -> None:
        """Record a new roster."""
        for sequence, event in enumerate(happened, self.state.roster.version + 1):
            self._append(f"roster:{self.branch}", event, sequence)


class Vault(Protocol):
    """Where personal data is kept, encrypted."""

    def store(self, customer_ref: str, fields: Mapping[str, str]) -> None:
        """Keep a customer's personal data."""
        ...
