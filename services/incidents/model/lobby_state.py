"""What incidents knows of a branch's lobby: the fold of its log, and what an event makes of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from immutables import Map

from services.incidents.model.incident import Incident, begin
from services.incidents.model.incident import apply as apply_to_incident
from shared.contracts.events.incidents import IncidentEvent, Opened

NEWEST = 200
"""So many of the newest incidents are kept, open or closed; an older one that is closed is in the log alone."""


@dataclass(frozen=True, kw_only=True)
class LobbyState:
    """A branch's incidents, by their ids; ``recent`` are the newest ones' in the order of their opening."""

    branch: str
    incidents: Map[str, Incident] = field(default_factory=Map)
    recent: tuple[str, ...] = ()

    @property
    def newest(self) -> tuple[Incident, ...]:
        """The newest incidents, the newest first."""
        return tuple(self.incidents[incident_id] for incident_id in reversed(self.recent))


def apply(state: LobbyState, happened: object, *, at: datetime) -> LobbyState:
    """Return the state after an event; one of an incident that is kept no more changes nothing."""
    if isinstance(happened, Opened):
        return _opened(state, begin(happened, branch=state.branch, at=at))
    if isinstance(happened, IncidentEvent):
        before = state.incidents.get(happened.incident_id)
        return state if before is None else _changed(state, apply_to_incident(before, happened, at=at))
    return state


def folded(branch: str, happened: Iterable[tuple[object, datetime]]) -> Incident | None:
    """Return the incident that its events lead to, each with its time; None where there are none."""
    incident = None
    for event, at in happened:
        if isinstance(event, Opened):
            incident = begin(event, branch=branch, at=at)
        elif isinstance(event, IncidentEvent) and incident is not None:
            incident = apply_to_incident(incident, event, at=at)
    return incident


def _opened(state: LobbyState, incident: Incident) -> LobbyState:
    if incident.incident_id in state.incidents:
        return state  # it is open already
    incidents = state.incidents.set(incident.incident_id, incident)
    recent = (*state.recent, incident.incident_id)
    for older in recent[:-NEWEST]:
        if incidents[older].state == "closed":
            incidents = incidents.delete(older)
    return replace(state, incidents=incidents, recent=recent[-NEWEST:])


def _changed(state: LobbyState, incident: Incident) -> LobbyState:
    id_ = incident.incident_id
    is_kept = incident.state == "open" or id_ in state.recent
    return replace(state, incidents=state.incidents.set(id_, incident) if is_kept else state.incidents.delete(id_))
