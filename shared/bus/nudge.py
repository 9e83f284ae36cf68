"""Wakes the consumers of the embedded transport, which would poll otherwise."""

import threading
from weakref import WeakSet

_sleepers: "WeakSet[Nap]" = WeakSet()


class Nap:
    """One consumer's sleep until something is published in this process."""

    def __init__(self) -> None:
        """Begin to listen."""
        self._event = threading.Event()
        _sleepers.add(self)

    def sleep(self, seconds: float) -> None:
        """Sleep until a nudge, at the most ``seconds``."""
        self._event.wait(seconds)
        self._event.clear()

    def wake(self) -> None:
        """End the sleep."""
        self._event.set()


def nudge() -> None:
    """Wake every consumer of this process."""
    for sleeper in list(_sleepers):
        sleeper.wake()
