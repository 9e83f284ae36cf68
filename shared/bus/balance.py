"""Spreads a service's queues over its processes.

The broker has one active consumer a queue and doesn't move it back when a process returns. Every
process reads every queue; one that is active on more than its share leaves a queue now and then,
and stands behind the others in that queue's line.
"""

import math
import time
from collections.abc import Sequence

import structlog
from kombu import Connection

from shared.bus.connection import deadline
from shared.bus.queue_consumer import QueueConsumer
from shared.bus.topology import Queue

log = structlog.get_logger()

REBALANCE_INTERVAL_S = 20.0


class Balance:
    """What the consumers of one process know together."""

    def __init__(
        self, consumers: Sequence[QueueConsumer], presence: Queue, *, interval_s: float = REBALANCE_INTERVAL_S
    ) -> None:
        """Take part in every consumer's loop; ``presence`` counts the consumers of all processes."""
        self._consumers = consumers
        self._presence = presence
        self._every_s = interval_s
        self._asked_at = time.monotonic()
        for consumer in consumers:
            consumer.balance_with(lambda connection, mine=consumer: self._gives_up(mine, connection))  # type: ignore[misc]

    def _gives_up(self, consumer: QueueConsumer, connection: Connection) -> bool:
        now = time.monotonic()
        if len(self._consumers) < 2 or now - self._asked_at < self._every_s:
            return False
        active = [c for c in self._consumers if now - c.last_received < self._every_s]
        if consumer not in active:
            return False
        self._asked_at = now
        with deadline():
            counted = connection.default_channel.queue_declare(self._presence.name, passive=True).consumer_count
        processes = max(round(counted / len(self._consumers)), 1)
        share = math.ceil(len(self._consumers) / processes)
        if len(active) <= share:
            return False
        log.info("queue_left_to_another", queue=consumer.queue.name, active=len(active), share=share)
        return True
