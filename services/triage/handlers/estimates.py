"""What a wait is estimated from: the line, the counters that serve it, and what the line has taught (T9)."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.triage.handlers.ports import Records
from services.triage.model import Channel, Counter, Ticket
from services.triage.policy import Crowd, Estimator, Policy, Quote, Scene, line_name, line_of


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What the branch shows now: its open counters, which of them are taken, its lines, and what they taught."""

    now: datetime
    windows: Sequence[Counter]
    busy: Collection[str]
    crowds: Mapping[str, Crowd]
    estimators: Mapping[str, Estimator]

    def waiting(self, channel: Channel) -> int:
        """Return how many stand in the channel's line."""
        return sum(self.crowds[line].waiting for line in line_of(channel) if line in self.crowds)

    def quote(self, policy: Policy, channel: Channel, priority: int, ahead: int, business: str | None = None) -> Quote:
        """Estimate the wait of a newcomer whom so many go before, with a business that all counters do by default."""
        counts = {line: crowd.waiting for line, crowd in self.crowds.items()}
        return self._quote(policy, channel, business, priority, ahead, counts, self.now.timestamp())

    def corrected(self, policy: Policy, ticket: Ticket, ahead: int, earlier: Mapping[str, int]) -> Quote:
        """Estimate how much longer somebody waits whom so many go before, by those who came ``earlier``."""
        lined = ticket.lined_at.timestamp()
        return self._quote(policy, ticket.channel, ticket.business, ticket.priority, ahead, earlier, lined)

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
        return self.estimators.get(line_name(channel), Estimator()).quote(policy, scene)

    def _oldest_s(self, lines: Iterable[str], before: float) -> float:
        since = min((self.crowds[line].oldest for line in lines if line in self.crowds), default=before)
        return max(0.0, self.now.timestamp() - since) if since < before else 0.0


def outlook(records: Records, branch: str, now: datetime, channel: Channel | None = None) -> Outlook:
    """Return what the branch shows now; what only one channel's line taught, where only that matters."""
    if channel is None:
        estimators = records.estimators(branch)
    else:
        line = line_name(channel)
        estimators = {line: records.estimator(branch, line)}
    return Outlook(
        now=now,
        windows=[window for window in records.counters(branch) if window.is_open],
        busy=records.busy(branch),
        crowds=records.crowds(branch),
        estimators=estimators,
    )


def ahead_of(records: Records, branch: str, view: Outlook, channel: Channel, rank: float, priority: int) -> int:
    """Return how many go before a newcomer of this rank.

    Who has no priority goes behind nearly everybody, and who has some before: the fewer are counted.
    """
    line = line_of(channel)
    if priority > 0:
        return records.ahead(branch, line, rank)
    return max(0, view.waiting(channel) - records.behind(branch, line, rank))


def correct(records: Records, policy: Policy, branch: str, view: Outlook, ticket: Ticket) -> Quote | None:
    """Return what a ticket that waits is to be told now; None where it stands in no channel's line."""
    line, place = line_of(ticket.channel), records.place(branch, ticket.ticket_id)
    if place is None or ticket.line not in line:
        return None
    rank, lined = place
    ahead = max(0, records.ahead(branch, line, rank) - 1)
    return view.corrected(policy, ticket, ahead, records.earlier(branch, line, lined))


def correct_all(policy: Policy, view: Outlook, waiting: Sequence[Ticket]) -> Mapping[str, Quote]:
    """Return what each ticket is to be told now, of all who wait in the order in which they are called."""
    lined: dict[str, list[float]] = {}
    for ticket in waiting:
        lined.setdefault(ticket.line, []).append(ticket.lined_at.timestamp())
    for stand in lined.values():
        stand.sort()
    called: dict[str, int] = {}
    found: dict[str, Quote] = {}
    for ticket in waiting:
        line, mine = line_of(ticket.channel), ticket.lined_at.timestamp()
        name = line_name(ticket.channel)
        if ticket.line in line:
            earlier: dict[str, int] = {each: bisect_left(lined.get(each, ()), mine) for each in line}
            found[ticket.ticket_id] = view.corrected(policy, ticket, called.get(name, 0), earlier)
            called[name] = called.get(name, 0) + 1
    return found
