"""Wakes the consumers of the embedded transport, which would poll otherwise."""

import threading
from weakref import WeakSet

_wakeups: "WeakSet[Wakeup]" = WeakSet()


class Wakeup:
    """One consumer's pause until something is published in this process."""

    def __init__(self) -> None:
        """Begin to listen."""
        self._event = threading.Event()
        _wakeups.add(self)

    def wait(self, seconds: float) -> None:
        """Wait for a wakeup, at the most ``seconds``."""
        self._event.wait(seconds)
        self._event.clear()

    def set(self) -> None:
        """End the pause."""
        self._event.set()


def wake_consumers() -> None:
    """Wake every consumer of this process."""
    for wakeup in list(_wakeups):
        wakeup.set()
