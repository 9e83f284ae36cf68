"""Reads one queue: collects what has arrived into a batch, has it settled, then acknowledges it."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from kombu import Connection, Consumer
from kombu import Queue as KombuQueue

from shared.bus.connection import (
    BrokerRefused,
    deadline,
    declare,
    drain,
    drop,
    failures,
    is_memory,
    open_channel,
    open_connection,
)
from shared.bus.message import Message
from shared.bus.publisher import Wakeup
from shared.bus.retry import Cancelled
from shared.bus.topology import Queue

log = structlog.get_logger()

Settle = Callable[[Sequence[Message]], None]
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)
IDLE_S = 0.5


class QueueConsumer:
    """The loop of one queue. ``settle`` returns when every message of the batch may be acknowledged."""

    def __init__(
        self,
        url: str,
        queue: Queue,
        settle: Settle,
        *,
        batch: int,
        stop: threading.Event,
        presence: Queue | None = None,
    ) -> None:
        """``batch`` is the most messages a batch has.

        ``presence`` is where this consumer is counted beside those of other processes.
        """
        self._presence = presence
        self._url = url
        self._queue = queue
        self._settle = settle
        self._batch = batch
        self._stop = stop
        self._memory = is_memory(url)
        self._wakeup = Wakeup()
        self._arrived: deque[tuple[int, Message]] = deque()
        self._balance: Callable[[Connection], bool] = lambda _connection: False
        self.last_received = 0.0
        self.failure: str | None = "not connected yet"

    def balance_with(self, gives_up: Callable[[Connection], bool]) -> None:
        """Ask ``gives_up`` now and then whether this queue should be left to another process."""
        self._balance = gives_up

    @property
    def queue(self) -> Queue:
        """The queue that is read."""
        return self._queue

    def run(self) -> None:
        """Read until told to stop; connect again, after a pause, whenever the connection breaks."""
        broken = 0
        while not self._stop.is_set():
            connection: Connection | None = None
            try:
                connection = open_connection(self._url)
                declare(connection, [self._queue, *([self._presence] if self._presence else [])])
                broken = 0
                self._read(connection)
            except Cancelled:
                return
            except BrokerRefused as error:
                self._wait("broker_refused", str(error), broken)
                broken += 1
            except Exception as error:
                known = connection is None or isinstance(error, failures(connection))
                if not known:
                    log.exception("consumer_failed", queue=self._queue.name)
                self._wait("broker_unavailable", f"{type(error).__name__}: {error}", broken)
                broken += 1
            finally:
                drop(connection)
                self._arrived.clear()

    def wake(self) -> None:
        """End a pause: it's time to stop."""
        self._wakeup.set()

    def _wait(self, event: str, reason: str, broken: int) -> None:
        self.failure = reason
        log.error(event, queue=self._queue.name, error=reason)
        self._stop.wait(RETRY_S[min(broken, len(RETRY_S) - 1)])

    def _read(self, connection: Connection) -> None:
        with open_channel(connection) as channel:
            with deadline():
                self._subscribe(channel)
            self.failure = None
            while not self._stop.is_set():
                arrived = self._collect(connection)
                if arrived:
                    self.last_received = time.monotonic()
                    if not self._settled(connection, [message for _, message in arrived]):
                        return
                    self._acknowledge(channel, arrived)
                connection.heartbeat_check()
                if self._balance(connection):
                    return

    def _subscribe(self, channel: Any) -> None:
        """Ask for messages as they are: kombu's own would be decompressed as any header says."""
        if self._memory:
            queue = KombuQueue(self._queue.name, no_declare=True)
            consumer = Consumer(channel, [queue], on_message=self._take, auto_declare=False)
            consumer.on_decode_error = lambda message, _error: self._take(message)
            consumer.consume()
        else:
            channel.auto_decode = False  # nor decoded by the codec that its content encoding names
            channel.basic_qos(0, 2 * self._batch, False)
            channel.basic_consume(self._queue.name, callback=self._take)
            if self._presence is not None:
                channel.basic_consume(self._presence.name, no_ack=True)

    def _settled(self, connection: Connection, messages: Sequence[Message]) -> bool:
        """Have the batch settled, however long it takes; False when told to stop before.

        What goes wrong here is no message's fault (those are dead letters already), a schema that is
        not migrated for one: giving the messages back would only burn their delivery limit.
        """
        failed = 0
        while not self._stop.is_set():
            try:
                self._settle(messages)
            except Cancelled:
                return False
            except Exception as error:
                log.exception("batch_unsettled", queue=self._queue.name, messages=len(messages))
                self.failure = f"{type(error).__name__}: {error}"
                self._stop.wait(RETRY_S[min(failed, len(RETRY_S) - 1)])
                connection.heartbeat_check()
                failed += 1
            else:
                self.failure = None
                return True
        return False

    def _collect(self, connection: Connection) -> list[tuple[int, Message]]:
        """Return what has arrived, after a while at the most; no message waits for another one to fill its batch.

        While a batch is handled, the next ones arrive: under load batches grow by themselves.
        """
        if not self._arrived and not self._drain(connection, 0 if self._memory else IDLE_S):
            if self._memory:
                self._wakeup.wait(IDLE_S)
            return []
        while len(self._arrived) < self._batch and self._drain(connection, 0):
            pass
        return [self._arrived.popleft() for _ in range(min(self._batch, len(self._arrived)))]

    def _drain(self, connection: Connection, seconds: float) -> bool:
        try:
            drain(connection, seconds)
            return True
        except TimeoutError:
            return False

    def _take(self, raw: Any) -> None:
        """Note a message with its delivery tag; of a body that is too large nothing waits here but its beginning."""
        self._arrived.append((raw.delivery_tag, self._message(raw)))

    def _message(self, raw: Any) -> Message:
        body = raw.body if isinstance(raw.body, bytes) else str(raw.body).encode("utf-8", "surrogatepass")
        properties = raw.properties or {}
        content_type = raw.content_type if self._memory else properties.get("content_type")
        headers = raw.headers if self._memory else properties.get("application_headers")
        delivery = raw.delivery_info or {}
        return Message.arrived(
            queue=self._queue.name,
            body=body,
            content_type=content_type if isinstance(content_type, str) else None,
            headers=headers if isinstance(headers, dict) else {},
            redelivered=bool(delivery.get("redelivered")),
            exchange=str(delivery.get("exchange") or ""),
        )

    def _acknowledge(self, channel: Any, arrived: Sequence[tuple[int, Message]]) -> None:
        if not self._memory:
            with deadline():
                channel.basic_ack(arrived[-1][0], multiple=True)
            return
        for tag, _ in arrived:
            channel.basic_ack(tag)


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
