"""The lines of a lobby in memory, each sorted twice: by who is next, and by who came first (T6, T7, T12)."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from services.triage.model import Ticket, Visit
from services.triage.policy import FRONT_S, Policy, rank

Key = tuple[str, str]
Entry = tuple[float, str]

NOWHERE = ""
"""The line of who waits for one thing and is at a counter with another: nobody calls from it."""


@dataclass(kw_only=True, slots=True)
class Place:
    """A ticket's place, with how often somebody later was called before it."""

    ticket_id: str
    branch: str
    line: str
    lined: float
    rank: float
    overtaken: int = 0

    @classmethod
    def of(cls, policy: Policy, visit: Visit, ticket: Ticket) -> Self:
        """Return the place of one whom nobody has overtaken: in no line while the customer is elsewhere."""
        lined = ticket.lined_at.timestamp()
        place = rank(policy, ticket.lined_at, ticket.priority)
        line = NOWHERE if visit.elsewhere(ticket.ticket_id) else ticket.line
        return cls(ticket_id=ticket.ticket_id, branch=visit.branch, line=line, lined=lined, rank=place)


class WaitingLines:
    """Who waits, by branch and line."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._places: dict[str, Place] = {}
        self._by_rank: defaultdict[Key, list[Entry]] = defaultdict(list)
        self._by_lined: defaultdict[Key, list[Entry]] = defaultdict(list)

    def put(self, place: Place, most: int, *, waits: bool) -> None:
        """Let a ticket stand where it belongs; one that keeps its place keeps what overtaking has made of it.

        One that goes back to an earlier place keeps how often it was overtaken, too (T12).
        """
        before = self._places.get(place.ticket_id)
        if before is not None:
            if before.lined >= place.lined:
                place.overtaken = before.overtaken
            if before.lined == place.lined:
                place.rank = before.rank
            elif place.overtaken >= most:
                place.rank = place.lined - FRONT_S
            self._leave(before)
        self._places[place.ticket_id] = place
        if waits:
            self._enter(place)

    def head(self, branch: str, lines: Collection[str]) -> str | None:
        """Return who is called first of these lines."""
        heads = [line[0] for name in lines if (line := self._by_rank.get((branch, name)))]
        return min(heads)[1] if heads else None

    def up_to(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines have at most this rank."""
        return sum(bisect_right(self._by_rank.get((branch, name), ()), (rank, "\U0010ffff")) for name in lines)

    def lined_before(self, branch: str, lines: Collection[str], lined: float) -> list[Place]:
        """Return who of these lines stood in line earlier, the earliest first."""
        found: list[Entry] = []
        for name in lines:
            line = self._by_lined.get((branch, name), [])
            found += line[: bisect_left(line, (lined, ""))]
        return [self._places[ticket_id] for _, ticket_id in sorted(found)]

    def in_order(self, branch: str) -> list[str]:
        """Return everybody who waits in the branch, who is next first."""
        lines = (line for (of_branch, _), line in self._by_rank.items() if of_branch == branch)
        return [ticket_id for _, ticket_id in sorted(entry for line in lines for entry in line)]

    def overtake(self, place: Place, most: int) -> None:
        """Count an overtaking; who was overtaken ``most`` times goes before everybody who wasn't."""
        place.overtaken += 1
        if place.overtaken >= most:
            self._leave(place)
            place.rank = place.lined - FRONT_S
            self._enter(place)

    def times_overtaken(self, ticket_id: str) -> int:
        """Return how often it was, at its place in the line."""
        return self._places[ticket_id].overtaken

    def _enter(self, place: Place) -> None:
        key = place.branch, place.line
        insort(self._by_rank[key], (place.rank, place.ticket_id))
        insort(self._by_lined[key], (place.lined, place.ticket_id))

    def _leave(self, place: Place) -> None:
        key = place.branch, place.line
        for line, at in ((self._by_rank[key], place.rank), (self._by_lined[key], place.lined)):
            index = bisect_left(line, (at, place.ticket_id))
            if index < len(line) and line[index] == (at, place.ticket_id):
                del line[index]
