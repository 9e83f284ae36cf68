"""How incidents folds its log, and what a snapshot of a branch looks like."""

from dataclasses import dataclass
from datetime import datetime

from immutables import Map
from pydantic import TypeAdapter

from services.incidents.model import Incident, LobbyState
from services.incidents.model.fold import apply
from shared.contracts.envelope import Event
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class _Snapshot:
    """A state as JSON, in the order of the ids."""

    incidents: tuple[Incident, ...]
    recent: tuple[str, ...]


_SNAPSHOT: TypeAdapter[_Snapshot] = TypeAdapter(_Snapshot)


class LobbyAggregate:
    """A branch's incidents as the fold of the log."""

    version = 2

    def __init__(self, settings: Settings) -> None:
        """Nothing in it depends on the settings."""

    def initial(self, branch: str) -> LobbyState:
        """Return the state before the first event."""
        return LobbyState(branch=branch)

    def apply(self, state: LobbyState, event: Event) -> LobbyState:
        """Return the state after an event."""
        return apply(state, event.data, at=event.time)

    def held(self, state: LobbyState) -> int:
        """Return how many incidents the state holds."""
        return len(state.incidents)

    def due(self, before: LobbyState, after: LobbyState) -> datetime | None:
        """Return None: the clock alone changes no incident."""
        return None

    def dump(self, state: LobbyState) -> bytes:
        """Return the state as JSON."""
        incidents = tuple(one for _, one in sorted(state.incidents.items()))
        return _SNAPSHOT.dump_json(_Snapshot(incidents=incidents, recent=state.recent))

    def load(self, branch: str, body: bytes) -> LobbyState:
        """Return the state that :meth:`dump` wrote."""
        read = _SNAPSHOT.validate_json(body)
        incidents = Map({one.incident_id: one for one in read.incidents})
        return LobbyState(branch=branch, incidents=incidents, recent=read.recent)
