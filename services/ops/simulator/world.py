"""One branch as its actors share it: the visits, who waits for whom, the books."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Literal

from services.ops.errors import UsageError
from services.ops.simulator.client import Client, Refused
from services.ops.simulator.expected_figures import ExpectedFigures
from services.ops.simulator.plan import Customer
from shared.contracts.http import triage as calls
from shared.contracts.http.gateway import ClockView

LATE = timedelta(hours=35)
"""A ticket may say that it was asked for so much earlier; triage believes a little more."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """``origin`` (business time) is ``start`` (monotonic wall seconds); ``speed`` business seconds a wall second."""

    origin: datetime
    start: float
    speed: float
    follows_server: bool

    def now(self) -> datetime:
        """Return the business time. With a scaled clock it is never ahead of the servers'."""
        return self.origin + timedelta(seconds=(time.monotonic() - self.start) * self.speed)

    def wait_s(self, business: datetime) -> float:
        """Return the wall seconds until a business time; 0 when it has passed."""
        return max(0.0, (business - self.now()).total_seconds() / self.speed)

    async def until(self, business: datetime) -> None:
        """Wait for a business time. Returns at once, but lets others run, when it has passed."""
        await asyncio.sleep(self.wait_s(business))

    async def spend(self, business_s: float) -> None:
        """Let so many business seconds pass."""
        await asyncio.sleep(business_s / self.speed)

    def requested_at(self, arrival: datetime) -> datetime | None:
        """Return what a ticket request should say of when the customer asked, if anything."""
        return arrival if self.follows_server and timedelta() <= self.now() - arrival < LATE else None


def local_time(clock: ClockView) -> datetime:
    """Return the servers' business time, where the branch is."""
    return clock.now.astimezone(timezone(timedelta(seconds=clock.offset_s)))


def timeline_for(clock: ClockView, first: datetime, speed: float | None, default_speed: float) -> Timeline:
    """Return the run's timeline. Call it as soon as ``clock`` has been read.

    Raises :class:`UsageError` where ``--speed`` isn't the rate of the servers' clock.
    """
    if clock.spec == "system":
        return Timeline(origin=first, start=time.monotonic(), speed=speed or default_speed, follows_server=False)
    if speed is not None and speed != clock.rate:
        raise UsageError(f"--speed {speed:g}: the servers' business clock runs at {clock.rate:g}; leave --speed out")
    return Timeline(origin=local_time(clock), start=time.monotonic(), speed=clock.rate, follows_server=True)


Outcome = Literal["served", "left"]


@dataclass(kw_only=True, eq=False)
class Visit:
    """One of this run's customers, from the ticket on."""

    customer: Customer
    visit_id: str
    ticket_id: str
    channel: str
    business_date: str
    leaving: bool = False
    outcome: Outcome | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def leaves(self) -> bool:
        """Whether the plan says that the customer goes without being served."""
        return self.customer.leaves_after_s is not None


@dataclass(kw_only=True, eq=False)
class World:
    """A branch, and what its actors tell each other.

    ``on_issued`` hear of every ticket of this run, ``on_waiting`` of the channel of every ticket that
    begins to wait. ``closing`` is set when all customers have gone: who is idle goes home. ``look_s`` is
    how often managers look for offers while a VIP is in the lobby: less often, the more branches there are.
    """

    branch: str
    client: Client
    timeline: Timeline
    expected: ExpectedFigures
    customers: int | None
    look_s: float = 0.12
    visits: dict[str, Visit] = field(default_factory=dict)
    in_progress: dict[str, Visit] = field(default_factory=dict)
    gone: int = 0
    busy: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    on_issued: list[Callable[[Visit], None]] = field(default_factory=list)
    on_waiting: list[Callable[[str], None]] = field(default_factory=list)
    progressed_at: float = field(default_factory=time.monotonic)

    def issued(self, visit: Visit) -> None:
        """A ticket was taken."""
        self.visits[visit.ticket_id] = self.in_progress[visit.ticket_id] = visit
        self.expected.issued(self.branch, visit.visit_id, visit.channel, visit.business_date)
        self._progress()
        for listener in self.on_issued:
            listener(visit)

    def waits(self, visit: Visit) -> None:
        """The customer has the paper in hand."""
        for listener in self.on_waiting:
            listener(visit.channel)

    def refused(self, reason: str) -> None:
        """A ticket was refused: the customer has no visit."""
        self.expected.refused += 1
        self.expected.problems.append(reason)
        self._one_less()

    def end(self, visit: Visit, outcome: Outcome) -> None:
        """A visit is over; the first call counts."""
        if visit.outcome is not None:
            return
        visit.outcome = outcome
        del self.in_progress[visit.ticket_id]
        if self.customers is None:
            del self.visits[visit.ticket_id]  # an endless run must not grow
        self.expected.ended(self.branch, outcome, visit.business_date, own=True)
        visit.ended.set()
        self._one_less()

    def end_foreign(self, outcome: Outcome, business_date: str) -> None:
        """A visit that waited before this run is over."""
        self.expected.ended(self.branch, outcome, business_date, own=False)
        self._progress()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Somebody is being served: that nothing else happens means nothing."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1
            self._progress()

    def stalled(self, wall_s: float) -> bool:
        """Whether customers wait whom nobody has served for so long, and nobody is at work."""
        waiting = any(not visit.leaves for visit in self.in_progress.values())
        return waiting and not self.busy and time.monotonic() - self.progressed_at > wall_s

    def _one_less(self) -> None:
        self.gone += 1
        self._progress()
        if self.customers is not None and self.gone >= self.customers:
            self.closing.set()

    def _progress(self) -> None:
        self.progressed_at = time.monotonic()


async def happens_within(event: asyncio.Event, wall_s: float) -> bool:
    """Wait for an event at most so long; return whether it happened."""
    try:
        async with asyncio.timeout(wall_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


POLL_INTERVAL_S = 0.5


async def settle(world: World, visit: Visit, refusal: Refused) -> None:
    """Follow the ticket until it has ended or waits again; note what was refused."""
    world.expected.problems.append(f"{world.branch}: ticket {visit.ticket_id}: {refusal}")
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
            await asyncio.sleep(POLL_INTERVAL_S)
