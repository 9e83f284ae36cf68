"""How long customers wait before they leave, learned where most never had to show it (Kaplan and Meier 1958).

Who was served was at least as patient as they waited; only of those who left it is known how patient
they were. The product-limit estimator weighs both; what it leaves over never leaves.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from random import Random


@dataclass(frozen=True, kw_only=True)
class Patience:
    """A distribution: ``times`` in seconds, ``shares`` of the customers who have left by then."""

    times: tuple[float, ...]
    shares: tuple[float, ...]

    def drawn(self, random: Random) -> float | None:
        """Draw one customer's patience; None: waits for ever."""
        at = bisect_left(self.shares, random.random())
        return self.times[at] if at < len(self.times) else None


def patience_of(seen: Iterable[tuple[float, bool]]) -> Patience:
    """Estimate it from waits, each with whether it ended because the customer left."""
    waits = sorted(seen)
    at_risk, stays = len(waits), 1.0
    times, shares = [], []
    for time, group in groupby(waits, key=lambda wait: wait[0]):
        ended = [left for _, left in group]
        if any(ended):
            stays *= 1 - sum(ended) / at_risk
            times.append(time)
            shares.append(1 - stays)
        at_risk -= len(ended)
    return Patience(times=tuple(times), shares=tuple(shares))
