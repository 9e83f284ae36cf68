"""Limits per caller: how many requests a second, how many open streams."""

import math
import time
from collections import Counter
from collections.abc import Callable

from shared.errors import TooManyRequests

_MANY = 10_000


class TokenBuckets:
    """A bucket per caller: ``burst`` requests at once, ``rate`` a second in the long run."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` in seconds."""
        self._rate, self._burst, self._now = rate, burst, now
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, caller: str) -> None:
        """Take one request out; raise :class:`TooManyRequests` that says when there will be one again."""
        now = self._now()
        level, then = self._levels.get(caller, (self._burst, now))
        level = min(self._burst, level + (now - then) * self._rate)
        if level < 1:
            wait_s = math.ceil((1 - level) / self._rate)
            raise TooManyRequests(f"more than {self._rate:g} requests a second", retry_after_s=wait_s)
        if len(self._levels) >= _MANY:
            self._forget_the_idle(now)
        self._levels[caller] = (level - 1, now)

    def _forget_the_idle(self, now: float) -> None:
        full_after = self._burst / self._rate
        self._levels = {caller: (level, at) for caller, (level, at) in self._levels.items() if now - at < full_after}


class OpenStreams:
    """Counts the open streams of each token."""

    def __init__(self, limit: int) -> None:
        """``limit`` of streams a token."""
        self._limit = limit
        self._open: Counter[str] = Counter()

    def enter(self, token: str) -> None:
        """Count one more; raise :class:`TooManyRequests` at the limit."""
        if self._open[token] >= self._limit:
            raise TooManyRequests(f"this token has {self._limit} streams open already", retry_after_s=5)
        self._open[token] += 1

    def leave(self, token: str) -> None:
        """Count one less."""
        self._open[token] -= 1
        if self._open[token] <= 0:
            del self._open[token]
