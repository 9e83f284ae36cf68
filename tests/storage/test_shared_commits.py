"""Commands that wait at the same time share a transaction, and none of them notices."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlalchemy.exc import OperationalError

from shared.contracts.events.triage import CounterClosed
from shared.errors import Conflict
from shared.settings import Settings
from shared.storage import Storage, Transaction
from shared.storage.tables import cursor, idempotency, log
from tests.storage.test_commands import Answer, command, count, use_case
from tests.support.processes import wait_until
from tests.support.tables import next_sequence


class Crowd:
    """Commands that were made to wait behind one that holds the turn."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._go = threading.Event()
        self._threads: list[threading.Thread] = []
        self.results: dict[str, Any] = {}

    def ask(self, name: str, use_case: Callable[[Transaction], Answer | None], **command_fields: Any) -> None:
        def run() -> None:
            try:
                self.results[name] = self._storage.execute(command(name, **command_fields), use_case)
            except Exception as error:
                self.results[name] = error

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()

    def hold(self, tx: Transaction) -> Answer:
        self._holds.set()
        assert self._go.wait(20)
        return use_case(tx)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Hold the turn inside the block; let all that was asked there go at its end, and wait for it."""
        self._holds = threading.Event()
        self.ask("holder", self.hold)
        assert self._holds.wait(20)
        yield
        lane = self._storage._commands._quick
        wait_until(lambda: len(lane.waiting) == len(self._threads) - 1, within_s=10, what="all to wait")
        self._go.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()


@contextmanager
def commits(storage: Storage) -> Iterator[list[None]]:
    seen: list[None] = []

    def on_commit(_connection: object) -> None:
        seen.append(None)

    event.listen(storage.engine, "commit", on_commit)
    yield seen
    event.remove(storage.engine, "commit", on_commit)


def numbers(crowd: Crowd) -> list[int]:
    return sorted(answer.number for answer in crowd.results.values() if isinstance(answer, Answer))


def test_those_who_wait_share_one_commit_and_each_gets_its_answer(storage: Storage) -> None:
    crowd = Crowd(storage)
    with commits(storage) as seen, crowd.waiting():
        for number in range(10):
            crowd.ask(f"k{number}", use_case)
    assert numbers(crowd) == list(range(1, 12))
    assert len(seen) == 2  # the one that held the turn, and all the others
    assert (count(storage, log), count(storage, idempotency)) == (11, 11)


def test_a_refusal_is_its_commands_own_and_leaves_nothing(storage: Storage) -> None:
    def refuse(tx: Transaction) -> Answer:
        use_case(tx)  # appended, and not written yet
        raise Conflict("no")

    crowd = Crowd(storage)
    with commits(storage) as seen, crowd.waiting():
        crowd.ask("a", use_case)
        crowd.ask("refused", refuse)
        crowd.ask("b", use_case)
    assert numbers(crowd) == [1, 2, 3]
    assert isinstance(crowd.results["refused"], Conflict)
    assert (count(storage, log), len(seen)) == (3, 2)


def test_who_fails_after_a_change_takes_it_back_and_nobody_elses(storage: Storage) -> None:
    def spoil(tx: Transaction) -> Answer:
        tx.connection.execute(insert(cursor).values(name="spoilt", pp=1, pos=1))
        use_case(tx)
        raise RuntimeError("a bug")

    crowd = Crowd(storage)
    with crowd.waiting():
        crowd.ask("a", use_case)
        crowd.ask("spoils", spoil)
        crowd.ask("b", use_case)
    assert numbers(crowd) == [1, 2, 3]
    assert isinstance(crowd.results["spoils"], RuntimeError)
    assert (count(storage, log), count(storage, cursor)) == (3, 0)


def test_a_version_that_clashes_at_the_commit_fails_only_its_own_command(storage: Storage) -> None:
    def clash(tx: Transaction) -> Answer:
        answer = use_case(tx)
        tx._rows[-1]["sequence"] = 1
        return answer

    crowd = Crowd(storage)
    with crowd.waiting():
        crowd.ask("a", use_case)
        crowd.ask("clashes", clash)
        crowd.ask("b", use_case)
    assert numbers(crowd) == [1, 2, 3]
    assert isinstance(crowd.results["clashes"], Conflict)
    assert count(storage, log) == 3


def test_a_database_that_is_away_is_everybodys_error_and_is_asked_once(storage: Storage) -> None:
    tries = []

    def away(tx: Transaction) -> Answer:
        tries.append(1)
        raise OperationalError("SELECT 1", {}, Exception("the server closed the connection"))

    crowd = Crowd(storage)
    with crowd.waiting():
        crowd.ask("away", away)
        crowd.ask("b", use_case)
    assert isinstance(crowd.results["away"], OperationalError)
    assert len(tries) == 1
    assert isinstance(crowd.results["b"], OperationalError)
    assert (numbers(crowd), count(storage, log)) == ([1], 1)


@pytest.mark.parametrize("fingerprint", ["f", "another"])
def test_one_key_twice_among_those_who_wait_is_carried_out_once(storage: Storage, fingerprint: str) -> None:
    crowd = Crowd(storage)
    with crowd.waiting():
        crowd.ask("first", lambda tx: use_case(tx))
        wait_until(lambda: storage._commands._quick.waiting, within_s=10, what="the first")
        second = command("first", fingerprint=fingerprint)
        result: list[Any] = []

        def run() -> None:
            try:
                result.append(storage.execute(second, use_case))
            except Exception as error:
                result.append(error)

        thread = threading.Thread(target=run)
        crowd._threads.append(thread)
        thread.start()
    assert count(storage, log) == 2
    assert getattr(result[0], "body", None) == b'{"number":2}' or result[0].code == "idempotency_key_reused"
    assert (fingerprint == "f") == (getattr(result[0], "body", None) is not None)


def test_many_at_once_on_many_branches_lose_and_double_nothing(storage: Storage) -> None:
    def on(branch: str) -> Callable[[Transaction], Answer]:
        def append(tx: Transaction) -> Answer:
            number = next_sequence(tx, branch)
            tx.append(branch, branch, CounterClosed(counter="1"), correlation=branch, sequence=number)
            return Answer(number=number)

        return append

    def ask(number: int) -> None:
        for turn in range(5):
            branch = f"b{(number + turn) % 7}"
            made = storage.execute(replace(command(f"{number}-{turn}"), branch=branch), on(branch))
            assert isinstance(made, Answer)
            answers.append((branch, made.number))

    answers: list[tuple[str, int]] = []
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 80 == len(set(answers)) == count(storage, log)


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
@pytest.mark.parametrize("whose", ["this process", "another process"])
def test_a_branch_that_somebody_changes_keeps_only_its_own_commands_waiting(
    settings: Settings, storage: Storage, whose: str
) -> None:
    other = Storage(settings, storage.service, clock=storage.clock)
    crowd = Crowd(storage)
    with (storage if whose == "this process" else other).transaction("demo"):
        crowd.ask("waits", use_case)
        crowd.ask("goes on", lambda _tx: Answer(number=0), branch="north")
        wait_until(lambda: "goes on" in crowd.results, within_s=10, what="the other branch's command")
        assert "waits" not in crowd.results
    wait_until(lambda: "waits" in crowd.results, within_s=10, what="the command that had to wait")
    assert not any(isinstance(result, Exception) for result in crowd.results.values())
    other.close()
