"""nameko's side of consuming: reads queues and has a service's method settle one batch at a time and queue."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from eventlet.event import Event as Result
from nameko.containers import ServiceContainer
from nameko.extensions import Entrypoint

from shared.bus.batch_processor import BatchProcessor, catch_up
from shared.bus.database import Database
from shared.bus.inbox import EventHandler, Inbox
from shared.bus.message import Message
from shared.bus.queue_consumer import Balance, QueueConsumer
from shared.bus.retry import Cancelled
from shared.bus.topology import Queue
from shared.storage import Storage


def run_worker(container: ServiceContainer, entrypoint: Entrypoint, *args: Any) -> None:
    """Run the entrypoint's method with the service's dependencies; raise what it raises.

    A worker that ends without a result was killed, or a dependency raised around it: nobody knows what it has done,
    and :class:`Cancelled` is raised.
    """
    result = Result()

    def handle_result(_context: Any, value: Any, exc_info: Any) -> tuple[Any, Any]:
        result.send(None if exc_info is None else exc_info[1])
        return value, exc_info

    worker = container.spawn_worker(entrypoint, args, {}, handle_result=handle_result)
    thread = container._worker_threads[worker]
    thread.link(lambda _thread: None if result.ready() else result.send(Cancelled()))
    error = result.wait()
    if error is not None:
        raise error


class MessageBatch:
    """Messages of one queue. A method that gets it settles all of them, or raises."""

    def __init__(self, messages: Sequence[Message], storage: Storage, stop: threading.Event) -> None:
        """``stop`` ends the waiting for a database that is away."""
        self.messages = messages
        self._storage = storage
        self._stop = stop

    def process(self, handler: EventHandler) -> None:
        """Handle each event once, in one transaction where possible; what can't be handled becomes a dead letter."""
        self._processor(handler).process(self.messages)

    def catch_up(self, patterns: Sequence[str], handler: EventHandler) -> None:
        """Handle the events of these types that the producers' logs have and that never arrived."""
        catch_up(self._storage, self._processor(handler), patterns)

    def _processor(self, handler: EventHandler) -> BatchProcessor:
        return BatchProcessor(Inbox(self._storage, handler, stop=self._stop))


class QueueReaders:
    """The consumers of some queues, each on a thread of its own."""

    def __init__(self, container: Any, database: Database, settle: Callable[[MessageBatch], None]) -> None:
        """``settle`` returns when the messages of a batch may be acknowledged."""
        self._container = container
        self._database = database
        self._settle = settle
        self._stop = threading.Event()
        self._consumers: list[QueueConsumer] = []
        self._threads: list[Any] = []

    def start(
        self, queues: Sequence[Queue], *, presence: Queue | None = None, before: Callable[[], None] = lambda: None
    ) -> None:
        """Read the queues, after ``before`` was done in each thread."""
        settings = self._database.settings
        self._consumers = [
            QueueConsumer(
                settings.amqp_url,
                queue,
                lambda messages: self._settle(self.batch_of(messages)),
                batch=settings.batch_size,
                stop=self._stop,
                presence=presence,
            )
            for queue in queues
        ]
        if presence is not None:
            Balance(self._consumers, presence)
        self._threads = [
            self._container.spawn_managed_thread(partial(self._read, consumer, before), identifier=consumer.queue.name)
            for consumer in self._consumers
        ]

    def stop(self) -> None:
        """Settle the batches at hand, then end."""
        self._stop.set()
        for consumer in self._consumers:
            consumer.wake()
        for thread in self._threads:
            thread.wait()

    def readiness_checks(self) -> dict[str, Callable[[], str | None]]:
        """Each queue is being read."""
        return {consumer.queue.name: partial(getattr, consumer, "failure") for consumer in self._consumers}

    def batch_of(self, messages: Sequence[Message]) -> MessageBatch:
        """Return messages as a service's method gets them."""
        return MessageBatch(messages, self._database.storage, self._stop)

    def _read(self, consumer: QueueConsumer, before: Callable[[], None]) -> None:
        try:
            before()
        except Cancelled:
            return
        consumer.run()


class OnQueue(Entrypoint):
    """Reads one queue that holds no service's events; the method gets a :class:`MessageBatch`."""

    database = Database()

    def __init__(self, queue: Queue, **kwargs: Any) -> None:
        """``queue`` is read by this entrypoint alone."""
        super().__init__(**kwargs)
        self._queue = queue

    def start(self) -> None:
        """Begin to read."""
        self._readers = QueueReaders(self.container, self.database, partial(run_worker, self.container, self))
        self._readers.start([self._queue])

    def stop(self) -> None:
        """End after the batch at hand."""
        self._readers.stop()

    def readiness_checks(self) -> dict[str, Callable[[], str | None]]:
        """The queue is being read."""
        return self._readers.readiness_checks()


on_queue = OnQueue.decorator
