"""The calls that incidents serves."""

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from shared.contracts.base import Body, GivenTime, Id, Name, Text, Time, View
from shared.contracts.events.incidents import Evidence, IncidentKind, Severity, StepKind
from shared.contracts.http.operation import Operation


class OpenIncident(Body):
    """What happened: the 5W1H of an incident (I1-I4)."""

    kind: IncidentKind
    summary: Text
    severity: Severity = "medium"
    where: str | None = Field(default=None, max_length=200)
    people: tuple[Name, ...] = ()
    cause: str | None = Field(default=None, max_length=2000)
    happened_at: GivenTime | None = None
    visit_id: Id | None = None
    device_id: Name | None = None


class RecordStep(Body):
    """Something was done about it."""

    step: StepKind
    note: str | None = Field(default=None, max_length=4000)
    evidence: tuple[Evidence, ...] = ()
    owner: Id | None = Field(default=None, description="Who has to see to the hazard: with owner_assigned alone.")
    due_at: GivenTime | None = Field(default=None, description="By when: with owner_assigned alone.")

    @model_validator(mode="after")
    def _owner_is_assigned(self) -> Self:
        if self.step != "owner_assigned" and (self.owner is not None or self.due_at is not None):
            raise ValueError("owner and due_at go with the step owner_assigned alone")
        return self


class CloseIncident(Body):
    """How it ended."""

    resolution: Text


class Amend(Body):
    """What is added to a closed record."""

    note: Text


class StepView(View):
    """A step that was taken."""

    step: StepKind
    by: str
    at: Time
    note: str | None = None
    evidence: tuple[Evidence, ...] = ()


class AmendmentView(View):
    """What was added after closing."""

    note: str
    by: str
    at: Time


class IncidentView(View):
    """An incident as it is, or as it was at the time asked for."""

    incident_id: Id
    branch: str
    kind: IncidentKind
    state: Literal["open", "closed"]
    summary: str
    severity: Severity
    business_date: date
    happened_at: Time
    opened_at: Time
    closed_at: Time | None = None
    where: str | None = None
    people: tuple[str, ...] = ()
    cause: str | None = None
    resolution: str | None = None
    reported_by: str
    visit_id: Id | None = None
    device_id: str | None = None
    owner: Id | None = Field(default=None, description="Who has to see to the hazard (I4).")
    due_at: Time | None = Field(default=None, description="By then the hazard is to be eliminated (I4).")
    steps: tuple[StepView, ...] = ()
    amendments: tuple[AmendmentView, ...] = ()
    due: tuple[StepKind, ...] = Field(
        default=(), description="What closing still needs; of a dispute's or a suspicious person's any one."
    )
    next_steps: tuple[StepKind, ...] = Field(default=(), description="The steps that may be recorded now.")


class AtTime(Body):
    """The instant that is asked for; now by default."""

    at: GivenTime | None = None


class TimelineEntry(View):
    """One event of the incident."""

    event_id: Id
    type: str
    at: Time
    recorded_at: Time
    data: dict[str, object]


class Timeline(View):
    """Everything that happened to the incident, in order."""

    incident_id: Id
    entries: tuple[TimelineEntry, ...]


OPEN = Operation(
    name="openIncident", service="incidents", method="POST", path="/v1/branches/{b}/incidents", status=201,
    summary="Open an incident (I1-I4).", request=OpenIncident, response=IncidentView,
    codes=("happened_in_future",),
)  # fmt: skip
STEP = Operation(
    name="recordStep", service="incidents", method="POST", path="/v1/incidents/{id}/steps",
    summary="Record what was done (I1-I4, I6).", request=RecordStep, response=IncidentView,
    codes=("incident_not_found", "incident_closed", "step_not_allowed", "step_out_of_order"),
)  # fmt: skip
CLOSE = Operation(
    name="closeIncident", service="incidents", method="POST", path="/v1/incidents/{id}/close",
    summary="Close the incident; its record is read-only from then on (I6).", request=CloseIncident,
    response=IncidentView,
    codes=("incident_not_found", "incident_closed", "incident_unfinished"),
)  # fmt: skip
AMEND = Operation(
    name="amendIncident", service="incidents", method="POST", path="/v1/incidents/{id}/amend",
    summary="Add to a closed record (I6).", request=Amend, response=IncidentView,
    codes=("incident_not_found", "incident_open"),
)  # fmt: skip
GET = Operation(
    name="incident", service="incidents", method="GET", path="/v1/incidents/{id}",
    summary="The incident now, or at an instant of the past (I6, I7).", query=AtTime,
    response=IncidentView,
    codes=("incident_not_found",),
)  # fmt: skip
TIMELINE = Operation(
    name="incidentTimeline", service="incidents", method="GET", path="/v1/incidents/{id}/timeline",
    summary="Everything that happened to the incident, in order (I7).", response=Timeline,
    codes=("incident_not_found",),
)  # fmt: skip


class IncidentList(View):
    """Incidents of a branch, the newest first."""

    incidents: tuple[IncidentView, ...]


LIST = Operation(
    name="incidents", service="incidents", method="GET", path="/v1/branches/{b}/incidents",
    summary="The branch's incidents, the newest first.", response=IncidentList,
)  # fmt: skip

OPERATIONS = (OPEN, LIST, STEP, CLOSE, AMEND, GET, TIMELINE)
