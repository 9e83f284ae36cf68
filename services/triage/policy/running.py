"""The wait that is promised: what the line ahead needs, blended with what the last one waited (T9).

The last wait is the LES predictor (last to enter service; Ibrahim and Whitt 2009): it knows what the
model does not, such as tellers who are slower today.
"""

import math
from dataclasses import dataclass, replace

from services.triage.policy.rules import Policy

Z90 = 1.2816
"""The standard normal's 90 % point."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What a branch's channel has shown: running means, None before the first."""

    service_s: float | None = None
    last_wait_s: float | None = None
    served: int = 0

    def after_call(self, waited_s: float) -> "History":
        """Return the history after somebody was called."""
        return replace(self, last_wait_s=waited_s)

    def after_service(self, policy: Policy, service_s: float) -> "History":
        """Return the history after a service; the first ones count more, so that it starts fast."""
        weight = max(policy.smoothing, 1.0 / (self.served + 2))
        before = policy.first_service_s if self.service_s is None else self.service_s
        return replace(self, service_s=before + weight * (service_s - before), served=self.served + 1)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """Half of such tickets wait less than ``p50_s``, 90 % less than ``p90_s``."""

    p50_s: float
    p90_s: float


def promise(policy: Policy, history: History, *, ahead: int, serving: int, busy: int) -> Promise:
    """Estimate the wait behind ``ahead`` tickets, with ``serving`` open counters of which ``busy`` are taken."""
    if ahead < serving - busy:
        return Promise(p50_s=0.0, p90_s=policy.least_p90_s)
    service = policy.first_service_s if history.service_s is None else history.service_s
    counters = max(1, serving)
    departures = ahead - max(0, serving - busy) + 1
    expected = departures * service / counters
    if history.last_wait_s is not None:
        weight = policy.last_wait_weight
        expected = (1 - weight) * expected + weight * history.last_wait_s
    # Services vary about as much as their mean; the sum of n varies with the root of n.
    spread = Z90 * service * math.sqrt(departures) / counters
    return Promise(p50_s=round(expected, 1), p90_s=round(max(expected + spread, policy.least_p90_s), 1))
