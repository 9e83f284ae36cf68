"""Tellers at their windows, and devices that serve themselves (T7, T10).

Nobody polls: a ticket that begins to wait is worth one ``call-next``, which an idle teller of the
right desk makes. Now and then one looks for tickets that nobody here knows of.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from services.ops.simulator.client import Refused
from services.ops.simulator.terminal import leave
from services.ops.simulator.world import Visit, World, happens_within, settle
from shared.contracts.events.triage import Channel
from shared.contracts.http import triage as calls

WINDOWS: tuple[Channel, ...] = ("counter", "green", "corporate", "loan_desk", "wealth_desk", "corporate_desk")
SELF_SERVICE: tuple[Channel, ...] = ("self_service", "phone_bank", "online")
Kind = Literal["atm", "kiosk", "crs"]
LOOK_ROUND_S = 2.0
FOREIGN_SERVICE_S = 120.0
"""How long a ticket takes that waited before this run began, in business seconds."""


class Tellers:
    """Counters that serve the same channels."""

    def __init__(self, world: World, channels: Sequence[Channel], counters: Sequence[str]) -> None:
        """``counters`` are opened when it runs."""
        self._world = world
        self._channels = tuple(channels)
        self._counters = tuple(counters)
        self._calls = asyncio.Semaphore(0)
        self._idle = 0
        world.on_waiting.append(self._on_waiting)

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Open the counters and serve until the branch closes."""
        for counter in self._counters:
            tasks.create_task(self._teller(counter))
        while not await happens_within(self._world.closing, LOOK_ROUND_S):
            if self._idle and self._calls.locked():
                self._calls.release()
        for _ in self._counters:
            self._calls.release()

    def _on_waiting(self, channel: str) -> None:
        if channel in self._channels:
            self._calls.release()

    async def _teller(self, counter: str) -> None:
        await self._open(counter)
        while not self._world.closing.is_set():
            self._idle += 1
            try:
                await self._calls.acquire()
            finally:
                self._idle -= 1
            if not self._world.closing.is_set():
                await self._call_next(counter)
        await self._world.client.call("teller", calls.CLOSE_COUNTER, b=self._world.branch, c=counter)

    async def _open(self, counter: str) -> None:
        """Open the counter; finish what it had in hand when an earlier run was cut off."""
        client, branch = self._world.client, self._world.branch
        body = calls.OpenCounter(channels=self._channels, teller_ref=f"teller-{counter}")
        opened = await client.call("teller", calls.OPEN_COUNTER, body=body, b=branch, c=counter)
        if opened.body and opened.body.get("serving"):
            await self._serve(opened.body["serving"])

    async def _call_next(self, counter: str) -> None:
        try:
            reply = await self._world.client.call("teller", calls.CALL_NEXT, b=self._world.branch, c=counter)
        except Refused as refusal:
            if refusal.status != 409:
                raise
            self._calls.release()
            await asyncio.sleep(LOOK_ROUND_S)
            await self._open(counter)
            return
        if reply.body is not None:
            await self._serve(reply.body)

    async def _serve(self, ticket: dict[str, Any]) -> None:
        visit = self._world.visits.get(ticket["ticket_id"])
        if visit is None:
            await self._serve_foreign(ticket)
        elif visit.leaves:
            await leave(self._world, visit)
        else:
            await self._serve_own(visit, ticket["state"])

    async def _serve_own(self, visit: Visit, state: str) -> None:
        try:
            await self._serve_ticket(visit.ticket_id, state, visit.customer.row.service_s)
        except Refused as refusal:
            await settle(self._world, visit, refusal)
        else:
            self._world.end(visit, "served")

    async def _serve_foreign(self, ticket: dict[str, Any]) -> None:
        try:
            await self._serve_ticket(ticket["ticket_id"], ticket["state"], FOREIGN_SERVICE_S)
        except Refused:
            return  # somebody else's ticket that somebody else has taken back
        self._world.end_foreign("served", ticket["business_date"])
        self._calls.release()  # where one waited that nobody here knew of, there may be more

    async def _serve_ticket(self, ticket_id: str, state: str, service_s: float) -> None:
        client = self._world.client
        if state != "serving":
            await client.call("teller", calls.START, id=ticket_id)
        with self._world.serving():
            await self._world.timeline.spend(service_s)
        await client.call("teller", calls.COMPLETE, id=ticket_id)


class Machines(Tellers):
    """Self-service devices: each says that it works, then takes who was guided to it (T3)."""

    KINDS: ClassVar[tuple[Kind, ...]] = ("atm", "kiosk", "crs")

    def __init__(self, world: World, count: int) -> None:
        """So many devices, of several kinds."""
        names = [f"{self.KINDS[n % len(self.KINDS)]}-{n // len(self.KINDS) + 1}" for n in range(count)]
        super().__init__(world, SELF_SERVICE, names)

    async def _open(self, counter: str) -> None:
        kind = next(kind for kind in self.KINDS if counter.startswith(f"{kind}-"))
        report = calls.DeviceStatus(kind=kind, status="up")
        client, branch = self._world.client, self._world.branch
        await client.call("terminal", calls.DEVICE_STATUS, body=report, b=branch, d=counter)
        await super()._open(counter)
