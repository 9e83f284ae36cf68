"""The estimates that ours is measured against: simple ones that are hard to beat.

LES and HOL: Ibrahim and Whitt, "Real-time delay estimation based on delay history", 2009.
"""

from collections import deque
from collections.abc import Callable, Mapping

from services.ops.experiments.wait_estimates.floor import Floor
from services.ops.experiments.wait_estimates.observed import Customer

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

    def estimates(self, floor: Floor, at: float) -> Mapping[str, float]:
        """Return what each would say to a newcomer."""
        service_s = sum(self._services) / max(1, len(self._services))
        each: Callable[[int], float] = lambda ahead: (ahead + 1) * service_s / max(1, floor.busy)  # noqa: E731
        return {
            "les": self._last_wait_s,
            "hol": floor.oldest_s(at),
            "queue": each(floor.waiting),
            "queue_of_served": each(self._will_be_served),
        }
