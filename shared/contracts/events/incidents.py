"""What incidents records: disputes, suspicious persons, disruptions, hazards (I1-I4, I6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Id, Name, Text, Time
from shared.contracts.envelope import EventData
from shared.contracts.registry import event

IncidentKind = Literal["dispute", "suspicious_person", "disruption", "hazard"]
Severity = Literal["low", "medium", "high"]
StepKind = Literal[
    "stepped_in", "calmed", "cause_found", "resolved", "complaint_recorded", "asked", "advised_to_leave",
    "left_branch", "people_secured", "colleagues_alerted", "police_called", "owner_assigned", "eliminated",
    "rechecked", "escalated", "note",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Evidence(EventData):
    """A photograph or a document, by its content (I6); the content itself is kept elsewhere."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Of its bytes, in hexadecimal.")]
    media_type: Annotated[str, Field(max_length=100, description="As HTTP's Content-Type: image/jpeg.")]
    name: Annotated[str | None, Field(max_length=200, description="The file's.")] = None


@dataclass(frozen=True, kw_only=True)
class _Opened(EventData):
    incident_id: Id
    business_date: Annotated[date, Field(description="The branch's local day on which it was opened.")]
    summary: Annotated[Text, Field(description="What happened (何事). No names of customers: people by role or token.")]
    severity: Severity = "medium"
    where: Annotated[str | None, Field(max_length=200, description="Where (何地).")] = None
    people: Annotated[tuple[Name, ...], Field(description="Who (何人), by role or token.")] = ()
    cause: Annotated[str | None, Field(max_length=2000, description="Why (何因).")] = None
    happened_at: Annotated[Time, Field(description="When (何时).")]
    reported_by: Annotated[Id, Field(description="Whose token it was.")]
    visit_id: Annotated[Id | None, Field(description="The visit that it is about.")] = None
    device_id: Annotated[Name | None, Field(description="The device that it is about.")] = None


@event("lobby.incidents.dispute_opened.v1")
@dataclass(frozen=True, kw_only=True)
class DisputeOpened(_Opened):
    """A quarrel or a complaint in the lobby (I1)."""


@event("lobby.incidents.suspicious_person_opened.v1")
@dataclass(frozen=True, kw_only=True)
class SuspiciousPersonOpened(_Opened):
    """Somebody stays long without a reason (I2)."""


@event("lobby.incidents.disruption_opened.v1")
@dataclass(frozen=True, kw_only=True)
class DisruptionOpened(_Opened):
    """A violent or disruptive person (I3)."""


@event("lobby.incidents.hazard_opened.v1")
@dataclass(frozen=True, kw_only=True)
class HazardOpened(_Opened):
    """Something in the building that can hurt people or stop the work (I4)."""


@dataclass(frozen=True, kw_only=True)
class _OfIncident(EventData):
    incident_id: Id
    kind: IncidentKind
    business_date: Annotated[date, Field(description="The branch's local day on which the incident was opened.")]


@event("lobby.incidents.step_recorded.v1")
@dataclass(frozen=True, kw_only=True)
class StepRecorded(_OfIncident):
    """Something was done about it."""

    step: StepKind
    by: Annotated[Id, Field(description="Whose token it was.")]
    note: Annotated[str | None, Field(max_length=4000)] = None
    evidence: tuple[Evidence, ...] = ()
    owner: Annotated[Id | None, Field(description="Who has to see to a hazard from now on (I4).")] = None
    due_at: Annotated[Time | None, Field(description="By then the hazard is to be eliminated (I4).")] = None
    still_due: Annotated[tuple[StepKind, ...], Field(description="What a police call left out for now (I3).")] = ()


@event("lobby.incidents.incident_closed.v1")
@dataclass(frozen=True, kw_only=True)
class IncidentClosed(_OfIncident):
    """It is over; its record is read-only from now on (I6)."""

    resolution: Annotated[Text, Field(description="How it ended, in words.")]
    by: Id
    open_s: Annotated[float, Field(ge=0, description="From its opening to its closing.")]


@event("lobby.incidents.incident_amended.v1")
@dataclass(frozen=True, kw_only=True)
class IncidentAmended(_OfIncident):
    """Something is added to a closed record; nothing in it changes (I6)."""

    note: Text
    by: Id


Opened = DisputeOpened | SuspiciousPersonOpened | DisruptionOpened | HazardOpened
OPENED: Mapping[IncidentKind, type[Opened]] = {
    "dispute": DisputeOpened,
    "suspicious_person": SuspiciousPersonOpened,
    "disruption": DisruptionOpened,
    "hazard": HazardOpened,
}
"""What opens an incident of each kind."""
IncidentEvent = StepRecorded | IncidentClosed | IncidentAmended
"""What can happen to an incident once it is open."""
