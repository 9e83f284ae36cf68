"""The business clock: the only place where the time of day comes from.

Services never ask the operating system for the time. They are handed a :class:`Clock`, so that a
replay is deterministic, a test needs no sleep, and a simulated day runs at any speed.
"""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol


class Clock(Protocol):
    """Tells the business time."""

    @property
    def rate(self) -> float:
        """Business seconds that pass in one wall second."""
        ...

    def now(self) -> datetime:
        """Return the business time now, aware, in UTC."""
        ...


class ClockSpecError(ValueError):
    """LOBBY_CLOCK is neither `system` nor `<business time>@<rate>@<wall time>`."""


@dataclass(frozen=True, kw_only=True)
class SystemClock:
    """The wall clock."""

    rate: float = 1.0
    offset: tzinfo | None = None

    def now(self) -> datetime:
        """Return the wall time."""
        return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class ScaledClock:
    """A clock that showed ``business`` at the wall time ``wall`` and runs ``rate`` times as fast.

    Every process that is given the same three values shows the same time.
    """

    business: datetime
    wall: datetime
    rate: float

    @property
    def offset(self) -> tzinfo | None:
        """The UTC offset that the business time was written with: where the branch is."""
        return self.business.tzinfo

    def now(self) -> datetime:
        """Return the business time."""
        elapsed = time.time() - self.wall.timestamp()
        return (self.business + timedelta(seconds=elapsed * self.rate)).astimezone(UTC)


@dataclass(kw_only=True)
class ManualClock:
    """A clock that stands still until it is moved: for tests and for the discrete-event mode."""

    time: datetime
    rate: float = 1.0
    offset: tzinfo | None = None

    def now(self) -> datetime:
        """Return the time that was set last."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Move the clock forward by ``seconds``."""
        self.time += timedelta(seconds=seconds)


AnyClock = SystemClock | ScaledClock | ManualClock

_SPEC = re.compile(r"(?P<business>[^@]+)@(?P<rate>[^@]+)@(?P<wall>[^@]+)")


def parse_clock(spec: str) -> SystemClock | ScaledClock:
    """Read a clock from its text form (the setting ``LOBBY_CLOCK``).

    Raises :class:`ClockSpecError` that says what is wrong with it.
    """
    if spec == "system":
        return SystemClock()
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise ClockSpecError(f"{spec!r} is neither `system` nor `<business time>@<rate>@<wall time>`")
    try:
        rate = float(match["rate"])
    except ValueError as error:
        raise ClockSpecError(f"the rate {match['rate']!r} is not a number") from error
    if not 0 < rate <= 100_000:
        raise ClockSpecError(f"the rate {rate:g} is not between 0 and 100000")
    return ScaledClock(business=_instant(match["business"]), rate=rate, wall=_instant(match["wall"]))


def format_clock(clock: ScaledClock) -> str:
    """Write a clock as ``LOBBY_CLOCK`` takes it."""
    return f"{clock.business.isoformat()}@{clock.rate:g}@{clock.wall.isoformat()}"


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ClockSpecError(f"{text!r} is not an ISO 8601 time") from error
    if instant.tzinfo is None:
        raise ClockSpecError(f"{text!r} has no UTC offset")
    return instant
