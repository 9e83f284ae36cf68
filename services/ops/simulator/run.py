"""A run from its first look at the clock to its summary."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self, TypeVar

from services.ops.errors import CommandError
from services.ops.simulator import agreement, customers
from services.ops.simulator.client import Client, Refused, Tokens
from services.ops.simulator.expected_figures import ExpectedFigures, Summary, summarise
from services.ops.simulator.managers import LobbyManager, Managers
from services.ops.simulator.plan import Customer, Options, counters_for, managers_for, plan
from services.ops.simulator.progress import Display, watch
from services.ops.simulator.teller import WINDOWS, Machines, Tellers
from services.ops.simulator.terminal import Terminal
from services.ops.simulator.trace import Row
from services.ops.simulator.world import Timeline, World, happens_within, local_time, timeline_for
from shared.contracts.http.gateway import CLOCK, ClockView
from shared.settings import Settings

Answer = TypeVar("Answer")

POLL_INTERVAL_S = 0.5
GRACE_S = 2.0
"""How long a run may take to stop by itself."""


class Interrupted(CommandError):
    """Ctrl-C or SIGTERM ended the run before its last customer."""

    exit_code = 130


async def interruptible(run: Callable[[asyncio.Event], Coroutine[None, None, Answer]], parent: int | None) -> Answer:
    """Run with an event that a signal sets, or the end of the parent process; a run that doesn't heed it is cancelled.

    Raises :class:`Interrupted` then.
    """
    stop = asyncio.Event()
    watching = asyncio.create_task(_outlive_not(parent, stop))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    work = asyncio.create_task(run(stop))
    told = asyncio.create_task(stop.wait())
    await asyncio.wait([work, told], return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    watching.cancel()
    if not work.done():
        await asyncio.wait([work], timeout=GRACE_S)
    if not work.done():
        work.cancel()
        await asyncio.wait([work])
        raise Interrupted("interrupted; nothing is known of how far it came")
    return work.result()


async def _outlive_not(parent: int | None, stop: asyncio.Event) -> None:
    """Set the event when the parent process is no more, however it ended."""
    while parent is not None and os.getppid() == parent:
        await asyncio.sleep(POLL_INTERVAL_S)
    if parent is not None:
        stop.set()


ENDLESS_COUNTERS = 6
ENDLESS_MANAGERS = 3
FEWEST_MACHINES = 3


@dataclass(kw_only=True)
class Branch:
    """Who comes, and who works there."""

    world: World
    customers: Iterable[Customer]
    counters: int
    managers: int

    @classmethod
    def of(cls, world: World, rows: list[Row], options: Options) -> Self:
        """Plan a branch for these customers, with as many counters and managers as keep up."""
        counters = options.counters or counters_for(rows, world.timeline.speed)
        managers = options.managers or managers_for(rows, world.timeline.speed)
        customers = plan(rows, counters=counters, managers=managers)
        return cls(world=world, customers=customers, counters=counters, managers=managers)

    @classmethod
    def endless(cls, world: World, customers: Iterable[Customer], options: Options) -> Self:
        """A branch that customers never stop coming to."""
        counters, managers = options.counters or ENDLESS_COUNTERS, options.managers or ENDLESS_MANAGERS
        return cls(world=world, customers=customers, counters=counters, managers=managers)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let everybody begin."""
        windows = Tellers(self.world, WINDOWS, [f"{n}" for n in range(1, self.counters + 1)])
        machines = Machines(self.world, max(FEWEST_MACHINES, self.counters // 2))
        managers = Managers(self.world, self.managers)
        LobbyManager(self.world, tasks)
        for actor in (windows, machines, managers):
            tasks.create_task(actor.run(tasks))
        tasks.create_task(Terminal(self.world, tasks).run(self.customers))


TRACE_SPEED = 1.0
MADE_UP_SPEED = 60.0
OFFERS_POLL_INTERVAL_S = 0.12
OFFERS_POLL_INTERVAL_OF_EACH_S = 0.02
"""How often managers look for offers: of one branch, and what each branch adds."""
CHECK_S = 0.5


async def simulate(settings: Settings, options: Options, display: Display, stop: asyncio.Event) -> Summary | None:
    """Run; return the summary, or None when an endless run was told to stop.

    Raises :class:`CommandError` for everything that keeps a run from its end.
    """
    tokens = Tokens(settings, options.token, ["*"] if options.trace else list(options.branches))
    async with Client(options.origin, tokens, patience_s=options.patience_wall_s) as client:
        try:
            return await _simulate(client, options, display, stop)
        except* Refused as group:
            raise CommandError(f"refused: {_first(group)}") from None
        except* CommandError as group:
            raise _first(group) from None


async def _simulate(client: Client, options: Options, display: Display, stop: asyncio.Event) -> Summary | None:
    began = time.monotonic()
    clock = ClockView.model_validate((await client.call("lobby_manager", CLOCK)).body)
    here = local_time(clock)
    if options.endless:
        timeline = timeline_for(clock, here, options.speed, MADE_UP_SPEED)
        await _live_on(client, options, timeline, display, stop, here)
        return None
    rows = customers.rows_of(options, here)
    before = await agreement.baseline(client, agreement.days_touched(rows, _dates(rows.values()), here.date()))
    timeline = await _timeline(client, options, min(group[0].arrived_at for group in rows.values()))
    expected = ExpectedFigures()
    look_s = max(OFFERS_POLL_INTERVAL_S, OFFERS_POLL_INTERVAL_OF_EACH_S * len(rows))
    worlds = [
        World(branch=name, client=client, timeline=timeline, expected=expected, customers=len(group), look_s=look_s)
        for name, group in rows.items()
    ]
    branches = [Branch.of(world, rows[world.branch], options) for world in worlds]
    await _play(branches, client, options, display, stop)
    unended = sum(len(world.in_progress) for world in worlds)
    mismatches = await agreement.disagreements(client, before, expected, worlds)
    return summarise(
        expected,
        mismatches=mismatches,
        unended=unended,
        requests=client.requests,
        retries=client.retries,
        wall_s=time.monotonic() - began,
    )


async def _timeline(client: Client, options: Options, first: datetime) -> Timeline:
    clock = ClockView.model_validate((await client.call("lobby_manager", CLOCK)).body)
    return timeline_for(clock, first, options.speed, TRACE_SPEED if options.trace else MADE_UP_SPEED)


def _dates(groups: Iterable[list[Row]]) -> Iterator[date]:
    return (row.arrived_at.date() for group in groups for row in group)


async def _play(
    branches: list[Branch], client: Client, options: Options, display: Display, stop: asyncio.Event
) -> None:
    """Play the branches' days to their end, or until nothing goes on any more."""
    worlds = [branch.world for branch in branches]
    async with watch(worlds, client, display), _working(branches) as day:
        while not day.done():
            await asyncio.wait([day], timeout=CHECK_S)
            if stop.is_set():
                gone = sum(world.gone for world in worlds)
                raise Interrupted(f"interrupted after {gone} customers; the next run serves who waits")
            if not client.failing and any(world.stalled(options.patience_wall_s) for world in worlds):
                return
        await day


async def _live_on(
    client: Client, options: Options, timeline: Timeline, display: Display, stop: asyncio.Event, now: datetime
) -> None:
    """Keep the branches alive until told to stop."""
    worlds = [
        World(branch=name, client=client, timeline=timeline, expected=ExpectedFigures(), customers=None)
        for name in options.branches
    ]
    branches = [Branch.endless(world, customers.endless(options, now), options) for world in worlds]
    async with watch(worlds, client, display), _working(branches) as day:
        while not day.done() and not await happens_within(stop, CHECK_S):
            pass
        if day.done():
            await day


@asynccontextmanager
async def _working(branches: list[Branch]) -> AsyncIterator[asyncio.Task[None]]:
    """Let everybody work while the block runs; nobody works on after it."""
    day = asyncio.create_task(_all(branches))
    try:
        yield day
    finally:
        day.cancel()
        await asyncio.wait([day])


async def _all(branches: list[Branch]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for branch in branches:
            branch.start(tasks)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
