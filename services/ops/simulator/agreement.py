"""Whether the services and the work log say what was asked for: no more, no less."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from services.ops.simulator.client import Client, Refused
from services.ops.simulator.expected_figures import FIGURES, Day, ExpectedFigures, Figure
from services.ops.simulator.world import World
from shared.contracts.http import triage, vip, worklog

WITHIN_S = 60.0
"""Events may take so long to reach the work log; in health it's well under a second."""
POLL_INTERVAL_S = 0.5
AHEAD = 7
"""Days after the servers' own date that a run may come to touch."""

Figures = Mapping[Day, Counter[Figure]]


def days_touched(branches: Iterable[str], dates: Iterable[date], today: date) -> list[Day]:
    """Return the days whose figures the run may change: the rows' dates and the servers', with their neighbours."""
    near = {day + timedelta(days=n) for day in dates for n in (-1, 0, 1)}
    near |= {today + timedelta(days=n) for n in range(-1, AHEAD + 1)}
    return [(branch, day.isoformat()) for branch in branches for day in sorted(near)]


async def baseline(client: Client, days: Sequence[Day]) -> Figures:
    """Return what the work logs say before the run, once they have stopped changing."""
    before = await read(client, days)
    deadline = time.monotonic() + WITHIN_S / 6
    while time.monotonic() < deadline:
        await asyncio.sleep(POLL_INTERVAL_S / 2)
        now = await read(client, days)
        if now == before:
            break
        before = now
    return before


async def disagreements(
    client: Client, before: Figures, expected: ExpectedFigures, worlds: Iterable[World]
) -> list[str]:
    """Wait until the work logs and the services agree with the books; return what still differs after the time."""
    deadline = time.monotonic() + WITHIN_S
    branches = [world for world in worlds if world.visits]
    while True:
        found = _differences(before, await read(client, list(expected.days)), expected)
        found += [line for world in branches for line in await _unfinished(client, world)]
        if not found or time.monotonic() > deadline:
            return found
        await asyncio.sleep(POLL_INTERVAL_S)


async def read(client: Client, days: Sequence[Day]) -> Figures:
    """Return what the work logs say now."""
    return dict(zip(days, await asyncio.gather(*(_figures(client, day) for day in days)), strict=True))


def figures_of(view: Mapping[str, Any]) -> Counter[Figure]:
    """Return the figures of a work log that a run changes."""
    return Counter(
        visits=view["visits"],
        served=view["served"],
        left=view["left"],
        vip_handoffs=view["vip_handoffs"],
        incidents_opened=sum(kind["opened"] for kind in view["incidents"]),
        incidents_closed=sum(kind["closed"] for kind in view["incidents"]),
        checks=len(view["checks"]),
        notes=len(view["notes"]),
    )  # type: ignore[return-value]  # keywords are Figures


async def _figures(client: Client, day: Day) -> Counter[Figure]:
    branch, business_date = day
    try:
        view = (await client.call("lobby_manager", worklog.DAY, b=branch, date=business_date)).body
    except Refused as refusal:
        if refusal.status == 404:  # nothing has happened on that day
            return Counter()
        raise
    assert view is not None
    return figures_of(view)


def _differences(before: Figures, now: Figures, expected: ExpectedFigures) -> list[str]:
    return [
        f"{branch} {day}: {figure}: the work log gained {gained}, {asked} were asked for"
        for (branch, day), books in sorted(expected.days.items())
        for figure in FIGURES
        if (gained := now[branch, day][figure] - before.get((branch, day), Counter())[figure])
        != (asked := books[figure])
    ]


async def _unfinished(client: Client, world: World) -> list[str]:
    """Return this run's tickets and hand-offs that triage or vip take for unfinished although they ended."""
    queue = (await client.call("teller", triage.QUEUE, b=world.branch)).body or {}
    lounge = (await client.call("customer_manager", vip.VIP, b=world.branch)).body or {}
    held = [*queue.get("waiting", ()), *(c["serving"] for c in queue.get("counters", ()) if c.get("serving"))]
    ended = {id_ for id_, visit in world.visits.items() if visit.outcome}
    found = [
        f"{world.branch}: triage has ticket {t['number']} as {t['state']}" for t in held if t["ticket_id"] in ended
    ]
    return found + [
        f"{world.branch}: vip has hand-off {h['handoff_id']} as {h['state']}"
        for h in lounge.get("handoffs", ())
        if h["ticket_id"] in ended and h["state"] not in ("completed", "withdrawn")
    ]
