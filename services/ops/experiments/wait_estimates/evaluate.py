"""Plays an observed history through the estimator that the service uses, and notes what it said (T9)."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.ops.experiments.wait_estimates.observed import Customer, ObservedEvent, What, observed_events
from services.triage.policy import Estimator, Group, Order, Policy, Quote, Scene

SEEN_S = 900.0
"""A server counts as there for so long after they last began or ended a service."""


class ObservedQueues:
    """Who waits since when, who is served, and what the calls so far say about the order of calling."""

    def __init__(self) -> None:
        """Begin with an empty branch."""
        self._lines: dict[Group, dict[int, float]] = {}
        self._serving: set[int] = set()
        self._seen: dict[str, float] = {}
        self._order = Order()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._lines.values()))

    @property
    def busy(self) -> int:
        """How many are served."""
        return len(self._serving)

    def queue(self, index: int, group: Group, at: float) -> None:
        """Somebody gets in line."""
        self._lines.setdefault(group, {})[index] = at

    def start(self, index: int, group: Group, at: float, server: str | None) -> None:
        """Somebody's service begins."""
        came = self._lines.get(group, {}).pop(index, None)
        if came is not None:
            self._order = self._order.after_call(group, came, self._heads())
        self._serving.add(index)
        self._see(server, at)

    def end(self, index: int, at: float, server: str | None) -> None:
        """Somebody's service ends."""
        self._serving.discard(index)
        self._see(server, at)

    def leave(self, index: int, group: Group) -> None:
        """Somebody gives up waiting."""
        del self._lines[group][index]

    def scene(self, group: Group, at: float) -> Scene:
        """Return what a newcomer finds."""
        ahead = self._order.ahead(group, {other: len(line) for other, line in self._lines.items()})
        return self._scene(group, at, ahead, lambda _since: True)

    def scene_of(self, index: int, group: Group, at: float) -> Scene:
        """Return what somebody who has waited finds: those before them, and those who will overtake them."""
        mine = self._lines[group][index]
        ahead = sum(
            1.0 - self._order.overtakes(group, other) if since < mine else self._order.overtakes(other, group)
            for other, line in self._lines.items()
            for one, since in line.items()
            if one != index
        )
        return self._scene(group, at, ahead, lambda since: since < mine)

    def oldest_s(self, at: float, channel: str | None = None) -> float:
        """Return how long the first in line has waited, of all or of one channel."""
        return self._oldest_s(at, channel, lambda _since: True)

    def _scene(self, group: Group, at: float, ahead: float, counts: Callable[[float], bool]) -> Scene:
        lines = [(other.channel, since) for other, line in self._lines.items() for since in line.values()]
        before = [channel for channel, since in lines if counts(since)]
        return Scene(
            at=at,
            channel=group.channel,
            priority=group.priority,
            ahead=ahead,
            waiting=len(before),
            oldest_s=self._oldest_s(at, None, counts),
            channel_waiting=before.count(group.channel),
            channel_oldest_s=self._oldest_s(at, group.channel, counts),
            busy=self.busy,
            counters=max(self.busy, sum(1 for last in self._seen.values() if last > at - SEEN_S)),
        )

    def _oldest_s(self, at: float, channel: str | None, counts: Callable[[float], bool]) -> float:
        heads = (since for group, since in self._heads() if channel in (None, group.channel) and counts(since))
        return max((at - since for since in heads), default=0.0)

    def _heads(self) -> Iterator[tuple[Group, float]]:
        for group, line in self._lines.items():
            if line:
                yield group, next(iter(line.values()))

    def _see(self, server: str | None, at: float) -> None:
        if server is not None:
            self._seen[server] = at


SERVICES = 50

NAMES: Mapping[str, str] = {
    "les": "LES 上一位所等 · the delay of the last customer to enter service",
    "hol": "HOL 队首已等 · the delay so far of the head of the line",
    "queue": "(队长+1)×平均办理÷在办 · (queue length + 1) × mean of the last 50 services ÷ busy servers",
    "queue_of_served": "同上,已知谁会离开 · the same, if it were known who is going to give up",
}


class Baselines:
    """What the baselines have seen."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._last_wait_s = 0.0
        self._services: deque[float] = deque(maxlen=SERVICES)
        self._will_be_served = 0

    def came(self, one: Customer) -> None:
        """Somebody gets in line."""
        self._will_be_served += one.served

    def started(self, one: Customer) -> None:
        """Somebody's service begins."""
        self._last_wait_s = one.waited_s
        self._will_be_served -= one.queued

    def ended(self, one: Customer) -> None:
        """Somebody's service ends."""
        self._services.append(one.service_s)

    def estimates(self, queues: ObservedQueues, at: float) -> Mapping[str, float]:
        """Return what each would say to a newcomer."""
        service_s = sum(self._services) / max(1, len(self._services))
        each: Callable[[int], float] = lambda ahead: (ahead + 1) * service_s / max(1, queues.busy)  # noqa: E731
        return {
            "les": self._last_wait_s,
            "hol": queues.oldest_s(at),
            "queue": each(queues.waiting),
            "queue_of_served": each(self._will_be_served),
        }


LOOK_AFTER_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """Somebody who queued and was served: what was said at first, by whom, and once more after a minute."""

    customer: Customer
    quote: Quote
    baselines: Mapping[str, float]
    took_s: float
    later: Quote | None


@dataclass(slots=True)
class _Said:
    quote: Quote
    baselines: Mapping[str, float]
    took_s: float
    later: Quote | None = None


@dataclass(slots=True)
class Play:
    """One branch's history under way."""

    policy: Policy
    customers: Sequence[Customer]
    estimator: Estimator = field(default_factory=Estimator)
    queues: ObservedQueues = field(default_factory=ObservedQueues)
    baselines: Baselines = field(default_factory=Baselines)
    judged: list[Judged] = field(default_factory=list)
    _said: dict[int, _Said] = field(default_factory=dict)

    def run(self, tell: Callable[[int], None] = lambda _done: None) -> Sequence[Judged]:
        """Play it all; ``tell`` hears how many customers have come."""
        react = {
            What.CAME: self._came, What.LOOKED: self._looked, What.STARTED: self._started,
            What.GAVE_UP: self._gave_up, What.ENDED: self._ended,
        }  # fmt: skip
        for happening in observed_events(self.customers, LOOK_AFTER_S):
            react[happening.what](happening, self.customers[happening.index])
            if happening.what is What.CAME:
                tell(1)
        return self.judged

    def _came(self, now: ObservedEvent, one: Customer) -> None:
        if not one.queued:
            if one.served:
                self._take(now, one)
            return
        scene = self.queues.scene(one.group, now.at)
        began = time.perf_counter()
        quote = self.estimator.quote(self.policy, scene)
        took_s = time.perf_counter() - began
        self._said[now.index] = _Said(quote, self.baselines.estimates(self.queues, now.at), took_s)
        self.queues.queue(now.index, one.group, now.at)
        self.baselines.came(one)

    def _looked(self, now: ObservedEvent, one: Customer) -> None:
        self._said[now.index].later = self.estimator.quote(
            self.policy, self.queues.scene_of(now.index, one.group, now.at)
        )

    def _started(self, now: ObservedEvent, one: Customer) -> None:
        said = self._said.pop(now.index)
        self._take(now, one)
        self.estimator = self.estimator.called(said.quote.group, one.waited_s, said.quote)
        self.judged.append(
            Judged(customer=one, quote=said.quote, baselines=said.baselines, took_s=said.took_s, later=said.later)
        )

    def _take(self, now: ObservedEvent, one: Customer) -> None:
        self.queues.start(now.index, one.group, now.at, one.server)
        self.baselines.started(one)

    def _gave_up(self, now: ObservedEvent, one: Customer) -> None:
        self.queues.leave(now.index, one.group)
        self._said.pop(now.index)

    def _ended(self, now: ObservedEvent, one: Customer) -> None:
        self.queues.end(now.index, now.at, one.server)
        self.estimator = self.estimator.served(now.at, one.service_s)
        self.baselines.ended(one)
