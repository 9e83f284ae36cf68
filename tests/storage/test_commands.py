"""Commands: carried out once, whoever repeats them, and forgotten when nobody can any more."""

import threading
from datetime import timedelta

import pytest
from pydantic import BaseModel
from sqlalchemy import func, select

from shared.clock import ManualClock
from shared.commands import Command, Replayed
from shared.contracts.events.triage import CounterClosed
from shared.storage import Storage, Transaction
from shared.storage.commands import IdempotencyKeyReused
from shared.storage.tables import idempotency, inbox, log
from tests.support.tables import next_sequence


class Answer(BaseModel):
    number: int


def command(key: str | None = "k", *, branch: str = "demo", actor: str = "me", fingerprint: str = "f") -> Command:
    return Command(
        id="c", operation="op", branch=branch, actor=actor, key=key, fingerprint=fingerprint, status=201
    )  # fmt: skip


def use_case(tx: Transaction) -> Answer:
    number = next_sequence(tx, "s")
    tx.append("demo", "s", CounterClosed(counter="1"), correlation="s", sequence=number)
    return Answer(number=number)


def count(storage: Storage, table: object) -> int:
    with storage.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


def test_a_repeated_key_gets_the_first_answer(storage: Storage) -> None:
    assert storage.execute(command(), use_case) == Answer(number=1)
    assert storage.execute(command(), use_case) == Replayed(status=201, body=b'{"number":1}')
    assert count(storage, log) == 1


def test_an_answer_without_a_body_is_repeated_as_one(storage: Storage) -> None:
    assert storage.execute(command(), lambda tx: None) is None
    assert storage.execute(command(), use_case) == Replayed(status=204, body=b"")


def test_a_key_is_its_actors_own_and_stands_for_one_request(storage: Storage) -> None:
    storage.execute(command(), use_case)
    assert storage.execute(command(actor="you"), use_case) == Answer(number=2)
    with pytest.raises(IdempotencyKeyReused):
        storage.execute(command(fingerprint="another"), use_case)


def test_without_a_key_each_call_counts(storage: Storage) -> None:
    assert storage.execute(command(None), use_case) == Answer(number=1)
    assert storage.execute(command(None), use_case) == Answer(number=2)


def test_what_failed_may_be_tried_again_with_the_same_key(storage: Storage) -> None:
    def fails(tx: Transaction) -> Answer:
        use_case(tx)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        storage.execute(command(), fails)
    assert storage.execute(command(), use_case) == Answer(number=1)


def test_the_same_key_at_the_same_time_is_carried_out_once(storage: Storage) -> None:
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(storage.execute(command(), use_case))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers.count(Answer(number=1)) == 1
    assert answers.count(Replayed(status=201, body=b'{"number":1}')) == 7
    assert count(storage, log) == 1


def test_what_nobody_can_repeat_is_forgotten(storage: Storage, clock: ManualClock) -> None:
    storage.execute(command(), use_case)
    with storage.transaction() as tx:
        tx.receive(["e"])
    clock.advance(timedelta(days=3).total_seconds())
    storage.forget_answers()
    storage.forget_inbox()
    assert (count(storage, idempotency), count(storage, inbox)) == (0, 1)
    clock.advance(timedelta(days=40).total_seconds())
    storage.forget_answers()
    storage.forget_inbox()
    assert count(storage, inbox) == 0
    assert count(storage, log) == 1
