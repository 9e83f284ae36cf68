"""When things happen in the run: business times, as wall times of this process.

With a scaled clock (LOBBY_CLOCK) the servers' business time is the measure: arrivals follow it. With
the system clock the trace's first row is now, and the wall is compressed.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from services.ops.errors import UsageError
from shared.contracts.http.gateway import ClockView

LATE = timedelta(hours=35)
"""A ticket may say that it was asked for so much earlier; triage believes a little more."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """``origin`` (business time) is ``start`` (monotonic wall seconds); ``speed`` business seconds a wall second."""

    origin: datetime
    start: float
    speed: float
    follows_server: bool

    def now(self) -> datetime:
        """Return the business time. With a scaled clock it is never ahead of the servers'."""
        return self.origin + timedelta(seconds=(time.monotonic() - self.start) * self.speed)

    def wait_s(self, business: datetime) -> float:
        """Return the wall seconds until a business time; 0 when it has passed."""
        return max(0.0, (business - self.now()).total_seconds() / self.speed)

    async def until(self, business: datetime) -> None:
        """Wait for a business time. Returns at once, but lets others run, when it has passed."""
        await asyncio.sleep(self.wait_s(business))

    async def spend(self, business_s: float) -> None:
        """Let so many business seconds pass."""
        await asyncio.sleep(business_s / self.speed)

    def requested_at(self, arrival: datetime) -> datetime | None:
        """Return what a ticket request should say of when the customer asked, if anything."""
        return arrival if self.follows_server and timedelta() <= self.now() - arrival < LATE else None


def local_time(clock: ClockView) -> datetime:
    """Return the servers' business time, where the branch is."""
    return clock.now.astimezone(timezone(timedelta(seconds=clock.offset_s)))


def timeline_for(clock: ClockView, first: datetime, speed: float | None, default_speed: float) -> Timeline:
    """Return the run's timeline. Call it as soon as ``clock`` has been read.

    Raises :class:`UsageError` where ``--speed`` isn't the rate of the servers' clock.
    """
    if clock.spec == "system":
        return Timeline(origin=first, start=time.monotonic(), speed=speed or default_speed, follows_server=False)
    if speed is not None and speed != clock.rate:
        raise UsageError(f"--speed {speed:g}: the servers' business clock runs at {clock.rate:g}; leave --speed out")
    return Timeline(origin=local_time(clock), start=time.monotonic(), speed=clock.rate, follows_server=True)
