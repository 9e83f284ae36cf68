"""What two policies make of the same customers: each figure with its interval, and what is more than chance."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from statistics import fmean, stdev
from typing import Any, Literal

from services.ops.experiments.policy_comparison.figures import ALL, Key, Pair

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A mean and what it lies between; a single value says nothing of how far off it is."""

    mean: float
    low: float
    high: float

    @property
    def without_zero(self) -> bool:
        """Whether zero is outside: a difference that is more than chance."""
        return self.low > 0 or self.high < 0


def interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """Return the mean of independent values with its confidence interval; raise ValueError without a value."""
    from scipy.special import stdtrit

    if not values:
        raise ValueError("the mean of nothing")
    mean = fmean(values)
    if len(values) == 1:
        return Interval(mean=mean, low=-math.inf, high=math.inf)
    half = float(stdtrit(len(values) - 1, 0.5 + level / 2)) * _standard_error(values)
    return Interval(mean=mean, low=mean - half, high=mean + half)


def p_value(differences: Sequence[float]) -> float:
    """Return how likely a mean at least so far from zero is, were there no difference (two-sided)."""
    from scipy.special import stdtr

    if len(differences) < 2:
        return 1.0
    mean, error = fmean(differences), _standard_error(differences)
    if error == 0:
        return 0.0 if mean else 1.0
    return float(2 * stdtr(len(differences) - 1, -abs(mean) / error))


def _standard_error(values: Sequence[float]) -> float:
    return stdev(values) / math.sqrt(len(values))


Evidence = Literal["none", "some", "strong"]
"""Of a difference: its own interval excludes zero (some), and so it does with all the others' in mind (strong)."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One figure: A's, B's, and B minus A, seed by seed. None: no seed has it."""

    group: str
    measure: str
    a: Interval | None
    b: Interval | None
    difference: Interval | None
    p: float = 1.0
    evidence: Evidence = "none"

    @property
    def key(self) -> Key:
        """What it is of."""
        return self.group, self.measure


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Every figure, and how they came about."""

    compared: tuple[Compared, ...]
    policies: tuple[str, str]
    trace: str
    dates: tuple[str, ...]
    customers: int
    seeds: int
    counters: tuple[str, ...]
    businesses: Mapping[str, tuple[str, str]]
    """Their names in Chinese and English, by code."""
    events_per_s: float

    def of(self, group: str, measure: str) -> Compared | None:
        """Return one figure."""
        return next((each for each in self.compared if each.key == (group, measure)), None)

    def groups(self, kind: str = "") -> list[str]:
        """Return the groups of a kind (``channel:``), the largest first."""
        found = [each for each in self.compared if each.measure == "customers" and each.group.startswith(kind)]
        return [each.group for each in sorted(found, key=_size, reverse=True)]

    def document(self) -> dict[str, Any]:
        """Return it as JSON's own types: an object a group with one a measure."""
        groups: dict[str, dict[str, Any]] = {}
        for each in self.compared:
            groups.setdefault(each.group, {})[each.measure] = {
                "a": _plain(each.a),
                "b": _plain(each.b),
                "difference": _plain(each.difference),
                "p": each.p,
                "evidence": each.evidence,
            }
        return {
            "policies": {"a": self.policies[0], "b": self.policies[1]},
            "trace": self.trace,
            "dates": list(self.dates),
            "customers": self.customers,
            "seeds": self.seeds,
            "level": LEVEL,
            "counters": list(self.counters),
            "events_per_s": round(self.events_per_s),
            "groups": groups,
        }


def compared(pairs: Sequence[Pair]) -> tuple[Compared, ...]:
    """Compare what the seeds gave."""
    keys = dict.fromkeys(key for pair in pairs for key in (*pair.a, *pair.b))
    return _weighed([_compared(pairs, key) for key in keys])


def _compared(pairs: Sequence[Pair], key: Key) -> Compared:
    a, b = ([each[key] for each in side if key in each] for side in ([p.a for p in pairs], [p.b for p in pairs]))
    differences = [pair.b[key] - pair.a[key] for pair in pairs if key in pair.a and key in pair.b]
    return Compared(
        group=key[0],
        measure=key[1],
        a=interval(a) if a else None,
        b=interval(b) if b else None,
        difference=interval(differences) if differences else None,
        p=p_value(differences),
    )


def _weighed(found: Iterable[Compared]) -> tuple[Compared, ...]:
    """Say how strong the evidence is: among hundreds of figures some differ by chance (Holm 1979)."""
    found = tuple(found)
    strong: set[Key] = set()
    ordered = sorted(found, key=lambda each: each.p)
    for rank, each in enumerate(ordered):
        if each.p > (1 - LEVEL) / (len(ordered) - rank):
            break
        strong.add(each.key)
    return tuple(replace(each, evidence=_evidence(each, strong)) for each in found)


def _evidence(each: Compared, strong: set[Key]) -> Evidence:
    if each.difference is None or not each.difference.without_zero:
        return "none"
    return "strong" if each.key in strong else "some"


def _size(each: Compared) -> tuple[bool, float]:
    return each.group == ALL, max(side.mean for side in (each.a, each.b) if side is not None)


def _plain(found: Interval | None) -> dict[str, float | None] | None:
    """Return it for JSON, which has no infinity: what one seed alone has shown lies between nothing."""
    if found is None:
        return None
    return {name: value if isfinite(value) else None for name, value in asdict(found).items()}
