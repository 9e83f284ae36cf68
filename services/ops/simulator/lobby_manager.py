"""The lobby manager: opening checks, a note, and what goes wrong in a lobby now and then (I1, I4, W1, W7)."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import get_args

from services.ops.simulator.client import Refused
from services.ops.simulator.world import Visit, World
from shared.contracts.events.incidents import IncidentKind, StepKind
from shared.contracts.events.worklog import CheckItem, CheckResult
from shared.contracts.http import incidents, worklog
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
            self._world.ledger.problems.append(f"{self._world.branch}: the lobby manager: {refusal}")

    async def _open_day(self, day: str) -> None:
        checks = worklog.RecordChecks(kind="opening", results=OPENING)
        await self._write(worklog.CHECKS, checks, day)
        self._world.ledger.day(self._world.branch, "checks", day)
        note = worklog.AddNote(kind="summary", text="营业前检查完成,设备正常,人员到岗。")
        await self._write(worklog.NOTES, note, day)
        self._world.ledger.day(self._world.branch, "notes", day)

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
        world.ledger.incidents += 1
        world.ledger.day(world.branch, "incidents_opened", day)
        for step in script.steps:
            await world.timeline.spend(STEP_S)
            await client.call("lobby_manager", incidents.STEP, body=incidents.RecordStep(step=step), id=id_)
        ending = incidents.CloseIncident(resolution=script.resolution)
        await client.call("lobby_manager", incidents.CLOSE, body=ending, id=id_)
        world.ledger.day(world.branch, "incidents_closed", day)
