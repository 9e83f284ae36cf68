"""What somebody who takes a ticket finds, in numbers: the line, the counters, and what they showed of late (T9)."""

from dataclasses import dataclass, replace

from services.triage.policy.estimate.memory import Memory

LONGEST_GAP_S = 120.0
LONGEST_SILENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A place in a line. Channels that the same counters serve are one line.

    ``ahead``: how many are called before this place; a fraction where that is itself estimated.
    ``waiting`` and ``oldest_s``: of the whole line, how many wait and how long the first has; the same of
    the ``channel`` alone. Of the ``counters`` that are open, ``busy`` have a customer, and ``idle`` are known
    to be ready for the next (nobody knows that of an observed history).
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

    @property
    def ready(self) -> bool:
        """Whether a counter is ready for whoever stands here, so that they need not queue."""
        return not self.turns

    @property
    def turns(self) -> float:
        """How many customers must be done before a counter is ready for this place."""
        return max(0.0, self.ahead + 1 - self.idle)

    def nearest(self) -> "Scene":
        """Return the same scene where queueing begins: that place is to be promised no more than this one.

        Not at a whole number of customers ahead: half a customer may be, where it is not certain who goes first.
        """
        return replace(self, ahead=max(0.0, self.idle - 1.0))


SIZE = 11
WORK = 7
"""Where among the inputs stands the work ahead: turns × mean service ÷ counters."""


def inputs(scene: Scene, memory: Memory, first_service_s: float) -> tuple[float, ...]:
    """Return what the wait is estimated from, each about 1 on an ordinary day."""
    service_s = memory.service_s(first_service_s) / max(1, scene.busy + scene.idle)
    gap_s = service_s if memory.gap_s is None else max(1.0, memory.gap_s)
    return (
        1.0,
        scene.waiting / 3,
        scene.channel_waiting / 3,
        scene.ahead / 3,
        scene.oldest_s / 60,
        scene.channel_oldest_s / 60,
        memory.waits.get(scene.group, 0.0) / 60,
        scene.turns * service_s / 60,
        scene.turns * min(LONGEST_GAP_S, gap_s) / 60,
        min(LONGEST_SILENCE_S, scene.at - memory.freed_at) / 60,
        scene.counters / 5,
    )
