"""What a run comes to: waits by group, who was overtaken, who left, how busy the counters were.

Groups by ``channel`` are as the policy guides; ``green`` and ``vip`` are those whom either policy guides
there, so that both are asked about the same people; ``priority`` and ``business`` are the customers' own.
"""

from collections import Counter as Counted
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, quantiles
from typing import Literal

from services.ops.experiments.policy_comparison.customers import Arrival
from shared.contracts.events import triage as events
from shared.contracts.events.triage import Channel

Outcome = Literal["served", "left", "waiting"]


@dataclass(kw_only=True, slots=True)
class Fate:
    """One customer's: where they were guided, what they were promised, waited, and how it ended.

    ``waited_s`` is until the call, or until they left; ``overtaken`` how often somebody who came later was called
    before them.
    """

    number: str
    channel: Channel
    priority: int
    quoted_p50_s: float
    quoted_p90_s: float
    waited_s: float = 0.0
    outcome: Outcome = "waiting"
    overtaken: int = 0


@dataclass(kw_only=True, slots=True)
class Load:
    """A counter's: how long it was open, how long it served, and how many."""

    open_s: float = 0.0
    busy_s: float = 0.0
    served: int = 0

    @property
    def utilisation(self) -> float:
        """The share of its open time that it served."""
        return self.busy_s / self.open_s if self.open_s else 0.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """``fates`` in the order of the arrivals: None for who got no ticket, which ``refused`` says why (by code)."""

    fates: Sequence[Fate | None]
    loads: dict[str, Load]
    refused: Counted[str]
    events: int


@dataclass(kw_only=True)
class Recorder:
    """Listens to a lobby in memory; ``overtaken`` tells how often a ticket has been overtaken so far."""

    fates: list[Fate | None]
    overtaken: Callable[[str], int]
    loads: defaultdict[str, Load] = field(default_factory=lambda: defaultdict(Load))
    refused: Counted[str] = field(default_factory=Counted)
    waiting: dict[str, None] = field(default_factory=dict)
    index_of: dict[str, int] = field(default_factory=dict)
    heard: int = 0
    _opened: dict[str, datetime] = field(default_factory=dict)

    def came(self, index: int, issued: events.TicketIssued) -> None:
        """The customer of this number has got this ticket."""
        self.index_of[issued.ticket_id] = index
        self.fates[index] = Fate(
            number=issued.number,
            channel=issued.channel,
            priority=issued.priority,
            quoted_p50_s=issued.wait_p50_s,
            quoted_p90_s=issued.wait_p90_s,
        )

    def record(self, subject: str, sequence: int, event: object, at: datetime) -> None:
        """Take what happens."""
        self.heard += 1
        follow = _ON_EVENT.get(type(event))
        if follow is not None:
            follow(self, event, at)

    def finished(self, at: datetime) -> Run:
        """Return what became of everybody; counters that are open still were so until ``at``."""
        for counter, since in self._opened.items():
            self.loads[counter].open_s += (at - since).total_seconds()
        return Run(fates=self.fates, loads=dict(self.loads), refused=self.refused, events=self.heard)

    def _fate(self, ticket_id: str) -> Fate:
        fate = self.fates[self.index_of[ticket_id]]
        assert fate is not None, "who has a ticket has a fate"
        return fate

    def printed(self, event: events.TicketPrinted, at: datetime) -> None:
        """Somebody waits."""
        self.waiting[event.ticket_id] = None

    def called(self, event: events.TicketCalled, at: datetime) -> None:
        """Somebody waits no more."""
        self.waiting.pop(event.ticket_id)
        fate = self._fate(event.ticket_id)
        fate.waited_s, fate.overtaken = event.waited_s, event.times_overtaken

    def completed(self, event: events.TicketCompleted, at: datetime) -> None:
        """Somebody has been served."""
        self._fate(event.ticket_id).outcome = "served"
        load = self.loads[event.counter or ""]
        load.busy_s += event.service_s
        load.served += 1

    def left(self, event: events.TicketLeft, at: datetime) -> None:
        """Somebody has lost patience."""
        self.waiting.pop(event.ticket_id, None)
        fate = self._fate(event.ticket_id)
        fate.outcome, fate.waited_s, fate.overtaken = "left", event.waited_s, self.overtaken(event.ticket_id)

    def opened(self, event: events.CounterOpened, at: datetime) -> None:
        """A counter opens, or an open one changes what it serves."""
        self._opened.setdefault(event.counter, at)

    def closed(self, event: events.CounterClosed, at: datetime) -> None:
        """A counter closes."""
        self.loads[event.counter].open_s += (at - self._opened.pop(event.counter)).total_seconds()


_ON_EVENT: dict[type, Callable[..., None]] = {
    events.TicketPrinted: Recorder.printed,
    events.TicketCalled: Recorder.called,
    events.TicketCompleted: Recorder.completed,
    events.TicketLeft: Recorder.left,
    events.CounterOpened: Recorder.opened,
    events.CounterClosed: Recorder.closed,
}


Key = tuple[str, str]
"""A group (or counter) and a measure."""
Figures = Mapping[Key, float]
Members = Mapping[str, Sequence[int]]
"""Groups, each with the numbers of its customers."""

ALL = "all"
WAITS = ("mean", "p50", "p90", "p99")
EITHER: tuple[Channel, ...] = ("green", "vip")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The same seed's figures under both policies, and the domain events that it took."""

    a: Figures
    b: Figures
    events: int


def figures(run: Run, members: Members, most: int) -> dict[Key, float]:
    """Return a run's figures. ``most`` is how often policy lets a ticket be overtaken."""
    found: dict[Key, float] = {}
    for group, indices in members.items():
        fates = [fate for index in indices if (fate := run.fates[index]) is not None]
        found |= {(group, measure): value for measure, value in _of_group(fates, most).items()}
    for counter, load in run.loads.items():
        found["counter:" + counter, "utilisation"] = load.utilisation
        found["counter:" + counter, "served"] = load.served
    every = Load(open_s=sum(x.open_s for x in run.loads.values()), busy_s=sum(x.busy_s for x in run.loads.values()))
    found[ALL, "utilisation"] = every.utilisation
    found[ALL, "refused"] = run.refused.total()
    return found


def groups_of(arrivals: Sequence[Arrival], run: Run, other: Run) -> Members:
    """Return the groups of ``run``; ``other`` is the same customers' under the other policy."""
    found: dict[str, list[int]] = {ALL: []}
    for index, (arrival, fate, its) in enumerate(zip(arrivals, run.fates, other.fates, strict=True)):
        for group in _groups(arrival, fate, its):
            found.setdefault(group, []).append(index)
    return found


def _groups(arrival: Arrival, fate: Fate | None, other: Fate | None) -> Iterable[str]:
    yield ALL
    if fate is not None:
        yield f"channel:{fate.channel}"
    yield from (each for each in EITHER if any(one is not None and one.channel == each for one in (fate, other)))
    yield f"priority:{arrival.request.customer.card_tier}"
    yield f"business:{arrival.request.business}"


def _of_group(fates: Sequence[Fate], most: int) -> dict[str, float]:
    called = [fate.waited_s for fate in fates if fate.outcome == "served"]
    found: dict[str, float] = {"customers": len(fates)}
    if called:
        found |= dict(zip(WAITS, (fmean(called), *_percentiles(called)), strict=True))
        kept = [fate.waited_s <= fate.quoted_p90_s for fate in fates if fate.outcome == "served"]
        found["promise_kept"] = fmean(kept)
    if fates:
        found["left"] = sum(fate.outcome == "left" for fate in fates)
        found["overtakings"] = sum(fate.overtaken for fate in fates)
        found["most_overtaken"] = max(fate.overtaken for fate in fates)
        found["capped"] = sum(fate.overtaken >= most for fate in fates)
    return found


def _percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[89], cuts[98]
