"""What a branch's floor shows now, in memory: who stands in which line, who is at a counter, what the lines taught.

A command reads this instead of the tables, which say the same: ``Transaction.recall`` keeps it while
nobody else changes the branch, and the desk lets it follow whatever it writes.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from services.triage.model import AT_COUNTER, Counter, Device, Ticket, Visit
from services.triage.model.copying import replace
from services.triage.policy import Crowd, Estimator, Lane, Place, Quote
from services.triage.store import tables
from services.triage.store.bodies import AWAY
from services.triage.store.line import GUARDED, OFTEN
from services.triage.store.records import Records
from services.triage.store.sorted_line import SortedLine

_ticket, _line = tables.ticket.c, tables.line_state.c
_of_branch = _ticket.branch == bindparam("of_branch")
_STANDING = select(
    _ticket.ticket_id, _ticket.line, _ticket.rank, _ticket.lined, _ticket.business, OFTEN, GUARDED
).where(_of_branch, _ticket.state == "waiting", _ticket.line.not_like(f"{AWAY}%"))
_TAKEN = select(_ticket.ticket_id, _ticket.counter).where(
    _of_branch, _ticket.state.in_(AT_COUNTER), _ticket.counter.is_not(None)
)
_LINES = select(_line.line, _line.seq, _line.last_lined, _line.skills).where(_line.branch == bindparam("of_branch"))


class Passing(NamedTuple):
    """A call that overtook whoever stood before ``lined``; those of one business only, where one is named (T12)."""

    seq: int
    lined: float
    business: str


@dataclass(frozen=True, kw_only=True)
class Count:
    """How often a ticket had been overtaken when its line was at ``seq``, and its guard: see ``policy.order``."""

    business: str
    times: int = 0
    guarded: int = 0
    seq: int = 0


@dataclass
class Line(SortedLine):
    """Who stands in a line, with its row's counts, and the calls that overtook somebody who stands there (T12)."""

    seq: int = 0
    last_lined: float = 0.0
    skills: tuple[str, ...] = ()
    passings: list[Passing] = field(default_factory=list, compare=False)

    def overtake(self, lined: float, business: str) -> None:
        """Count a call, and let go of those that nobody who stands here was overtaken by."""
        self.passings.append(Passing(self.seq, lined, business))
        first = self.lined[0][0] if self.lined else lined
        self.passings = [passing for passing in self.passings if passing.lined > first]


@dataclass
class Floor:
    """One branch; ``standing`` gives the line, rank and place of each ticket that stands in a line.

    Of ``estimators``, ``quotes``, ``numbers``, ``visits`` and ``counts`` only what was needed is known; a quote that
    is None was redeemed, and a count of one who stands in no line is what it was there.
    """

    lines: defaultdict[str, Line] = field(default_factory=lambda: defaultdict(Line))
    standing: dict[str, tuple[str, float, float]] = field(default_factory=dict)
    counts: dict[str, Count] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    estimators: dict[str, Estimator] = field(default_factory=dict)
    quotes: dict[str, Quote | None] = field(default_factory=dict)
    numbers: dict[tuple[date, str], int] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    visit_of: dict[str, str] = field(default_factory=dict)

    def waiting(self, line: str) -> int:
        """Return how many stand in a line."""
        return len(self.lines[line].ranked)

    def ahead(self, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines are called before this rank."""
        return sum(self.lines[name].up_to(rank) for name in lines if name in self.lines)

    def behind(self, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines are called after this rank."""
        return sum(self.waiting(name) for name in lines if name in self.lines) - self.ahead(lines, rank)

    def earlier(self, lines: Collection[str], lined: float) -> Mapping[str, int]:
        """Return how many of each of these lines stood there before."""
        counts = {name: self.lines[name].earlier(lined) for name in lines if name in self.lines}
        return {name: count for name, count in counts.items() if count}

    def crowds(self) -> Mapping[str, Crowd]:
        """Return how many stand in each line that anybody stands in, and since when the first."""
        return {
            name: Crowd(waiting=len(line.lined), oldest=line.lined[0][0])
            for name, line in self.lines.items()
            if line.lined
        }

    def join(self, ticket_id: str, line: str, rank: float, lined: float) -> None:
        """Let a ticket stand in a line."""
        self.standing[ticket_id] = (line, rank, lined)
        joined = self.lines[line]
        joined.join(ticket_id, rank, lined)
        joined.last_lined = max(joined.last_lined, lined)

    def leave(self, ticket_id: str) -> None:
        """Let a ticket stand in no line."""
        count = self.count(ticket_id)
        if count is not None:
            self.counts[ticket_id] = count
        line, rank, lined = self.standing.pop(ticket_id)
        self.lines[line].leave(ticket_id, rank, lined)

    def count(self, ticket_id: str) -> Count | None:
        """Return how often a ticket that stands in a line has been overtaken; None where only the tables know."""
        count = self.counts.get(ticket_id)
        if count is None:
            return None
        name, _, lined = self.standing[ticket_id]
        line = self.lines[name]
        since = sum(
            passing.seq > count.seq and passing.lined > lined and passing.business in ("", count.business)
            for passing in line.passings
        )
        return replace(count, times=count.times + since, guarded=count.guarded + since, seq=line.seq)

    def forget_counts(self, line: str) -> None:
        """Leave it to the tables how often those in a line were overtaken."""
        for _, ticket_id in self.lines[line].lined:
            self.counts.pop(ticket_id, None)

    def lane(self, name: str, business: str | None) -> Lane | None:
        """Return a lane that somebody waits in; None where only the tables know.

        That is one of a single business, or of a line that counters with skills have called from.
        """
        line = self.lines[name]
        (_, first), (_, oldest) = line.ranked[0], line.lined[0]
        next_count, oldest_count = self.count(first), self.count(oldest)
        if business is not None or line.skills or next_count is None or oldest_count is None:
            return None
        return Lane(
            line=name,
            business=None,
            next=self._place(first, next_count),
            oldest=self._place(oldest, oldest_count),
            overtaken=oldest_count.guarded,
        )

    def _place(self, ticket_id: str, count: Count) -> Place:
        line, rank, lined = self.standing[ticket_id]
        return Place(ticket_id=ticket_id, line=line, lined=lined, rank=rank, times=count.times)

    def at_counter(self, counter: str) -> str | None:
        """Return the ticket that is called to a counter or served there."""
        return next((ticket_id for ticket_id, taken in self.taken.items() if taken == counter), None)

    def keep(self, visit: Visit) -> None:
        """Know a visit, while it has not ended."""
        if visit.ended:
            self.visits.pop(visit.visit_id, None)
            for ticket in visit.tickets:
                self.visit_of.pop(ticket.ticket_id, None)
                self.quotes.pop(ticket.ticket_id, None)
                self.counts.pop(ticket.ticket_id, None)
            return
        self.visits[visit.visit_id] = visit
        self.visit_of.update((ticket.ticket_id, visit.visit_id) for ticket in visit.tickets)

    def move(self, ticket: Ticket) -> None:
        """Know which counter a ticket is at."""
        self.taken.pop(ticket.ticket_id, None)
        if ticket.state in AT_COUNTER and ticket.counter is not None:
            self.taken[ticket.ticket_id] = ticket.counter


def read_floor(connection: Connection, branch: str) -> Floor:
    """Return the floor as the tables have it."""
    floor, given = Floor(), {"of_branch": branch}
    for ticket_id, line, rank, lined, business, times, guarded in connection.execute(_STANDING, given):
        floor.standing[ticket_id] = (line, rank, lined)
        floor.counts[ticket_id] = Count(business=business, times=times, guarded=guarded)
        floor.lines[line].ranked.append((rank, ticket_id))
        floor.lines[line].lined.append((lined, ticket_id))
    for line in floor.lines.values():
        line.ranked.sort()
        line.lined.sort()
    for name, seq, last_lined, skills in connection.execute(_LINES, given):
        line = floor.lines[name]
        line.seq, line.last_lined = seq, last_lined
        line.skills = tuple(skill for skill in skills.split(",") if skill)
    floor.taken = {ticket_id: counter for ticket_id, counter in connection.execute(_TAKEN, given)}
    records = Records(connection)
    floor.counters = {counter.counter: counter for counter in records.counters(branch)}
    floor.devices = {device.device_id: device for device in records.devices(branch)}
    return floor
