"""What becomes of every customer, decided before the first one comes.

A live run's latencies differ from run to run; who is served and who leaves must not. Where the trace
says what was observed, that is it. Otherwise it's a discrete-event run of the branch: counters that
take the highest priority first, then first come first served; who would wait longer than they're
patient, leaves. Served customers wait for ever in the live run, however slow the machine.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from services.ops.simulator.trace import Row

VIP_PRIORITY = 2

Entry = tuple[int, float, int]
"""Someone who waits: minus the priority, the arrival in seconds, the index of the row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """A row, its place in the branch's order, and its fate. ``leaves_after_s`` None: is served."""

    index: int
    row: Row
    leaves_after_s: float | None = None


def plan(rows: Sequence[Row], *, counters: int, managers: int) -> list[Customer]:
    """Decide the fate of one branch's rows, which are in the order of their arrival.

    Customers of the highest priority are the managers' own; the others share the counters.
    """
    leavers: set[int] = set()
    for servers, is_vip in ((counters, False), (managers, True)):
        group = [i for i, row in enumerate(rows) if (row.priority == VIP_PRIORITY) == is_vip]
        leavers |= _leavers(rows, group, servers)
    return [
        Customer(index=i, row=row, leaves_after_s=row.patience_s if _leaves(i, row, leavers) else None)
        for i, row in enumerate(rows)
    ]


def _leaves(index: int, row: Row, leavers: set[int]) -> bool:
    return row.observed == "abandoned" if row.observed else index in leavers


def _leavers(rows: Sequence[Row], group: Sequence[int], servers: int) -> set[int]:
    """Return who of the group would leave if so many servers worked; all of them are free at first."""
    if not group:
        return set()
    epoch = rows[group[0]].arrived_at
    free = [0.0] * servers
    line: list[Entry] = []
    gone: set[int] = set()
    for index in group:
        now = (rows[index].arrived_at - epoch).total_seconds()
        _serve_until(now, rows, line, free, gone)
        heapq.heappush(line, (-rows[index].priority, now, index))
    _serve_until(float("inf"), rows, line, free, gone)
    return gone


def _serve_until(now: float, rows: Sequence[Row], line: list[Entry], free: list[float], gone: set[int]) -> None:
    """Let the servers take whom they can before ``now``."""
    while line and free[0] <= now:
        _, arrived, index = heapq.heappop(line)
        start = max(free[0], arrived)
        row = rows[index]
        if row.observed != "abandoned" and (row.patience_s is None or start - arrived <= row.patience_s):
            heapq.heapreplace(free, start + row.service_s)
        else:
            gone.add(index)
