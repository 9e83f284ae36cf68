"""Exchanges, queues and bindings: one description for the services, the broker's definitions and the documents.

The log's partition is the first word of a routing key, so a service's Q queues (Q divides 64) each
get a fixed share of the partitions: branches run in parallel, one branch in order.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.storage.partition import PARTITIONS, partition_of

EVENTS: Final = "lobby.events"
TERMINALS: Final = "lobby.terminals"
REPLAY: Final = "lobby.replay"
DEAD_LETTERS: Final = "lobby.dead-letters"
CONTROL: Final = "lobby.control"
"""Operators' orders (retry, discard) to one queue; the routing key is the queue's name."""

EXCHANGES: Final[Mapping[str, str]] = {
    EVENTS: "topic",
    TERMINALS: "topic",
    REPLAY: "topic",
    DEAD_LETTERS: "fanout",
    CONTROL: "direct",
}

SUBSCRIPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "triage": ("lobby.terminal.#", "lobby.vip.handoff_accepted.*", "lobby.vip.handoff_completed.*"),
    "vip": (
        "lobby.triage.ticket_issued.*",
        "lobby.triage.ticket_printed.*",
        "lobby.triage.ticket_called.*",
        "lobby.triage.ticket_left.*",
        "lobby.triage.visit_ended.*",
    ),
    "incidents": (),
    "worklog": ("#",),
    "gateway": ("#",),
}
"""The types of events that each service reads, as the end of a routing key's pattern."""

TERMINAL_QUEUE: Final = "lobby.gateway.terminals"

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


def event_queues(service: str, count: int) -> list[Queue]:
    """Return the queues of a service; queue ``i`` of ``count`` has the partitions that leave the rest ``i``."""
    patterns = SUBSCRIPTIONS[service]
    if not patterns:
        return []
    return [
        Queue(
            name=f"lobby.{service}.{share}-of-{count}",
            service=service,
            bindings=(
                *((EVENTS, f"{prefix}.*.{pattern}") for prefix in _prefixes(share, count) for pattern in patterns),
                (CONTROL, f"lobby.{service}.{share}-of-{count}"),
            ),
        )
        for share in range(count)
    ]


def _prefixes(share: int, count: int) -> list[str]:
    return ["*"] if count == 1 else [f"{pp:02d}" for pp in range(share, PARTITIONS, count)]


def presence_queue(service: str) -> Queue:
    """Return the queue that each consumer of a service's queues reads too, to be counted."""
    return Queue(name=f"lobby.{service}.processes", service=service, bindings=(), dead_letters=False, presence=True)


def terminal_queues(_service: str, _count: int) -> list[Queue]:
    """Return the queue of what terminals say; one, so that each terminal's order is kept."""
    return [Queue(name=TERMINAL_QUEUE, service="gateway", bindings=((TERMINALS, "#"), (CONTROL, TERMINAL_QUEUE)))]


def dead_letter_queues(_service: str, _count: int) -> list[Queue]:
    """Return the queue of the dead letters, which has none of its own."""
    return [Queue(name=DEAD_LETTERS, service="gateway", bindings=((DEAD_LETTERS, ""),), dead_letters=False)]


def all_queues(count: int) -> Iterator[Queue]:
    """Return every queue of the system, with ``count`` event queues a service."""
    for service in SUBSCRIPTIONS:
        yield from event_queues(service, count)
        if SUBSCRIPTIONS[service]:
            yield presence_queue(service)
    yield from terminal_queues("gateway", count)
    yield from dead_letter_queues("gateway", count)
