"""The queue terminal, and the customers who press its buttons (T1, T4)."""

import asyncio
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from services.ops.simulator.client import Refused
from services.ops.simulator.plan import Customer
from services.ops.simulator.trace import CARDS
from services.ops.simulator.world import Visit, World, happens_within, settle
from shared.contracts.events import types
from shared.contracts.http import triage as calls

TERMINAL = "simulator"
TOO_LATE = "requested_too_long_ago"


class Terminal:
    """Takes a ticket for each customer when they come, and lets those go whose patience ends."""

    def __init__(self, world: World, tasks: asyncio.TaskGroup) -> None:
        """Customers live in ``tasks``."""
        self._world = world
        self._tasks = tasks

    async def run(self, customers: Iterable[Customer]) -> None:
        """Receive the customers, who are in the order of their arrival."""
        for customer in customers:
            await self._world.timeline.until(customer.row.arrived_at)
            self._world.expected.requested += 1
            self._tasks.create_task(self._receive(customer))

    async def _receive(self, customer: Customer) -> None:
        world = self._world
        try:
            taken = await self._take_ticket(customer)
        except Refused as refusal:
            world.refused(f"{world.branch}: line {customer.row.line} ({customer.row.business}): {refusal}")
            return
        visit = Visit(
            customer=customer,
            visit_id=taken["visit_id"],
            ticket_id=taken["ticket_id"],
            channel=taken["channel"],
            business_date=taken["business_date"],
        )
        world.issued(visit)
        try:
            await world.client.call("terminal", calls.TICKET_PRINTED, b=world.branch, id=visit.ticket_id)
        except Refused as refusal:
            await settle(world, visit, refusal)
            return
        world.waits(visit)
        if customer.leaves_after_s is not None:
            await self._lose_patience(visit, customer.leaves_after_s)

    async def _take_ticket(self, customer: Customer) -> dict[str, Any]:
        world, request = self._world, self._request(customer)
        try:
            taken = (await world.client.call("terminal", calls.TAKE_TICKET, body=request, b=world.branch)).body
        except Refused as refusal:
            if refusal.code != TOO_LATE:
                raise
            # The system was away for so long that the request is no longer believed: the customer asks now.
            request = request.model_copy(update={"requested_at": None})
            taken = (await world.client.call("terminal", calls.TAKE_TICKET, body=request, b=world.branch)).body
        assert taken is not None
        return taken

    async def _lose_patience(self, visit: Visit, after_s: float) -> None:
        if not await happens_within(visit.ended, self._patience_wall_s(visit, after_s)):
            await leave(self._world, visit)

    def _patience_wall_s(self, visit: Visit, after_s: float) -> float:
        timeline = self._world.timeline
        since = (timeline.now() - visit.customer.row.arrived_at).total_seconds()
        return max(0.0, (after_s - since) / timeline.speed)

    def _request(self, customer: Customer) -> calls.TakeTicket:
        row = customer.row
        reference = reference_of(row.customer)
        return calls.TakeTicket(
            business=row.business,
            amount_minor=row.amount_minor,
            customer=types.Customer(card_tier=CARDS[row.priority], customer_ref=reference, age=row.age),
            terminal_id=TERMINAL,
            again=True,  # each row is a customer who came, whoever else has the same name
            requested_at=self._world.timeline.requested_at(row.arrived_at),
        )


def reference_of(customer: str) -> str | None:
    """Return an opaque reference: the trace's own may be a name or a number of an account."""
    return sha256(customer.encode()).hexdigest()[:16] if customer else None


async def leave(world: World, visit: Visit) -> None:
    """The customer goes (T7): at the end of their patience, or when they're called before."""
    if visit.leaving or visit.outcome is not None:
        await visit.ended.wait()
        return
    visit.leaving = True
    try:
        await world.client.call("teller", calls.LEFT, id=visit.ticket_id)
    except Refused as refusal:
        await settle(world, visit, refusal)
    else:
        world.end(visit, "left")
