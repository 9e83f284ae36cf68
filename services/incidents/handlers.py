"""The use cases of incidents: load, decide, record (I1-I4, I6)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import Protocol

from services.incidents import errors, model, policy
from services.incidents.model import Incident
from shared.contracts.envelope import Event
from shared.contracts.event_data import as_json
from shared.contracts.events.incidents import OPENED, IncidentEvent, Opened
from shared.contracts.http.incidents import (
    Amend,
    CloseIncident,
    IncidentList,
    IncidentView,
    OpenIncident,
    RecordStep,
    Timeline,
    TimelineEntry,
)

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead the clock of whoever reports may be."""


class Records(Protocol):
    """The incidents, for looking. ``store`` gives it; a use case knows no database."""

    def incident(self, incident_id: str) -> Incident | None:
        """Return an incident as it is now."""
        ...

    def incident_at(self, incident_id: str, at: datetime) -> Incident | None:
        """Return an incident as it was at that instant; None where it had not been opened."""
        ...

    def newest(self, branch: str) -> Sequence[Incident]:
        """Return the branch's newest incidents, the newest first."""
        ...

    def events(self, incident_id: str) -> Sequence[Event]:
        """Return everything that happened to an incident, in order."""
        ...


class Desk(Records, Protocol):
    """One transaction's view of the incidents, for changing."""

    @property
    def now(self) -> datetime:
        """The business time at which the transaction began."""
        ...

    def new_id(self) -> str:
        """Return a new opaque id."""
        ...

    def begin(self, branch: str, opened: Opened) -> Incident:
        """Record an opening, and return the incident that it begins."""
        ...

    def record(self, incident: Incident, events: Iterable[IncidentEvent]) -> Incident:
        """Record what happened, and return the incident after it."""
        ...


def open_incident(desk: Desk, *, branch: str, zone: tzinfo, actor: str, body: OpenIncident) -> IncidentView:
    """Open an incident (I1-I4). Raises HappenedInFuture."""
    happened_at = body.happened_at or desk.now
    if happened_at > desk.now + CLOCK_SKEW:
        complaint = {"field": "happened_at", "message": f"later than now, {desk.now.isoformat()}"}
        raise errors.HappenedInFuture("an incident cannot have happened later than now", errors=[complaint])
    opened = OPENED[body.kind](
        incident_id=desk.new_id(),
        business_date=happened_at.astimezone(zone).date(),
        summary=body.summary,
        severity=body.severity,
        where=body.where,
        people=body.people,
        cause=body.cause,
        happened_at=happened_at,
        reported_by=actor,
        visit_id=body.visit_id,
        device_id=body.device_id,
    )
    return view(desk.begin(branch, opened))


def record_step(desk: Desk, *, incident_id: str, actor: str, body: RecordStep) -> IncidentView:
    """Record what was done (I1-I4, I6). Raises IncidentNotFound, IncidentIsClosed, StepNotAllowed, StepOutOfOrder."""
    incident = _load(desk, incident_id)
    with _refusals(incident, body.step):
        events = model.record_step(incident, body.step, by=actor, note=body.note, evidence=body.evidence)
    return view(desk.record(incident, events))


def close_incident(desk: Desk, *, incident_id: str, actor: str, body: CloseIncident) -> IncidentView:
    """Close an incident (I6). Raises IncidentNotFound, IncidentIsClosed, IncidentUnfinished."""
    incident = _load(desk, incident_id)
    with _refusals(incident, "close"):
        events = model.close(incident, body.resolution, by=actor, now=desk.now)
    return view(desk.record(incident, events))


def amend_incident(desk: Desk, *, incident_id: str, actor: str, body: Amend) -> IncidentView:
    """Add to a closed record (I6). Raises IncidentNotFound, IncidentIsOpen."""
    incident = _load(desk, incident_id)
    with _refusals(incident, "amend"):
        events = model.amend(incident, body.note, by=actor)
    return view(desk.record(incident, events))


def get_incident(records: Records, *, incident_id: str, at: datetime | None) -> IncidentView:
    """Return an incident as it is, or as it was at that instant (I6, I7). Raises IncidentNotFound."""
    if at is None:
        return view(_load(records, incident_id))
    incident = records.incident_at(incident_id, at)
    if incident is None:
        raise errors.IncidentNotFound(f"no incident {incident_id!r} had been opened at {at.isoformat()}")
    return view(incident)


def list_incidents(records: Records, *, branch: str) -> IncidentList:
    """Return the branch's incidents, the newest first."""
    return IncidentList(incidents=tuple(view(incident) for incident in records.newest(branch)))


def timeline(records: Records, *, incident_id: str) -> Timeline:
    """Return everything that happened to an incident (I7). Raises IncidentNotFound."""
    entries = tuple(
        TimelineEntry(
            event_id=event.id,
            type=event.type,
            at=event.time,
            recorded_at=event.recordedtime,
            data=as_json(event.data, nulls=True),
        )
        for event in records.events(incident_id)
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


def _load(records: Records, incident_id: str) -> Incident:
    incident = records.incident(incident_id)
    if incident is None:
        raise errors.IncidentNotFound(f"no incident has the id {incident_id!r}")
    return incident


@contextmanager
def _refusals(incident: Incident, wanted: str) -> Iterator[None]:
    """Turn what the domain refuses into what the caller can read."""
    name = incident.kind.replace("_", " ")
    try:
        yield
    except model.IsClosed as error:
        detail = f"the incident is closed and read-only; it can be amended, not given {wanted!r}"
        raise errors.IncidentIsClosed(detail, state="closed", allowed=["amend"]) from error
    except model.IsOpen as error:
        detail = "the incident is open: record a step instead, or close it first"
        raise errors.IncidentIsOpen(detail, state="open", allowed=["steps", "close"]) from error
    except model.NotOfThisKind as error:
        detail = f"{wanted} is no step of a {name}: {', '.join(error.allowed)} are possible"
        raise errors.StepNotAllowed(detail, state="open", allowed=list(error.allowed)) from error
    except model.TooEarly as error:
        detail = f"{error.needed} comes before {wanted}"
        raise errors.StepOutOfOrder(detail, state="open", next=error.needed, allowed=list(error.allowed)) from error
    except model.Unfinished as error:
        steps = error.missing.steps
        needs = " or ".join(steps) if error.missing.any_one else ", then ".join(steps)
        detail = f"a {name} is closed after {needs}"
        raise errors.IncidentUnfinished(detail, state="open", missing=list(steps)) from error
