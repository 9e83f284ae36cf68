"""What a use case needs of the outside. ``store`` and the vault give it; a use case knows neither."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.vip.model import Handoff, Roster, State, Ticket
from shared.contracts.events.vip import CustomerArrived, HandoffEvent, RosterSet


class Records(Protocol):
    """The hand-offs and the rosters, for looking."""

    def handoff(self, handoff_id: str) -> Handoff | None:
        """Return a hand-off."""
        ...

    def active(self, branch: str) -> Sequence[Handoff]:
        """Return the branch's hand-offs that have not ended, the earliest arrival first."""
        ...

    def roster(self, branch: str) -> Roster:
        """Return the branch's roster; an empty one where none was ever set."""
        ...

    def loads(self, branch: str, *states: State) -> Mapping[str, int]:
        """Return how many of the branch's hand-offs in these states each manager has."""
        ...


class Desk(Records, Protocol):
    """One transaction's view of the records, for changing."""

    @property
    def now(self) -> datetime:
        """The business time at which the transaction began."""
        ...

    def new_id(self) -> str:
        """Return a new opaque id."""
        ...

    def active_of_visit(self, visit_id: str) -> Handoff | None:
        """Return the hand-off of a visit that has not ended."""
        ...

    def waiting(self, branch: str, first: int) -> Sequence[Handoff]:
        """Return hand-offs that nobody is asked for: the ``first`` that came, and those without a seat."""
        ...

    def count_waiting(self, branch: str) -> int:
        """Return how many of the branch's hand-offs nobody is asked for."""
        ...

    def expired(self, branch: str) -> Sequence[Handoff]:
        """Return the branch's hand-offs whose offer has run out by now."""
        ...

    def begin(self, branch: str, arrival: CustomerArrived, *, at: datetime) -> Handoff:
        """Record an arrival, and return the hand-off that it begins."""
        ...

    def record(self, handoff: Handoff, events: Iterable[HandoffEvent]) -> Handoff:
        """Record what happened, and return the state after it."""
        ...

    def record_roster(self, roster: Roster, events: Iterable[RosterSet]) -> Roster:
        """Record a new roster, and return it."""
        ...

    def ticket(self, ticket_id: str) -> Ticket | None:
        """Return what is remembered of a ticket."""
        ...

    def ticket_of(self, handoff_id: str) -> Ticket | None:
        """Return the ticket that belongs to a hand-off."""
        ...

    def remember(self, ticket: Ticket) -> None:
        """Remember a ticket, or what is new about it."""
        ...


class Vault(Protocol):
    """Where personal data is kept, encrypted."""

    def store(self, customer_ref: str, fields: Mapping[str, str]) -> None:
        """Keep a customer's personal data."""
        ...
