"""What a branch's floor shows now, in memory: who stands in which line, who is at a counter, what the lines taught.

A command reads this instead of the tables, which say the same: ``Transaction.recall`` keeps it while
nobody else changes the branch, and the desk lets it follow whatever it writes.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, bindparam, select

from services.triage.model import AT_COUNTER, Counter, Device, Ticket, Visit
from services.triage.policy import Crowd, Estimator, Quote
from services.triage.store import tables
from services.triage.store.bodies import AWAY
from services.triage.store.records import Records
from services.triage.store.sorted_line import SortedLine

_ticket, _line = tables.ticket.c, tables.line_state.c
_of_branch = _ticket.branch == bindparam("of_branch")
_STANDING = select(_ticket.ticket_id, _ticket.line, _ticket.rank, _ticket.lined).where(
    _of_branch, _ticket.state == "waiting", _ticket.line.not_like(f"{AWAY}%")
)
_TAKEN = select(_ticket.ticket_id, _ticket.counter).where(
    _of_branch, _ticket.state.in_(AT_COUNTER), _ticket.counter.is_not(None)
)
_LINES = select(_line.line, _line.seq, _line.last_lined, _line.skills).where(_line.branch == bindparam("of_branch"))


@dataclass
class Line(SortedLine):
    """Who stands in a line, with its row's counts (T12)."""

    seq: int = 0
    last_lined: float = 0.0
    skills: tuple[str, ...] = ()


@dataclass
class Floor:
    """One branch; ``standing`` gives the line, rank and place of each ticket that stands in a line.

    Of ``estimators``, ``quotes``, ``numbers`` and ``visits`` only what was needed is known; a quote that is None
    was redeemed.
    """

    lines: defaultdict[str, Line] = field(default_factory=lambda: defaultdict(Line))
    standing: dict[str, tuple[str, float, float]] = field(default_factory=dict)
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
        line, rank, lined = self.standing.pop(ticket_id)
        self.lines[line].leave(ticket_id, rank, lined)

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
    for ticket_id, line, rank, lined in connection.execute(_STANDING, given):
        floor.standing[ticket_id] = (line, rank, lined)
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
