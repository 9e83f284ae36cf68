"""An observed history that is made up: a branch with tellers who come and go, priorities, people who give up."""

import heapq
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

OPEN, CLOSE = 9 * 3600, 17 * 3600
ZONE = timezone(timedelta(hours=8))
HEADER = "arrived_at,business,priority,customer,service_s,patience_s,observed_wait_s,observed_outcome,observed_server\n"


def tellers(second: int) -> int:
    """Return how many tellers work: fewer over lunch."""
    return 3 if 12 * 3600 <= second < 13 * 3600 else 4


def history(days: int, *, seed: int = 1, slower_from: int = 10**6, every_s: float = 52.0) -> list[str]:
    """Return a trace's lines. From the day ``slower_from`` on, services take twice as long and half as many come."""
    chance = random.Random(seed)
    lines = [HEADER]
    for day in range(days):
        slow = 2.0 if day >= slower_from else 1.0
        lines += _day(chance, datetime(2026, 3, 2, tzinfo=ZONE) + timedelta(days=day), slow, every_s)
    return lines


def _day(chance: random.Random, midnight: datetime, slow: float, every_s: float) -> Iterator[str]:
    people = list(_people(chance, slow, every_s))
    free = [(OPEN, server) for server in range(4)]
    line: list[tuple[int, int, int]] = []
    heapq.heapify(free)
    fates: dict[int, tuple[int, str, str]] = {}
    for index, (at, priority, _, _) in enumerate([*people, (10**6, 0, 0, 0)]):
        while line and free[0][0] < at:
            _, came, one = heapq.heappop(line)
            ready, server = free[0]
            start = max(ready, came)
            if start - came > people[one][3]:
                fates[one] = (people[one][3], "abandoned", "NO_SERVER")
            elif server >= tellers(start):
                heapq.heappush(line, (-people[one][1], came, one))
                heapq.heapreplace(free, (start + 300, server))
            else:
                fates[one] = (start - came, "served", f"teller-{server}")
                heapq.heapreplace(free, (start + people[one][2], server))
        heapq.heappush(line, (-priority, at, index))
    for index, (at, priority, service, patience) in enumerate(people):
        waited, outcome, server_name = fates[index]
        came_at = (midnight + timedelta(seconds=at)).isoformat()
        service_s = service if outcome == "served" else 0
        yield f"{came_at},account_service,{priority},,{service_s},{patience},{waited},{outcome},{server_name}\n"


def _people(chance: random.Random, slow: float, every_s: float) -> Iterator[tuple[int, int, int, int]]:
    at = float(OPEN)
    while (at := at + chance.expovariate(1 / (every_s * slow))) < CLOSE:
        service = 1 + int(chance.expovariate(1 / (180 * slow)))
        yield int(at), int(chance.random() < 0.2), service, 60 + int(chance.expovariate(1 / 1500))
