"""The nameko side of the bus: batches of events, timers, the service's database and its relay."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog
from eventlet.event import Event as Result
from nameko.extensions import DependencyProvider, Entrypoint, SharedExtension

from shared.bus.balance import Balance
from shared.bus.catchup import catch_up
from shared.bus.connection import is_memory
from shared.bus.consumer import QueueConsumer
from shared.bus.message import CONTROL_TYPE, Message
from shared.bus.processor import Processor
from shared.bus.publisher import Outgoing, Publisher, open_publisher
from shared.bus.reaction import After, Before, Hooks, React, Read, Stopped
from shared.bus.relay import Relay
from shared.bus.topology import CONTROL, Queue, all_queues, event_queues, presence_queue
from shared.errors import Unavailable
from shared.settings import Settings
from shared.storage import Storage, open_storage

log = structlog.get_logger()

TIDY_S = 3600.0


def queue_count(settings: Settings) -> int:
    """Return how many event queues a service has; one where the transport is this process."""
    return 1 if settings.embedded else settings.queues


class Database(SharedExtension):
    """The service's storage, one for all extensions of its container, and the relay of its log."""

    def setup(self) -> None:
        """Open the database."""
        settings: Settings = self.container.config["settings"]
        self.settings = settings
        self.storage: Storage = open_storage(settings, self.container.service_name)
        self.queues = queue_count(settings)
        self._stop = threading.Event()
        self._relay = Relay(self.storage, self.open_publisher, stop=self._stop)

    def open_publisher(self) -> Publisher:
        """Connect to where events are published, every service's queues declared."""
        return open_publisher(self.settings.amqp_url, list(all_queues(self.queues)))

    def start(self) -> None:
        """Begin to publish the log."""
        self._thread = self.container.spawn_managed_thread(self._relay.run, identifier="relay")
        self._tidying = self.container.spawn_managed_thread(self._tidy, identifier="tidy")

    def stop(self) -> None:
        """Publish what is left, then end; dependencies stop after the last worker."""
        self._stop.set()
        self._relay.wake()
        self._thread.wait()
        self._tidying.wait()
        self.storage.close()

    def _tidy(self) -> None:
        """Forget now and then what only grows. On a scaled clock old is soon: nothing is forgotten there."""
        while self.settings.clock == "system" and not self._stop.wait(TIDY_S):
            try:
                self.storage.forget_answers()
                if not self.settings.embedded:  # embedded, catching up may read far back: see there
                    self.storage.forget_inbox()
            except Exception as error:
                log.warning("not_tidied", service=self.storage.service, error=f"{type(error).__name__}: {error}")

    def readiness_checks(self) -> dict[str, Callable[[], str | None]]:
        """The database answers, and the relay reaches the broker."""
        return {"database": self._database_failure, "relay": lambda: self._relay.failure}

    def _database_failure(self) -> str | None:
        try:
            with self.storage.read() as connection:
                connection.exec_driver_sql("SELECT 1")
        except Exception as error:
            return type(error).__name__
        return None


class StorageProvider(DependencyProvider):
    """Hands a service its :class:`Storage`."""

    database = Database()

    def get_dependency(self, worker_ctx: Any) -> Storage:
        """Return the storage of the container."""
        return self.database.storage


class Orders:
    """Sends operators' orders to the consumers that failed."""

    def __init__(self, settings: Settings) -> None:
        """Connects with the first order."""
        self._publisher = open_publisher(settings.amqp_url, list(all_queues(queue_count(settings))))
        self._lock = threading.Lock()

    def send(self, queue: str, body: bytes, id_: str) -> None:
        """Send an order to one queue; raise :class:`Unavailable` when the broker doesn't take it."""
        order = Outgoing(exchange=CONTROL, key=queue, body=body, id=id_, content_type=CONTROL_TYPE)
        with self._lock:
            try:
                self._publisher.publish([order])
            except Exception as error:
                raise Unavailable(f"the broker did not take the order: {error}") from error


class OrdersProvider(DependencyProvider):
    """Hands a service its :class:`Orders`."""

    def setup(self) -> None:
        """Nothing is connected yet."""
        self._orders = Orders(self.container.config["settings"])

    def get_dependency(self, worker_ctx: Any) -> Orders:
        """Return the sender."""
        return self._orders


class Batch:
    """Messages of one queue that a service's method settles."""

    def __init__(self, processor: Processor, messages: Sequence[Message] | None, storage: Storage) -> None:
        """``messages`` is None for catching up from the logs."""
        self._processor = processor
        self._storage = storage
        self.messages = messages

    def handle(
        self,
        react: React,
        *,
        before: Before | None = None,
        after: After | None = None,
        read: Read = Message.event,
        skip: React | None = None,
    ) -> None:
        """Call ``react`` for each new event, in one transaction where possible.

        ``before`` gets the transaction and its new events first, ``after`` the transaction before the
        commit. Messages that cannot be handled become dead letters; ``skip`` hears of those that are discarded.
        """
        hooks = Hooks(react=react, before=before, after=after, read=read, skip=skip)
        if self.messages is None:
            catch_up(self._storage, self._processor, hooks)
        else:
            self._processor.process(self.messages, hooks)


class EventBatches(Entrypoint):
    """Reads the service's queues and hands the method one batch at a time and queue."""

    database = Database()

    def __init__(self, queues: Callable[[str, int], list[Queue]] = event_queues, **kwargs: Any) -> None:
        """``queues`` names the queues to read, by service and number of event queues."""
        super().__init__(**kwargs)
        self._queues = queues

    def start(self) -> None:
        """Catch up where the transport forgets, then read each queue on a thread of its own."""
        self._stop = threading.Event()
        settings, storage = self.database.settings, self.database.storage
        self._processor = Processor(storage, stop=self._stop)
        shared = self._queues is event_queues and not settings.embedded
        presence = presence_queue(storage.service) if shared else None
        self._consumers = [
            QueueConsumer(
                settings.amqp_url,
                queue,
                self._run_worker,
                batch=settings.batch_size,
                wait_s=settings.batch_wait_ms / 1000,
                stop=self._stop,
                presence=presence,
            )
            for queue in self._queues(storage.service, self.database.queues)
        ]
        if presence is not None:
            Balance(self._consumers, presence)
        self._threads = [
            self.container.spawn_managed_thread(partial(self._run, consumer), identifier=consumer.queue.name)
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

    def _run(self, consumer: QueueConsumer) -> None:
        if is_memory(self.database.settings.amqp_url) and self._queues is event_queues:
            try:
                self._run_worker(None)
            except Stopped:
                return
            if self.database.settings.clock == "system":  # the next time begins where this one ended
                self.database.storage.forget_inbox()
        consumer.run()

    def _run_worker(self, messages: Sequence[Message] | None) -> None:
        """Run the service's method as a nameko worker, and wait for it.

        A worker that ends without a result was killed, or a dependency raised around it: its messages are
        not settled, and :class:`Stopped` keeps them unacknowledged.
        """
        result = Result()

        def handle_result(_ctx: Any, value: Any, exc_info: Any) -> tuple[Any, Any]:
            result.send(exc_info)
            return value, exc_info

        batch = Batch(self._processor, messages, self.database.storage)
        worker = self.container.spawn_worker(self, (batch,), {}, handle_result=handle_result)
        killed = (Stopped, Stopped(), None)
        self.container._worker_threads[worker].link(lambda _thread: None if result.ready() else result.send(killed))
        exc_info = result.wait()
        if exc_info is not None:
            raise exc_info[1]


STANDSTILL_S = 5.0
"""A timer that comes so late, or fails, says that the process or its database stood still."""


class Every(Entrypoint):
    """Calls the method every so many wall seconds, one call at a time."""

    database = Database()

    def __init__(self, seconds: float, *, after_silence: bool = False, **kwargs: Any) -> None:
        """``seconds`` are between the end of one call and the beginning of the next.

        ``after_silence`` is for a method that concludes something from silence, which the process itself
        may have caused: it is called only while the process has run for LOBBY_SILENCE_S without a standstill.
        """
        super().__init__(**kwargs)
        self._seconds = seconds
        self._after_silence = after_silence

    def start(self) -> None:
        """Begin."""
        self._stop = threading.Event()
        self._thread = self.container.spawn_managed_thread(self._run, identifier="timer")

    def stop(self) -> None:
        """End after the call at hand."""
        self._stop.set()
        self._thread.wait()

    def _run(self) -> None:
        since = before = time.monotonic()
        silence_s = self.database.settings.silence_s if self._after_silence else 0.0
        while not self._stop.wait(self._seconds):
            now = time.monotonic()
            if now - before > self._seconds + STANDSTILL_S:
                since = now
            before = now
            if now - since >= silence_s and not self._call():
                since = now

    def _call(self) -> bool:
        """Run the method as a nameko worker and wait for it; return whether it went well."""
        result = Result()

        def handle_result(_ctx: Any, value: Any, exc_info: Any) -> tuple[Any, Any]:
            if exc_info is not None:
                log.error("timer_failed", method=self.method_name, exc_info=exc_info)
            result.send(exc_info is None)
            return value, exc_info

        self.container.spawn_worker(self, (), {}, handle_result=handle_result)
        return bool(result.wait())


event_batches = EventBatches.decorator
every = Every.decorator
