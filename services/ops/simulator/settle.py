"""When a step is refused: somebody else changed the ticket, and what they did counts."""

import asyncio

from services.ops.simulator.client import Refused
from services.ops.simulator.world import Visit, World
from shared.contracts.http import triage as calls

LOOK_S = 0.5


async def settle(world: World, visit: Visit, refusal: Refused) -> None:
    """Follow the ticket until it has ended or waits again; note what was refused."""
    world.ledger.problems.append(f"{world.branch}: ticket {visit.ticket_id}: {refusal}")
    while visit.outcome is None:
        ticket = (await world.client.call("teller", calls.TICKET, id=visit.ticket_id)).body
        assert ticket is not None
        if ticket["outcome"]:
            world.end(visit, ticket["outcome"])
        elif ticket["state"] == "waiting":
            visit.leaving = False
            visit.channel = ticket["channel"]
            world.waits(visit)
            return
        else:
            await asyncio.sleep(LOOK_S)
