"""A branch with everybody in it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from services.ops.simulator.lobby_manager import LobbyManager
from services.ops.simulator.manager import Managers
from services.ops.simulator.options import Options
from services.ops.simulator.plan import Customer, plan
from services.ops.simulator.sizing import counters_for, managers_for
from services.ops.simulator.teller import WINDOWS, Desk, Machines
from services.ops.simulator.terminal import Terminal
from services.ops.simulator.trace import Row
from services.ops.simulator.world import World

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
        windows = Desk(self.world, WINDOWS, [f"{n}" for n in range(1, self.counters + 1)])
        machines = Machines(self.world, max(FEWEST_MACHINES, self.counters // 2))
        managers = Managers(self.world, self.managers)
        LobbyManager(self.world, tasks)
        for actor in (windows, machines, managers):
            tasks.create_task(actor.run(tasks))
        tasks.create_task(Terminal(self.world, tasks).run(self.customers))
