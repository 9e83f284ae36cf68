"""What a line has shown of late: services, how often a counter got free, what each group waited (T9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

SERVICES = 50
READY = 20
LONGEST_GAP_S = 300.0
GAP_WEIGHT = 0.1
WAIT_WEIGHT = 0.3
FIRST = 1.0
"""The policy's mean service counts as so many services that were seen, while there are few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """``gap_s``: the smoothed time between two ends of services; ``waits``: smoothed, by group, of who had to queue.

    ``ready``: the last waits of those who found a counter ready: it takes a moment to be called all the same.
    """

    services: tuple[float, ...] = ()
    gap_s: float | None = None
    freed_at: float = 0.0
    waits: Mapping[str, float] = field(default_factory=dict)
    ready: tuple[float, ...] = ()

    def service_s(self, first_s: float) -> float:
        """Return the mean of the last services; the policy's first guess is part of it while there are few."""
        known = FIRST if len(self.services) < SERVICES else 0.0
        return (known * first_s + sum(self.services)) / (known + len(self.services))

    def ready_s(self, share: float, first_s: float) -> float:
        """Return within how many seconds this share of those was called who found a counter ready."""
        known = sorted((*self.ready, *(first_s,) * (READY - len(self.ready))))
        return known[min(READY - 1, int(share * READY))]

    def after_ready(self, waited_s: float) -> "Memory":
        """Return the memory after somebody was called who had found a counter ready."""
        return replace(self, ready=(*self.ready, waited_s)[-READY:])

    def after_call(self, group: str, waited_s: float) -> "Memory":
        """Return the memory after somebody who had queued was called."""
        before = self.waits.get(group, waited_s)
        return replace(self, waits={**self.waits, group: before + WAIT_WEIGHT * (waited_s - before)})

    def after_service(self, at: float, service_s: float) -> "Memory":
        """Return the memory after a service ended."""
        services = (*self.services, service_s)[-SERVICES:]
        gap_s, freed_at = self.gap_s, max(at, self.freed_at)
        if self.freed_at:
            gap = min(LONGEST_GAP_S, freed_at - self.freed_at)
            gap_s = gap if gap_s is None else gap_s + GAP_WEIGHT * (gap - gap_s)
        return replace(self, services=services, gap_s=gap_s, freed_at=freed_at)
