"""A branch as somebody on its floor sees it, while an observed history is played."""

from collections.abc import Callable, Iterator

from services.triage.policy import Group, Order, Scene

SEEN_S = 900.0
"""A server counts as there for so long after they last began or ended a service."""


class Floor:
    """Who waits since when, who is served, and what the calls so far say about the order of calling."""

    def __init__(self) -> None:
        """Begin with an empty branch."""
        self._lines: dict[Group, dict[int, float]] = {}
        self._serving: set[int] = set()
        self._seen: dict[str, float] = {}
        self._order = Order()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._lines.values()))

    @property
    def busy(self) -> int:
        """How many are served."""
        return len(self._serving)

    def queue(self, index: int, group: Group, at: float) -> None:
        """Somebody gets in line."""
        self._lines.setdefault(group, {})[index] = at

    def start(self, index: int, group: Group, at: float, server: str | None) -> None:
        """Somebody's service begins."""
        came = self._lines.get(group, {}).pop(index, None)
        if came is not None:
            self._order = self._order.after_call(group, came, self._heads())
        self._serving.add(index)
        self._see(server, at)

    def end(self, index: int, at: float, server: str | None) -> None:
        """Somebody's service ends."""
        self._serving.discard(index)
        self._see(server, at)

    def leave(self, index: int, group: Group) -> None:
        """Somebody gives up waiting."""
        del self._lines[group][index]

    def scene(self, group: Group, at: float) -> Scene:
        """Return what a newcomer finds."""
        ahead = self._order.ahead(group, {other: len(line) for other, line in self._lines.items()})
        return self._scene(group, at, ahead, lambda _since: True)

    def scene_of(self, index: int, group: Group, at: float) -> Scene:
        """Return what somebody who has waited finds: those before them, and those who will overtake them."""
        mine = self._lines[group][index]
        ahead = sum(
            1.0 - self._order.overtakes(group, other) if since < mine else self._order.overtakes(other, group)
            for other, line in self._lines.items()
            for one, since in line.items()
            if one != index
        )
        return self._scene(group, at, ahead, lambda since: since < mine)

    def oldest_s(self, at: float, channel: str | None = None) -> float:
        """Return how long the first in line has waited, of all or of one channel."""
        return self._oldest_s(at, channel, lambda _since: True)

    def _scene(self, group: Group, at: float, ahead: float, counts: Callable[[float], bool]) -> Scene:
        lines = [(other.channel, since) for other, line in self._lines.items() for since in line.values()]
        before = [channel for channel, since in lines if counts(since)]
        return Scene(
            at=at,
            channel=group.channel,
            priority=group.priority,
            ahead=ahead,
            waiting=len(before),
            oldest_s=self._oldest_s(at, None, counts),
            channel_waiting=before.count(group.channel),
            channel_oldest_s=self._oldest_s(at, group.channel, counts),
            busy=self.busy,
            counters=max(self.busy, sum(1 for last in self._seen.values() if last > at - SEEN_S)),
        )

    def _oldest_s(self, at: float, channel: str | None, counts: Callable[[float], bool]) -> float:
        heads = (since for group, since in self._heads() if channel in (None, group.channel) and counts(since))
        return max((at - since for since in heads), default=0.0)

    def _heads(self) -> Iterator[tuple[Group, float]]:
        for group, line in self._lines.items():
            if line:
                yield group, next(iter(line.values()))

    def _see(self, server: str | None, at: float) -> None:
        if server is not None:
            self._seen[server] = at
