"""How many counters were open when, as a trace shows it: nobody wrote it down, but whoever waited tells.

While somebody waits, every counter that is open serves somebody. So the mean of the services that went on
at such moments is how many were open in a half-hour; where nobody waited, the most that went on at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from services.ops.simulator.trace import Row

SLOT = timedelta(minutes=30)
CALL_S = 10.0
"""It takes a moment to call even who finds a free counter: a shorter wait says nothing."""
Moment = tuple[datetime, int, int]
"""When something changes, by how much what is served, by how much who waits."""


def open_counters(rows: Iterable[Row]) -> Mapping[date, Mapping[time, int]]:
    """Return each observed day's numbers from each half-hour on; empty where nothing was observed.

    From the first service of a day to its last one at least one counter is open, and at other times none.
    """
    days: defaultdict[date, list[Moment]] = defaultdict(list)
    for row in rows:
        days[row.arrived_at.date()] += _moments(row)
    return {day: found for day, moments in sorted(days.items()) if (found := _of_day(moments))}


def _moments(row: Row) -> Iterator[Moment]:
    """What one customer changes; who did not wait does not show that all were busy."""
    if row.observed is None or row.observed_wait_s is None:
        return
    called = row.arrived_at + timedelta(seconds=row.observed_wait_s)
    if row.observed_wait_s > CALL_S:
        yield row.arrived_at + timedelta(seconds=CALL_S), 0, 1
        yield called, 0, -1
    if row.observed == "served":
        yield called, 1, 0
        yield called + timedelta(seconds=row.service_s), -1, 0


def _of_day(moments: list[Moment]) -> Mapping[time, int]:
    busy: defaultdict[datetime, float] = defaultdict(float)
    queued: defaultdict[datetime, float] = defaultdict(float)
    most: defaultdict[datetime, int] = defaultdict(int)
    served = waiting = 0
    for (at, service, wait), (until, _, _) in pairwise(sorted(moments)):
        served, waiting = served + service, waiting + wait
        for slot, seconds in _slots(at, until):
            most[slot] = max(most[slot], served)
            if waiting:
                busy[slot] += served * seconds
                queued[slot] += seconds
    return _shifts({slot: round(busy[slot] / queued[slot]) if queued[slot] else peak for slot, peak in most.items()})


def _slots(at: datetime, until: datetime) -> Iterator[tuple[datetime, float]]:
    """Split a stretch of time into the parts that lie in each half-hour."""
    while at < until:
        slot = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
        end = min(until, slot + SLOT)
        yield slot, (end - at).total_seconds()
        at = end


def _shifts(numbers: Mapping[datetime, int]) -> Mapping[time, int]:
    """Return the day's changes; what runs past midnight is left to the next day."""
    used = [slot for slot, number in numbers.items() if number]
    if not used:
        return {}
    first, last = min(used), max(used)
    found = {time(0): 0}
    slot = first
    while slot <= last and slot.date() == first.date():
        found[slot.time()] = max(1, numbers.get(slot, 0))
        slot += SLOT
    if slot.date() == first.date():
        found[slot.time()] = 0
    return found
