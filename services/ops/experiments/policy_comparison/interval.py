"""Means with their 95 % confidence intervals by Student's t: a dozen seeds are too few for the normal law.

The t distribution function for a whole number of degrees of freedom is a finite sum (Abramowitz and
Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4), which spares a library for one number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, stdev

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
    if not values:
        raise ValueError("the mean of nothing")
    mean = fmean(values)
    if len(values) == 1:
        return Interval(mean=mean, low=-math.inf, high=math.inf)
    half = quantile(0.5 + level / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(mean=mean, low=mean - half, high=mean + half)


def p_value(differences: Sequence[float]) -> float:
    """Return how likely a mean at least so far from zero is, were there no difference (two-sided)."""
    if len(differences) < 2:
        return 1.0
    mean, spread = fmean(differences), stdev(differences)
    if spread == 0:
        return 0.0 if mean else 1.0
    return 2 * (1 - distribution(abs(mean) / (spread / math.sqrt(len(differences))), len(differences) - 1))


def distribution(t: float, df: int) -> float:
    """Return Student's t distribution function for ``df`` degrees of freedom."""
    angle = math.atan2(abs(t), math.sqrt(df))
    cosine = math.cos(angle)
    if df % 2:
        term, terms = cosine, [cosine] if df > 1 else []
        for k in range(2, df - 1, 2):
            term *= k / (k + 1) * cosine**2
            terms.append(term)
        between = 2 / math.pi * (angle + math.sin(angle) * math.fsum(terms))
    else:
        term, terms = 1.0, [1.0]
        for k in range(1, df - 2, 2):
            term *= k / (k + 1) * cosine**2
            terms.append(term)
        between = math.sin(angle) * math.fsum(terms)
    return 0.5 + math.copysign(between / 2, t)


@cache
def quantile(p: float, df: int) -> float:
    """Return what is not exceeded with the probability ``p`` (0.5 or more), by bisection."""
    low, high = 0.0, 1.0
    while distribution(high, df) < p:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if distribution(middle, df) < p else (low, middle)
    return (low + high) / 2
