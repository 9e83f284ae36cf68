"""What can happen to an incident, named and shaped like the contracts in ``shared.contracts.incidents``."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypedDict

from services.incidents.policy import IncidentKind, Severity, StepKind


class Key(TypedDict):
    """What every happening after the opening says of its incident."""

    incident_id: str
    kind: IncidentKind
    business_date: date


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A photograph or a document, by its content (I6)."""

    sha256: str
    media_type: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Opened:
    incident_id: str
    business_date: date
    summary: str
    severity: Severity = "medium"
    where: str | None = None
    people: tuple[str, ...] = ()
    cause: str | None = None
    happened_at: datetime
    reported_by: str
    visit_id: str | None = None
    device_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class DisputeOpened(_Opened):
    """A quarrel or a complaint in the lobby (I1)."""


@dataclass(frozen=True, kw_only=True)
class SuspiciousPersonOpened(_Opened):
    """Somebody stays long without a reason (I2)."""


@dataclass(frozen=True, kw_only=True)
class DisruptionOpened(_Opened):
    """A violent or disruptive person (I3)."""


@dataclass(frozen=True, kw_only=True)
class HazardOpened(_Opened):
    """Something in the building that can hurt people or stop the work (I4)."""


Opened = DisputeOpened | SuspiciousPersonOpened | DisruptionOpened | HazardOpened

OPENED: dict[IncidentKind, type[Opened]] = {
    "dispute": DisputeOpened,
    "suspicious_person": SuspiciousPersonOpened,
    "disruption": DisruptionOpened,
    "hazard": HazardOpened,
}


@dataclass(frozen=True, kw_only=True)
class _OfIncident:
    incident_id: str
    kind: IncidentKind
    business_date: date


@dataclass(frozen=True, kw_only=True)
class StepRecorded(_OfIncident):
    """Something was done about it. ``still_due``: what the police call left out (I3)."""

    step: StepKind
    by: str
    note: str | None = None
    evidence: tuple[Evidence, ...] = ()
    still_due: tuple[StepKind, ...] = ()


@dataclass(frozen=True, kw_only=True)
class IncidentClosed(_OfIncident):
    """It is over; its record is read-only from now on (I6)."""

    resolution: str
    by: str
    open_s: float


@dataclass(frozen=True, kw_only=True)
class IncidentAmended(_OfIncident):
    """Something is added to a closed record; nothing in it changes (I6)."""

    note: str
    by: str


Happening = StepRecorded | IncidentClosed | IncidentAmended
