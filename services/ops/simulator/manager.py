"""Customer managers who take the VIPs that are handed to them (V3, V8)."""

import asyncio
from typing import Any

from services.ops.simulator.client import Refused
from services.ops.simulator.teller import FOREIGN_SERVICE_S
from services.ops.simulator.terminal import leave
from services.ops.simulator.world import World, happens_within
from shared.contracts.events.vip import Manager, ManagerKind
from shared.contracts.http import vip as calls

VIP = "vip"
LOOK_ROUND_S = 1.5
"""How often managers look for offers while there is no VIP that we know of."""
NAMES = ("陈静", "刘洋", "赵敏", "周磊", "吴倩", "孙浩", "郑洁", "马超")
KINDS: tuple[ManagerKind, ...] = ("retail", "wealth")


class Managers:
    """The managers of a branch, on one roster; each has one customer at a time."""

    def __init__(self, world: World, count: int) -> None:
        """``count`` of them are on duty."""
        self._world = world
        self._roster = tuple(
            Manager(manager_id=f"manager-{n}", kind=KINDS[n % len(KINDS)], name=_name(n)) for n in range(1, count + 1)
        )
        self._free = [manager.manager_id for manager in self._roster]
        self._taken: set[str] = set()
        self._vip_came = asyncio.Event()
        world.on_waiting.append(self._on_waiting)

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Come on duty, then look for offers until the branch closes."""
        world, client = self._world, self._world.client
        roster = calls.Roster(managers=self._roster)
        await client.call("customer_manager", calls.SET_ROSTER, body=roster, b=world.branch)
        while not world.closing.is_set():
            view = (await client.call("customer_manager", calls.VIP, b=world.branch)).body
            for handoff in view["handoffs"] if view else ():
                self._consider(handoff, tasks)
            await self._rest()

    def _on_waiting(self, channel: str) -> None:
        if channel == VIP:
            self._vip_came.set()

    async def _rest(self) -> None:
        if any(visit.channel == VIP for visit in self._world.in_progress.values()):
            await happens_within(self._world.closing, self._world.look_s)
        else:
            self._vip_came.clear()
            await happens_within(self._vip_came, LOOK_ROUND_S)

    def _consider(self, handoff: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        """Take up an offer to one of ours, a hand-off that nobody took, or one that an earlier run left."""
        if handoff["handoff_id"] in self._taken:  # what we look at may be a moment old
            return
        manager = self._manager_for(handoff)
        if manager is not None:
            self._free.remove(manager)
            self._taken.add(handoff["handoff_id"])
            tasks.create_task(self._take(handoff, manager))

    def _manager_for(self, handoff: dict[str, Any]) -> str | None:
        if handoff["state"] in ("offered", "accepted"):
            return handoff["manager_id"] if handoff["manager_id"] in self._free else None
        if handoff["state"] == "escalated" and self._free:
            return self._free[0]
        return None

    async def _take(self, handoff: dict[str, Any], manager: str) -> None:
        try:
            await self._attend(handoff, manager)
        except Refused as refusal:
            self._taken.discard(handoff["handoff_id"])
            if refusal.status != 409:  # the offer ran out, or the customer left: the next look will tell
                self._world.ledger.problems.append(f"{self._world.branch}: hand-off {handoff['handoff_id']}: {refusal}")
        finally:
            self._free.append(manager)

    async def _attend(self, handoff: dict[str, Any], manager: str) -> None:
        world, client, id_ = self._world, self._world.client, handoff["handoff_id"]
        visit = world.visits.get(handoff["ticket_id"] or "")
        if visit is not None and visit.leaves:
            await leave(world, visit)
            return
        if handoff["state"] != "accepted":
            await client.call("customer_manager", calls.ACCEPT, body=calls.AcceptHandoff(manager_id=manager), id=id_)
        with world.serving():
            await world.timeline.spend(visit.customer.row.service_s if visit else FOREIGN_SERVICE_S)
        await client.call("customer_manager", calls.COMPLETE, id=id_)
        world.ledger.handed_off(world.branch, handoff["business_date"], own=visit is not None)
        if visit is not None:
            world.end(visit, "served")
        elif handoff["ticket_id"]:
            world.end_foreign("served", handoff["business_date"])


def _name(number: int) -> str:
    return NAMES[number - 1] if number <= len(NAMES) else f"经理{number}"
