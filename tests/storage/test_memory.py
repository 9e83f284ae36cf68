"""What a service remembers of a branch between its transactions, and rows that are written together."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.exc import OperationalError

from shared.errors import Conflict
from shared.settings import Settings
from shared.storage import Storage, Transaction
from shared.storage.bulk import insert_document
from shared.storage.failures import is_transient
from shared.storage.tables import cursor
from tests.storage.test_commands import use_case
from tests.storage.test_shared_commits import Crowd
from tests.support.processes import wait_until

BRANCH, OTHER = "demo", "north"


class Seen(list[str]):
    """What this test remembers of a branch."""


def looked(tx: Transaction, branch: str = BRANCH) -> Seen:
    """Recall, and count how often it had to be read."""
    return tx.recall(branch, Seen, lambda: Seen(["read"]))


def say(tx: Transaction) -> None:
    use_case(tx)


@pytest.fixture
def another(settings: Settings, storage: Storage) -> Iterator[Storage]:
    """The same service in another process."""
    other = Storage(settings, storage.service, clock=storage.clock)
    yield other
    other.close()


def test_what_was_read_is_known_to_the_next_transaction(storage: Storage) -> None:
    with storage.transaction(BRANCH) as tx:
        looked(tx).append("changed")
        say(tx)
    with storage.transaction(BRANCH) as tx:
        assert looked(tx) == ["read", "changed"]


def test_it_is_read_anew_when_another_process_has_changed_the_branch(storage: Storage, another: Storage) -> None:
    with storage.transaction(BRANCH) as tx:
        looked(tx).append("changed")
    with another.transaction(BRANCH) as tx:
        say(tx)
    with storage.transaction(BRANCH) as tx:
        assert looked(tx) == ["read"]


@pytest.mark.parametrize("changes", [say, lambda tx: put(tx, "a", 1), lambda tx: write(tx)])
def test_it_is_read_anew_after_a_transaction_that_failed(
    storage: Storage, changes: Callable[[Transaction], None]
) -> None:
    with storage.transaction(BRANCH) as tx:
        looked(tx)
    with suppress(ZeroDivisionError), storage.transaction(BRANCH) as tx:
        changes(tx)
        looked(tx).append("changed")
        raise ZeroDivisionError
    with storage.transaction(BRANCH) as tx:
        assert looked(tx) == ["read"]


def test_a_refusal_that_changed_nothing_keeps_it(storage: Storage) -> None:
    with storage.transaction(BRANCH) as tx:
        looked(tx).append("known")
    with suppress(ZeroDivisionError), storage.transaction(BRANCH) as tx:
        looked(tx)
        raise ZeroDivisionError
    with storage.transaction(BRANCH) as tx:
        assert looked(tx) == ["read", "known"]


def test_each_branch_is_remembered_by_itself_and_can_be_forgotten(storage: Storage) -> None:
    with storage.transaction(BRANCH, OTHER) as tx:
        looked(tx).append(BRANCH)
        looked(tx, OTHER).append(OTHER)
    with storage.transaction(BRANCH, OTHER) as tx:
        assert (looked(tx), looked(tx, OTHER)) == (["read", BRANCH], ["read", OTHER])
        tx.forget(BRANCH, Seen)
        assert (looked(tx), looked(tx, OTHER)) == (["read"], ["read", OTHER])


def test_who_waits_for_a_transaction_of_this_process_knows_what_that_one_knew(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database lets the next one on before this process has heard that it committed."""
    remember, seen = storage._memory.put, []

    def slowly(*given: Any) -> None:
        time.sleep(0.2)
        remember(*given)

    def next_one() -> None:
        with storage.transaction(BRANCH) as tx:
            seen.append(looked(tx))

    monkeypatch.setattr(storage._memory, "put", slowly)
    with storage.transaction(BRANCH) as tx:
        looked(tx).append("changed")
        say(tx)
        waiting = threading.Thread(target=next_one)
        waiting.start()
    waiting.join(10)
    assert seen == [["read", "changed"]]


def put(tx: Transaction, name: str, pos: int) -> None:
    """Put a row off."""
    tx.later(upsert(tx.is_sqlite), {"name": name, "pp": 1, "pos": pos}, ("cursor", name), replaces=True)


def write(tx: Transaction) -> None:
    """Change something at once."""
    tx.connection.execute(insert(cursor).values(name="a", pp=1, pos=1))


@cache
def upsert(is_sqlite: bool) -> Any:
    statement: Any = insert_sqlite(cursor) if is_sqlite else insert_document(cursor)
    return statement.on_conflict_do_update(index_elements=["name", "pp"], set_={"pos": statement.excluded.pos})


def rows(storage: Storage) -> dict[str, int]:
    with storage.read() as connection:
        return {row.name: row.pos for row in connection.execute(select(cursor))}


def test_rows_that_were_put_off_are_written_at_the_commit_with_one_statement(storage: Storage) -> None:
    statements: list[str] = []
    sql_event.listen(storage.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with storage.transaction(BRANCH) as tx:
        put(tx, "a", 1)
        put(tx, "b", 2)
        put(tx, "a", 3)
        assert not any("cursor" in statement for statement in statements)
    assert sum("INSERT INTO cursor" in statement for statement in statements) == 1
    assert rows(storage) == {"a": 3, "b": 2}


def test_who_reads_finds_them_written(storage: Storage) -> None:
    with storage.transaction(BRANCH) as tx:
        put(tx, "a", 1)
        assert [row.pos for row in tx.connection.execute(select(cursor))] == [1]


def test_changes_of_a_row_that_do_not_replace_each_other_keep_their_order(storage: Storage) -> None:
    with storage.transaction(BRANCH) as tx:
        put(tx, "a", 1)
        one = insert_sqlite(cursor) if tx.is_sqlite else insert_postgresql(cursor)
        add = one.on_conflict_do_update(index_elements=["name", "pp"], set_={"pos": cursor.c.pos + one.excluded.pos})
        for _ in range(3):
            tx.later(add, {"name": "a", "pp": 1, "pos": 10}, ("cursor", "a"))
    assert rows(storage) == {"a": 31}


def test_a_refused_command_of_several_puts_nothing_off_and_leaves_no_memory(storage: Storage) -> None:
    def accepted(tx: Transaction) -> Any:
        looked(tx).append("accepted")
        put(tx, "a", 1)
        return use_case(tx)

    def refused(tx: Transaction) -> Any:
        looked(tx).append("refused")
        put(tx, "a", 2)
        put(tx, "b", 2)
        raise Conflict("no")

    seen: list[Seen] = []

    def after(tx: Transaction) -> Any:
        seen.append(looked(tx))
        return use_case(tx)

    crowd = Crowd(storage)
    with crowd.waiting():
        crowd.ask("one", accepted)
        crowd.ask("two", refused)
        crowd.ask("three", after)
    assert isinstance(crowd.results["two"], Conflict)
    assert rows(storage) == {"a": 1}
    assert "refused" not in seen[0]


def test_a_refusal_after_a_row_was_written_is_that_commands_alone(storage: Storage) -> None:
    def accepted(tx: Transaction) -> Any:
        put(tx, "a", 1)
        return use_case(tx)

    def refused(tx: Transaction) -> Any:
        put(tx, "b", 2)
        tx.connection.execute(select(cursor))
        raise Conflict("no")

    crowd = Crowd(storage)
    with crowd.waiting():
        crowd.ask("one", accepted)
        crowd.ask("two", refused)
    assert isinstance(crowd.results["two"], Conflict)
    assert not isinstance(crowd.results["one"], Exception)
    assert rows(storage) == {"a": 1}


def test_rows_that_cannot_be_written_fail_their_own_command(storage: Storage) -> None:
    def spoils(tx: Transaction) -> Any:
        answer = use_case(tx)
        put(tx, "good", 1)
        put(tx, "bad", 2**70)
        return answer

    def reads(tx: Transaction) -> Any:
        tx.connection.execute(select(cursor))
        return use_case(tx)

    crowd = Crowd(storage)
    with crowd.waiting():
        crowd.ask("a", spoils)
        wait_until(lambda: storage._commands._quick.waiting, within_s=10, what="the first")
        crowd.ask("b", reads)
    assert isinstance(crowd.results["a"], Exception)
    assert not isinstance(crowd.results["b"], Exception)
    assert rows(storage) == {}


def lose_the_connection(storage: Storage) -> None:
    with storage.transaction(BRANCH) as tx:
        me = tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with storage.engine.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({me})")
        tx.connection.execute(select(cursor))


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_a_connection_that_is_lost_is_told_as_what_it_is(storage: Storage) -> None:
    with pytest.raises(OperationalError) as raised:
        lose_the_connection(storage)
    assert is_transient(raised.value)
