"""A run from its first look at the clock to its summary."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime

from services.ops.errors import CommandError
from services.ops.simulator import agreement, customers
from services.ops.simulator.branch import Branch
from services.ops.simulator.client import Client, Refused
from services.ops.simulator.interrupt import Interrupted
from services.ops.simulator.ledger import Ledger
from services.ops.simulator.options import Options
from services.ops.simulator.progress import Display, watch
from services.ops.simulator.summary import Summary, summarise
from services.ops.simulator.timeline import Timeline, local_time, timeline_for
from services.ops.simulator.tokens import Tokens
from services.ops.simulator.trace import Row
from services.ops.simulator.world import World, happens_within
from shared.contracts.http.gateway import CLOCK, ClockView
from shared.settings import Settings

TRACE_SPEED = 1.0
MADE_UP_SPEED = 60.0
LOOK_S = 0.12
LOOK_S_A_BRANCH = 0.02
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
    ledger = Ledger()
    look_s = max(LOOK_S, LOOK_S_A_BRANCH * len(rows))
    worlds = [
        World(branch=name, client=client, timeline=timeline, ledger=ledger, customers=len(group), look_s=look_s)
        for name, group in rows.items()
    ]
    branches = [Branch.of(world, rows[world.branch], options) for world in worlds]
    await _play(branches, client, options, display, stop)
    unended = sum(len(world.in_progress) for world in worlds)
    mismatches = await agreement.disagreements(client, before, ledger, worlds)
    return summarise(
        ledger,
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
        World(branch=name, client=client, timeline=timeline, ledger=Ledger(), customers=None)
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
