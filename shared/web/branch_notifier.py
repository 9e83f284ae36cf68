"""Wakes those who wait for something new in a branch."""

from collections import Counter, defaultdict

from eventlet.event import Event


class BranchNotifier:
    """Notified of a branch after a commit; those who wait for the branch go on at once.

    Whoever looks for news takes the branch's count first, looks, and waits with that count: what is notified between
    the look and the wait is not waited out.
    """

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._counts: Counter[str] = Counter()
        self._waiting: defaultdict[str, set[Event]] = defaultdict(set)

    def count(self, branch: str) -> int:
        """Return how often the branch was notified."""
        return self._counts[branch]

    def notify(self, branch: str) -> None:
        """Wake everyone who waits for the branch."""
        self._counts[branch] += 1
        for event in self._waiting.pop(branch, ()):
            event.send(True)

    def wait(self, branch: str, count: int, seconds: float = 1.0) -> bool:
        """Wait until the branch was notified more often than ``count``; say whether it was in time."""
        if self._counts[branch] != count:
            return True
        event = Event()
        self._waiting[branch].add(event)
        try:
            return bool(event.wait(seconds))
        finally:
            self._forget(branch, event)

    def _forget(self, branch: str, event: Event) -> None:
        waiting = self._waiting.get(branch)
        if waiting is not None:
            waiting.discard(event)
            if not waiting:
                del self._waiting[branch]
