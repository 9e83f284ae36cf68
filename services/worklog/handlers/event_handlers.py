"""What worklog does with every event: into the journal, and into the day's figures (W7, W10)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from typing import Any, Final, Protocol

from services.worklog.errors import SubjectForked
from services.worklog.model import facts
from services.worklog.model.chain import Chain
from services.worklog.model.facts import Fact
from services.worklog.model.figures import Counted, DayKey, VisitKey, count_fact, visit_of
from shared.contracts.envelope import Event, EventData
from shared.contracts.events import incidents, triage, vip
from shared.errors import PredecessorMissing

SubjectKey = tuple[str, str, str]
"""A branch, the service whose log has a subject, and the subject: sequences are gapless within it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An event with its link: ``chain`` is the head that it makes, ``prev_hash`` the one before."""

    event: Event
    body: bytes
    chain: Chain
    prev_hash: str


@dataclass(kw_only=True)
class Page:
    """What one transaction reads first and writes last."""

    sequences: dict[SubjectKey, int] = field(default_factory=dict)
    chains: dict[DayKey, Chain] = field(default_factory=dict)
    counted: Counted = field(default_factory=Counted)
    entries: list[Entry] = field(default_factory=list)
    skipped: bool = False


class JournalProjection(Protocol):
    """Where one transaction's page comes from and goes to. ``store`` gives it."""

    def sequences(self, subjects: Collection[SubjectKey]) -> Mapping[SubjectKey, int]:
        """Return the last sequence of those subjects that are known."""
        ...

    def chains(self, days: Collection[DayKey]) -> Mapping[DayKey, Chain]:
        """Return the heads of those chains that exist."""
        ...

    def counted(self, days: Collection[DayKey], visits: Collection[VisitKey]) -> Counted:
        """Return the figures of those days and the records of those visits, where there are any."""
        ...

    def has(self, event: Event) -> bool:
        """Whether the journal holds this very event."""
        ...

    def write(self, page: Page) -> None:
        """Write the page."""
        ...


class Recording:
    """Records the events of one transaction."""

    def __init__(self, projection: JournalProjection, zone: tzinfo) -> None:
        """``zone`` is where the branches' days begin and end."""
        self._projection = projection
        self._zone = zone

    def record_all(self, events: Sequence[Event]) -> None:
        """Take the events of a transaction in. Raises PredecessorMissing and SubjectForked."""
        self._begin(events)
        for event in events:
            if self._is_next(event):
                self._link(event)
                if (found := self._facts[event.key]) is not None:
                    self._page.counted = count_fact(self._page.counted, event.branchid, *found)
        self._projection.write(self._page)

    def skip(self, event: Event) -> None:
        """Pass over an event that an operator gave up: the journal lacks it, and its subject goes on behind it."""
        self._begin([event])
        key = subject_key(event)
        self._page.sequences[key] = max(self._page.sequences.get(key, 0), event.sequence)
        self._page.skipped = True
        self._projection.write(self._page)

    def _begin(self, events: Sequence[Event]) -> None:
        """Read at once what the events' transaction needs."""
        self._facts = {event.key: fact_of(event, self._zone) for event in events}
        counting = [(event.branchid, *found) for event in events if (found := self._facts[event.key]) is not None]
        days = {(branch, day) for branch, day, _ in counting}
        visits = {key for branch, _, fact in counting if (key := visit_of(branch, fact)) is not None}
        self._page = Page(
            sequences=dict(self._projection.sequences({subject_key(event) for event in events})),
            chains=dict(self._projection.chains({self._chain_key(event) for event in events})),
            counted=self._projection.counted(days, visits),
        )

    def _is_next(self, event: Event) -> bool:
        """Whether the event goes on where its subject stands; False where it was recorded long ago."""
        key = subject_key(event)
        last = self._page.sequences.get(key, 0)
        if event.sequence > last + 1:
            raise PredecessorMissing(event.subject, key[1])
        if event.sequence <= last:
            if self._projection.has(event):
                return False  # the inbox has forgotten it by now, the journal has not
            raise SubjectForked(
                f"{event.type} {event.id} claims place {event.sequence} of {event.subject}, which another event has"
            )
        self._page.sequences[key] = event.sequence
        return True

    def _link(self, event: Event) -> None:
        key = self._chain_key(event)
        before = self._page.chains.get(key) or Chain(branch=event.branchid, day=key[1])
        body = event.to_json()
        after = self._page.chains[key] = before.append(body, event.time)
        self._page.entries.append(Entry(event=event, body=body, chain=after, prev_hash=before.hash))

    def _chain_key(self, event: Event) -> DayKey:
        return event.branchid, event.recordedtime.astimezone(self._zone).date()


def subject_key(event: Event) -> SubjectKey:
    """Return the event's branch, whose log has its subject, and the subject."""
    source = event.source
    producer = source.removeprefix("/services/") if source.startswith("/services/") else "gateway"
    return event.branchid, producer, event.subject


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
    return counted if found is None else count_fact(counted, event.branchid, *found)
