"""The lines of a lobby in memory, each sorted twice: by who is next, and by who came first (T6, T7, T12)."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from services.triage.model import Channel, Ticket
from services.triage.policy import FRONT_S, Policy, rank

Key = tuple[str, Channel]
Entry = tuple[float, str]


@dataclass(kw_only=True, slots=True)
class Place:
    """A ticket's place, with how often somebody later was called before it."""

    ticket_id: str
    branch: str
    channel: Channel
    lined: float
    rank: float
    overtaken: int = 0

    @classmethod
    def of(cls, policy: Policy, branch: str, ticket: Ticket) -> Self:
        """Return the place of one whom nobody has overtaken."""
        lined = ticket.lined_at.timestamp()
        place = rank(policy, ticket.lined_at, ticket.priority)
        return cls(ticket_id=ticket.ticket_id, branch=branch, channel=ticket.channel, lined=lined, rank=place)


class WaitingLines:
    """Who waits, by branch and channel."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._places: dict[str, Place] = {}
        self._by_rank: defaultdict[Key, list[Entry]] = defaultdict(list)
        self._by_lined: defaultdict[Key, list[Entry]] = defaultdict(list)

    def put(self, place: Place, *, waits: bool) -> None:
        """Let a ticket stand where it belongs; one that keeps its place keeps what overtaking has made of it."""
        before = self._places.get(place.ticket_id)
        if before is not None:
            if before.lined == place.lined:
                place.rank, place.overtaken = before.rank, before.overtaken
            self._leave(before)
        self._places[place.ticket_id] = place
        if waits:
            self._enter(place)

    def head(self, branch: str, channels: Collection[Channel]) -> str | None:
        """Return who is called first of these channels."""
        heads = [line[0] for channel in channels if (line := self._by_rank.get((branch, channel)))]
        return min(heads)[1] if heads else None

    def up_to(self, branch: str, channels: Collection[Channel], rank: float) -> int:
        """Return how many of these channels have at most this rank."""
        return sum(bisect_right(self._by_rank.get((branch, channel), ()), (rank, "\U0010ffff")) for channel in channels)

    def lined_before(self, branch: str, channels: Collection[Channel], lined: float) -> list[Place]:
        """Return who of these channels stood in line earlier, the earliest first."""
        found: list[Entry] = []
        for channel in channels:
            line = self._by_lined.get((branch, channel), [])
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

    def _enter(self, place: Place) -> None:
        key = place.branch, place.channel
        insort(self._by_rank[key], (place.rank, place.ticket_id))
        insort(self._by_lined[key], (place.lined, place.ticket_id))

    def _leave(self, place: Place) -> None:
        key = place.branch, place.channel
        for line, at in ((self._by_rank[key], place.rank), (self._by_lined[key], place.lined)):
            index = bisect_left(line, (at, place.ticket_id))
            if index < len(line) and line[index] == (at, place.ticket_id):
                del line[index]
