"""Who works, where nobody says: as many as the trace was seen to have, else as many as it needs."""

from collections.abc import Iterable, Sequence
from math import ceil

from services.ops.experiments.policy_comparison.observed import open_counters
from services.ops.experiments.policy_comparison.staffing import Staffing, windows
from services.ops.simulator.trace import Row

WINDOW_S = 1800.0
HEADROOM = 1.1


def staffing_for(rows: Sequence[Row]) -> Staffing:
    """Return the counters of each half-hour that was observed; without observations, so many all day."""
    days = open_counters(rows)
    if not days:
        return Staffing.always(needed(rows))
    on = {day: {begins: windows(number) for begins, number in shifts.items()} for day, shifts in days.items()}
    return Staffing(shifts={}, on=on)


def needed(rows: Iterable[Row]) -> int:
    """Return how many counters the busiest half-hour needs, and a tenth more."""
    work: dict[int, float] = {}
    for row in rows:
        window = int(row.arrived_at.timestamp() // WINDOW_S)
        work[window] = work.get(window, 0.0) + row.service_s
    return max(1, ceil(HEADROOM * max(work.values(), default=0.0) / WINDOW_S))
