"""How many counters and managers keep up with a trace at a speed."""

import math
from collections.abc import Iterable, Sequence

from services.ops.simulator.plan import VIP_PRIORITY
from services.ops.simulator.trace import Row

WINDOW_S = 1800.0
"""Loads are averaged over half-hours: shorter peaks may queue."""
HEADROOM = 1.3
CALL_COST_S = 0.15
"""Wall seconds that the calls of one served ticket take, on a busy machine."""
HANDOFF_COST_S = 0.6
"""The same for a hand-off, which travels through events before a manager hears of it."""
MOST = 200


def counters_for(rows: Sequence[Row], speed: float) -> int:
    """Return how many counters serve the customers who are no VIPs."""
    return _size((row for row in rows if row.priority != VIP_PRIORITY), CALL_COST_S * speed, least=2)


def managers_for(rows: Sequence[Row], speed: float) -> int:
    """Return how many managers take the VIPs."""
    return _size((row for row in rows if row.priority == VIP_PRIORITY), HANDOFF_COST_S * speed, least=2)


def _size(rows: Iterable[Row], cost_s: float, *, least: int) -> int:
    work: dict[int, float] = {}
    for row in rows:
        window = int(row.arrived_at.timestamp() // WINDOW_S)
        work[window] = work.get(window, 0.0) + row.service_s + cost_s
    erlangs = max(work.values(), default=0.0) / WINDOW_S
    return min(MOST, max(least, math.ceil(erlangs * HEADROOM) + 1))
