"""A unit of work without a database: the same use cases on the same state, for policies that are compared.

It keeps no log: what happens is told to a listener.
"""

from collections.abc import Callable
from datetime import date, datetime, tzinfo

from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.model import Appointment, LobbyState, Visit
from services.triage.model.fold import Recorded, apply
from services.triage.policy import Policy
from services.triage.store.aggregate import read_policy
from shared.clock import Clock
from shared.contracts.envelope import EventData
from shared.ids import IdFactory, new_id

Listener = Callable[[str, int, EventData, datetime], None]
"""Hears what happens: the subject, its sequence, the event, and when."""


def _nobody(subject: str, sequence: int, event: EventData, at: datetime) -> None:
    pass


class MemoryUnitOfWork(UnitOfWork):
    """One branch, whose state is only here."""

    def __init__(
        self,
        branch: str,
        policy: Policy,
        zone: tzinfo,
        clock: Clock,
        *,
        ids: IdFactory = new_id,
        listener: Listener = _nobody,
    ) -> None:
        """The branch is run by ``policy``; ``listener`` hears every event."""
        self.zone = zone
        self._clock = clock
        self._ids = ids
        self._listener = listener
        self.state = LobbyState(branch=branch, default_policy=policy)

    @property
    def now(self) -> datetime:  # type: ignore[override]  # of a whole day, while others are made for one use case
        """The business time."""
        return self._clock.now()

    def state_at(self, time: datetime) -> LobbyState:
        """Not remembered."""
        raise LookupError("a branch in memory keeps no log")

    def ended_visit(self, *, ticket_id: str | None = None, visit_id: str | None = None) -> Visit | None:
        """Visits that have ended are not remembered."""
        return None

    def new_id(self) -> str:
        """Return a new opaque id."""
        return self._ids()

    def append_unpublished(self, said: EventData, at: datetime) -> None:
        """Let the state follow what a terminal said."""
        self._follow("heard", 1, said, at)

    def numbered(self, number: str, day: date | None = None) -> str | None:
        """Return the id of the ticket with this number on a day; the newest one where no day is named."""
        return self.state.ticket_with_number(number) if day is None else self.state.ticket_of_day(day, number)

    def appointment(self, appointment_id: str) -> Appointment | None:
        """Return an appointment of the branch (T11)."""
        return self.state.appointments.get(appointment_id)

    def _append(
        self,
        subject: str,
        data: EventData,
        sequence: int,
        at: datetime | None = None,
        *,
        correlation: str | None = None,
    ) -> None:
        at = at or self.now
        self._listener(subject, sequence, data, at)
        self._follow(subject, sequence, data, at)

    def _follow(self, subject: str, sequence: int, data: object, at: datetime) -> None:
        recorded = Recorded(data=data, subject=subject, sequence=sequence, at=at, recorded_at=self.now)
        self.state = apply(self.state, recorded, read_policy)
