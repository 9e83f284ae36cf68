"""What the storage refuses, and that nothing of it stays: naive times, state of a failure, keys in a race."""

import threading
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError

from shared.commands import Command
from shared.contracts.events.triage import CounterClosed
from shared.ids import PARTITIONS, partition_of
from shared.storage import Cursor, Storage, Transaction
from shared.storage import log as logs
from shared.storage.commands import IdempotencyKeyReused
from shared.storage.tables import inbox
from shared.storage.transaction import VersionConflict
from tests.support.tables import next_sequence

NAIVE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC).replace(tzinfo=None)
TOGETHER_S = 1.0


class Answer(BaseModel):
    branch: str


def say(tx: Transaction, branch: str, subject: str, time: datetime | None = None) -> None:
    sequence = next_sequence(tx, subject)
    tx.append(branch, subject, CounterClosed(counter="1"), correlation=subject, sequence=sequence, time=time)


def clash(storage: Storage) -> None:
    """A transaction that appends a sequence that is taken, after changing other things."""
    with storage.transaction("demo") as tx:
        tx.receive(["e"])
        Cursor("state").save(tx.connection, {1: 1})
        tx.append("demo", "visit", CounterClosed(counter="1"), correlation="visit", sequence=1)


def everything(storage: Storage) -> list[logs.Row]:
    with storage.read() as connection:
        return logs.after(connection, dict.fromkeys(range(PARTITIONS), 0), limit=1000)


def test_an_event_with_a_naive_time_is_refused(storage: Storage) -> None:
    with pytest.raises(ValueError, match="naive"), storage.transaction("demo") as tx:
        say(tx, "demo", "visit", NAIVE)
    assert everything(storage) == []


def test_a_naive_time_is_refused_in_a_column(storage: Storage) -> None:
    with pytest.raises(StatementError, match="naive"), storage.transaction() as tx:
        tx.connection.execute(insert(inbox).values(event_id="e", at=NAIVE))
    with storage.read() as connection:
        assert connection.execute(select(inbox)).all() == []


def test_a_clash_takes_the_state_and_the_inbox_with_it(storage: Storage) -> None:
    with storage.transaction("demo") as tx:
        say(tx, "demo", "visit")
    with pytest.raises(VersionConflict):
        clash(storage)
    with storage.read() as connection:
        assert Cursor("state").load(connection) == {}
    with storage.transaction("demo") as tx:
        assert tx.receive(["e"]) == {"e"}
        say(tx, "demo", "visit")
    first, second = everything(storage)
    assert second.pos == first.pos + 1


def test_one_key_for_two_branches_at_the_same_time_stands_for_one_of_them(storage: Storage) -> None:
    other = next(f"b{n}" for n in range(100) if partition_of(f"b{n}") != partition_of("demo"))
    both = threading.Barrier(2)
    results: list[object] = []

    def execute(branch: str) -> None:
        def use_case(tx: Transaction) -> Answer:
            say(tx, branch, branch)
            with suppress(threading.BrokenBarrierError):  # SQLite lets in one at a time
                both.wait(TOGETHER_S)
            return Answer(branch=branch)

        command = Command(id=branch, operation="op", branch=branch, actor="me", key="k", fingerprint=branch)
        try:
            results.append(storage.execute(command, use_case))
        except Exception as error:
            results.append(type(error))

    threads = [threading.Thread(target=execute, args=(branch,)) for branch in ("demo", other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    (row,) = everything(storage)
    assert IdempotencyKeyReused in results
    assert Answer(branch=row.branch) in results
