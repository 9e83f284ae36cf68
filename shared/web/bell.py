"""Wakes streams that wait for something new in a branch."""

from collections import defaultdict

from eventlet.event import Event


class Bell:
    """Rung for a branch after a commit; those who wait for the branch go on at once."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._waiting: defaultdict[str, set[Event]] = defaultdict(set)

    def ring(self, branch: str) -> None:
        """Wake everyone who waits for the branch."""
        for event in self._waiting.pop(branch, ()):
            event.send(True)

    def wait(self, branch: str, seconds: float = 1.0) -> bool:
        """Wait for the branch's next ring; say whether it rang in time.

        Look for news after this returns, and once more before the first wait: a ring is not kept.
        """
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
