"""A storage for :class:`tests.triage.lobby.Lobby` that is the desk in memory: the same tests run on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import RLock

import pytest

from services.triage.policy import Policy
from services.triage.store.memory import MemoryDesk
from shared.clock import ManualClock
from shared.commands import Cause
from shared.contracts.envelope import Event
from shared.contracts.registry import from_domain, type_of
from shared.ids import new_id
from shared.settings import Settings

on_a_database = pytest.mark.parametrize("place", ["sqlite", "postgresql"])
"""For tests of what only a database has: tables, statements, plans."""


class MemoryStorage:
    """Gives one desk after the other the same lobby, and keeps what happened as the log does."""

    def __init__(self, settings: Settings, clock: ManualClock) -> None:
        self.settings = settings
        self.clock = clock
        self.happened: list[Event] = []
        self._desk: MemoryDesk | None = None
        self._cause = Cause()
        self._lock = RLock()

    @contextmanager
    def transaction(self, *_branches: str, cause: Cause | None = None) -> Iterator["MemoryStorage"]:
        with self._lock:
            self._cause = cause or Cause()
            yield self

    @contextmanager
    def read(self) -> Iterator["MemoryStorage"]:
        with self._lock:
            yield self

    def desk(self, policy: Policy) -> MemoryDesk:
        if self._desk is None:
            self._desk = MemoryDesk(policy, self.clock, listener=self._hear)
        return self._desk

    def _hear(self, branch: str, subject: str, sequence: int, event: object, at: datetime) -> None:
        data = from_domain("triage", event)
        self.happened.append(
            Event(
                id=new_id(), source="/services/triage", type=type_of(type(data)), subject=subject, time=at,
                branchid=branch, correlationid=subject, causationid=self._cause.causationid, sequence=sequence,
                recordedtime=self.clock.now(), data=data,
            )
        )  # fmt: skip
