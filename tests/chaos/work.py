"""What goes on while something breaks: events that are appended all the while. What was committed is the ledger."""

import threading
import time

from shared.contracts.envelope import Event
from tests.bus.world import World


class Work:
    """Appends until the block ends."""

    def __init__(self, world: World, *, branches: int = 20, pause_s: float = 0) -> None:
        self.world = world
        self.said: list[Event] = []
        self._branches = branches
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(self._pause_s):
            number += 1
            try:
                self.said.append(self.world.say(f"branch-{number % self._branches}"))
            except Exception:  # the database is away: not said, so not in the ledger
                self._stop.wait(0.2)

    def __enter__(self) -> "Work":
        self._thread.start()
        self.until(100)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def until(self, more: int) -> None:
        """Wait until so many more events were said."""
        wanted = len(self.said) + more
        deadline = time.monotonic() + 60
        while len(self.said) < wanted:
            assert time.monotonic() < deadline, "nothing is said any more"
            time.sleep(0.01)
