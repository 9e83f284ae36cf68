"""Triage on the lobby in memory, which the comparison of policies runs on: the same tests hold for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import RLock
from typing import Any

import pytest

from services.triage import handlers
from services.triage.handlers import House
from services.triage.handlers.closing import AT_ONCE, Silence
from services.triage.policy import Policy
from services.triage.service import TriageService
from services.triage.store.memory import MemoryDesk
from shared.bus.event_handlers import handler_of
from shared.clock import ManualClock
from shared.commands import Cause
from shared.contracts.envelope import Event
from shared.contracts.event_data import EventData, validated
from shared.contracts.registry import type_of
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
        self.cause = Cause()
        self._lock = RLock()

    @contextmanager
    def transaction(self, *_branches: str, cause: Cause | None = None) -> Iterator["MemoryStorage"]:
        with self._lock:
            self.cause = cause or Cause()
            yield self

    @contextmanager
    def read(self) -> Iterator["MemoryStorage"]:
        with self._lock:
            yield self

    def desk(self, policy: Policy) -> MemoryDesk:
        if self._desk is None:
            self._desk = MemoryDesk(policy, self.clock, listener=self._hear)
        return self._desk

    def _hear(self, branch: str, subject: str, sequence: int, event: EventData, at: datetime) -> None:
        data = validated(type(event), event)
        self.happened.append(
            Event(
                id=new_id(), source="/services/triage", type=type_of(type(data)), subject=subject, time=at,
                branchid=branch, correlationid=subject, causationid=self.cause.causationid, sequence=sequence,
                recordedtime=self.clock.now(), data=data,
            )
        )  # fmt: skip


class MemoryHouses:
    """One house for every branch, whose policy never changes."""

    def __init__(self, storage: MemoryStorage, policy: Policy) -> None:
        self.house = House(zone=storage.settings.default_timezone, policy=policy)
        self.desk = storage.desk(policy)

    def branch_of(self, _storage: object, ticket_id: str) -> str:
        return self.desk.branch_of(ticket_id) or "demo"


class MemoryTriage(TriageService):
    """The service where a desk in memory stands for the database."""

    storage: Any
    houses: Any

    def _in_house(self, call: Any, use_case: Callable[..., Any], **given: Any) -> Any:
        with self.storage.transaction():
            return use_case(*self._enter(None, call.branch), branch=call.branch, **given)

    def _step(self, call: Any, use_case: Callable[..., Any], **given: Any) -> Any:
        branch, ticket_id = self.houses.branch_of(None, call.params["id"]), call.params["id"]
        with self.storage.transaction():
            return use_case(*self._enter(None, branch), branch=branch, ticket_id=ticket_id, **given)

    def _look(self, call: Any, _records: object, view: Callable[..., Any], **given: Any) -> Any:
        branch = given.pop("branch", call.branch)
        with self.storage.read():
            desk, house = self._enter(None, branch)
            return view(desk, house, branch=branch, now=desk.now, **given)

    def _enter(self, _tx: object, _branch: str) -> tuple[Any, House]:
        return self.houses.desk, self.houses.house

    def hear(self, event: Event) -> None:
        with self.storage.transaction() as tx:
            handler_of(self).handle(tx, [event])

    def keep_time(self) -> None:
        desk, house = self._enter(None, "")
        silence = Silence(wall_s=self.storage.settings.silence_s, rate=self.storage.clock.rate)
        unprinted = desk.unprinted(silence.before(desk.now), AT_ONCE)
        for branch in desk.overdue(desk.now.astimezone(house.zone).date()):
            with self.storage.transaction(branch):
                handlers.end_days(desk, house, branch=branch, silence=silence)
        for branch, ticket_ids in unprinted.items():
            with self.storage.transaction(branch):
                handlers.give_up_papers(desk, house, branch=branch, ticket_ids=ticket_ids, silence=silence)
