"""How worklog folds its log, and what a snapshot of a branch looks like."""

from dataclasses import dataclass
from datetime import date, datetime

from immutables import Map
from pydantic import TypeAdapter

from services.worklog.model.day import Day
from services.worklog.model.lobby_state import LobbyState, apply
from shared.contracts.envelope import Event
from shared.contracts.events.worklog import DayEvent
from shared.settings import Settings

EVENTS_OF_EACH = 16
"""So many checks and notes weigh as much as one thing of the other services."""


@dataclass(frozen=True, kw_only=True)
class _Snapshot:
    newest: date | None
    days: list[Day]


_SNAPSHOT: TypeAdapter[_Snapshot] = TypeAdapter(_Snapshot)


class LobbyAggregate:
    """A branch's open days as the fold of worklog's own log."""

    version = 1

    def __init__(self, settings: Settings) -> None:
        """Nothing of the ``settings`` changes how it is folded."""

    def initial(self, branch: str) -> LobbyState:
        """Return the state before the first event."""
        return LobbyState(branch=branch)

    def apply(self, state: LobbyState, event: Event) -> LobbyState:
        """Return the state after an event."""
        data = event.data
        if not isinstance(data, DayEvent):
            return state
        return apply(state, data, sequence=event.sequence, at=event.time)

    def held(self, state: LobbyState) -> int:
        """Return how much the state holds."""
        return len(state.days) + sum(day.version for day in state.days.values()) // EVENTS_OF_EACH

    def due(self, before: LobbyState, after: LobbyState) -> datetime | None:
        """The clock alone changes nothing."""
        return None

    def dump(self, state: LobbyState) -> bytes:
        """Return the state as JSON: the days in their order."""
        days = sorted(state.days.values(), key=lambda day: day.business_date)
        return _SNAPSHOT.dump_json(_Snapshot(newest=state.newest, days=days))

    def load(self, branch: str, body: bytes) -> LobbyState:
        """Return the state that :meth:`dump` wrote."""
        read = _SNAPSHOT.validate_json(body)
        return LobbyState(branch=branch, newest=read.newest, days=Map((day.business_date, day) for day in read.days))
