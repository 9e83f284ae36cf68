"""The newest events of the branches that are followed, read once for all the streams of a branch.

What this process commits is at hand already. What other processes commit is noticed by looking at the heads of the
partitions now and then, and read with one query. A stream that asks for older events reads the log itself.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from shared.storage import Row, Storage
from shared.storage import log as logs

LOOK_INTERVAL_S = 0.5
"""How late an event may be that another process committed, where its notice was lost."""
KEPT_S = 5.0
"""How long an event is kept for streams that are slow to send it: a second look at the log is cheaper than memory."""
KEPT_BYTES_LIMIT = 256 * 1024
"""Bytes of a branch's events that are kept."""
PAGE = 1000


class Notifier(Protocol):
    """Wakes the streams of a branch, and lets them wait."""

    def count(self, branch: str) -> int:
        """Return how often the branch was notified."""
        ...

    def notify(self, branch: str) -> None:
        """Wake everyone who waits for the branch."""
        ...

    def wait(self, branch: str, count: int, seconds: float) -> bool:
        """Wait until the branch was notified more often than ``count``; say whether it was in time."""
        ...


@dataclass(frozen=True, slots=True)
class TailEvent:
    """An event as streams send it, its position in the partition, and when it was put here."""

    pos: int
    type: str
    body: bytes
    at: float


@dataclass
class BranchTail:
    """Every event of a branch behind the position ``floor``, up to where the partition's tail has come."""

    floor: int
    streams: int = 0
    events: deque[TailEvent] = field(default_factory=deque)
    bytes: int = 0

    def after(self, position: int) -> Sequence[TailEvent] | None:
        """Return the events behind a position; None where it lies before what is kept."""
        if position < self.floor:
            return None
        return [event for event in self.events if event.pos > position]

    def add(self, event: TailEvent) -> None:
        """Add the newest event."""
        self.events.append(event)
        self.bytes += len(event.body)
        self.forget(event.at - KEPT_S)

    def forget(self, before: float) -> None:
        """Drop what is too old, or too much."""
        while self.events and (self.events[0].at < before or self.bytes > KEPT_BYTES_LIMIT):
            event = self.events.popleft()
            self.bytes -= len(event.body)
            self.floor = event.pos


@dataclass
class _PartitionTail:
    """``position`` is how far the partition's log has been handed to the tails of its branches."""

    position: int
    branches: dict[str, BranchTail] = field(default_factory=dict)


class BranchTails:
    """The tails of the branches that have streams in this process."""

    def __init__(self, storage: Storage, notifier: Notifier) -> None:
        """No branch is followed yet. ``committed`` hears of every commit, ``catch_up`` is called now and then."""
        self.storage = storage
        self.notifier = notifier
        self._partitions: dict[int, _PartitionTail] = {}

    @contextmanager
    def followed(self, branch: str, pp: int, head: int) -> Iterator[BranchTail]:
        """Have the branch's tail kept; ``head`` is a position of its partition that was the last one a moment ago."""
        partition = self._partitions.setdefault(pp, _PartitionTail(position=head))
        tail = partition.branches.setdefault(branch, BranchTail(floor=partition.position))
        tail.streams += 1
        try:
            yield tail
        finally:
            tail.streams -= 1
            if not tail.streams:
                del partition.branches[branch]
            if not partition.branches:
                del self._partitions[pp]

    def committed(self, rows: Sequence[Row]) -> None:
        """Take what this process committed, unless something of another process lies before it: see ``catch_up``."""
        for row in rows:
            partition = self._partitions.get(row.pp)
            if partition is not None and row.pos == partition.position + 1:
                partition.position = row.pos
                self._add(partition, [row])

    def catch_up(self) -> None:
        """Take what other processes committed, and drop what is old."""
        now = time.monotonic()
        for partition in self._partitions.values():
            for tail in partition.branches.values():
                tail.forget(now - KEPT_S)
        while self._partitions and self._take_page():
            pass

    def _take_page(self) -> bool:
        """Read on in the partitions that have moved; return whether there may be more."""
        before = {pp: (tail.position, set(tail.branches)) for pp, tail in self._partitions.items()}
        with self.storage.read() as connection:
            heads = logs.heads(connection)
            behind = {pp: position for pp, (position, _) in before.items() if heads[pp] > position}
            if not behind:
                return False
            branches = frozenset().union(*(before[pp][1] for pp in behind))
            rows = logs.after(connection, behind, limit=PAGE, branches=branches)
        come_to = {pp: max(heads[pp], *(row.pos for row in rows if row.pp == pp), 0) for pp in behind}
        if len(rows) == PAGE:  # the partitions are in order: those behind the last row's have not been read
            last = rows[-1]
            come_to = {pp: pos for pp, pos in come_to.items() if pp < last.pp} | {last.pp: last.pos}
        for pp, position in come_to.items():
            self._advance(pp, position, [row for row in rows if row.pp == pp], before[pp][1])
        return len(rows) == PAGE

    def _advance(self, pp: int, position: int, rows: Sequence[Row], read: set[str]) -> None:
        """Take what was read; meanwhile this process may have committed more, and branches may have come and gone."""
        partition = self._partitions.get(pp)
        if partition is None or partition.position >= position:
            return
        since, partition.position = partition.position, position
        self._add(partition, [row for row in rows if row.pos > since])
        for branch in partition.branches.keys() - read:  # of these nothing was asked for: their streams read the log
            partition.branches[branch].floor = position
            self.notifier.notify(branch)

    def _add(self, partition: _PartitionTail, rows: Sequence[Row]) -> None:
        now = time.monotonic()
        for row in rows:
            if (tail := partition.branches.get(row.branch)) is not None:
                tail.add(TailEvent(pos=row.pos, type=row.type, body=row.body.encode(), at=now))
        for branch in {row.branch for row in rows} & partition.branches.keys():
            self.notifier.notify(branch)
