"""Exchanges, queues and bindings: one description for the services, the broker's definitions and the documents.

The log's partition is the first word of a routing key, so a service's Q queues (Q divides 64) each
get a fixed share of the partitions: branches run in parallel, one branch in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.ids import PARTITIONS, partition_of

INTERNAL: Final = "lobby.internal"
"""The services' own: only their queues are bound, and nobody else may bind one. What is published here is confirmed."""
EVENTS: Final = "lobby.events"
"""What is offered to others. Nothing of ours is bound to it, and nothing waits for what others do with it."""
TERMINALS: Final = "lobby.terminals"
REPLAY: Final = "lobby.replay"
DEAD_LETTERS: Final = "lobby.dead-letters"
CONTROL: Final = "lobby.control"
"""Operators' commands (retry, discard) to one queue; the routing key is the queue's name."""

EXCHANGES: Final[Mapping[str, str]] = {
    INTERNAL: "topic",
    EVENTS: "topic",
    TERMINALS: "topic",
    REPLAY: "topic",
    DEAD_LETTERS: "fanout",
    CONTROL: "direct",
}

DELIVERY_LIMIT: Final = 50
"""The broker's last resort, far above our own attempts."""
NO_DELIVERY_LIMIT: Final = 2**31 - 1
"""For a queue whose messages have nowhere else to go. RabbitMQ 4 drops them after 20 deliveries where a queue says
nothing, and its own word for no limit, -1, is refused by 3.x."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue with its bindings: pairs of exchange and routing key pattern.

    ``presence`` marks a queue that never holds a message: its consumers are counted. (A quorum queue
    with a single active consumer tells of that one only.)
    """

    name: str
    service: str
    bindings: tuple[tuple[str, str], ...]
    dead_letters: bool = True
    presence: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the declaration; a declaration with others is refused by the broker."""
        if self.presence:
            return {}
        arguments: dict[str, Any] = {
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            "x-overflow": "reject-publish",
            "x-delivery-limit": DELIVERY_LIMIT if self.dead_letters else NO_DELIVERY_LIMIT,
        }
        if self.dead_letters:
            arguments |= {
                "x-dead-letter-exchange": DEAD_LETTERS,
                "x-dead-letter-strategy": "at-least-once",
            }
        return arguments


def routing_key(branch: str, type_: str) -> str:
    """Return the key that the relay publishes an event of this branch with."""
    return f"{partition_of(branch):02d}.{branch}.{type_}"


def presence_queue(service: str) -> Queue:
    """Return the queue that each consumer of a service's queues reads too, to be counted."""
    return Queue(name=f"lobby.{service}.processes", service=service, bindings=(), dead_letters=False, presence=True)


TERMINALS_QUEUE: Final = Queue(
    name="lobby.gateway.terminals",
    service="gateway",
    bindings=((TERMINALS, "#"), (CONTROL, "lobby.gateway.terminals")),
)
"""What terminals say; one queue, so that each terminal's order is kept."""

DEAD_LETTERS_QUEUE: Final = Queue(
    name=DEAD_LETTERS, service="gateway", bindings=((DEAD_LETTERS, ""),), dead_letters=False
)
"""The dead letters of every service; it has no dead letters of its own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Topology:
    """Every queue of the system.

    ``subscriptions`` are the events that each service hears, as the ends of routing key patterns: they follow from its
    event handlers (:func:`shared.bus.event_handlers.subscriptions_of`). A service has ``shares`` event queues.
    Each process declares all of them before it publishes: an event must not be lost because its reader never ran yet.
    """

    subscriptions: Mapping[str, tuple[str, ...]]
    shares: int

    def event_queues(self, service: str) -> list[Queue]:
        """Return the queues of a service; queue ``i`` has the partitions that leave the rest ``i``."""
        patterns = self.subscriptions[service]
        if not patterns:
            return []
        return [
            _event_queue(service, f"lobby.{service}.{share}-of-{self.shares}", self._prefixes(share), patterns)
            for share in range(self.shares)
        ]

    def all_queues(self) -> Iterator[Queue]:
        """Return every queue of the system."""
        for service, patterns in self.subscriptions.items():
            yield from self.event_queues(service)
            if patterns:
                yield presence_queue(service)
        yield TERMINALS_QUEUE
        yield DEAD_LETTERS_QUEUE

    def _prefixes(self, share: int) -> list[str]:
        return ["*"] if self.shares == 1 else [f"{pp:02d}" for pp in range(share, PARTITIONS, self.shares)]


def _event_queue(service: str, name: str, prefixes: Sequence[str], patterns: Sequence[str]) -> Queue:
    events = ((INTERNAL, f"{prefix}.*.{pattern}") for prefix in prefixes for pattern in patterns)
    return Queue(name=name, service=service, bindings=(*events, (CONTROL, name)))
