"""The day's figures (W7): folded from facts, one after another, in any batches. Pure.

Waits are summed in whole milliseconds, so that the sum doesn't depend on the order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, get_args

from immutables import Map

from services.worklog.model import facts
from services.worklog.model.facts import Fact

SELF_HELP = frozenset(("self_service", "phone_bank", "online"))
"""Channels that are no window: who is sent there is diverted (T3)."""


class VisitNotBegun(LookupError):
    """A visit's end came without its beginning; the order of a subject's events forbids it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """What is kept of a visit, so that its end is counted once and where it began; ``late``: counted as such."""

    channel: str
    ended: bool = False
    late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Visits and their waits, of the whole day or of the channel that they began in."""

    visits: int = 0
    served: int = 0
    left: int = 0
    wait_ms: int = 0
    max_wait_ms: int = 0

    @property
    def mean_wait_s(self) -> float:
        """The mean wait of the visits that were served."""
        return round(self.wait_ms / self.served / 1000, 3) if self.served else 0.0

    @property
    def max_wait_s(self) -> float:
        """The longest wait of a visit that was served."""
        return self.max_wait_ms / 1000

    def begun(self) -> "Tally":
        """Count a visit."""
        return replace(self, visits=self.visits + 1)

    def ended(self, outcome: Literal["served", "left"], wait_ms: int) -> "Tally":
        """Count a visit's end. Only who was served has waited to the end."""
        if outcome == "left":
            return replace(self, left=self.left + 1)
        return replace(
            self,
            served=self.served + 1,
            wait_ms=self.wait_ms + wait_ms,
            max_wait_ms=max(self.max_wait_ms, wait_ms),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cases:
    """The incidents of one kind."""

    opened: int = 0
    closed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Diversions:
    """What became of the guidance to devices, for one business (T3)."""

    offered: int = 0
    accepted: int = 0
    declined: int = 0
    completed: int = 0
    fell_back: int = 0

    def after(self, step: str) -> "Diversions":
        """Count a step."""
        return replace(self, **{step: getattr(self, step) + 1})


Doubt = Literal["offline", "late", "day_end"]
"""Why figures are inexact: visits that a terminal without a network began, that were heard of only after
their day, or that the day's end closed because nobody had."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """One branch's one day in numbers. ``inexact`` counts the visits that make them inexact, by why."""

    total: Tally = Tally()
    channels: Mapping[str, Tally] = field(default_factory=dict)
    diverted: int = 0
    no_shows: int = 0
    promises: int = 0
    promises_kept: int = 0
    vip_arrivals: int = 0
    vip_handoffs: int = 0
    incidents: Mapping[str, Cases] = field(default_factory=dict)
    counters: tuple[str, ...] = ()  # those that opened, each once, in order
    managers: int | None = field(default=None)  # None: no roster was set on this day
    inexact: Mapping[Doubt, int] = field(default_factory=dict)
    diversions: Mapping[str, Diversions] = field(default_factory=dict)

    @property
    def in_progress(self) -> int:
        """The visits that have no end yet."""
        return self.total.visits - self.total.served - self.total.left


def count(figures: Figures, fact: Fact, visit: Visit | None = None) -> tuple[Figures, Visit | None]:
    """Return the figures after a fact, and what is to be kept of its visit.

    ``visit`` is what was kept of the fact's visit before. Raises VisitNotBegun.
    """
    match fact:
        case facts.VisitBegan():
            return (figures, visit) if visit is not None else _begin(figures, fact)
        case facts.VisitEnded():
            if visit is None:
                raise VisitNotBegun(f"the visit {fact.visit_id} ended and never began")
            return (figures, visit) if visit.ended else _end(figures, fact, visit)
        case _:
            return _count(figures, fact), visit


def _begin(figures: Figures, fact: facts.VisitBegan) -> tuple[Figures, Visit]:
    channel = figures.channels.get(fact.channel, Tally())
    after = replace(
        figures,
        total=figures.total.begun(),
        channels={**figures.channels, fact.channel: channel.begun()},
        diverted=figures.diverted + (fact.channel in SELF_HELP),
        inexact=_doubted(figures, offline=fact.offline, late=fact.late),
    )
    return after, Visit(channel=fact.channel, late=fact.late)


def _end(figures: Figures, fact: facts.VisitEnded, visit: Visit) -> tuple[Figures, Visit]:
    channel = figures.channels[visit.channel]
    after = replace(
        figures,
        total=figures.total.ended(fact.outcome, fact.wait_ms),
        channels={**figures.channels, visit.channel: channel.ended(fact.outcome, fact.wait_ms)},
        inexact=_doubted(figures, day_end=fact.day_end, late=fact.late and not visit.late),
    )
    return after, replace(visit, ended=True, late=visit.late or fact.late)


def _doubted(figures: Figures, **doubts: bool) -> Mapping[Doubt, int]:
    inexact = dict(figures.inexact)
    for doubt in get_args(Doubt):
        if doubts.get(doubt):
            inexact[doubt] = inexact.get(doubt, 0) + 1
    return inexact


def _count(figures: Figures, fact: Fact) -> Figures:
    match fact:
        case facts.TicketCalled(kept=kept):
            return replace(figures, promises=figures.promises + 1, promises_kept=figures.promises_kept + kept)
        case facts.NoShow():
            return replace(figures, no_shows=figures.no_shows + 1)
        case facts.CallUndone(kept=kept):
            return replace(figures, promises=figures.promises - 1, promises_kept=figures.promises_kept - kept)
        case facts.NoShowUndone():
            return replace(figures, no_shows=figures.no_shows - 1)
        case facts.Diverted(business=business, step=step):
            so_far = figures.diversions.get(business, Diversions())
            return replace(figures, diversions={**figures.diversions, business: so_far.after(step)})
        case facts.VipArrived():
            return replace(figures, vip_arrivals=figures.vip_arrivals + 1)
        case facts.HandoffCompleted():
            return replace(figures, vip_handoffs=figures.vip_handoffs + 1)
        case facts.IncidentOpened(kind=kind):
            cases = figures.incidents.get(kind, Cases())
            return replace(figures, incidents={**figures.incidents, kind: replace(cases, opened=cases.opened + 1)})
        case facts.IncidentClosed(kind=kind):
            cases = figures.incidents.get(kind, Cases())
            return replace(figures, incidents={**figures.incidents, kind: replace(cases, closed=cases.closed + 1)})
        case facts.CounterOpened(counter=counter):
            return replace(figures, counters=tuple(sorted({*figures.counters, counter})))
        case facts.RosterSet(on_duty=on_duty):
            return replace(figures, managers=on_duty)
        case facts.VisitBegan() | facts.VisitEnded():
            raise AssertionError("a visit's facts are counted with their visit")


DayKey = tuple[str, date]
"""A branch and one of its days."""
VisitKey = tuple[str, str]
"""A branch and the id of one of its visits."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The figures of some days, or of all, with the visits that are counted in them: a fold of the journal.

    A fact touches one day and one visit, so who has a few facts to count needs no more than theirs of what was counted
    before.
    """

    figures: Map[DayKey, Figures] = field(default_factory=Map)
    visits: Map[VisitKey, Visit] = field(default_factory=Map)


def count_fact(counted: Counted, branch: str, day: date, fact: Fact) -> Counted:
    """Return what is counted after one more fact of a day. Raises VisitNotBegun."""
    key = branch, day
    visit_key = visit_of(branch, fact)
    visit = None if visit_key is None else counted.visits.get(visit_key)
    figures, visit = count(counted.figures.get(key, Figures()), fact, visit)
    visits = counted.visits
    if visit_key is not None and visit is not None:
        visits = visits.set(visit_key, visit)
    return Counted(figures=counted.figures.set(key, figures), visits=visits)


def visit_of(branch: str, fact: Fact) -> VisitKey | None:
    """Return the visit whose record is needed to count the fact."""
    return (branch, fact.visit_id) if isinstance(fact, facts.VisitBegan | facts.VisitEnded) else None
