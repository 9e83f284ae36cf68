"""The lines of a lobby in memory, each sorted twice: by who is next, and by who came first (T6, T7, T12)."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Self

from services.triage.model import Counter, Ticket, Visit
from services.triage.policy import Crowd, Lane, Place, Policy, Standing, rank
from services.triage.store.sorted_line import Entry, SortedLine

Key = tuple[str, str]

NOWHERE = ""
"""The line of who waits for one thing and is at a counter with another: nobody calls from it."""


@dataclass(kw_only=True, slots=True)
class Spot:
    """A ticket's place, with how often it was overtaken, and the shields of ``policy.order``."""

    ticket_id: str
    branch: str
    line: str
    business: str
    lined: float
    rank: float
    overtaken: int = 0
    shield: int = 0
    shield_skill: int = 0
    joined: int = 0

    @classmethod
    def of(cls, policy: Policy, visit: Visit, ticket: Ticket) -> Self:
        """Return the place of one whom nobody has overtaken: in no line while the customer is elsewhere."""
        return cls(
            ticket_id=ticket.ticket_id,
            branch=visit.branch,
            line=NOWHERE if ticket.late or visit.elsewhere(ticket.ticket_id) else ticket.line,
            business=ticket.business,
            lined=ticket.lined_at.timestamp(),
            rank=rank(policy, ticket.lined_at, ticket.priority),
        )

    @property
    def guarded(self) -> int:
        """How often it, or anybody behind it in its lane, may have been overtaken."""
        return self.shield + self.shield_skill

    @property
    def place(self) -> Place:
        """As the policy sees it."""
        return Place(ticket_id=self.ticket_id, line=self.line, lined=self.lined, rank=self.rank, times=self.overtaken)


class WaitingLines:
    """Who waits, by branch and line."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._spots: dict[str, Spot] = {}
        self._lines: defaultdict[Key, SortedLine] = defaultdict(SortedLine)
        self._joined = 0
        self._passed: dict[str, list[tuple[Lane, dict[str, int]]]] = {}

    def put(self, spot: Spot, *, waits: bool) -> None:
        """Let a ticket stand where it belongs; one that keeps its place keeps how often it was overtaken."""
        before = self._spots.get(spot.ticket_id)
        stays = False
        if before is not None:
            if before.lined >= spot.lined:
                spot.overtaken = before.overtaken
                stays = waits and (before.line, before.lined) == (spot.line, spot.lined) and self._stands(before)
            self._leave(before)
            if stays:
                spot.shield, spot.shield_skill = before.shield, before.shield_skill
            spot.joined = before.joined
        self._spots[spot.ticket_id] = spot
        if not waits:
            return
        if not stays:
            self._joined += 1
            spot.joined = self._joined
            self._passed.pop(spot.ticket_id, None)
            self._shield(spot)
        self._enter(spot)

    def lanes(self, branch: str, counter: Counter) -> list[Lane]:
        """Return the lanes that the counter serves and somebody waits in."""
        lanes = (self._lane(branch, line, business) for line, business in counter.lanes)
        return [lane for lane in lanes if lane is not None]

    def standing(self, ticket_id: str) -> Standing:
        """Return a ticket's place with its guard."""
        spot = self._spots[ticket_id]
        return Standing(**asdict(spot.place), guarded=spot.guarded)

    def times(self, ticket_id: str) -> int:
        """Return how often a ticket has been overtaken at its place."""
        spot = self._spots.get(ticket_id)
        return 0 if spot is None else spot.overtaken

    def up_to(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines have at most this rank."""
        return sum(self._lines[branch, name].up_to(rank) for name in lines)

    def lined_before(self, branch: str, lines: Collection[str], lined: float) -> list[Spot]:
        """Return who of these lines stood in line earlier, the earliest first."""
        found: list[Entry] = []
        for name in lines:
            line = self._lines[branch, name]
            found += line.lined[: line.earlier(lined)]
        return [self._spots[ticket_id] for _, ticket_id in sorted(found)]

    def place(self, ticket_id: str) -> tuple[float, float] | None:
        """Return a ticket's rank, and since when it stands in its line."""
        spot = self._spots.get(ticket_id)
        return None if spot is None else (spot.rank, spot.lined)

    def crowds(self, branch: str) -> dict[str, Crowd]:
        """Return how many of the branch stand in each line, and since when the first."""
        return {
            name: Crowd(waiting=len(line.lined), oldest=line.lined[0][0])
            for (of_branch, name), line in self._lines.items()
            if of_branch == branch and line.lined and name != NOWHERE
        }

    def in_order(self, branch: str) -> list[str]:
        """Return everybody who waits in the branch, who is next first."""
        lines = (line for (of_branch, _), line in self._lines.items() if of_branch == branch)
        return [ticket_id for _, ticket_id in sorted(entry for line in lines for entry in line.ranked)]

    def overtake(self, branch: str, lane: Lane, lined: float, *, by: str) -> None:
        """Count the call of a ticket, which stands at ``lined``, with everybody ahead of it in the lane."""
        passed = {
            spot.ticket_id: spot.joined
            for spot in self.lined_before(branch, [lane.line], lined)
            if lane.business in (None, spot.business)
        }
        self._passed.setdefault(by, []).append((lane, passed))
        for ticket_id in passed:
            self._count(self._spots[ticket_id], lane, 1)

    def take_back(self, branch: str, ticket_id: str) -> None:
        """Count the last call of a ticket off for those who did not come to another place since."""
        for lane, passed in self._passed.pop(ticket_id, ()):
            for passed_id, joined in passed.items():
                if self._spots[passed_id].joined == joined:
                    self._count(self._spots[passed_id], lane, -1)
            least = 0
            for spot in reversed(self._line(branch, lane.line)):
                least = max(least, spot.guarded, spot.overtaken)
                spot.shield += least - spot.guarded

    @staticmethod
    def _count(spot: Spot, lane: Lane, by: int) -> None:
        spot.overtaken += by
        if lane.business is None:
            spot.shield += by
        else:
            spot.shield_skill += by

    def _lane(self, branch: str, line: str, business: str | None) -> Lane | None:
        spots = [spot for spot in self._line(branch, line) if business in (None, spot.business)]
        if not spots:
            return None
        return Lane(
            line=line,
            business=business,
            next=min(spots, key=lambda spot: (spot.rank, spot.ticket_id)).place,
            oldest=spots[0].place,
            overtaken=max(spot.guarded for spot in spots),
        )

    def _line(self, branch: str, line: str) -> list[Spot]:
        """Return who stands in a line, the earliest first."""
        return [self._spots[ticket_id] for _, ticket_id in self._lines[branch, line].lined]

    def _stands(self, spot: Spot) -> bool:
        return self._lines[spot.branch, spot.line].holds(spot.ticket_id, spot.lined)

    def _shield(self, spot: Spot) -> None:
        """Shield one who joins as much as those behind, and those ahead as much as them."""
        line = self._line(spot.branch, spot.line)
        behind = [other for other in line if other.lined >= spot.lined]
        spot.shield = behind[0].shield if behind else 0
        alike = [other for other in behind if other.business == spot.business]
        spot.shield_skill = alike[0].shield_skill if alike else 0
        for ahead in [spot, *(other for other in line if other.lined <= spot.lined)]:
            ahead.shield += max(0, spot.overtaken - ahead.guarded)

    def _enter(self, spot: Spot) -> None:
        self._lines[spot.branch, spot.line].join(spot.ticket_id, spot.rank, spot.lined)

    def _leave(self, spot: Spot) -> None:
        if self._stands(spot):
            self._lines[spot.branch, spot.line].leave(spot.ticket_id, spot.rank, spot.lined)
