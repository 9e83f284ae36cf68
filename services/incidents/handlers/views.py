"""Answers: an incident in the words of the contract (I6, I7)."""

from datetime import datetime

from services.incidents import errors, policy
from services.incidents.handlers.unit_of_work import LobbyReader
from services.incidents.model import Incident
from shared.contracts.envelope import as_json
from shared.contracts.http.incidents import IncidentList, IncidentView, Timeline, TimelineEntry


def get_incident(lobby: LobbyReader, *, incident_id: str, at: datetime | None) -> IncidentView:
    """Return an incident as it is, or as it was at that instant (I6, I7). Raises IncidentNotFound."""
    if at is None:
        return view(load(lobby, incident_id))
    incident = lobby.incident_at(incident_id, at)
    if incident is None:
        raise errors.IncidentNotFound(f"no incident {incident_id!r} had been opened at {at.isoformat()}")
    return view(incident)


def list_incidents(lobby: LobbyReader) -> IncidentList:
    """Return the branch's incidents, the newest first."""
    return IncidentList(incidents=tuple(view(incident) for incident in lobby.state.newest))


def timeline(lobby: LobbyReader, *, incident_id: str) -> Timeline:
    """Return everything that happened to an incident (I7). Raises IncidentNotFound."""
    entries = tuple(
        TimelineEntry(
            event_id=event.id,
            type=event.type,
            at=event.time,
            recorded_at=event.recordedtime,
            data=as_json(event.data, nulls=True),
        )
        for event in lobby.events_of(incident_id)
    )
    if not entries:
        raise errors.IncidentNotFound(f"no incident has the id {incident_id!r}")
    return Timeline(incident_id=incident_id, entries=entries)


def view(incident: Incident) -> IncidentView:
    """Return an incident in the words of the contract."""
    is_open = incident.state == "open"
    return IncidentView.model_validate(
        {
            **{name: getattr(incident, name) for name in IncidentView.model_fields if hasattr(incident, name)},
            "due": policy.missing(incident.kind, incident.taken).steps if is_open else (),
            "next_steps": policy.allowed(incident.kind, incident.taken) if is_open else (),
        },
        from_attributes=True,
    )


def load(lobby: LobbyReader, incident_id: str) -> Incident:
    """Return an incident; raise IncidentNotFound."""
    incident = lobby.incident(incident_id)
    if incident is None:
        raise errors.IncidentNotFound(f"no incident has the id {incident_id!r}")
    return incident
