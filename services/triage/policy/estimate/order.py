"""Who is called before whom, learned from calls, where the rule of calling isn't written down (T9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

KEEP = 0.98
FIRST = 1.0
"""Until it was seen, a higher priority is taken to be called first; that counts as one call."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Customers who are called alike."""

    channel: str
    priority: int

    @property
    def name(self) -> str:
        """The group in a word, such as green/2."""
        return f"{self.channel}/{self.priority}"

    @classmethod
    def named(cls, name: str) -> "Group":
        """Return the group of a name."""
        channel, _, priority = name.rpartition("/")
        return cls(channel=channel, priority=int(priority))


@dataclass(frozen=True, kw_only=True)
class Order:
    """For two groups: how often the first overtook the second, of how many chances; older ones fade."""

    seen: Mapping[tuple[Group, Group], tuple[float, float]] = field(default_factory=dict)

    def overtakes(self, one: Group, other: Group) -> float:
        """Return the share of calls at which ``one`` goes before an ``other`` who came earlier."""
        if one == other:
            return 0.0
        before, chances = self.seen.get((one, other), (0.0, 0.0))
        return (before + FIRST * (one.priority > other.priority)) / (chances + FIRST)

    def ahead(self, one: Group, waiting: Mapping[Group, int]) -> float:
        """Return how many of those who wait go before a newcomer of the group."""
        return sum(count * (1.0 - self.overtakes(one, group)) for group, count in waiting.items())

    def after_call(self, called: Group, came: float, heads: Iterable[tuple[Group, float]]) -> "Order":
        """Return the order after a call, while the ``heads`` of the other groups, who came then, went on waiting."""
        seen = dict(self.seen)
        for group, since in heads:
            if group != called:
                pair = (called, group) if since < came else (group, called)
                before, chances = seen.get(pair, (0.0, 0.0))
                seen[pair] = (KEEP * before + (since < came), KEEP * chances + 1.0)
        return Order(seen=seen)
