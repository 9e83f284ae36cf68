"""The states of a service's branches in memory: at most one fold behind the log, and a bounded size.

A partition's head tells whether anything was appended since: a process that serves a branch alone reads nothing but
the head, and one that takes turns with others reads the tail that the others wrote (fast-forward).
"""

import gc
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic

import structlog
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from shared.contracts.registry import decode
from shared.ids import partition_of
from shared.storage.aggregate import Aggregate, State
from shared.storage.tables import log, snapshot

APART = 250
"""A snapshot with fewer events than these before the next goes: the end of a process, or another process, made one."""
log_ = structlog.get_logger()

LEVEL = 1
"""How hard zlib tries: a large state is packed in 4 ms, to an eighth."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of a branch after the event at ``pos``, which was recorded at ``recorded``."""

    branch: str
    pos: int
    recorded: datetime
    body: bytes


def newest(
    connection: Connection, branch: str, version: int, *, up_to: int | None = None, until: datetime | None = None
) -> Snapshot | None:
    """Return the newest snapshot of this version, at or before a position or a time; its body is packed."""
    query = select(snapshot.c.pos, snapshot.c.recorded, snapshot.c.body).where(
        snapshot.c.branch == branch, snapshot.c.version == version
    )
    if up_to is not None:
        query = query.where(snapshot.c.pos <= up_to)
    if until is not None:
        query = query.where(snapshot.c.recorded <= until)
    row = connection.execute(query.order_by(snapshot.c.pos.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return Snapshot(branch=branch, pos=row.pos, recorded=row.recorded, body=row.body)


def save(connection: Connection, version: int, taken: Sequence[Snapshot]) -> None:
    """Keep snapshots; of each branch the one before goes, unless it lies apart or was the last of its day (UTC)."""
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    for one in taken:
        before = connection.execute(
            select(snapshot.c.pos, snapshot.c.recorded)
            .where(snapshot.c.branch == one.branch, snapshot.c.version == version)
            .order_by(snapshot.c.pos.desc())
            .limit(1)
        ).one_or_none()
        connection.execute(
            insert(snapshot).on_conflict_do_nothing(),
            {
                "branch": one.branch, "pos": one.pos, "version": version, "recorded": one.recorded,
                "body": zlib.compress(one.body, LEVEL),
            },
        )  # fmt: skip
        if before is None or before.pos >= one.pos or before.recorded.date() != one.recorded.date():
            continue
        between = select(log.c.pos).where(log.c.branch == one.branch, log.c.pos > before.pos, log.c.pos <= one.pos)
        if len(connection.execute(between.limit(APART)).all()) < APART:
            mine = (snapshot.c.branch == one.branch, snapshot.c.version == version, snapshot.c.pos == before.pos)
            connection.execute(delete(snapshot).where(*mine))


def forget(connection: Connection, branch: str | None = None, *, other_than: int | None = None) -> int:
    """Throw snapshots away: a branch's, or all; those of other versions only, where one is named. Return how many."""
    query = delete(snapshot)
    if branch is not None:
        query = query.where(snapshot.c.branch == branch)
    if other_than is not None:
        query = query.where(snapshot.c.version != other_than)
    return connection.execute(query).rowcount


CHUNK = 500
"""Events that are read and folded at a time: between two chunks others have their turn."""
FAST_FORWARD_LIMIT = 5_000
"""A tail of a partition that is longer is not folded into everything that is cached: the cache is dropped."""
SNAPSHOT_EVENTS = 500
SNAPSHOT_EVENTS_OF_EACH = 4
"""A snapshot is due after so many events, or so many for each thing that the state holds.

Each costs time and space, and spares both the first command after a crash and the state at an instant, which fold what
lies behind a snapshot.
"""
IDLE = timedelta(minutes=1)
IDLE_SHARE = 10
"""A branch that is quiet for so long has its snapshot after that share of the events: nobody waits for it."""
BYTES_OF_EACH = 4_096
BYTES_OF_STATE = 65_536
"""What a state takes in memory, measured: so much for each thing that it holds, and so much besides."""


@dataclass(frozen=True)
class Known(Generic[State]):
    """A committed state, ``since`` events after its newest snapshot; ``recorded`` is when its last event was."""

    state: State
    pos: int
    recorded: datetime | None
    since: int


@dataclass(frozen=True)
class _Partition(Generic[State]):
    head: int
    branches: Mapping[str, Known[State]]


class States(Generic[State]):
    """The committed states of one service, by branch."""

    def __init__(self, aggregate: Aggregate[State], *, cache_bytes: int) -> None:
        """Nothing is known; at most about ``cache_bytes`` are kept."""
        self.aggregate = aggregate
        self._cache_bytes = cache_bytes
        self._partitions: dict[int, _Partition[State]] = {}
        self._used: OrderedDict[str, int] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def at_head(self, connection: Connection, branch: str, head: int) -> Known[State]:
        """Return the state of a branch whose partition's head stands at ``head``, or is known to be farther."""
        pp = partition_of(branch)
        partition = self._fast_forwarded(connection, pp, head)
        known = partition.branches.get(branch)
        if known is None:
            known = self.read(connection, branch, head)
            if partition.head == head:  # else the connection may not see yet what others have committed
                self._replace(pp, _Partition(head, {**partition.branches, branch: known}))
        return known

    def read(self, connection: Connection, branch: str, head: int) -> Known[State]:
        """Return the state as the database has it: the newest snapshot, and what came after it."""
        return self._folded(connection, self._begun(connection, branch, up_to=head), branch, up_to=head)

    def refolded(self, connection: Connection, branch: str, head: int) -> Known[State]:
        """Return the state folded from the first event on, whatever snapshots say."""
        return self._folded(connection, self._nothing(branch), branch, up_to=head)

    def snapshots_anew(self, connection: Connection, branch: str, head: int) -> None:
        """Fold a branch from its first event on, and store snapshots where a process would have, and at the end."""

        def take(known: Known[State]) -> Known[State]:
            save(connection, self.aggregate.version, [self.snapshot_of(branch, known)])
            return replace(known, since=0)

        def passing(known: Known[State]) -> Known[State]:
            return take(known) if known.since >= self._far(known.state) else known

        forget(connection, branch)
        known = self._folded(connection, self._nothing(branch), branch, up_to=head, passing=passing)
        if known.since:
            take(known)

    def at(self, connection: Connection, branch: str, time: datetime) -> Known[State]:
        """Return the state at an instant: before the first event that was recorded later."""
        return self._folded(connection, self._begun(connection, branch, until=time), branch, until=time)

    def publish(self, began: Mapping[int, int], heads: Mapping[int, int], changed: Mapping[str, Known[State]]) -> None:
        """Let readers see what was committed: partitions went from ``began`` to ``heads``, these branches changed."""
        for pp, head in heads.items():
            mine = {branch: known for branch, known in changed.items() if partition_of(branch) == pp}
            partition = self._partitions.get(pp)
            if partition is None or partition.head < began[pp]:
                self._replace(pp, _Partition(head, mine))
            elif partition.head < head:
                self._replace(pp, _Partition(head, {**partition.branches, **mine}))

    def due_for_snapshot(self, now: datetime, *, all_changed: bool = False) -> dict[str, Known[State]]:
        """Return the states that have moved far since their last snapshot; ``all_changed``: at all.

        What is far is less for a branch that is idle ``now``: a process that is killed later has less to fold.
        """
        return {
            branch: known
            for partition in list(self._partitions.values())
            for branch, known in partition.branches.items()
            if known.since and (all_changed or known.since >= self._far_by(known, now))
        }

    def snapshot_of(self, branch: str, known: Known[State]) -> Snapshot:
        """Return a state as it is stored: milliseconds of work, more for a large one."""
        if known.recorded is None:
            raise ValueError(f"nothing has happened in {branch}")
        body = self.aggregate.dump(known.state)
        return Snapshot(branch=branch, pos=known.pos, recorded=known.recorded, body=body)

    def _far(self, state: State) -> int:
        return max(SNAPSHOT_EVENTS, SNAPSHOT_EVENTS_OF_EACH * self.aggregate.held(state))

    def _far_by(self, known: Known[State], now: datetime) -> int:
        far = self._far(known.state)
        idle = known.recorded is not None and now - known.recorded >= IDLE
        return far // IDLE_SHARE if idle else far

    def have_snapshot(self, taken: list[Snapshot]) -> None:
        """Note that snapshots are stored."""
        with self._lock:
            for one in taken:
                pp = partition_of(one.branch)
                partition = self._partitions.get(pp)
                known = None if partition is None else partition.branches.get(one.branch)
                if partition is not None and known is not None and known.pos == one.pos:
                    branches = {**partition.branches, one.branch: replace(known, since=0)}
                    self._partitions[pp] = replace(partition, branches=branches)

    def forget(self) -> None:
        """Know nothing any more: the next look reads the database."""
        with self._lock:
            self._partitions.clear()
            self._used.clear()
            self._bytes = 0

    @property
    def cached_bytes(self) -> int:
        """About how much memory the states take."""
        return self._bytes

    def _fast_forwarded(self, connection: Connection, pp: int, head: int) -> _Partition[State]:
        partition = self._partitions.get(pp) or _Partition(head, {})
        if partition.head < head:
            short = partition.branches and head - partition.head <= FAST_FORWARD_LIMIT
            partition = self._with_tail(connection, pp, partition, head) if short else _Partition(head, {})
            self._replace(pp, partition)
        return partition

    def _with_tail(self, connection: Connection, pp: int, partition: _Partition[State], head: int) -> _Partition[State]:
        branches = dict(partition.branches)
        query = (
            select(log.c.branch, log.c.pos, log.c.recorded, log.c.body)
            .where(log.c.pp == pp, log.c.pos > partition.head, log.c.pos <= head)
            .order_by(log.c.pos)
        )
        for branch, pos, recorded, body in connection.execute(query):
            known = branches.get(branch)
            if known is not None:
                branches[branch] = self._after(known, pos, recorded, body)
        return _Partition(head, branches)

    def _nothing(self, branch: str) -> Known[State]:
        return Known(self.aggregate.initial(branch), 0, None, 0)

    def _begun(
        self, connection: Connection, branch: str, *, up_to: int | None = None, until: datetime | None = None
    ) -> Known[State]:
        """Return the state of the newest snapshot that can be read: of a damaged one the log makes up."""
        version = self.aggregate.version
        while (taken := newest(connection, branch, version, up_to=up_to, until=until)) is not None:
            try:
                return Known(self._loaded(branch, zlib.decompress(taken.body)), taken.pos, taken.recorded, 0)
            except Exception as error:
                log_.warning("snapshot_unreadable", branch=branch, pos=taken.pos, error=type(error).__name__)
                up_to = taken.pos - 1
        return self._nothing(branch)

    def _folded(
        self,
        connection: Connection,
        known: Known[State],
        branch: str,
        *,
        up_to: int | None = None,
        until: datetime | None = None,
        passing: Callable[[Known[State]], Known[State]] = lambda known: known,
    ) -> Known[State]:
        query = select(log.c.pos, log.c.recorded, log.c.body).where(log.c.branch == branch)
        if up_to is not None:
            query = query.where(log.c.pos <= up_to)
        while True:
            rows = connection.execute(query.where(log.c.pos > known.pos).order_by(log.c.pos).limit(CHUNK)).all()
            for pos, recorded, body in rows:
                # Not a condition of the query: it would look for more such events to the end of the log.
                if until is not None and recorded > until:
                    return known
                known = passing(self._after(known, pos, recorded, body))
            if len(rows) < CHUNK:
                return known

    def _loaded(self, branch: str, body: bytes) -> State:
        """Load a snapshot without the collector: nothing of it is garbage, and it would look at it again and again."""
        collects = gc.isenabled()
        gc.disable()
        try:
            return self.aggregate.load(branch, body)
        finally:
            if collects:
                gc.enable()

    def _after(self, known: Known[State], pos: int, recorded: datetime, body: str) -> Known[State]:
        state = self.aggregate.apply(known.state, decode(body.encode()))
        return Known(state, pos, recorded, known.since + 1)

    def _replace(self, pp: int, partition: _Partition[State]) -> None:
        """Keep what is known of a partition, unless somebody knows more by now."""
        with self._lock:
            before = self._partitions.get(pp)
            if before is not None and before.head > partition.head:
                return
            self._partitions[pp] = partition
            for branch in () if before is None else before.branches.keys() - partition.branches.keys():
                self._bytes -= self._used.pop(branch, 0)
            for branch, known in partition.branches.items():
                if before is None or before.branches.get(branch) is not known:
                    self._weigh(branch, known)
            self._evict()

    def _weigh(self, branch: str, known: Known[State]) -> None:
        size = BYTES_OF_STATE + BYTES_OF_EACH * self.aggregate.held(known.state)
        self._bytes += size - self._used.pop(branch, 0)
        self._used[branch] = size

    def _evict(self) -> None:
        """Drop the states that changed the longest ago; the newest stays, however large."""
        while self._bytes > self._cache_bytes and len(self._used) > 1:
            branch, size = self._used.popitem(last=False)
            self._bytes -= size
            pp = partition_of(branch)
            partition = self._partitions[pp]
            rest = {name: known for name, known in partition.branches.items() if name != branch}
            self._partitions[pp] = _Partition(partition.head, rest)
