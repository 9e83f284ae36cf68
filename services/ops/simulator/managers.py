"""The lobby manager (I1, I4, W1, W7), and the customer managers who take the VIPs that are handed to them (V3, V8)."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, get_args

from services.ops.simulator.client import Refused
from services.ops.simulator.teller import FOREIGN_SERVICE_S
from services.ops.simulator.terminal import leave
from services.ops.simulator.world import Visit, World, happens_within
from shared.contracts.events.incidents import IncidentKind, StepKind
from shared.contracts.events.vip import Manager, ManagerKind
from shared.contracts.events.worklog import CheckItem, CheckResult
from shared.contracts.http import incidents, worklog
from shared.contracts.http import vip as calls
from shared.contracts.http.operation import Operation

CLOSING_ITEMS = frozenset(("displays_off", "water_dispensers_off"))
OPENING = tuple(CheckResult(item=item, ok=True) for item in get_args(CheckItem) if item not in CLOSING_ITEMS)
DISPUTE_EVERY = 400
HAZARD_EVERY = 1000
STEP_S = 90.0
"""Business seconds between two steps."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """How an incident goes, from its opening to its end."""

    kind: IncidentKind
    summary: str
    where: str
    steps: tuple[StepKind, ...]
    resolution: str


DISPUTE = Script(
    kind="dispute", summary="客户对等候顺序有异议,与引导员争执", where="叫号等候区",
    steps=("stepped_in", "calmed", "cause_found", "resolved"), resolution="解释叫号规则并致歉,客户接受",
)  # fmt: skip
HAZARD = Script(
    kind="hazard", summary="等候区地面有水渍,有滑倒风险", where="饮水机旁",
    steps=("owner_assigned", "eliminated", "rechecked"), resolution="已清洁并放置警示牌,复查合格",
)  # fmt: skip


def script_for(index: int) -> Script | None:
    """Return what goes wrong when the branch's customer number ``index`` (from 0) comes, if anything does."""
    if index % DISPUTE_EVERY == DISPUTE_EVERY // 20:
        return DISPUTE
    if index % HAZARD_EVERY == HAZARD_EVERY // 20:
        return HAZARD
    return None


class LobbyManager:
    """Writes the work log's parts that no event writes, and attends to incidents."""

    def __init__(self, world: World, tasks: asyncio.TaskGroup) -> None:
        """What has begun goes on in ``tasks``."""
        self._world = world
        self._tasks = tasks
        self._days: set[str] = set()
        world.on_issued.append(self._on_issued)

    def _on_issued(self, visit: Visit) -> None:
        if visit.business_date not in self._days:
            self._days.add(visit.business_date)
            self._tasks.create_task(self._guarded(self._open_day(visit.business_date)))
        script = script_for(visit.customer.index)
        if script is not None:
            self._tasks.create_task(self._guarded(self._attend(script, visit)))

    async def _guarded(self, doing: Coroutine[None, None, None]) -> None:
        try:
            await doing
        except Refused as refusal:
            self._world.expected.problems.append(f"{self._world.branch}: the lobby manager: {refusal}")

    async def _open_day(self, day: str) -> None:
        checks = worklog.RecordChecks(kind="opening", results=OPENING)
        await self._write(worklog.CHECKS, checks, day)
        self._world.expected.day(self._world.branch, "checks", day)
        note = worklog.AddNote(kind="summary", text="营业前检查完成,设备正常,人员到岗。")
        await self._write(worklog.NOTES, note, day)
        self._world.expected.day(self._world.branch, "notes", day)

    async def _write(self, operation: Operation, body: worklog.RecordChecks | worklog.AddNote, day: str) -> None:
        await self._world.client.call("lobby_manager", operation, body=body, b=self._world.branch, date=day)

    async def _attend(self, script: Script, visit: Visit) -> None:
        world, client = self._world, self._world.client
        report = incidents.OpenIncident(
            kind=script.kind, summary=script.summary, where=script.where,
            visit_id=visit.visit_id if script.kind == "dispute" else None,
        )  # fmt: skip
        opened = (await client.call("lobby_manager", incidents.OPEN, body=report, b=world.branch)).body
        assert opened is not None
        id_, day = opened["incident_id"], opened["business_date"]
        world.expected.incidents += 1
        world.expected.day(world.branch, "incidents_opened", day)
        for step in script.steps:
            await world.timeline.spend(STEP_S)
            await client.call("lobby_manager", incidents.STEP, body=incidents.RecordStep(step=step), id=id_)
        ending = incidents.CloseIncident(resolution=script.resolution)
        await client.call("lobby_manager", incidents.CLOSE, body=ending, id=id_)
        world.expected.day(world.branch, "incidents_closed", day)


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
        await client.call("lobby_manager", calls.SET_ROSTER, body=roster, b=world.branch)
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
                self._world.expected.problems.append(
                    f"{self._world.branch}: hand-off {handoff['handoff_id']}: {refusal}"
                )
        finally:
            self._free.append(manager)

    async def _attend(self, handoff: dict[str, Any], manager: str) -> None:
        world, client, id_ = self._world, self._world.client, handoff["handoff_id"]
        visit = world.visits.get(handoff["ticket_id"] or "")
        if visit is not None and visit.leaves:
            await leave(world, visit)
            return
        if handoff["state"] != "accepted":
            accept = calls.AcceptHandoff(manager_id=manager)
            await client.call("customer_manager", calls.ACCEPT, body=accept, subject=manager, id=id_)
        with world.serving():
            await world.timeline.spend(visit.customer.row.service_s if visit else FOREIGN_SERVICE_S)
        await client.call("customer_manager", calls.COMPLETE, subject=manager, id=id_)
        world.expected.handed_off(world.branch, handoff["business_date"], own=visit is not None)
        if visit is not None:
            world.end(visit, "served")
        elif handoff["ticket_id"]:
            world.end_foreign("served", handoff["business_date"])


def _name(number: int) -> str:
    return NAMES[number - 1] if number <= len(NAMES) else f"经理{number}"
