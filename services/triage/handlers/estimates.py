"""What a wait is estimated from: the line, the counters that serve it, and what the line has taught (T9)."""

from bisect import bisect_left
from collections import Counter as Counted
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.triage.handlers.unit_of_work import LobbyReader
from services.triage.model import Counter, Ticket
from services.triage.policy import UNTAUGHT, Estimator, Policy, QueueSnapshot, Quote, Scene, line_name, line_of
from shared.contracts.events.triage import Channel


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What the branch shows now: its open counters, which of them are taken, its lines, and what they taught."""

    now: datetime
    windows: Sequence[Counter]
    busy: Collection[str]
    snapshots: Mapping[str, QueueSnapshot]
    estimators: Mapping[str, Estimator]

    def waiting(self, channel: Channel) -> int:
        """Return how many stand in the channel's line."""
        return sum(self.snapshots[line].waiting for line in line_of(channel) if line in self.snapshots)

    def quote(self, policy: Policy, channel: Channel, priority: int, ahead: int, business: str | None = None) -> Quote:
        """Estimate the wait of a newcomer whom so many go before, with a business that all counters do by default."""
        counts = {line: crowd.waiting for line, crowd in self.snapshots.items()}
        return self._quote(policy, channel, business, priority, ahead, counts, self.now.timestamp())

    def corrected(self, policy: Policy, ticket: Ticket, ahead: int, earlier: Mapping[str, int]) -> Quote:
        """Estimate how much longer somebody waits whom so many go before, by those who came ``earlier``."""
        lined = ticket.lined_at.timestamp()
        return self._quote(policy, ticket.channel, ticket.business, ticket.priority, ahead, earlier, lined)

    def lines_before(self, line: str) -> tuple[Collection[str], Collection[str]]:
        """Return where those stand who may be called before one in a counter's or a person's line.

        First the lines that are its callers' own, then the channels that they share with other counters.
        """
        callers = self._callers(line)
        shared = {channel for window in callers for channel in window.channels}
        return {line, *(each for window in callers for each in window.lines)} - shared, shared

    def sent(self, policy: Policy, ticket: Ticket, own: int, shared: int) -> Quote:
        """Estimate how much longer somebody waits for one counter or person.

        Behind so many of its ``own``, and so many of its channels': of these, it takes its part.
        """
        callers = self._callers(ticket.line)
        channels = {channel for window in callers for channel in window.channels}
        sharing = sum(1 for window in self.windows if channels.intersection(window.channels))
        busy = sum(1 for window in callers if window.counter in self.busy)
        scene = Scene(
            at=self.now.timestamp(),
            channel=ticket.channel,
            priority=ticket.priority,
            ahead=own + shared / max(1, sharing),
            waiting=own,
            oldest_s=0.0,
            channel_waiting=own,
            channel_oldest_s=0.0,
            busy=busy,
            counters=len(callers),
            idle=len(callers) - busy,
        )
        return self._estimator(ticket.channel).alone().quote(policy, scene)

    def _callers(self, line: str) -> Sequence[Counter]:
        return [window for window in self.windows if line in window.lines]

    def _quote(
        self,
        policy: Policy,
        channel: Channel,
        business: str | None,
        priority: int,
        ahead: int,
        counts: Mapping[str, int],
        before: float,
    ) -> Quote:
        line = line_of(channel)
        serving = [window for window in self.windows if any(window.serves(name, business) for name in line)]
        busy = sum(1 for window in serving if window.counter in self.busy)
        scene = Scene(
            at=self.now.timestamp(),
            channel=channel,
            priority=priority,
            ahead=ahead,
            waiting=sum(counts.get(name, 0) for name in line),
            oldest_s=self._oldest_s(line, before),
            channel_waiting=counts.get(channel, 0),
            channel_oldest_s=self._oldest_s((channel,), before),
            busy=busy,
            counters=len(serving),
            idle=len(serving) - busy,
        )
        return self._estimator(channel).quote(policy, scene)

    def _estimator(self, channel: Channel) -> Estimator:
        return self.estimators.get(line_name(channel), UNTAUGHT)

    def _oldest_s(self, lines: Iterable[str], before: float) -> float:
        since = min((self.snapshots[line].oldest for line in lines if line in self.snapshots), default=before)
        return max(0.0, self.now.timestamp() - since) if since < before else 0.0


def outlook(lobby: LobbyReader) -> Outlook:
    """Return what the branch shows now."""
    return Outlook(
        now=lobby.now,
        windows=[window for window in lobby.state.counters if window.is_open],
        busy=lobby.state.busy,
        snapshots=lobby.state.queue.snapshots(),
        estimators=lobby.state.estimators,
    )


def ahead_of(lobby: LobbyReader, view: Outlook, channel: Channel, rank: float, priority: int) -> int:
    """Return how many go before a newcomer of this rank.

    Who has no priority goes behind nearly everybody, and who has some before: the fewer are counted.
    """
    line = line_of(channel)
    if priority > 0:
        return lobby.state.queue.ahead(line, rank)
    return max(0, view.waiting(channel) - lobby.state.queue.behind(line, rank))


def correct(lobby: LobbyReader, view: Outlook, ticket: Ticket) -> Quote | None:
    """Return what a ticket that waits is to be told now; None where it stands in no line."""
    line, queue = line_of(ticket.channel), lobby.state.queue
    entry = queue.entries.get(ticket.ticket_id)
    if entry is None:
        return None
    if ticket.line not in line:
        own, shared = view.lines_before(ticket.line)
        before = max(0, queue.ahead(own, entry.rank) - 1)
        return view.sent(lobby.policy, ticket, before, queue.ahead(shared, entry.rank))
    ahead = max(0, queue.ahead(line, entry.rank) - 1)
    return view.corrected(lobby.policy, ticket, ahead, queue.earlier(line, entry.lined))


def correct_all(policy: Policy, view: Outlook, waiting: Sequence[Ticket]) -> Mapping[str, Quote]:
    """Return what each ticket is to be told now, of all who wait in the order in which they are called."""
    lined: dict[str, list[float]] = {}
    for ticket in waiting:
        lined.setdefault(ticket.line, []).append(ticket.lined_at.timestamp())
    for stand in lined.values():
        stand.sort()
    called: Counted[str] = Counted()
    found: dict[str, Quote] = {}
    for ticket in waiting:
        line, mine = line_of(ticket.channel), ticket.lined_at.timestamp()
        if ticket.line in line:
            earlier: dict[str, int] = {each: bisect_left(lined.get(each, ()), mine) for each in line}
            ahead = sum(called[each] for each in line)
            found[ticket.ticket_id] = view.corrected(policy, ticket, ahead, earlier)
        else:
            own, shared = (sum(called[each] for each in lines) for lines in view.lines_before(ticket.line))
            found[ticket.ticket_id] = view.sent(policy, ticket, own, shared)
        called[ticket.line] += 1
    return found
