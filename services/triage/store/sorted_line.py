"""Who stands in a line, in memory: sorted by who is next, and by who came first."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field

LAST = "\U0010ffff"
"""Sorts behind every ticket's id."""

Entry = tuple[float, str]


@dataclass
class SortedLine:
    """``ranked`` by rank and ``lined`` by place, each entry with the ticket's id."""

    ranked: list[Entry] = field(default_factory=list)
    lined: list[Entry] = field(default_factory=list)

    def join(self, ticket_id: str, rank: float, lined: float) -> None:
        """Let a ticket stand there."""
        insort(self.ranked, (rank, ticket_id))
        insort(self.lined, (lined, ticket_id))

    def leave(self, ticket_id: str, rank: float, lined: float) -> None:
        """Let a ticket that stands there stand there no more."""
        del self.ranked[bisect_left(self.ranked, (rank, ticket_id))]
        del self.lined[bisect_left(self.lined, (lined, ticket_id))]

    def holds(self, ticket_id: str, lined: float) -> bool:
        """Return whether a ticket stands there at that place."""
        index = bisect_left(self.lined, (lined, ticket_id))
        return index < len(self.lined) and self.lined[index] == (lined, ticket_id)

    def up_to(self, rank: float) -> int:
        """Return how many have at most this rank."""
        return bisect_right(self.ranked, (rank, LAST))

    def earlier(self, lined: float) -> int:
        """Return how many stood there before."""
        return bisect_left(self.lined, (lined, ""))
