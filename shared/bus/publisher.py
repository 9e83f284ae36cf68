"""Publishing: pipelined, confirmed by delivery tag, mandatory, with a deadline; and the embedded variant."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakSet

from kombu import Connection

from shared.bus.amqp_transport import persistent, publishing
from shared.bus.connection import DEADLINE_S, deadline, declare, drain, drop, is_memory, open_connection
from shared.bus.topology import Queue
from shared.contracts.envelope import STRUCTURED

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


class PublishFailed(OSError):
    """The broker did not take the messages: nacked, unroutable or silent. All of them are sent again."""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message to publish."""

    exchange: str
    key: str
    body: bytes
    id: str
    content_type: str = STRUCTURED
    headers: dict[str, Any] = field(default_factory=dict)


class Publisher(Protocol):
    """Publishes; returns when the broker has everything."""

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish in order; raise an OSError or a connection's error when not all are confirmed."""
        ...

    def tick(self) -> None:
        """Keep the connection alive while there is nothing to publish."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


def open_offerer(url: str) -> Publisher:
    """Return the publisher of what is offered to others: what is refused there, or wanted by nobody, is settled."""
    return AmqpPublisher(url, (), offered=True)


def open_publisher(url: str, queues: Sequence[Queue]) -> Publisher:
    """Return the publisher for a broker's URL; all ``queues`` are declared before anything is published."""
    return MemoryPublisher(url, queues) if is_memory(url) else AmqpPublisher(url, queues)


class AmqpPublisher:
    """Confirms on a connection of its own."""

    def __init__(
        self, url: str, queues: Sequence[Queue], *, offered: bool = False, deadline_s: float = DEADLINE_S
    ) -> None:
        """``queues`` are those that may be published to; what is ``offered`` may be refused, or wanted by nobody."""
        self._url = url
        self._queues = queues
        self._offered = offered
        self._deadline_s = deadline_s
        self._connection: Connection | None = None
        self._channel: Any = None
        self._tag = 0
        self._pending: dict[int, str] = {}
        self._refused: list[str] = []

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Send all, then wait until each tag is confirmed; on any failure drop the connection."""
        try:
            channel = self._open()
            with deadline(self._deadline_s):
                channel.connection.send(self._frames(channel, message) for message in messages)
            self._await_confirms()
        except BaseException:
            self.close()
            raise

    def tick(self) -> None:
        """Answer the broker's heartbeats."""
        if self._connection is not None:
            try:
                with suppress(TimeoutError):
                    drain(self._connection, 0)
                self._connection.heartbeat_check()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Drop the connection; never closes it politely, which would wait for a broker that may be frozen."""
        drop(self._connection)
        self._connection = self._channel = None

    def _open(self) -> Any:
        if self._channel is None:
            self._connection = open_connection(self._url)
            declare(self._connection, self._queues)
            # py-amqp would look for a word of the broker's before each message; it's read with the confirms.
            self._connection.connection.client_properties["capabilities"].pop("connection.blocked", None)
            with deadline(self._deadline_s):
                self._channel = self._confirming(self._connection)
        return self._channel

    def _confirming(self, connection: Connection) -> Any:
        channel: Any = connection.channel()
        self._tag, self._pending, self._refused = 0, {}, []
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        channel.confirm_select()
        return channel

    def _frames(self, channel: Any, message: Outgoing) -> bytes:
        self._tag += 1
        self._pending[self._tag] = message.id
        properties = persistent(message.content_type, message.id, message.headers)
        return publishing(
            channel.channel_id,
            channel.connection.frame_max,
            exchange=message.exchange,
            key=message.key,
            properties=properties,
            body=message.body,
            mandatory=not self._offered,
        )

    def _await_confirms(self) -> None:
        assert self._connection is not None
        until = time.monotonic() + self._deadline_s
        while self._pending and not self._refused:
            left = until - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                drain(self._connection, left)
            except TimeoutError as error:
                what = f"{len(self._pending)} messages not confirmed within {self._deadline_s:g} s"
                raise PublishFailed(what) from error
        if self._refused:
            raise PublishFailed("; ".join(self._refused[:3]))

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        refused = self._settle(tag, multiple)
        if not self._offered:
            self._refused.append(f"nacked: {', '.join(refused[:3])}")

    def _on_return(self, error: Exception, exchange: str, key: str, message: Any) -> None:
        self._refused.append(f"no queue is bound for {exchange} {key}")

    def _settle(self, tag: int, multiple: bool) -> list[str]:
        if not multiple:
            return [self._pending.pop(tag)] if tag in self._pending else []
        return [self._pending.pop(other) for other in sorted(self._pending) if other <= tag]


class MemoryPublisher:
    """The embedded transport: no confirms, nothing survives the process; consumers catch up from the logs."""

    def __init__(self, url: str, queues: Sequence[Queue]) -> None:
        """``queues`` are those that may be published to."""
        self._url = url
        self._queues = queues
        self._connection: Connection | None = None
        self._producer: Any = None

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Put the messages into the queues and wake their consumers."""
        if self._producer is None:
            self._connection = open_connection(self._url)
            declare(self._connection, self._queues)
            self._producer = self._connection.Producer(auto_declare=False)
        for message in messages:
            self._producer.publish(
                message.body,
                exchange=message.exchange,
                routing_key=message.key,
                content_type=message.content_type,
                content_encoding="binary",
                headers=message.headers,
            )
        wake_consumers()

    def tick(self) -> None:
        """Nothing to keep alive."""

    def close(self) -> None:
        """Forget the connection."""
        drop(self._connection)
        self._connection = self._producer = None
