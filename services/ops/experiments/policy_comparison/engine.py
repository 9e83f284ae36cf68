"""A branch's days as discrete events: time jumps from one to the next, and triage's use cases decide.

Who comes takes a ticket and waits at once; who loses patience leaves; a counter that is free calls who
is next, the one that has been free the longest first. A service lasts what the customer needs, divided
by the speed of the counter. Nothing here decides who is served where, or before whom.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import count

from services.ops.experiments.policy_comparison.customers import Arrival
from services.ops.experiments.policy_comparison.figures import Recorder, Run
from services.ops.experiments.policy_comparison.staffing import SELF_SERVICE, Open, Staffing
from services.triage import handlers
from services.triage.handlers.issue import issue
from services.triage.policy import Policy
from services.triage.store.memory import MemoryUnitOfWork
from shared.clock import ManualClock
from shared.contracts.events.triage import Channel
from shared.contracts.http.triage import OpenCounter
from shared.errors import LobbyError

BRANCH = "compared"
CLOSED = "closed"
"""Why who comes while no counter is open gets no ticket."""
CHANGE, DONE, COME, LEAVE = range(4)
"""What is first of what happens at the same moment."""


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Who works, and how fast: ``speeds`` by counter, 1 where none is given."""

    staffing: Staffing
    speeds: Mapping[str, float] = field(default_factory=dict)


def run(policy: Policy, zone: tzinfo, arrivals: Sequence[Arrival], crew: Crew) -> Run:
    """Play the arrivals, which are in the order of their time, until everybody has gone."""
    return _Branch(policy, zone, arrivals, crew).run()


class _Branch:
    def __init__(self, policy: Policy, zone: tzinfo, arrivals: Sequence[Arrival], crew: Crew) -> None:
        self._arrivals = arrivals
        self._crew = crew
        self._record = Recorder(fates=[None] * len(arrivals), overtaken=lambda id_: self._lobby.state.queue.times(id_))
        self._clock = ManualClock(time=arrivals[0].at.astimezone(UTC) if arrivals else datetime.min.replace(tzinfo=UTC))
        ids, self._order = count(1), count(1)
        self._lobby = MemoryUnitOfWork(
            BRANCH, policy, zone, self._clock, ids=lambda: f"{next(ids):09d}", listener=self._record.record
        )
        self._agenda: list[tuple[datetime, int, int, Callable[[], None]]] = []
        self._idle: dict[str, None] = {}
        self._open: Open = {}

    def run(self) -> Run:
        if self._arrivals:
            self._plan()
        while self._agenda:
            self._clock.time, _, _, happen = heapq.heappop(self._agenda)
            happen()
        self._all_leave()
        return self._record.finished(self._clock.time)

    def _plan(self) -> None:
        zone, staffing = self._lobby.zone, self._crew.staffing
        first, last = (arrival.at.astimezone(zone).date() for arrival in (self._arrivals[0], self._arrivals[-1]))
        for at, shift in staffing.changes(first, last, zone):
            self._at(at, CHANGE, partial(self._change, shift))
        for index, arrival in enumerate(self._arrivals):
            self._at(arrival.at, COME, partial(self._come, index))
        for device, kind in staffing.devices.items():
            handlers.report_device(self._lobby, device_id=device, kind=kind, status="up", detail=None)
            self._open_counter(device, SELF_SERVICE)

    def _at(self, when: datetime, what: int, happen: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (when.astimezone(UTC), what, next(self._order), happen))

    def _come(self, index: int) -> None:
        arrival = self._arrivals[index]
        if not self._open:
            self._record.refused[CLOSED] += 1
            return
        try:
            (issued,) = issue(self._lobby, request=arrival.request, asked=self._clock.time)
        except LobbyError as refusal:
            self._record.refused[refusal.code] += 1
            return
        self._record.came(index, issued)
        handlers.printed(self._lobby, ticket_id=issued.ticket_id)
        self._offer(issued.ticket_id)
        if arrival.patience_s is not None and issued.ticket_id in self._record.waiting:
            until = self._clock.time + timedelta(seconds=arrival.patience_s)
            self._at(until, LEAVE, partial(self._lose_patience, issued.ticket_id))

    def _offer(self, ticket_id: str) -> None:
        """Let the free counters call, until the ticket is called."""
        for counter in tuple(self._idle):
            if ticket_id not in self._record.waiting:
                return
            self._call(counter)

    def _lose_patience(self, ticket_id: str) -> None:
        if ticket_id in self._record.waiting:
            handlers.left(self._lobby, ticket_id=ticket_id)

    def _call(self, counter: str) -> None:
        """Let a counter call who is next, and serve them; it's idle where nobody fits."""
        called = handlers.call_next(self._lobby, counter=counter)
        if called is None:
            self._idle.setdefault(counter)
            return
        self._idle.pop(counter, None)
        handlers.start(self._lobby, ticket_id=called.ticket_id)
        arrival = self._arrivals[self._record.index_of[called.ticket_id]]
        service_s = arrival.service_s / self._crew.speeds.get(counter, 1.0)
        until = self._clock.time + timedelta(seconds=service_s)
        self._at(until, DONE, partial(self._done, counter, called.ticket_id))

    def _done(self, counter: str, ticket_id: str) -> None:
        handlers.complete(self._lobby, ticket_id=ticket_id)
        if counter in self._open or counter in self._crew.staffing.devices:
            self._call(counter)
        else:  # its shift ended while it served
            handlers.close_counter(self._lobby, counter=counter)

    def _change(self, shift: Open) -> None:
        """Another shift begins: who serves somebody finishes first; nobody waits before closed counters."""
        before, self._open = self._open, shift
        for counter in before:
            if counter not in shift and counter in self._idle:
                del self._idle[counter]
                handlers.close_counter(self._lobby, counter=counter)
        for counter, channels in shift.items():
            self._open_counter(counter, channels)
        if not shift:
            self._all_leave()

    def _open_counter(self, counter: str, channels: tuple[Channel, ...]) -> None:
        request = OpenCounter(channels=channels)
        handlers.open_counter(self._lobby, counter=counter, request=request)
        if counter not in self._lobby.state.busy:
            self._call(counter)

    def _all_leave(self) -> None:
        for ticket_id in tuple(self._record.waiting):
            self._lose_patience(ticket_id)
