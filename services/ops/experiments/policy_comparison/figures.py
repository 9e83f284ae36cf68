"""What a run comes to: waits by group, who was overtaken, who left, how busy the counters were.

Groups by ``channel`` are as the policy guides; ``green`` and ``vip`` are those whom either policy guides
there, so that both are asked about the same people; ``priority`` and ``business`` are the customers' own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles

from services.ops.experiments.policy_comparison.arrival import Arrival
from services.ops.experiments.policy_comparison.record import Fate, Load, Run
from shared.contracts.events.triage import Channel

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
