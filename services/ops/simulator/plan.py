"""What a run is asked to be, who serves in it, and what becomes of every customer, before the first one comes."""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.ops.errors import UsageError
from services.ops.simulator.trace import Row


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line of ``lobby simulate``. None: it's chosen to fit."""

    origin: str
    trace: Path | None = None
    branches: tuple[str, ...] = ("demo",)
    first: date | None = None
    last: date | None = None
    speed: float | None = None
    counters: int | None = None
    managers: int | None = None
    seed: int = 0
    skip_bad_rows: bool = False
    endless: bool = False
    token: str | None = None
    patience_wall_s: float = 120.0
    parent: int | None = None

    def __post_init__(self) -> None:
        """Refuse what doesn't go together."""
        if self.endless and self.trace:
            raise UsageError("--endless makes its own customers; it can't play a --trace")
        if self.first and self.last and self.first > self.last:
            raise UsageError(f"--from {self.first} is after --to {self.last}")


def date_of(option: str, text: str | None) -> date | None:
    """Read a date; raise :class:`UsageError` that names the option."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a date such as 2026-11-24") from None


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


WINDOW_S = 1800.0
"""Loads are averaged over half-hours: shorter peaks may queue."""
HEADROOM = 1.3
CALL_COST_S = 0.15
"""Wall seconds that the calls of one served ticket take, on a busy machine."""
HANDOFF_COST_S = 0.6
"""The same for a hand-off, which travels through events before a manager hears of it."""
SERVERS_LIMIT = 200


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
    return min(SERVERS_LIMIT, max(least, math.ceil(erlangs * HEADROOM) + 1))
