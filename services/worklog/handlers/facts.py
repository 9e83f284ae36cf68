"""From the services' events to the facts that the day's figures count (W7)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, tzinfo
from typing import Any, Final

from services.worklog.model import facts
from services.worklog.model.counted import Counted, apply
from services.worklog.model.facts import Fact
from shared.contracts.envelope import Event
from shared.contracts.event_data import EventData
from shared.contracts.events import incidents, triage, vip


def _called(data: triage.TicketCalled) -> Fact | None:
    """A ticket of an offline terminal was promised nothing."""
    return facts.TicketCalled(kept=data.waited_s <= data.quoted_p90_s) if data.quoted_p90_s > 0 else None


def _undone(data: triage.StepUndone) -> Fact | None:
    match data.undone:
        case "ticket_called" if data.quoted_p90_s > 0:
            return facts.CallUndone(kept=data.waited_s <= data.quoted_p90_s)
        case "ticket_no_show":
            return facts.NoShowUndone()
    return None


_FACTS: Final[Mapping[type[EventData], Callable[[Any], Fact | None]]] = {
    triage.TicketIssued: lambda data: facts.VisitBegan(
        visit_id=data.visit_id, channel=data.channel, offline=data.offline
    ),
    triage.VisitEnded: lambda data: facts.VisitEnded(
        visit_id=data.visit_id,
        outcome=data.outcome,
        wait_ms=round(data.waited_s * 1000),
        day_end=data.reason == "day_end",
    ),
    triage.TicketCalled: _called,
    triage.TicketNoShow: lambda _: facts.NoShow(),
    triage.StepUndone: _undone,
    triage.DiversionOffered: lambda data: facts.Diverted(business=data.business, step="offered"),
    triage.DiversionAccepted: lambda data: facts.Diverted(business=data.business, step="accepted"),
    triage.DiversionDeclined: lambda data: facts.Diverted(business=data.business, step="declined"),
    triage.DiversionCompleted: lambda data: facts.Diverted(business=data.business, step="completed"),
    triage.DiversionFellBack: lambda data: facts.Diverted(business=data.business, step="fell_back"),
    vip.CustomerArrived: lambda _: facts.VipArrived(),
    vip.HandoffCompleted: lambda _: facts.HandoffCompleted(),
    incidents.DisputeOpened: lambda _: facts.IncidentOpened(kind="dispute"),
    incidents.SuspiciousPersonOpened: lambda _: facts.IncidentOpened(kind="suspicious_person"),
    incidents.DisruptionOpened: lambda _: facts.IncidentOpened(kind="disruption"),
    incidents.HazardOpened: lambda _: facts.IncidentOpened(kind="hazard"),
    incidents.IncidentClosed: lambda data: facts.IncidentClosed(kind=data.kind),
    triage.CounterOpened: lambda data: facts.CounterOpened(counter=data.counter),
    vip.RosterSet: lambda data: facts.RosterSet(on_duty=sum(manager.on_duty for manager in data.managers)),
}


def fact_of(event: Event, zone: tzinfo) -> tuple[date, Fact] | None:
    """Return what an event adds to which day's figures; None where it adds nothing.

    The day is the ``business_date`` that the event names, else the branch's local date of its time.
    """
    make = _FACTS.get(type(event.data))
    fact = make(event.data) if make is not None else None
    if fact is None:
        return None
    if isinstance(fact, facts.VisitBegan | facts.VisitEnded):
        fact = replace(fact, late=_is_late(event, zone))
    day: date = getattr(event.data, "business_date", None) or event.time.astimezone(zone).date()
    return day, fact


def _is_late(event: Event, zone: tzinfo) -> bool:
    """Whether what happened on its business day was heard of only after it."""
    day: date = event.data.business_date  # type: ignore[attr-defined]  # of a visit's event
    return event.time.astimezone(zone).date() <= day < event.recordedtime.astimezone(zone).date()


def count_event(counted: Counted, event: Event, zone: tzinfo) -> Counted:
    """Return what is counted after one more event of the journal. Raises VisitNotBegun."""
    found = fact_of(event, zone)
    return counted if found is None else apply(counted, event.branchid, *found)
