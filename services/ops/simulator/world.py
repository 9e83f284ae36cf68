"""One branch as its actors share it: the visits, who waits for whom, the books."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from services.ops.simulator.client import Client
from services.ops.simulator.ledger import Ledger
from services.ops.simulator.plan import Customer
from services.ops.simulator.timeline import Timeline

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
    ledger: Ledger
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
        self.ledger.issued(self.branch, visit.visit_id, visit.channel, visit.business_date)
        self._progress()
        for listener in self.on_issued:
            listener(visit)

    def waits(self, visit: Visit) -> None:
        """The customer has the paper in hand."""
        for listener in self.on_waiting:
            listener(visit.channel)

    def refused(self, reason: str) -> None:
        """A ticket was refused: the customer has no visit."""
        self.ledger.refused += 1
        self.ledger.problems.append(reason)
        self._one_less()

    def end(self, visit: Visit, outcome: Outcome) -> None:
        """A visit is over; the first call counts."""
        if visit.outcome is not None:
            return
        visit.outcome = outcome
        del self.in_progress[visit.ticket_id]
        if self.customers is None:
            del self.visits[visit.ticket_id]  # an endless run must not grow
        self.ledger.ended(self.branch, outcome, visit.business_date, own=True)
        visit.ended.set()
        self._one_less()

    def end_foreign(self, outcome: Outcome, business_date: str) -> None:
        """A visit that waited before this run is over."""
        self.ledger.ended(self.branch, outcome, business_date, own=False)
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
