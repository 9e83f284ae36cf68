"""What a process remembers of a branch's policy, and what it forgets again with a transaction that fails."""

from contextlib import suppress
from pathlib import Path

import pytest

from services.triage.policy_source import PolicySource
from shared.storage import Storage
from tests.triage.counted import counted
from tests.triage.lobby import BRANCH


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text("green_age: 60", "utf-8")
    return file


@pytest.fixture
def policies(storage: Storage, file: Path) -> PolicySource:
    """The policies of a process that has followed the file once."""
    found = PolicySource(storage.settings.model_copy(update={"policy": file}))
    for _ in range(2):
        with storage.transaction(BRANCH) as tx:
            assert found.unit_of_work(storage, tx, BRANCH).policy.green_age == 60
    return found


def test_a_transaction_asks_nothing_for_the_policy_and_parses_nothing(storage: Storage, policies: PolicySource) -> None:
    with storage.transaction(BRANCH) as tx:
        known = policies.unit_of_work(storage, tx, BRANCH).policy
    with storage.transaction(BRANCH) as tx, counted(storage) as work:
        assert policies.unit_of_work(storage, tx, BRANCH).policy is known
        assert policies.unit_of_work(storage, tx, BRANCH).policy is known  # as when commands share a commit
    assert work.statements == 0


def test_a_policy_that_was_rolled_back_is_adopted_later(storage: Storage, policies: PolicySource, file: Path) -> None:
    file.write_text("green_age: 55", "utf-8")
    policies.reload()
    with suppress(ZeroDivisionError), storage.transaction(BRANCH) as tx:
        policies.unit_of_work(storage, tx, BRANCH)
        policies.unit_of_work(storage, tx, BRANCH)
        raise ZeroDivisionError
    with storage.transaction(BRANCH) as tx:
        assert policies.unit_of_work(storage, tx, BRANCH).policy.green_age == 55


def test_what_is_set_counts_for_the_next_command_of_the_same_transaction(
    storage: Storage, policies: PolicySource
) -> None:
    with storage.transaction(BRANCH) as tx:
        policies.set(policies.unit_of_work(storage, tx, BRANCH), b"green_age: 50", "supervisor-1")
        assert policies.unit_of_work(storage, tx, BRANCH).policy.green_age == 50
