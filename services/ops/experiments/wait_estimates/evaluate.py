"""Plays an observed history through the estimator that the service uses, and notes what it said (T9)."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.ops.experiments.wait_estimates.baselines import Baselines
from services.ops.experiments.wait_estimates.floor import Floor
from services.ops.experiments.wait_estimates.observed import Customer, Happening, What, happenings
from services.triage.policy import Estimator, Policy, Quote

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
    floor: Floor = field(default_factory=Floor)
    baselines: Baselines = field(default_factory=Baselines)
    judged: list[Judged] = field(default_factory=list)
    _said: dict[int, _Said] = field(default_factory=dict)

    def run(self, tell: Callable[[int], None] = lambda _done: None) -> Sequence[Judged]:
        """Play it all; ``tell`` hears how many customers have come."""
        react = {
            What.CAME: self._came, What.LOOKED: self._looked, What.STARTED: self._started,
            What.GAVE_UP: self._gave_up, What.ENDED: self._ended,
        }  # fmt: skip
        for happening in happenings(self.customers, LOOK_AFTER_S):
            react[happening.what](happening, self.customers[happening.index])
            if happening.what is What.CAME:
                tell(1)
        return self.judged

    def _came(self, now: Happening, one: Customer) -> None:
        if not one.queued:
            if one.served:
                self._take(now, one)
            return
        scene = self.floor.scene(one.group, now.at)
        began = time.perf_counter()
        quote = self.estimator.quote(self.policy, scene)
        took_s = time.perf_counter() - began
        self._said[now.index] = _Said(quote, self.baselines.estimates(self.floor, now.at), took_s)
        self.floor.queue(now.index, one.group, now.at)
        self.baselines.came(one)

    def _looked(self, now: Happening, one: Customer) -> None:
        self._said[now.index].later = self.estimator.quote(
            self.policy, self.floor.scene_of(now.index, one.group, now.at)
        )

    def _started(self, now: Happening, one: Customer) -> None:
        said = self._said.pop(now.index)
        self._take(now, one)
        self.estimator = self.estimator.called(said.quote.group, one.waited_s, said.quote)
        self.judged.append(
            Judged(customer=one, quote=said.quote, baselines=said.baselines, took_s=said.took_s, later=said.later)
        )

    def _take(self, now: Happening, one: Customer) -> None:
        self.floor.start(now.index, one.group, now.at, one.server)
        self.baselines.started(one)

    def _gave_up(self, now: Happening, one: Customer) -> None:
        self.floor.leave(now.index, one.group)
        self._said.pop(now.index)

    def _ended(self, now: Happening, one: Customer) -> None:
        self.floor.end(now.index, now.at, one.server)
        self.estimator = self.estimator.served(now.at, one.service_s)
        self.baselines.ended(one)
