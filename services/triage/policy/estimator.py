"""The wait that is promised, learned from every call of the line (T9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import mul

from services.triage.policy.estimate_features import SIZE, WORK, SampleWindow, Scene, inputs
from services.triage.policy.rules import Policy

NEAR_S = 10.0
"""Errors below this weigh alike; beyond it the weight falls with the error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """Weights of the inputs, and how unsure each of them is (the inverse of what was seen, by rows).

    ``most``: the doubt of a weight never grows beyond what it was at the start. Inputs that nothing told
    apart for months (two channels of which one is never used) would otherwise become noise.
    """

    weights: tuple[float, ...]
    doubt: tuple[tuple[float, ...], ...]
    most: float

    def value(self, inputs: Sequence[float]) -> float:
        """Return what the fit expects."""
        return dot(self.weights, inputs)

    def learned(self, inputs: Sequence[float], value: float, *, keep: float, robust: bool = True) -> "Fit":
        """Return the fit after an example; the older ones count ``keep`` times as much as before.

        ``robust``: towards the median of the values; else towards their mean.
        """
        error = value - self.value(inputs)
        weight = NEAR_S / max(abs(error), NEAR_S) if robust else 1.0
        reach = [dot(row, inputs) for row in self.doubt]
        gain = [each / (keep / weight + max(0.0, dot(inputs, reach))) for each in reach]
        weights = tuple([old + step * error for old, step in zip(self.weights, gain, strict=True)])
        return replace(self, weights=weights, doubt=self._faded(gain, reach, keep))

    def _faded(self, gain: Sequence[float], reach: Sequence[float], keep: float) -> tuple[tuple[float, ...], ...]:
        """Return the doubt after an example, grown again by what fades: on both sides, so it stays symmetric."""
        rows = range(len(gain))
        fade = [keep**-0.5 if self.doubt[i][i] < keep * self.most else 1.0 for i in rows]
        half = [[(self.doubt[i][j] - gain[i] * reach[j]) * fade[i] * fade[j] for j in range(i + 1)] for i in rows]
        return tuple([tuple([half[max(i, j)][min(i, j)] for j in rows]) for i in rows])


def guess(weights: Sequence[float], *, held: float) -> Fit:
    """Return a fit that expects this before the first example; ``held``: how many examples it takes to move it."""
    size = range(len(weights))
    doubt = tuple(tuple(1.0 / held if row == column else 0.0 for column in size) for row in size)
    return Fit(weights=tuple(weights), doubt=doubt, most=1.0 / held)


def dot(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the inner product."""
    return sum(map(mul, left, right), 0.0)


KEEP, KEEP_OF_GROUP, KEEP_ERROR = 0.999, 0.997, 0.998
HELD, HELD_OF_GROUP, HELD_ERROR = 5.0, 5.0, 5.0
OF_GROUP = 0.7
"""How much of a group's own correction is believed."""
LEAST_ERROR_S = 5.0
FIRST_REACH, LEAST_REACH, STEP = 2.3, 0.3, 0.08
MISSED = 0.1
LATELY = 0.02
"""How much the newest promise weighs in how well promises were kept."""
FIRST = tuple(60.0 if place == WORK else 0.0 for place in range(SIZE))
"""Before the first example, the wait is taken to be the work ahead, which is given in minutes."""
FIRST_ERROR = (10.0, 0.0, 0.0, 25.0)
"""And the usual error 10 s and 25 s for each minute of it."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """Half of such tickets wait less than ``p50_s``, 90 % less than ``p90_s``."""

    p50_s: float
    p90_s: float


@dataclass(frozen=True, kw_only=True)
class Quote(Promise):
    """A promise with what it was made from, for learning when its ticket is called.

    ``seen`` is empty where a counter was ready: then there is no queue to learn about.
    """

    group: str
    seen: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Peculiar:
    """What is peculiar to a group. ``reach``: its 90 % promise lies so many usual errors above the median.

    Quoted against waited, of ``judged`` promises, the latest first: the share of the 90 % promises that
    was ``kept``, and how far the wait lay from the median on average, ``error_s``.
    """

    fit: Fit = field(default_factory=lambda: guess((0.0,) * 4, held=HELD_OF_GROUP))
    reach: float
    judged: int = 0
    kept: float = 0.0
    error_s: float = 0.0

    def median(self, seen: tuple[float, ...]) -> float:
        """Return what the group waits longer than others would."""
        return OF_GROUP * self.fit.value(_peculiar(seen))

    def compared(self, quote: Quote, waited_s: float, rest_s: float) -> "Peculiar":
        """Return what is known after a call; ``rest_s`` is what was left to explain."""
        missed = waited_s > quote.p90_s
        weight = max(LATELY, 1 / (self.judged + 1))
        return Peculiar(
            fit=self.fit.learned(_peculiar(quote.seen), rest_s, keep=KEEP_OF_GROUP),
            reach=_reach(self.reach, missed),
            judged=self.judged + 1,
            kept=self.kept + weight * (1.0 - missed - self.kept),
            error_s=self.error_s + weight * (abs(waited_s - quote.p50_s) - self.error_s),
        )


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """What a line has taught. ``reach`` is that of a group of which nothing is known yet."""

    memory: SampleWindow = field(default_factory=SampleWindow)
    median: Fit = field(default_factory=lambda: guess(FIRST, held=HELD))
    error: Fit = field(default_factory=lambda: guess(FIRST_ERROR, held=HELD_ERROR))
    reach: float = FIRST_REACH
    groups: Mapping[str, Peculiar] = field(default_factory=dict)

    def quote(self, policy: Policy, scene: Scene) -> Quote:
        """Estimate the wait at a place; never less than at a place farther ahead, all else equal.

        Where no open counter can serve, at least a mean service: nobody is told that it takes a moment.
        """
        ready_s = self.memory.ready_s(0.5, 0.0) if scene.idle else 0.0
        least_s = ready_s if scene.counters else self.memory.service_s(policy.first_service_s)
        ready_p90_s = self.memory.ready_s(0.9, policy.least_p90_s) if scene.idle else 0.0
        if scene.ready:
            return _quote(policy, scene.group, ready_s, ready_p90_s)
        both = [inputs(each, self.memory, policy.first_service_s) for each in (scene, scene.nearest())]
        group = self._group(scene.group)
        p50_s = max(least_s, *(self.median.value(seen) + group.median(seen) for seen in both))
        error_s = max(LEAST_ERROR_S, *(self.error.value(_spread(seen)) for seen in both))
        return _quote(policy, scene.group, p50_s, max(p50_s + group.reach * error_s, ready_p90_s), both[0])

    def alone(self) -> "Estimator":
        """Return what is known of a counter alone: how long services take, and what is guessed at first."""
        memory = self.memory
        return Estimator(memory=SampleWindow(services=memory.services, freed_at=memory.freed_at, ready=memory.ready))

    def called(self, group: str, waited_s: float, quote: Quote | None = None) -> "Estimator":
        """Return the estimator after a call; ``quote``: what the ticket was promised in this group, if it was."""
        if quote is not None and not quote.seen:
            return replace(self, memory=self.memory.after_ready(waited_s))
        after = replace(self, memory=self.memory.after_call(group, waited_s))
        return after if quote is None or quote.group != group else after._compared(quote, waited_s)

    def served(self, at: float, service_s: float) -> "Estimator":
        """Return the estimator after a service ended."""
        return replace(self, memory=self.memory.after_service(at, service_s))

    def _group(self, group: str) -> Peculiar:
        return self.groups.get(group) or Peculiar(reach=self.reach)

    def _compared(self, quote: Quote, waited_s: float) -> "Estimator":
        rest_s = waited_s - self.median.value(quote.seen)
        group = self._group(quote.group).compared(quote, waited_s, rest_s)
        error_s = abs(waited_s - quote.p50_s)
        return replace(
            self,
            median=self.median.learned(quote.seen, waited_s, keep=KEEP),
            error=self.error.learned(_spread(quote.seen), error_s, keep=KEEP_ERROR, robust=False),
            reach=_reach(self.reach, waited_s > quote.p90_s),
            groups={**self.groups, quote.group: group},
        )


UNTAUGHT = Estimator()
"""What is guessed of a line that has taught nothing yet: built once, since it takes longer than to ask it."""


def _quote(policy: Policy, group: str, p50_s: float, p90_s: float, seen: tuple[float, ...] = ()) -> Quote:
    p90_s = max(p50_s, p90_s, policy.least_p90_s)
    return Quote(p50_s=round(p50_s, 1), p90_s=round(p90_s, 1), group=group, seen=seen)


def _reach(before: float, missed: bool) -> float:
    """Return the reach after a promise: a missed one widens it nine times as much as a kept one narrows it."""
    return max(LEAST_REACH, before + STEP * (missed - MISSED))


def _peculiar(seen: tuple[float, ...]) -> tuple[float, ...]:
    """Return the inputs of a group's correction: ahead, the channel's oldest, the work ahead."""
    return (1.0, seen[3], seen[5], seen[7])


def _spread(seen: tuple[float, ...]) -> tuple[float, ...]:
    """Return the inputs of the usual error: ahead, the line's oldest, how fast counters get free."""
    return (1.0, seen[3], seen[4], seen[8])
