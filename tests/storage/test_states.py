"""The state of a branch is the fold of its log: whoever serves it, whatever failed, wherever it is read from."""

import gc
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from shared.clock import ManualClock
from shared.contracts.envelope import Event
from shared.contracts.events import triage
from shared.errors import Conflict
from shared.settings import Settings
from shared.storage import Storage, Transaction, states
from shared.storage.engine import is_sqlite
from shared.storage.tables import due, snapshot
from tests.storage.test_commands import command
from tests.support.processes import wait_until
from tests.support.tables import empty_database
from tests.support.visited import visits_of

BRANCH, OTHER = "demo", "north"


@dataclass(frozen=True)
class Counters:
    """The counters that are open, and how often any was opened or closed; ``due`` while one is open."""

    branch: str
    open: tuple[str, ...] = ()
    changes: int = 0
    last: datetime | None = None


class Fold:
    """Folds counters."""

    version = 1
    applied = 0

    def initial(self, branch: str) -> Counters:
        return Counters(branch)

    def apply(self, state: Counters, event: Event) -> Counters:
        self.applied += 1
        if isinstance(event.data, triage.CounterOpened):
            opened = (*state.open, event.data.counter)
            return Counters(state.branch, opened, state.changes + 1, event.recordedtime)
        if isinstance(event.data, triage.CounterClosed):
            rest = tuple(name for name in state.open if name != event.data.counter)
            return Counters(state.branch, rest, state.changes + 1, event.recordedtime)
        return state

    def held(self, state: Counters) -> int:
        return len(state.open)

    def due(self, before: Counters, after: Counters) -> datetime | None:
        if after.open != before.open:
            return after.last
        return after.last + timedelta(hours=1) if after.open and after.last else None

    def dump(self, state: Counters) -> bytes:
        return orjson.dumps([state.open, state.changes, state.last])

    def load(self, branch: str, body: bytes) -> Counters:
        opened, changes, last = orjson.loads(body)
        return Counters(branch, tuple(opened), changes, None if last is None else datetime.fromisoformat(last))


def opened(settings: Settings, clock: ManualClock) -> Storage:
    return Storage(settings, "triage", clock=clock, aggregate=Fold())


@pytest.fixture
def storage(settings: Settings, clock: ManualClock) -> Iterator[Storage]:
    empty_database(settings, "triage")
    storage = opened(settings, clock)
    yield storage
    storage.close()


@pytest.fixture
def another(settings: Settings, clock: ManualClock, storage: Storage) -> Iterator[Storage]:
    """The same service in another process."""
    other = opened(settings, clock)
    yield other
    other.close()


def open_counter(tx: Transaction, branch: str = BRANCH) -> str:
    """Open one more counter, and return its name."""
    name = str(tx.state(branch).changes + 1)
    data = triage.CounterOpened(counter=name, channels=("counter",))
    tx.append(branch, f"counter:{branch}:{name}", data, correlation=name, sequence=1)
    return name


def open_in(storage: Storage, branch: str = BRANCH) -> str:
    with storage.transaction(branch) as tx:
        return open_counter(tx, branch)


def applied(storage: Storage) -> int:
    fold = storage.states.aggregate
    assert isinstance(fold, Fold)
    return fold.applied


def test_a_use_case_sees_what_it_appended_and_readers_see_it_once_it_is_committed(storage: Storage) -> None:
    with storage.transaction(BRANCH) as tx:
        open_counter(tx)
        assert tx.state(BRANCH).open == ("1",)
        assert storage.state(BRANCH).open == ()
    assert storage.state(BRANCH).open == ("1",)


def test_a_branch_that_one_process_serves_alone_is_folded_once(storage: Storage) -> None:
    for _ in range(3):
        open_in(storage)
    assert storage.state(BRANCH).changes == 3
    assert applied(storage) == 3


def test_a_process_that_takes_turns_folds_the_tail_that_the_other_wrote(storage: Storage, another: Storage) -> None:
    for _ in range(3):
        open_in(storage)
    assert another.state(BRANCH).changes == 3
    before = applied(another)
    open_in(storage)
    assert open_in(another) == "5"
    assert applied(another) - before == 2, "the other's event and its own"
    assert storage.state(BRANCH) == another.state(BRANCH)


def test_a_long_tail_of_others_is_read_when_somebody_asks(
    storage: Storage, another: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_in(another)
    monkeypatch.setattr(states, "FAST_FORWARD_LIMIT", 2)
    for _ in range(5):
        open_in(storage)
    assert another.state(BRANCH) == storage.state(BRANCH)


def test_a_transaction_that_fails_leaves_the_state_as_it_was(storage: Storage) -> None:
    open_in(storage)
    with suppress(ZeroDivisionError), storage.transaction(BRANCH) as tx:
        open_counter(tx)
        raise ZeroDivisionError
    assert storage.state(BRANCH).open == ("1",)
    assert open_in(storage) == "2"


def test_a_command_that_is_refused_after_it_appended_leaves_nothing_to_the_next_of_its_transaction(
    storage: Storage,
) -> None:
    def refused(tx: Transaction) -> None:
        open_counter(tx)
        raise Conflict("no")

    with storage.transaction(BRANCH) as tx:
        open_counter(tx)
        mark = tx.begin_command(tx.cause, tx.now)
        with suppress(Conflict):
            refused(tx)
        assert tx.state(BRANCH).changes == 2
        assert tx.rollback_to(mark)
        assert tx.state(BRANCH).open == ("1",)
        assert open_counter(tx) == "2"
    assert storage.state(BRANCH).open == ("1", "2")
    storage.states.forget()
    assert storage.state(BRANCH).open == ("1", "2")


def test_who_waits_for_a_transaction_of_this_process_begins_with_what_that_one_made(storage: Storage) -> None:
    began, go_on = threading.Event(), threading.Event()
    names: list[str] = []

    def slow() -> None:
        with storage.transaction(BRANCH) as tx:
            names.append(open_counter(tx))
            began.set()
            go_on.wait(10)

    threads = [threading.Thread(target=slow)]
    threads[0].start()
    assert began.wait(10)
    threads.append(threading.Thread(target=lambda: names.append(open_in(storage))))
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert names == ["1", "2"]
    assert applied(storage) == 2


def test_branches_of_one_partition_keep_their_own_states(storage: Storage) -> None:
    same = next(name for n in range(1000) if states.partition_of(name := f"b{n}") == states.partition_of(BRANCH))
    for branch in (BRANCH, same, BRANCH):
        open_in(storage, branch)
    assert (storage.state(BRANCH).changes, storage.state(same).changes) == (2, 1)
    assert applied(storage) == 3


def test_a_snapshot_shortens_the_start_and_says_the_same(storage: Storage, another: Storage) -> None:
    for _ in range(4):
        open_in(storage)
    assert storage.take_snapshots() == 0, "four events are quicker folded than a snapshot is stored"
    assert storage.take_snapshots(all_changed=True) == 1
    assert storage.take_snapshots(all_changed=True) == 0, "nothing has moved since"
    open_in(storage)
    assert another.state(BRANCH) == storage.state(BRANCH)
    assert applied(another) == 1


def test_a_snapshot_of_another_version_is_not_read(storage: Storage, another: Storage) -> None:
    open_in(storage)
    storage.take_snapshots(all_changed=True)
    another.states.aggregate.version = 2  # type: ignore[misc]
    assert another.state(BRANCH) == storage.state(BRANCH)
    assert applied(another) == 1


def test_a_snapshot_is_due_after_so_many_events_for_each_thing_that_is_held(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "SNAPSHOT_EVENTS", 3)
    monkeypatch.setattr(states, "SNAPSHOT_EVENTS_OF_EACH", 2)
    for _ in range(3):
        open_in(storage)
    assert storage.take_snapshots() == 0, "three counters are open: six events"
    with storage.transaction(BRANCH) as tx:
        for name in ("1", "2", "3"):
            data = triage.CounterClosed(counter=name)
            tx.append(BRANCH, f"counter:{BRANCH}:{name}", data, correlation=name, sequence=2)
    assert storage.take_snapshots() == 1


def test_a_branch_that_is_idle_gets_its_snapshot_after_fewer_events(
    storage: Storage, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "SNAPSHOT_EVENTS", 30)
    monkeypatch.setattr(states, "SNAPSHOT_EVENTS_OF_EACH", 1)
    for _ in range(2):
        open_in(storage)
    clock.advance(states.IDLE.total_seconds())
    assert storage.take_snapshots() == 0, "two events are quicker folded"
    open_in(storage)
    assert storage.take_snapshots() == 0, "it has just moved"
    clock.advance(states.IDLE.total_seconds())
    assert storage.take_snapshots() == 1
    assert storage.take_snapshots() == 0, "once is enough"


def test_the_last_snapshot_of_each_day_is_kept_and_the_state_at_an_instant_found(
    storage: Storage, clock: ManualClock
) -> None:
    instants = []
    for _ in range(3):
        for _ in range(2):
            open_in(storage)
            storage.take_snapshots(all_changed=True)
            instants.append((clock.now(), storage.state(BRANCH)))
            clock.advance(3600)
        clock.advance(86_400)
    with storage.read() as connection:
        assert connection.execute(select(func.count()).select_from(snapshot)).scalar() == 3
    for at, state in instants:
        assert storage.state_at(BRANCH, at) == state
        assert storage.state_at(BRANCH, at + timedelta(minutes=1)) == state
    assert storage.state_at(BRANCH, instants[0][0] - timedelta(seconds=1)) == Counters(BRANCH)


def test_snapshots_that_lie_apart_stay_and_shorten_the_way_to_an_instant(
    storage: Storage, another: Storage, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "SNAPSHOT_EVENTS", 5)
    monkeypatch.setattr(states, "SNAPSHOT_EVENTS_OF_EACH", 0)
    monkeypatch.setattr(states, "APART", 3)
    instants = []
    for n in range(22):  # two processes take turns, and each makes snapshots
        open_in((storage, another)[n % 2])
        for process in (storage, another):
            process.state(BRANCH)
            process.take_snapshots()
        instants.append((clock.now(), storage.state(BRANCH)))
        clock.advance(60)
    assert storage.take_snapshots(all_changed=True) == 1
    with storage.read() as connection:
        kept = connection.execute(select(snapshot.c.pos).order_by(snapshot.c.pos)).scalars().all()
    assert [pos - kept[0] for pos in kept] == [0, 5, 10, 17], "the end of the process takes the place of the last"
    for at, state in instants:
        before = applied(another)
        assert another.state_at(BRANCH, at) == state
        assert applied(another) - before < 7, "no more than what lies between two of them"


def test_the_way_to_an_instant_reads_nothing_that_came_long_after_it(
    storage: Storage, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "CHUNK", 5)
    open_in(storage)
    at = clock.now()
    clock.advance(60)
    with storage.transaction(BRANCH) as tx:
        for _ in range(300):
            open_counter(tx)
    with visits_of(storage.engine) as visits:
        assert storage.state_at(BRANCH, at).changes == 1
    assert not visits.above(20)


def test_a_snapshot_is_loaded_without_the_collector(
    storage: Storage, another: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_in(storage)
    storage.take_snapshots(all_changed=True)
    looks: list[str] = []
    load = Fold.load

    def large(fold: Fold, branch: str, body: bytes) -> Counters:
        gc.callbacks.append(lambda phase, info: looks.append(phase))
        try:
            assert len([[n] for n in range(100_000)]) == 100_000
        finally:
            gc.callbacks.pop()
        return load(fold, branch, body)

    monkeypatch.setattr(Fold, "load", large)
    gc.enable()
    assert another.state(BRANCH) == storage.state(BRANCH)
    assert looks == []
    assert gc.isenabled()


def test_who_comes_while_others_wait_for_another_process_does_not_try_in_vain(
    storage: Storage, another: Storage
) -> None:
    if is_sqlite(storage.engine):
        pytest.skip("SQLite has one writer: nobody tries without waiting")
    statements: list[str] = []
    sql_event.listen(storage.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    def waits() -> bool:
        return any("FOR UPDATE" in sql and "SKIP LOCKED" not in sql for sql in statements)

    threads = [
        threading.Thread(target=lambda: storage.execute(command(None), lambda tx: open_counter(tx) and None))
        for _ in range(6)
    ]
    with another.transaction(command(None).branch):
        threads[0].start()
        wait_until(waits, within_s=10, what="the first to wait for the other process")
        for thread in threads[1:]:
            thread.start()
    for thread in threads:
        thread.join(10)
    assert storage.state(BRANCH).changes == 6
    assert sum("SKIP LOCKED" in sql for sql in statements) == 1


def test_what_is_kept_in_memory_has_a_size(settings: Settings, clock: ManualClock) -> None:
    empty_database(settings, "triage")
    small = opened(settings.model_copy(update={"state_cache_mb": 1}), clock)
    for n in range(40):
        open_in(small, f"b{n}")
    assert small.states.cached_bytes <= 1024 * 1024
    before = applied(small)
    assert [small.state(f"b{n}").changes for n in reversed(range(40))] == [1] * 40
    assert 0 < applied(small) - before < 40, "some are read again, and some are known"
    small.close()


def test_a_known_branch_costs_a_reader_one_statement(storage: Storage) -> None:
    open_in(storage)
    statements: list[str] = []
    sql_event.listen(storage.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert storage.state(BRANCH).open == ("1",)
    assert len([sql for sql in statements if sql.startswith("SELECT")]) == 1


def test_readers_never_see_what_is_not_committed(storage: Storage) -> None:
    stop, seen = threading.Event(), set[int]()

    def read() -> None:
        while not stop.is_set():
            seen.add(storage.state(BRANCH).changes)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        with suppress(ZeroDivisionError), storage.transaction(BRANCH) as tx:
            open_counter(tx)
            raise ZeroDivisionError
    wait_until(lambda: bool(seen), within_s=10, what="a look")
    stop.set()
    reader.join(10)
    assert seen == {0}


def test_what_is_due_outlives_the_process_and_a_look_settles_it(
    storage: Storage, another: Storage, clock: ManualClock
) -> None:
    open_in(storage)
    assert another.branches_due(limit=10) == [BRANCH], "the change asks for a look at once"
    with another.transaction(BRANCH) as tx:
        assert tx.settle_due(BRANCH)
    assert storage.branches_due(limit=10) == []
    clock.advance(3601)
    assert storage.branches_due(limit=10) == [BRANCH], "also by a clock that jumps"
    with storage.transaction(BRANCH) as tx:
        assert tx.settle_due(BRANCH)
        data = triage.CounterClosed(counter="1")
        tx.append(BRANCH, f"counter:{BRANCH}:1", data, correlation="1", sequence=2)
    with storage.read() as connection:
        assert connection.execute(select(func.count()).select_from(due)).scalar() == 0, "nothing ever will be"


def test_a_look_that_another_process_has_just_taken_is_known(storage: Storage, another: Storage) -> None:
    open_in(storage)
    for process, first in ((storage, True), (another, False)):
        with process.transaction(BRANCH) as tx:
            assert tx.settle_due(BRANCH) == first


def test_the_longest_overdue_are_looked_at_first_and_nobody_else(storage: Storage, clock: ManualClock) -> None:
    for branch in ("c", "a", "b"):
        open_in(storage, branch)
        clock.advance(1)
    assert storage.branches_due(limit=2) == ["c", "a"]


def test_a_branch_whose_look_fails_is_put_off_and_holds_up_no_other(storage: Storage, clock: ManualClock) -> None:
    """It would be the longest overdue, and so the first and last one that is looked at, for ever."""
    for branch in ("broken", "a", "b"):
        open_in(storage, branch)
        clock.advance(1)
    seen: list[str] = []

    def look(branch: str) -> None:
        seen.append(branch)
        if branch == "broken":
            raise ValueError("its log cannot be read")
        with storage.transaction(branch) as tx:
            assert tx.settle_due(branch)

    storage.look_at_due(look, limit=10)
    assert seen == ["broken", "a", "b"]
    assert storage.branches_due(limit=10) == []
    clock.advance(60)
    assert storage.branches_due(limit=10) == ["broken"], "it is looked at again"


def test_a_database_that_is_away_is_no_branchs_fault(storage: Storage) -> None:
    open_in(storage)

    def look(branch: str) -> None:
        raise OperationalError("SELECT", {}, Exception("database is locked"), connection_invalidated=True)

    with pytest.raises(OperationalError):
        storage.look_at_due(look, limit=10)
    assert storage.branches_due(limit=10) == [BRANCH]


def test_what_a_terminal_said_is_in_the_state_and_is_not_published(storage: Storage) -> None:
    with storage.transaction(BRANCH) as tx:
        tx.append_unpublished(BRANCH, triage.CounterOpened(counter="9", channels=("counter",)), tx.now)
        assert [row.own for row in tx.appended] == [False]
    assert storage.state(BRANCH).open == ("9",)
    storage.states.forget()
    assert storage.state(BRANCH).open == ("9",)


def test_commands_that_share_a_commit_follow_each_other(storage: Storage) -> None:
    names: list[str] = []
    threads = [
        threading.Thread(target=lambda: storage.execute(command(None), lambda tx: names.append(open_counter(tx))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(names, key=int) == [str(n) for n in range(1, 9)]
    assert applied(storage) == 8
