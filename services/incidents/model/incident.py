"""An incident's record: open, with the steps that were taken, then closed and read-only (I1-I4, I6).

The functions look at the state and return what happened; :func:`begin` and :func:`apply` are the
only ways that the state changes, so folding the events gives the record as it was at any instant.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, TypedDict

from services.incidents import policy
from shared.contracts.events.incidents import (
    OPENED,
    Evidence,
    IncidentAmended,
    IncidentClosed,
    IncidentEvent,
    IncidentKind,
    Opened,
    Severity,
    StepKind,
    StepRecorded,
)
from shared.work_items import Assigned, Ended, WorkItem
from shared.work_items import apply as apply_to_item

State = Literal["open", "closed"]


class IsClosed(Exception):
    """A closed record takes no steps and is not closed again."""


class IsOpen(Exception):
    """An open record is not amended."""


class NotOfThisKind(Exception):
    """The step does not belong to incidents of this kind; ``allowed`` do."""

    def __init__(self, allowed: tuple[StepKind, ...]) -> None:
        """``allowed`` are the steps that may be taken now."""
        super().__init__("the step does not belong to incidents of this kind")
        self.allowed = allowed


class TooEarly(Exception):
    """``needed`` has to be taken first."""

    def __init__(self, needed: StepKind, allowed: tuple[StepKind, ...]) -> None:
        """``allowed`` are the steps that may be taken now."""
        super().__init__(f"{needed} has to be taken first")
        self.needed = needed
        self.allowed = allowed


class Unfinished(Exception):
    """Closing needs steps that were not taken."""

    def __init__(self, missing: policy.Missing) -> None:
        """``missing`` are those steps."""
        super().__init__("something has to be done first")
        self.missing = missing


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that was taken."""

    step: StepKind
    by: str
    at: datetime
    note: str | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """What was added after closing."""

    note: str
    by: str
    at: datetime


class Key(TypedDict):
    """What every event after the opening says of its incident."""

    incident_id: str
    kind: IncidentKind
    business_date: date


@dataclass(frozen=True, kw_only=True)
class Incident:
    """An incident as it is, or as it was. ``version`` counts what has happened to it."""

    incident_id: str
    branch: str
    kind: IncidentKind
    business_date: date
    summary: str
    severity: Severity
    where: str | None
    people: tuple[str, ...]
    cause: str | None
    happened_at: datetime
    opened_at: datetime
    reported_by: str
    visit_id: str | None
    device_id: str | None
    version: int = 1
    state: State = "open"
    steps: tuple[Step, ...] = ()
    closed_at: datetime | None = None
    resolution: str | None = None
    amendments: tuple[Amendment, ...] = ()
    work: WorkItem | None = None
    """What a hazard is until it is eliminated, re-checked and closed (I4); None for any other kind."""

    @property
    def owner(self) -> str | None:
        """Who has to see to it, as far as somebody was named."""
        return None if self.work is None else self.work.owner

    @property
    def due_at(self) -> datetime | None:
        """By when it is to be eliminated."""
        return None if self.work is None else self.work.due_at

    @property
    def key(self) -> Key:
        """What every event says of it."""
        return {"incident_id": self.incident_id, "kind": self.kind, "business_date": self.business_date}

    @property
    def taken(self) -> tuple[StepKind, ...]:
        """The kinds of the steps that were taken, in order."""
        return tuple(step.step for step in self.steps)


def begin(opened: Opened, *, branch: str, at: datetime) -> Incident:
    """Return the incident that begins with its opening."""
    kind = next(kind for kind, cls in OPENED.items() if isinstance(opened, cls))
    return Incident(
        incident_id=opened.incident_id,
        branch=branch,
        kind=kind,
        business_date=opened.business_date,
        summary=opened.summary,
        severity=opened.severity,
        where=opened.where,
        people=opened.people,
        cause=opened.cause,
        happened_at=opened.happened_at,
        opened_at=at,
        reported_by=opened.reported_by,
        visit_id=opened.visit_id,
        device_id=opened.device_id,
        work=_owed(opened, at) if kind == "hazard" else None,
    )


def _owed(opened: Opened, at: datetime) -> WorkItem:
    return WorkItem(item_id=opened.incident_id, kind="hazard", business_date=opened.business_date, opened_at=at)


def record_step(
    incident: Incident,
    step: StepKind,
    *,
    by: str,
    note: str | None = None,
    evidence: tuple[Evidence, ...] = (),
    owner: str | None = None,
    due_at: datetime | None = None,
) -> tuple[StepRecorded]:
    """Something was done about it; ``owner`` has to see to it by ``due_at``.

    Raises :class:`IsClosed`, :class:`NotOfThisKind`, :class:`TooEarly`.
    """
    if incident.state == "closed":
        raise IsClosed
    kind, taken = incident.kind, incident.taken
    if step not in policy.STEPS[kind]:
        raise NotOfThisKind(policy.allowed(kind, taken))
    needed = policy.needed_before(kind, step, taken)
    if needed is not None:
        raise TooEarly(needed, policy.allowed(kind, taken))
    due = policy.missing(kind, (*taken, step)).steps if step == "police_called" else ()
    said = StepRecorded(
        **incident.key, step=step, by=by, note=note, evidence=evidence, owner=owner, due_at=due_at, still_due=due
    )
    return (said,)


def close(incident: Incident, resolution: str, *, by: str, now: datetime) -> tuple[IncidentClosed]:
    """It is over. Raises :class:`IsClosed`, :class:`Unfinished`."""
    if incident.state == "closed":
        raise IsClosed
    missing = policy.missing(incident.kind, incident.taken)
    if missing.steps:
        raise Unfinished(missing)
    open_s = max(0.0, (now - incident.opened_at).total_seconds())
    return (IncidentClosed(**incident.key, resolution=resolution, by=by, open_s=open_s),)


def amend(incident: Incident, note: str, *, by: str) -> tuple[IncidentAmended]:
    """Something is added to a closed record. Raises :class:`IsOpen`."""
    if incident.state == "open":
        raise IsOpen
    return (IncidentAmended(**incident.key, note=note, by=by),)


def apply(incident: Incident, event: IncidentEvent, *, at: datetime) -> Incident:
    """Return the record after what happened at that time."""
    after = replace(incident, version=incident.version + 1)
    match event:
        case StepRecorded(step=step, by=by, note=note, evidence=evidence):
            taken = Step(step=step, by=by, at=at, note=note, evidence=evidence)
            work = incident.work
            if work is not None and step == "owner_assigned":
                work = apply_to_item(work, Assigned(owner=event.owner, due_at=event.due_at))
            return replace(after, steps=(*incident.steps, taken), work=work)
        case IncidentClosed(resolution=resolution, by=by):
            work = incident.work
            if work is not None:
                work = apply_to_item(work, Ended(fate="done", by=by, at=at, why=resolution))
            return replace(after, state="closed", closed_at=at, resolution=resolution, work=work)
        case IncidentAmended(note=note, by=by):
            return replace(after, amendments=(*incident.amendments, Amendment(note=note, by=by, at=at)))
