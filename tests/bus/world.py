"""A producer and a consumer on real transports and databases, on threads, without a container around them."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import amqp
from kombu import Connection
from sqlalchemy import RowMapping, select

from services.ops.service_classes import topology_of
from shared.bus.batch_processor import BatchProcessor, catch_up
from shared.bus.connection import declare, is_memory
from shared.bus.inbox import EventHandler, HandleEvent, Inbox, one_by_one
from shared.bus.message import CONTROL_TYPE
from shared.bus.operator_commands import write_operator_command
from shared.bus.publisher import Publisher, open_publisher, wake_consumers
from shared.bus.queue_consumer import QueueConsumer
from shared.bus.relay import OWN, Outlet, Relay
from shared.bus.topology import CONTROL, Queue, presence_queue
from shared.clock import SystemClock
from shared.contracts.envelope import STRUCTURED, Event
from shared.contracts.events import triage
from shared.ids import new_id
from shared.settings import Settings
from shared.storage import Storage, Transaction
from shared.storage import log as logs
from shared.storage.tables import dead_letter, parked
from tests.support.bus_service import CONSUMER, PRODUCER
from tests.support.processes import wait_until
from tests.support.tables import empty_database, next_sequence

SOON_S = 30


def keep(tx: Transaction, event: Event) -> None:
    """The event handler of the tests: what was handled is in the consumer's log, once and in order."""
    tx.append_event(event, own=False)


class World:
    """Both sides, and ways to look at them."""

    def __init__(self, settings: Settings, *, queues: int = 4) -> None:
        self.settings = settings
        self.topology = topology_of(1 if settings.embedded else queues)
        self.producer = Storage(settings, PRODUCER, clock=SystemClock())
        self.consumer = Storage(settings, CONSUMER, clock=SystemClock())
        self._running: list[tuple[threading.Event, list[threading.Thread]]] = []

    # what runs

    def relay(
        self, storage: Storage | None = None, make: Callable[[], Publisher] | None = None, outlet: Outlet = OWN
    ) -> Relay:
        """Publish the producer's log."""
        stop = threading.Event()
        relay = Relay(storage or self.producer, make or self.publisher, stop=stop, outlet=outlet)
        self._start(stop, [relay.run])
        return relay

    def hears(self, patterns: tuple[str, ...]) -> None:
        """Let the consumer subscribe to these types only; called before anything runs."""
        subscriptions = {**self.topology.subscriptions, CONSUMER: patterns}
        self.topology = replace(self.topology, subscriptions=subscriptions)

    def consume(self, react: HandleEvent | EventHandler = keep, *, batch: int = 50) -> list[QueueConsumer]:
        """Read the consumer's queues; the memory transport catches up first."""
        stop = threading.Event()
        handler = react if isinstance(react, EventHandler) else EventHandler(handle=one_by_one(react))
        processor = BatchProcessor(Inbox(self.consumer, handler, stop=stop))
        if self.settings.embedded:
            catch_up(self.consumer, processor, self.topology.subscriptions[CONSUMER])
        consumers = [
            QueueConsumer(
                self.settings.amqp_url, queue, processor.process, batch=batch,
                stop=stop, presence=None if self.settings.embedded else presence_queue(CONSUMER),
            )
            for queue in self.my_queues()
        ]  # fmt: skip
        self._start(stop, [consumer.run for consumer in consumers])
        return consumers

    def stop(self) -> None:
        """Stop what runs, in good order."""
        running, self._running = self._running, []
        for stop, threads in running:
            stop.set()
            wake_consumers()
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive(), "a loop did not end"

    def stop_first(self) -> None:
        """Stop what was started first."""
        stop, threads = self._running.pop(0)
        stop.set()
        for thread in threads:
            thread.join(30)

    def forget(self) -> None:
        """Delete the queues: what an earlier test left in them would be this one's."""
        if not is_memory(self.settings.amqp_url):
            with Connection(self.settings.amqp_url) as connection, connection.channel() as channel:
                for queue in self.topology.all_queues():
                    channel.queue_delete(queue.name)

    def close(self) -> None:
        self.stop()
        self.producer.close()
        self.consumer.close()

    def _start(self, stop: threading.Event, loops: list[Callable[[], None]]) -> None:
        threads = [threading.Thread(target=loop, daemon=True) for loop in loops]
        self._running.append((stop, threads))
        for thread in threads:
            thread.start()

    def publisher(self) -> Publisher:
        return open_publisher(self.settings.amqp_url, list(self.topology.all_queues()))

    def my_queues(self) -> list[Queue]:
        return self.topology.event_queues(CONSUMER)

    def declare(self) -> None:
        """Have every queue there, as the relay does before it publishes."""
        with Connection(self.settings.amqp_url) as connection:
            declare(connection, list(self.topology.all_queues()))

    # what is said

    def say(self, branch: str = "demo", subject: str | None = None, *, counter: str = "1") -> Event:
        """Append an event to the producer's log."""
        subject = subject or new_id()
        with self.producer.transaction(branch) as tx:
            sequence = next_sequence(tx, subject)
            data = triage.CounterClosed(counter=counter)
            return tx.append(branch, subject, data, correlation=subject, sequence=sequence)

    def send(self, body: bytes, *, content_type: str = STRUCTURED, headers: dict[str, Any] | None = None) -> None:
        """Put a message straight into a queue of the consumer, as anybody could."""
        queue = self.my_queues()[0].name
        if is_memory(self.settings.amqp_url):
            with Connection(self.settings.amqp_url) as connection:
                producer = connection.Producer(auto_declare=False)
                producer.publish(
                    body, exchange="", routing_key=queue, content_type=content_type, content_encoding="binary",
                    headers=headers or {},
                )  # fmt: skip
            wake_consumers()
            return
        with Connection(self.settings.amqp_url) as connection:
            message = amqp.Message(body, content_type=content_type, application_headers=headers or {}, delivery_mode=2)
            connection.channel().basic_publish(message, exchange="", routing_key=queue)

    def command(self, action: str, letter: RowMapping) -> None:
        """Tell the consumer what to do about a dead letter."""
        body = write_operator_command(action, letter["id"])
        with Connection(self.settings.amqp_url) as connection:
            producer = connection.Producer(auto_declare=False)
            producer.publish(
                body, exchange=CONTROL, routing_key=letter["queue"], content_type=CONTROL_TYPE,
                content_encoding="binary",
            )  # fmt: skip
        wake_consumers()

    # what became of it

    def handled(self) -> list[str]:
        """The ids that the consumer handled, in the order of its log's partitions."""
        with self.consumer.read() as connection:
            rows = logs.after(connection, dict.fromkeys(range(64), 0), limit=1_000_000)
        return [row.event_id for row in rows]

    def letters(self, state: str = "parked") -> list[RowMapping]:
        with self.consumer.read() as connection:
            query = select(dead_letter).where(dead_letter.c.state == state).order_by(dead_letter.c.at)
            return list(connection.execute(query).mappings())

    def parked(self) -> list[str]:
        with self.consumer.read() as connection:
            return list(connection.execute(select(parked.c.event_id).order_by(parked.c.n)).scalars())

    def wait_handled(self, events: list[Event], *, within_s: float = SOON_S) -> None:
        """Wait until exactly these were handled, each once, and each branch's in order."""
        wanted = {event.id for event in events}
        with suppress(TimeoutError):
            wait_until(lambda: set(self.handled()) >= wanted, within_s=within_s, what="the events to be handled")
        handled = self.handled()
        names = {event.id: f"{event.branchid} {event.sequence} {event.subject}" for event in events}
        assert [names[id_] for id_ in wanted - set(handled)] == [], "never handled"
        assert sorted(handled) == sorted(wanted), "handled twice, or never said"
        for branch in {event.branchid for event in events}:
            mine = [event.id for event in events if event.branchid == branch]
            assert [id_ for id_ in handled if id_ in set(mine)] == mine


@contextmanager
def fresh(settings: Settings, *, queues: int = 4, services: Iterable[str] = (PRODUCER, CONSUMER)) -> Iterator[World]:
    """Yield a world whose databases and queues are empty; stop what runs in it afterwards."""
    for service in services:
        empty_database(settings, service)
    world = World(settings, queues=queues)
    world.forget()
    yield world
    world.close()


def an_event(**changes: Any) -> Event:
    """An event that no log has."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": new_id(), "source": f"/services/{PRODUCER}", "type": "lobby.triage.counter_closed.v1",
        "subject": new_id(), "time": now, "branchid": "demo", "correlationid": "c", "sequence": 1, "recordedtime": now,
        "data": triage.CounterClosed(counter="1"),
    }  # fmt: skip
    return Event(**{**values, **changes})
