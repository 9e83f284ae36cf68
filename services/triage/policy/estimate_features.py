"""What is observed when a wait is estimated: the line, the counters, and who is called before whom (T9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

SERVICES = 50
READY = 20
FREED_GAP_LIMIT_S = 300.0
GAP_WEIGHT = 0.1
WAIT_WEIGHT = 0.3
SERVICES_AT_FIRST = 1.0
"""The policy's mean service counts as so many services that were seen, while there are few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleWindow:
    """``gap_s``: the smoothed time between two ends of services; ``waits``: smoothed, by group, of who had to queue.

    ``ready``: the last waits of those who found a counter ready: it takes a moment to be called all the same.
    """

    services: tuple[float, ...] = ()
    gap_s: float | None = None
    freed_at: float = 0.0
    waits: Mapping[str, float] = field(default_factory=dict)
    ready: tuple[float, ...] = ()

    def service_s(self, first_s: float) -> float:
        """Return the mean of the last services; the policy's first guess is part of it while there are few."""
        known = SERVICES_AT_FIRST if len(self.services) < SERVICES else 0.0
        return (known * first_s + sum(self.services)) / (known + len(self.services))

    def ready_s(self, share: float, first_s: float) -> float:
        """Return within how many seconds this share of those was called who found a counter ready."""
        known = sorted((*self.ready, *(first_s,) * (READY - len(self.ready))))
        return known[min(READY - 1, int(share * READY))]

    def after_ready(self, waited_s: float) -> "SampleWindow":
        """Return the memory after somebody was called who had found a counter ready."""
        return replace(self, ready=(*self.ready, waited_s)[-READY:])

    def after_call(self, group: str, waited_s: float) -> "SampleWindow":
        """Return the memory after somebody who had queued was called."""
        before = self.waits.get(group, waited_s)
        return replace(self, waits={**self.waits, group: before + WAIT_WEIGHT * (waited_s - before)})

    def after_service(self, at: float, service_s: float) -> "SampleWindow":
        """Return the memory after a service ended."""
        services = (*self.services, service_s)[-SERVICES:]
        gap_s, freed_at = self.gap_s, max(at, self.freed_at)
        if self.freed_at:
            gap = min(FREED_GAP_LIMIT_S, freed_at - self.freed_at)
            gap_s = gap if gap_s is None else gap_s + GAP_WEIGHT * (gap - gap_s)
        return replace(self, services=services, gap_s=gap_s, freed_at=freed_at)


KEEP = 0.98
CHANCE_AT_FIRST = 1.0
"""Until it was seen, a higher priority is taken to be called first; that counts as one call."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Customers who are called alike."""

    channel: str
    priority: int

    @property
    def name(self) -> str:
        """The group in a word, such as green/2."""
        return f"{self.channel}/{self.priority}"

    @classmethod
    def named(cls, name: str) -> "Group":
        """Return the group of a name."""
        channel, _, priority = name.rpartition("/")
        return cls(channel=channel, priority=int(priority))


@dataclass(frozen=True, kw_only=True)
class Order:
    """For two groups: how often the first overtook the second, of how many chances; older ones fade."""

    seen: Mapping[tuple[Group, Group], tuple[float, float]] = field(default_factory=dict)

    def overtakes(self, one: Group, other: Group) -> float:
        """Return the share of calls at which ``one`` goes before an ``other`` who came earlier."""
        if one == other:
            return 0.0
        before, chances = self.seen.get((one, other), (0.0, 0.0))
        return (before + CHANCE_AT_FIRST * (one.priority > other.priority)) / (chances + CHANCE_AT_FIRST)

    def ahead(self, one: Group, waiting: Mapping[Group, int]) -> float:
        """Return how many of those who wait go before a newcomer of the group."""
        return sum(count * (1.0 - self.overtakes(one, group)) for group, count in waiting.items())

    def after_call(self, called: Group, came: float, heads: Iterable[tuple[Group, float]]) -> "Order":
        """Return the order after a call, while the ``heads`` of the other groups, who came then, went on waiting."""
        seen = dict(self.seen)
        for group, since in heads:
            if group != called:
                pair = (called, group) if since < came else (group, called)
                before, chances = seen.get(pair, (0.0, 0.0))
                seen[pair] = (KEEP * before + (since < came), KEEP * chances + 1.0)
        return Order(seen=seen)


TURN_LIMIT_S = 120.0
LONGEST_SILENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A place in a line. Channels that the same counters serve are one line.

    ``ahead``: how many are called before this place; a fraction where that is itself estimated.
    ``waiting`` and ``oldest_s``: of the whole line, how many wait and how long the first has; the same of
    the ``channel`` alone. Of the ``counters`` that are open, ``busy`` have a customer, and ``idle`` are known
    to be ready for the next (nobody knows that of an observed history).
    """

    at: float
    channel: str
    priority: int
    ahead: float
    waiting: int
    oldest_s: float
    channel_waiting: int
    channel_oldest_s: float
    busy: int
    counters: int
    idle: int = 0

    @property
    def group(self) -> str:
        """Who is waited for alike: a channel's customers of one priority."""
        return f"{self.channel}/{self.priority}"

    @property
    def ready(self) -> bool:
        """Whether a counter is ready for whoever stands here, so that they need not queue."""
        return not self.turns

    @property
    def turns(self) -> float:
        """How many customers must be done before a counter is ready for this place."""
        return max(0.0, self.ahead + 1 - self.idle)

    def nearest(self) -> "Scene":
        """Return the same scene where queueing begins: that place is to be promised no more than this one.

        Not at a whole number of customers ahead: half a customer may be, where it is not certain who goes first.
        """
        return replace(self, ahead=max(0.0, self.idle - 1.0))


SIZE = 11
WORK = 7
"""Where among the inputs stands the work ahead: turns × mean service ÷ counters."""


def inputs(scene: Scene, memory: SampleWindow, first_service_s: float) -> tuple[float, ...]:
    """Return what the wait is estimated from, each about 1 on an ordinary day."""
    service_s = memory.service_s(first_service_s) / max(1, scene.busy + scene.idle)
    gap_s = service_s if memory.gap_s is None else max(1.0, memory.gap_s)
    return (
        1.0,
        scene.waiting / 3,
        scene.channel_waiting / 3,
        scene.ahead / 3,
        scene.oldest_s / 60,
        scene.channel_oldest_s / 60,
        memory.waits.get(scene.group, 0.0) / 60,
        scene.turns * service_s / 60,
        scene.turns * min(TURN_LIMIT_S, gap_s) / 60,
        min(LONGEST_SILENCE_S, scene.at - memory.freed_at) / 60,
        scene.counters / 5,
    )
