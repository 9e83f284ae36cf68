"""The log: positions without gaps in the order of commits, whatever runs at the same time."""

import threading
from contextlib import suppress
from random import Random

import pytest
from sqlalchemy import event, select

from shared.contracts.events.triage import CounterClosed
from shared.ids import PARTITIONS, partition_of
from shared.settings import Settings
from shared.storage import Cursor, Row, Storage, Transaction
from shared.storage import log as logs
from shared.storage.engine import is_sqlite
from shared.storage.tables import inbox
from shared.storage.transaction import VersionConflict
from tests.support.tables import next_sequence

ALL = dict.fromkeys(range(PARTITIONS), 0)


def say(tx: Transaction, branch: str, subject: str, sequence: int | None = None) -> str:
    number = sequence or next_sequence(tx, subject)
    return tx.append(branch, subject, CounterClosed(counter="1"), correlation=subject, sequence=number).id


def fail_after_saying(storage: Storage) -> None:
    """A transaction that fails at its end."""
    with suppress(ZeroDivisionError), storage.transaction("demo") as tx:
        tx.receive(["e1"])
        say(tx, "demo", "visit")
        _ = 1 / 0


def rows(storage: Storage, positions: dict[int, int] | None = None) -> list[Row]:
    with storage.read() as connection:
        return logs.after(connection, positions or ALL, limit=100_000)


def heads(storage: Storage) -> dict[int, int]:
    with storage.read() as connection:
        return logs.heads(connection)


def test_an_event_is_stored_as_it_is_published(storage: Storage) -> None:
    with storage.transaction("demo") as tx:
        event = tx.append("demo", "visit", CounterClosed(counter="7"), correlation="c", sequence=1)
    (row,) = rows(storage)
    assert row.body.encode() == event.to_json()
    assert (row.event_id, row.branch, row.type, row.own) == (event.id, "demo", "lobby.triage.counter_closed.v1", True)
    assert row.pp == partition_of("demo")


def test_the_expected_sequence_is_held(storage: Storage) -> None:
    with storage.transaction("demo") as tx:
        say(tx, "demo", "visit", 1)
    with pytest.raises(VersionConflict), storage.transaction("demo") as tx:
        say(tx, "demo", "visit", 1)
    assert len(rows(storage)) == 1


def test_nothing_is_left_of_a_transaction_that_fails(storage: Storage) -> None:
    before = heads(storage)
    fail_after_saying(storage)
    assert rows(storage) == []
    assert heads(storage) == before
    with storage.read() as connection:
        assert connection.execute(select(inbox)).all() == []


def test_a_partition_that_is_not_locked_is_refused(storage: Storage) -> None:
    other = next(f"b{n}" for n in range(100) if partition_of(f"b{n}") != partition_of("demo"))
    with pytest.raises(LookupError, match="not locked"), storage.transaction("demo") as tx:
        say(tx, other, "visit")


def test_writers_that_wait_before_they_commit_leave_no_gap_and_commit_in_order(storage: Storage) -> None:
    branches = [f"b{number}" for number in range(6)]
    start = heads(storage)
    seen: dict[int, int] = dict(start)
    missed: list[str] = []
    done = threading.Event()

    def write(seed: int) -> None:
        random = Random(seed)
        for number in range(25):
            mine = random.sample(branches, 2)
            with storage.transaction(*mine) as tx:
                for branch in mine:
                    say(tx, branch, f"{branch}-{seed}-{number}")
                done.wait(random.random() / 500)  # hold the locks for a moment

    def follow() -> None:
        while True:
            last = done.is_set()
            for row in rows(storage, seen):
                if row.pos != seen[row.pp] + 1:
                    missed.append(f"{row.pp}: {seen[row.pp]} then {row.pos}")
                seen[row.pp] = row.pos
            if last:
                return

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(6)]
    reader = threading.Thread(target=follow)
    for thread in [*writers, reader]:
        thread.start()
    for thread in writers:
        thread.join(60)
    done.set()
    reader.join(60)
    assert missed == []
    assert seen == heads(storage)
    assert sum(seen.values()) - sum(start.values()) == 6 * 25 * 2


def test_listeners_hear_of_a_commit_after_it_and_of_nothing_else(storage: Storage) -> None:
    heard: list[list[str]] = []
    storage.on_commit(lambda new: heard.append([row.event_id for row in new if row in rows(storage)]))
    with storage.transaction("demo"):
        pass
    fail_after_saying(storage)
    with storage.transaction("demo") as tx:
        id_ = say(tx, "demo", "visit")
    assert heard == [[id_]]


def test_an_event_is_received_once(storage: Storage) -> None:
    with storage.transaction() as tx:
        assert tx.receive(["a", "b"]) == {"a", "b"}
    with storage.transaction() as tx:
        assert tx.receive(["b", "c"]) == {"c"}
        assert tx.receive([]) == set()


def test_a_cursor_is_where_it_was_saved(storage: Storage) -> None:
    cursor = Cursor("reader")
    with storage.transaction() as tx:
        cursor.save(tx.connection, {3: 5, 9: 1})
        cursor.save(tx.connection, {3: 7})
        cursor.save(tx.connection, {})
    with storage.read() as connection:
        assert cursor.load(connection) == {3: 7, 9: 1}
        assert Cursor("another").load(connection) == {}


def test_a_log_is_read_by_subject_and_by_correlation(storage: Storage, settings: Settings) -> None:
    with storage.transaction("demo") as tx:
        ids = [say(tx, "demo", "visit") for _ in range(3)]
        say(tx, "demo", "other")
    reader = storage.reader("triage")
    assert [row.event_id for row in reader.of_subject("visit")] == ids
    assert [row.event_id for row in reader.of_subject("visit", before=3)] == ids[:2]
    with storage.read() as connection:
        assert [row.event_id for row in logs.of_correlation(connection, "visit")] == ids
    with pytest.raises(LookupError, match="no service"):
        storage.reader("nobody")


def test_however_many_partitions_are_locked_the_statement_is_one_to_postgresql(storage: Storage) -> None:
    """Another text for each number is taken apart, and planned, anew each time."""
    said: set[str] = set()

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.add(statement)

    event.listen(storage.engine, "before_cursor_execute", hear)
    for count in (2, 3, PARTITIONS):
        with storage.locked(range(count)) as tx:
            assert len(tx.heads) == count
    locking = {statement for statement in said if "log_head" in statement}
    assert len(locking) == (3 if is_sqlite(storage.engine) else 1)
