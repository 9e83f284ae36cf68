"""A branch's state from its log: at an instant of a year, and for the first command after a stop and after a kill."""

import os
import random
import signal
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from bench import load
from bench.calls import filling
from bench.child import Serving, serving
from services.triage import handlers
from services.triage.lobbies import Lobbies
from shared.clock import ManualClock
from shared.commands import Cause
from shared.contracts.events.types import Customer
from shared.contracts.http.triage import OpenCounter, TakeTicket
from shared.settings import SERVICES, Settings
from shared.storage.migrate import upgrade
from shared.storage.states import SNAPSHOT_EVENTS_OF_EACH
from shared.storage.storage import Storage, declared_storage
from shared.storage.tables import log, snapshot
from shared.web.tokens import issue_token

AIM_INSTANT_MS, AIM_STOP_MS, AIM_KILL_MS = 100, 60, 1000
EVENTS, SHORT_EVENTS = 300_000, 12_000
VISITS_OF_A_DAY, HOURS_OF_A_DAY, WAITING = 200, 8, 10
"""1,200 events a day: 200 visits of six events, and the counters'."""
CROWD, SHORT_CROWD = 2000, 200
FIRST = datetime(2025, 1, 1, 1, tzinfo=UTC)

Figures = dict[str, float]


def compare(amqp_url: str, database_url: str, *, short: bool) -> dict[str, Figures]:
    """Make a year, and a crowd; look and call."""
    with TemporaryDirectory(prefix="lobby-bench-") as name:
        settings = Settings(data_dir=Path(name), database_url=database_url, amqp_url=amqp_url)
        for service in SERVICES:
            upgrade(settings, service)
        year = _instants(settings, SHORT_EVENTS if short else EVENTS, 30 if short else 200)
        crowd = _first_commands(settings, SHORT_CROWD if short else CROWD, 1 if short else 5)
    return {"instant": year, "first": crowd}


def report(measured: dict[str, Figures]) -> str:
    """Return the figures beside their aims, for people."""
    year, crowd = measured["instant"], measured["first"]
    return (
        f"The state of a branch, folded from its log\n\n"
        f"  at {year['looks']:.0f} random instants of {year['events']:,.0f} events: p50 {year['p50_ms']:.0f} ms, "
        f"p95 {year['p95_ms']:.0f} ms (aim: p95 of {AIM_INSTANT_MS} ms)\n"
        f"    {year['snapshots']:.0f} snapshots of {year['snapshot_bytes'] / 1000:.0f} kB on average, "
        f"{100 * year['snapshot_share']:.1f} % of the log's bodies\n"
        f"  the first command of a branch with {crowd['waiting']:,.0f} waiting, medians of {crowd['rounds']:.0f}:\n"
        f"    after a clean stop {crowd['stop_ms']:.0f} ms (aim: {AIM_STOP_MS} ms); the fold alone, "
        f"which the clock may have asked for before, {crowd['stop_fold_ms']:.0f} ms\n"
        f"    after kill -9, {crowd['tail']:,.0f} events behind the last snapshot, {crowd['kill_ms']:.0f} ms "
        f"(aim: {AIM_KILL_MS} ms); the fold alone {crowd['kill_fold_ms']:.0f} ms\n"
        f"    a command after it {crowd['next_ms']:.0f} ms\n"
    )


@dataclass
class Day:
    """Plays customers of one branch through triage's use cases, without HTTP."""

    storage: Storage
    clock: ManualClock
    branch: str

    def __post_init__(self) -> None:
        """Read the policy once."""
        self._lobbies = Lobbies(self.storage, self.storage.settings)
        self.waiting: deque[str] = deque()

    def open(self) -> None:
        """Open the counter."""
        with self._commands() as lobby:
            handlers.open_counter(lobby(), counter="1", request=OpenCounter(channels=("counter", "green")))

    def arrive(self, count: int, every_s: float) -> None:
        """Let so many come and wait."""
        with self._commands() as lobby:
            for _ in range(count):
                self.clock.advance(every_s)
                request = TakeTicket(business="transfer", customer=Customer(age=40, party_size=1))
                taken = handlers.take_ticket(lobby(), request=request)
                handlers.printed(lobby(), ticket_id=taken.ticket_id)
                self.waiting.append(taken.ticket_id)

    def serve(self, count: int, every_s: float) -> None:
        """Serve so many."""
        with self._commands() as lobby:
            for _ in range(count):
                called = handlers.call_next(lobby(), counter="1")
                assert called is not None
                handlers.start(lobby(), ticket_id=called.ticket_id)
                self.clock.advance(every_s)
                handlers.complete(lobby(), ticket_id=called.ticket_id)

    @contextmanager
    def _commands(self) -> Iterator[Callable[[], handlers.UnitOfWork]]:
        with self.storage.transaction(self.branch) as tx:

            def lobby() -> handlers.UnitOfWork:
                tx.begin_command(Cause(actor="bench"), self.clock.now())
                return self._lobbies.unit_of_work(tx, self.branch)

            yield lobby


def _instants(settings: Settings, events: int, looks: int) -> Figures:
    branch, clock = "year", ManualClock(time=FIRST)
    with _storage(settings, clock) as storage:
        day = Day(storage, clock, branch)
        began, day_number = time.monotonic(), 0
        while _head(storage, branch) < events:
            clock.time = FIRST + timedelta(days=day_number)
            day.open()
            day.arrive(WAITING, 1)
            for _ in range(HOURS_OF_A_DAY):
                each = VISITS_OF_A_DAY // HOURS_OF_A_DAY // 5
                for _ in range(5):
                    day.arrive(each, 60)
                    day.serve(each, 60)
                storage.take_snapshots()  # a service looks every few seconds
            day.serve(WAITING, 60)
            day_number += 1
        storage.take_snapshots(all_changed=True)
        print(f"state: {_head(storage, branch):,} events after {time.monotonic() - began:.0f} s", file=sys.stderr)
        rng = random.Random(1)
        seconds = []
        for _ in range(looks):
            at = FIRST + timedelta(days=rng.randrange(day_number), seconds=rng.uniform(0, 3600 * HOURS_OF_A_DAY))
            before = time.perf_counter()
            storage.state_at(branch, at)
            seconds.append(time.perf_counter() - before)
        with storage.read() as connection:
            kept = select(func.count(), func.sum(func.length(snapshot.c.body))).where(snapshot.c.branch == branch)
            snapshots, size = connection.execute(kept).one()
            bodies = connection.execute(
                select(func.sum(func.length(log.c.body))).where(log.c.branch == branch)
            ).scalar()
        assert bodies is not None
        return {
            "events": _head(storage, branch), "looks": looks, "p50_ms": 1000 * statistics.median(seconds),
            "p95_ms": 1000 * sorted(seconds)[int(0.95 * looks)], "snapshots": snapshots,
            "snapshot_bytes": size / snapshots, "snapshot_share": size / bodies,
        }  # fmt: skip


def _first_commands(settings: Settings, waiting: int, rounds: int) -> Figures:
    """A crowd with as many events behind its last snapshot as there can be."""
    branch, clock = "crowd", ManualClock(time=datetime.now(UTC) - timedelta(minutes=15))
    with _storage(settings, clock) as storage:
        day = Day(storage, clock, branch)
        day.open()
        day.arrive(waiting, 0.1)
        storage.take_snapshots(all_changed=True)
        tail = SNAPSHOT_EVENTS_OF_EACH * storage.states.aggregate.held(storage.state(branch))
        behind = _head(storage, branch)
        while _head(storage, branch) - behind < 0.95 * tail:
            day.arrive(20, 0.05)
            day.serve(20, 0.05)
        tail = _head(storage, branch) - behind
    fold = {"kill_fold": _fold(settings, branch)}
    token = issue_token(settings, roles=["terminal"], branches=["*"])
    taken: dict[str, list[float]] = {"kill": [], "stop": [], "next": []}
    for _ in range(rounds):
        with serving("triage", settings) as process:
            taken["kill"].append(_timed(process, token, branch))
            taken["next"].append(_timed(process, token, branch))
            os.kill(process.process, signal.SIGKILL)
    with serving("triage", settings) as process:
        _timed(process, token, branch)  # and ends well: its snapshot is written
    for _ in range(rounds):
        with serving("triage", settings) as process:
            taken["stop"].append(_timed(process, token, branch))
    fold["stop_fold"] = _fold(settings, branch)
    taken |= {name: [seconds] for name, seconds in fold.items()}
    medians = {f"{name}_ms": 1000 * statistics.median(seconds) for name, seconds in taken.items()}
    return {"waiting": waiting, "rounds": rounds, "tail": tail, **medians}


def _fold(settings: Settings, branch: str) -> float:
    """Return the seconds in which a new process has the branch's state: the clock may have asked before a command."""
    with _storage(settings, ManualClock(time=datetime.now(UTC))) as storage:
        for name in ("other", branch):
            began = time.perf_counter()
            storage.state(name)
        return time.perf_counter() - began


def _timed(process: Serving, token: str, branch: str) -> float:
    """Return the seconds of a command; the process has answered another branch's before, as its neighbours have."""
    for name in ("other", branch):
        tally = load.run(process.address, token, [partial(filling, name, 1)], seconds=60, warm_s=0)
        if tally.wrong:
            raise RuntimeError(f"wrong answer: {tally.wrong[0]}")
    return tally.seconds["other"][0]


@contextmanager
def _storage(settings: Settings, clock: ManualClock) -> Iterator[Storage]:
    storage = declared_storage(settings, "triage", clock)
    try:
        yield storage
    finally:
        storage.close()


def _head(storage: Storage, branch: str) -> int:
    with storage.read() as connection:
        return storage.known(connection, branch).pos
