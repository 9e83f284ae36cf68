"""What people record of an incident: load, decide, record (I1-I4, I6)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from services.incidents import errors, model
from services.incidents.handlers.unit_of_work import UnitOfWork
from services.incidents.handlers.views import load, view
from services.incidents.model import Incident
from shared.contracts.events.incidents import OPENED
from shared.contracts.http.incidents import Amend, CloseIncident, IncidentView, OpenIncident, RecordStep

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead the clock of whoever reports may be."""


def open_incident(uow: UnitOfWork, *, actor: str, request: OpenIncident) -> IncidentView:
    """Open an incident (I1-I4). Raises HappenedInFuture."""
    happened_at = request.happened_at or uow.now
    if happened_at > uow.now + CLOCK_SKEW:
        complaint = {"field": "happened_at", "message": f"later than now, {uow.now.isoformat()}"}
        raise errors.HappenedInFuture("an incident cannot have happened later than now", errors=[complaint])
    opened = OPENED[request.kind](
        incident_id=uow.new_id(),
        business_date=happened_at.astimezone(uow.zone).date(),
        summary=request.summary,
        severity=request.severity,
        where=request.where,
        people=request.people,
        cause=request.cause,
        happened_at=happened_at,
        reported_by=actor,
        visit_id=request.visit_id,
        device_id=request.device_id,
    )
    return view(uow.begin(opened))


def record_step(uow: UnitOfWork, *, incident_id: str, actor: str, request: RecordStep) -> IncidentView:
    """Record what was done (I1-I4, I6). Raises IncidentNotFound, IncidentIsClosed, StepNotAllowed, StepOutOfOrder."""
    incident = load(uow, incident_id)
    with _refusals(incident, request.step):
        events = model.record_step(
            incident,
            request.step,
            by=actor,
            note=request.note,
            evidence=request.evidence,
            owner=request.owner,
            due_at=request.due_at,
        )
    return view(uow.record(incident, events))


def close_incident(uow: UnitOfWork, *, incident_id: str, actor: str, request: CloseIncident) -> IncidentView:
    """Close an incident (I6). Raises IncidentNotFound, IncidentIsClosed, IncidentUnfinished."""
    incident = load(uow, incident_id)
    with _refusals(incident, "close"):
        events = model.close(incident, request.resolution, by=actor, now=uow.now)
    return view(uow.record(incident, events))


def amend_incident(uow: UnitOfWork, *, incident_id: str, actor: str, request: Amend) -> IncidentView:
    """Add to a closed record (I6). Raises IncidentNotFound, IncidentIsOpen."""
    incident = load(uow, incident_id)
    with _refusals(incident, "amend"):
        events = model.amend(incident, request.note, by=actor)
    return view(uow.record(incident, events))


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
