"""What somebody who takes a ticket finds, in numbers: the line, the counters, and what they showed of late (T9)."""

from dataclasses import dataclass

from services.triage.policy.estimate.memory import Memory

LONGEST_GAP_S = 120.0
LONGEST_SILENCE_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A place in a line. Channels that the same counters serve are one line.

    ``ahead``: how many are called before this place; a fraction where that is itself estimated.
    ``waiting`` and ``oldest_s``: of the whole line, how many wait and how long the first has; the same of
    the ``channel`` alone. ``busy`` of the ``counters`` that are open have a customer; ``idle`` ones are
    known to be free for the next.
    """

    at: float
    channel: str
    priority: int
    ahead: float
    waiting: int
    oldest_s: float
    channel_waiting: int
    channel_oldest_s: float
    busy: int
    counters: int
    idle: int = 0

    @property
    def group(self) -> str:
        """Who is waited for alike: a channel's customers of one priority."""
        return f"{self.channel}/{self.priority}"


SIZE = 11
WORK = 7
"""Where among the inputs stands the work ahead: customers × their mean service ÷ busy counters."""


def inputs(scene: Scene, memory: Memory, first_service_s: float) -> tuple[float, ...]:
    """Return what the wait is estimated from, each about 1 on an ordinary day."""
    turns = scene.ahead + 1
    return (
        1.0,
        scene.waiting / 3,
        scene.channel_waiting / 3,
        scene.ahead / 3,
        scene.oldest_s / 60,
        scene.channel_oldest_s / 60,
        memory.waits.get(scene.group, 0.0) / 60,
        turns * memory.service_s(first_service_s) / max(1, scene.busy) / 60,
        turns * _gap(scene, memory, first_service_s) / 60,
        min(LONGEST_SILENCE_S, scene.at - memory.freed_at) / 60,
        scene.counters / 5,
    )


def _gap(scene: Scene, memory: Memory, first_service_s: float) -> float:
    if memory.gap_s is None:
        return min(LONGEST_GAP_S, memory.service_s(first_service_s) / max(1, scene.busy))
    return min(LONGEST_GAP_S, max(1.0, memory.gap_s))
