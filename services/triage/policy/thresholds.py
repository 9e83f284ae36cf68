"""Lines that are too long, wait too long, or promise too long a wait; and back, with some slack (T8)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from services.triage.policy.rules import Policy
from shared.contracts.events.triage import Channel

# Apart from policy.attention, which needs the model: the lobby's state holds these, and so they must need none of it.
Measure = Literal["length", "longest_wait", "p90"]


@dataclass(frozen=True, kw_only=True)
class LineNow:
    """A line as it is, after ``version`` events: how many wait, since when the longest, and what it is above."""

    line: str
    waiting: int
    longest_from: datetime | None
    above: Collection[str] = ()
    version: int = 0

    @property
    def channel(self) -> Channel | None:
        """The channel whose line it is; None for one counter's or one person's."""
        return self.line if self.line in get_args(Channel) else None  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A measure went above its limit, or is back below it."""

    measure: Measure
    above: bool
    value: float
    limit: float


def crossed(policy: Policy, line: LineNow, p90_s: float, now: datetime) -> tuple[list[Crossing], datetime | None]:
    """Return what was crossed, and when to look again though nothing changes: when a wait gets too long.

    A measure is back below its limit only at ``threshold_back`` of it, so that it does not flicker.
    """
    longest = 0.0 if line.longest_from is None else max(0.0, (now - line.longest_from).total_seconds())
    measured: list[tuple[Measure, float, float]] = [
        ("length", float(line.waiting), float(policy.line_limit)),
        ("longest_wait", longest, policy.longest_wait_limit_s),
        ("p90", p90_s if line.waiting else 0.0, policy.p90_limit_s),
    ]
    found = []
    for measure, value, limit in measured:
        above = value > (limit * policy.threshold_back if measure in line.above else limit)
        if above != (measure in line.above):
            found.append(Crossing(measure=measure, above=above, value=value, limit=limit))
    if line.longest_from is None or longest > policy.longest_wait_limit_s:
        return found, None
    return found, line.longest_from + timedelta(seconds=policy.longest_wait_limit_s, milliseconds=1)


def above_after(line: LineNow, crossings: Collection[tuple[str, bool]]) -> set[str]:
    """Return what the line is above after measures were crossed."""
    above = set(line.above)
    for measure, is_above in crossings:
        above = above | {measure} if is_above else above - {measure}
    return above
