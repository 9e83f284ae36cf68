"""What a process remembers of a branch's policy, and what it forgets again with a transaction that fails."""

from contextlib import suppress
from pathlib import Path

import pytest

from services.triage.houses import Houses
from shared.storage import Storage
from tests.triage.lobby import BRANCH
from tests.triage.memory import on_a_database
from tests.triage.test_crowded import counted

pytestmark = on_a_database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text("green_age: 60", "utf-8")
    return file


@pytest.fixture
def houses(storage: Storage, file: Path) -> Houses:
    """The houses of a process that has followed the file once."""
    found = Houses(storage.settings.model_copy(update={"policy": file}))
    for _ in range(2):
        with storage.transaction(BRANCH) as tx:
            assert found.enter(tx, BRANCH).policy.green_age == 60
    return found


def test_a_transaction_costs_one_statement_more_at_most_and_parses_nothing(storage: Storage, houses: Houses) -> None:
    with storage.transaction(BRANCH) as tx:
        known = houses.enter(tx, BRANCH)
    with storage.transaction(BRANCH) as tx, counted(storage) as work:
        assert houses.enter(tx, BRANCH) is known
        assert houses.enter(tx, BRANCH) is known  # as when commands share a commit
    assert work.statements <= 1


def test_a_policy_that_was_rolled_back_is_adopted_later(storage: Storage, houses: Houses, file: Path) -> None:
    file.write_text("green_age: 55", "utf-8")
    houses.reload()
    with suppress(ZeroDivisionError), storage.transaction(BRANCH) as tx:
        houses.enter(tx, BRANCH)
        houses.enter(tx, BRANCH)
        raise ZeroDivisionError
    with storage.transaction(BRANCH) as tx:
        assert houses.enter(tx, BRANCH).policy.green_age == 55


def test_what_is_set_counts_for_the_next_command_of_the_same_transaction(storage: Storage, houses: Houses) -> None:
    with storage.transaction(BRANCH) as tx:
        houses.set(tx, BRANCH, b"green_age: 50", "supervisor-1")
        assert houses.enter(tx, BRANCH).policy.green_age == 50
