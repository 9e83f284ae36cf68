"""What incidents keeps beside its log: the fold's snapshots, and whose branch an incident is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from immutables import Map
from pydantic import TypeAdapter
from sqlalchemy import Column, MetaData, String, Table

from services.incidents.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.incidents.model import Incident, LobbyState
from services.incidents.model.lobby_state import apply
from shared.contracts.envelope import Event
from shared.contracts.events.incidents import Opened
from shared.settings import Settings
from shared.storage.aggregate import ProjectedRow, branch_lookup
from shared.storage.unit_of_work import StoredReader
from shared.storage.unit_of_work import StoredUnitOfWork as Stored


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


metadata = MetaData()

incident = Table(
    "incident",
    metadata,
    Column("incident_id", String(128), primary_key=True),
    Column("branch", String(32), nullable=False),
    comment="Whose branch an incident is.",
)


def project(event: Event) -> Iterable[ProjectedRow]:
    """Return the row that an event makes."""
    if isinstance(event.data, Opened):
        yield incident, {"incident_id": event.data.incident_id, "branch": event.branchid}


branch_of = branch_lookup(incident.c.incident_id)
"""Whose branch an incident is."""


class StoredLobby(StoredReader[LobbyState], LobbyReader):
    """A branch's committed state, for looking."""


class StoredUnitOfWork(Stored[LobbyState], UnitOfWork):
    """A branch in a transaction that has its partition locked."""


aggregate = LobbyAggregate
"""How incidents folds its log: found by its name."""

projected = (incident,)
"""The tables that ``project`` writes."""
