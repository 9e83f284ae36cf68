"""A branch's streams share what is new: nothing is lost or repeated, nobody asks the database for it again (T10)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from sqlalchemy import event

from services.gateway import branch_tails, stream
from services.gateway.branch_tails import BranchTails
from shared.clock import ManualClock
from shared.contracts.envelope import Event
from shared.contracts.events.triage import CounterClosed
from shared.ids import new_id
from shared.settings import Settings
from shared.storage import Storage
from shared.web.branch_notifier import BranchNotifier
from tests.support.databases import empty_storage

BRANCH = "demo"
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
_branches = count(1)


@pytest.fixture
def storage(settings: Settings) -> Iterator[Storage]:
    with empty_storage(settings, "gateway", ManualClock(time=NOON)) as storage:
        yield storage


@pytest.fixture
def elsewhere(storage: Storage, settings: Settings) -> Iterator[Storage]:
    """The same database in another process."""
    other = Storage(settings, "gateway", clock=ManualClock(time=NOON))
    yield other
    other.close()


class Hurried(BranchNotifier):
    """Waits for nothing: the test goes on with something else."""

    def wait(self, branch: str, count: int, seconds: float = 0) -> bool:
        return super().wait(branch, count, 0)


def tails_of(storage: Storage, notifier: BranchNotifier | None = None) -> BranchTails:
    tails = BranchTails(storage, notifier or Hurried())
    storage.on_commit(tails.committed)
    return tails


def say(storage: Storage, branch: str = BRANCH, *, size: int = 1) -> str:
    id_ = new_id()
    with storage.transaction(branch) as tx:
        told = Event(
            id=id_, source="/services/triage", type="lobby.triage.counter_closed.v1", subject=id_, time=tx.now,
            branchid=branch, correlationid="c" * size, sequence=1, recordedtime=tx.now, data=CounterClosed(counter="1"),
        )  # fmt: skip
        tx.append_event(told, own=False)
    return id_


class Follower:
    """A stream and what it has told."""

    def __init__(self, tails: BranchTails, branch: str = BRANCH, after: str | None = None) -> None:
        self.source: Any = stream.events(tails, branch, after=after, types=None)
        self.positions: list[str] = []
        self.ids: list[str] = []

    def step(self) -> bool:
        """Take one event; say whether there was one."""
        item = next(self.source)
        if item is not None:
            self.positions.append(item[0])
            self.ids.append(str(orjson.loads(item[2])["id"]))
        return item is not None

    def drain(self) -> list[str]:
        while self.step():
            pass
        return self.ids


@contextmanager
def statements_of(storage: Storage) -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        found.append(statement)

    event.listen(storage.engine, "before_cursor_execute", note)
    yield found
    event.remove(storage.engine, "before_cursor_execute", note)


def test_an_event_between_the_look_and_the_wait_is_not_a_second_late(storage: Storage) -> None:
    said: list[str] = []

    class Interrupted(BranchNotifier):
        def wait(self, branch: str, count: int, seconds: float = 1.0) -> bool:
            if not said:
                said.append(say(storage))
            return super().wait(branch, count, seconds)

    follower = Follower(tails_of(storage, Interrupted()))
    began = time.monotonic()
    assert not follower.step()
    assert follower.step()
    assert time.monotonic() - began < 0.5
    assert follower.ids == said


def test_a_hundred_streams_of_a_branch_ask_the_database_for_nothing(storage: Storage) -> None:
    tails = tails_of(storage)
    followers = [Follower(tails) for _ in range(100)]
    for follower in followers:
        follower.drain()
    ids = [say(storage) for _ in range(3)]
    with statements_of(storage) as statements:
        assert all(follower.drain() == ids for follower in followers)
    assert statements == []


def test_what_another_process_committed_is_read_once_for_all(storage: Storage, elsewhere: Storage) -> None:
    tails = tails_of(storage)
    followers = [Follower(tails) for _ in range(20)]
    for follower in followers:
        follower.drain()
    ids = [say(elsewhere), say(elsewhere), say(storage)]
    with statements_of(storage) as statements:
        tails.catch_up()
        assert all(follower.drain() == ids for follower in followers)
    assert len([statement for statement in statements if "log.body" in statement]) == 1


def test_a_stream_that_is_slow_reads_the_log_and_loses_nothing(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(branch_tails, "KEPT_BYTES_LIMIT", 3000)
    tails = tails_of(storage)
    slow, quick = Follower(tails), Follower(tails)
    slow.drain()
    ids = []
    for _ in range(300):
        ids.append(say(storage))
        quick.drain()
    with statements_of(storage) as statements:
        assert slow.drain() == quick.ids == ids
    assert len(statements) <= 2 * (300 // stream.PAGE_LIMIT + 1)  # SQLite's BEGIN is one


def test_what_was_sent_is_forgotten_after_a_while(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    tails = tails_of(storage)
    follower = Follower(tails)
    follower.drain()
    ids = [say(storage)]
    monkeypatch.setattr(branch_tails, "KEPT_S", -1.0)
    tails.catch_up()
    assert follower.drain() == ids


def test_nothing_is_kept_for_branches_that_nobody_follows(storage: Storage) -> None:
    tails = tails_of(storage)
    follower = Follower(tails)
    follower.drain()
    follower.source.close()
    say(storage)
    with statements_of(storage) as statements:
        tails.catch_up()
    assert statements == []


class _Steps:
    """What may happen to the streams of two branches, whose partition may be one, in any order."""

    SAY, SAY_ELSEWHERE, LOOK, STEP, DRAIN, JOIN, COME_BACK, LEAVE = range(8)


@with_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=40))
def test_whatever_happens_each_stream_tells_each_event_once_and_in_order(
    storage: Storage, elsewhere: Storage, steps: list[tuple[int, int]]
) -> None:
    """The tails keep next to nothing, so that streams fall behind them; each example has branches of its own."""
    before, branch_tails.KEPT_BYTES_LIMIT = branch_tails.KEPT_BYTES_LIMIT, 1200
    try:
        _play(storage, elsewhere, steps, [f"b{next(_branches)}" for _ in range(2)])
    finally:
        branch_tails.KEPT_BYTES_LIMIT = before


def _play(storage: Storage, elsewhere: Storage, steps: list[tuple[int, int]], branches: list[str]) -> None:
    tails = tails_of(storage)
    said: dict[str, list[str]] = {branch: [] for branch in branches}
    streams: list[tuple[str, Follower, int]] = []
    for kind, which in steps:
        branch = branches[which % 2]
        chosen = streams[which % len(streams)] if streams else None
        match kind:
            case _Steps.SAY:
                said[branch].append(say(storage, branch))
            case _Steps.SAY_ELSEWHERE:
                said[branch].append(say(elsewhere, branch))
            case _Steps.LOOK:
                tails.catch_up()
            case _Steps.JOIN:
                streams.append((branch, Follower(tails, branch), len(said[branch])))
            case _Steps.STEP if chosen:
                chosen[1].step()
            case _Steps.DRAIN if chosen:
                chosen[1].drain()
            case _Steps.COME_BACK if chosen and chosen[1].positions:
                of, follower, since = chosen
                follower.source.close()
                streams[which % len(streams)] = (of, again := Follower(tails, of, follower.positions[-1]), since)
                again.ids, again.positions = follower.ids, follower.positions
            case _Steps.LEAVE if chosen:
                chosen[1].source.close()
                streams.remove(chosen)
    for _, follower, _ in streams:
        follower.drain()  # who has never been asked follows nothing yet
    tails.catch_up()
    for branch, follower, since in streams:
        assert follower.drain() == said[branch][since:]
        positions = [int(position) for position in follower.positions]
        assert positions == sorted(set(positions))
        follower.source.close()
    storage._listeners.clear()
