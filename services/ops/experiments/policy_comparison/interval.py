"""Means with their 95 % confidence intervals by Student's t: a dozen seeds are too few for the normal law.

scipy knows the distribution; it belongs to the optional extra ``lobby[experiments]`` and is imported when
something is computed. ``scipy.stats`` would do all of it, at half a second more of imports.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
