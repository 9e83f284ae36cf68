"""Every commit of a test is folded a second time, from the stored bytes: live state, log and snapshot say the same."""

import threading
from typing import Any

from sqlalchemy import select

from shared.contracts.registry import decode
from shared.storage import Row, Storage
from shared.storage.tables import log

SNAPSHOT_INTERVAL = 20
"""Commits between two snapshots that are written and read."""


class FoldCheck:
    """Listens to a storage's commits and folds beside it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._folded: dict[str, tuple[int, Any]] = {}
        self._lock = threading.Lock()
        self._commits = 0
        storage.on_commit(self._check)

    def finish(self) -> None:
        """Write and read each branch's state once more, as it is at the end."""
        for branch, (_, state) in self._folded.items():
            self._through_a_snapshot(branch, state)

    def _check(self, appended: list[Row]) -> None:
        with self._lock:
            for branch in dict.fromkeys(row.branch for row in appended):
                self._check_branch(branch)

    def _check_branch(self, branch: str) -> None:
        """Compare what is known of a branch, which other threads may have changed meanwhile, with its stored log."""
        aggregate = self._storage.states.aggregate
        with self._storage.read() as connection:
            known = self._storage.known(connection, branch)
        with self._storage.read() as connection:  # another one sees all that is known by now
            pos, state = self._folded.get(branch) or (0, aggregate.initial(branch))
            query = select(log.c.body).where(log.c.branch == branch, log.c.pos > pos, log.c.pos <= known.pos)
            for body in connection.execute(query.order_by(log.c.pos)).scalars():
                state = aggregate.apply(state, decode(body.encode()))
        assert known.state == state, f"the live state of {branch} is not the fold of its log"
        self._commits += 1
        if self._commits % SNAPSHOT_INTERVAL == 1:  # to write and read a crowd's takes longer than its commit
            state = self._through_a_snapshot(branch, state)
        self._folded[branch] = (known.pos, state)

    def _through_a_snapshot(self, branch: str, state: Any) -> Any:
        aggregate = self._storage.states.aggregate
        loaded = aggregate.load(branch, aggregate.dump(state))
        assert loaded == state, f"the snapshot of {branch} does not hold its state"
        return loaded
