"""What a use case of any service is handed: the branch's state and the time, for looking or for one transaction.

``shared.storage.unit_of_work`` gives both on a database. A service's handlers add what they look up and record.
"""

from abc import ABC, abstractmethod
from datetime import date, datetime, tzinfo
from typing import Generic, Protocol, TypeVar

from shared.contracts.envelope import EventData


class OfBranch(Protocol):
    """A state knows whose it is."""

    @property
    def branch(self) -> str:
        """The branch."""
        ...


State = TypeVar("State", bound=OfBranch)


class BranchReader(ABC, Generic[State]):
    """A branch, for looking."""

    zone: tzinfo
    now: datetime
    """The business time at which the use case began."""
    state: State
    """The branch's state: the committed one, and what this use case has recorded since.

    It and the time are attributes, not properties: a use case reads them some thirty times.
    """

    @abstractmethod
    def state_at(self, time: datetime) -> State:
        """Return the branch's state at an instant, from its log."""

    @property
    def branch(self) -> str:
        """The branch."""
        return self.state.branch

    @property
    def today(self) -> date:
        """The branch's local day."""
        return self.now.astimezone(self.zone).date()


class BranchUnitOfWork(BranchReader[State]):
    """One transaction of a branch: what is recorded is in the log and in the state, or nowhere."""

    @abstractmethod
    def new_id(self) -> str:
        """Return a new opaque id."""

    @abstractmethod
    def append_unpublished(self, said: EventData, at: datetime) -> None:
        """Keep in our log what another said at ``at``: it changes what we know, though nothing that we tell."""

    @abstractmethod
    def _append(
        self,
        subject: str,
        data: EventData,
        sequence: int,
        at: datetime | None = None,
        *,
        correlation: str | None = None,
    ) -> None:
        """Append to the log what happened at ``at``, by default now; ``correlation`` is by default the subject."""
