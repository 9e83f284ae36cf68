"""A linear fit that learns from one example at a time: least absolute error, recent examples first (T9).

Recursive least squares in which each example weighs the less the farther it lay from what was expected
(iteratively reweighted least squares, one pass): so the fit follows the median, which one wait of an hour
does not move, and not the mean. What is known at the start is a guess, and how firmly it is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import mul

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
