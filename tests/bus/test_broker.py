"""What only a real broker can show: what it refuses, what it can't route, who reads when somebody dies."""

import time
from pathlib import Path

import pytest
from kombu import Connection, Message

from services.ops.service_classes import topology_of
from shared.bus.connection import BrokerRefused, declare, open_connection
from shared.bus.publisher import AmqpPublisher, Outgoing, PublishFailed
from shared.bus.queue_consumer import Balance
from shared.bus.topology import DEAD_LETTERS, DEAD_LETTERS_QUEUE, INTERNAL, Queue, presence_queue, routing_key
from shared.settings import Settings
from tests.bus.world import CONSUMER, World, an_event
from tests.support.processes import wait_until
from tests.support.tables import empty_database


@pytest.fixture
def settings(tmp_path: Path, amqp_url: str, database_url: str) -> Settings:
    return Settings(data_dir=tmp_path, amqp_url=amqp_url, database_url=database_url)


def outgoing() -> Outgoing:
    event = an_event()
    return Outgoing(exchange=INTERNAL, key=routing_key("demo", event.type), body=event.to_json(), id=event.id)


def test_what_no_queue_takes_is_an_error_and_not_a_loss(amqp_url: str) -> None:
    publisher = AmqpPublisher(amqp_url.rstrip("/"), [])
    lonely = Outgoing(exchange=INTERNAL, key="99.nowhere.lobby.nobody.listens.v1", body=b"{}", id="x")
    with pytest.raises(PublishFailed, match="no queue is bound"):
        publisher.publish([lonely])


def test_a_queue_with_other_arguments_is_a_clear_message(amqp_url: str) -> None:
    (queue,) = topology_of(1).event_queues("vip")
    with Connection(amqp_url) as connection:
        connection.default_channel.queue_declare(queue.name, durable=True, auto_delete=False)
    connection = open_connection(amqp_url)
    with pytest.raises(BrokerRefused, match="exists with other settings"):
        declare(connection, [queue])
    connection.collect()


def test_publishing_matches_every_tag(amqp_url: str) -> None:
    queue = Queue(name="tags", service="x", bindings=((INTERNAL, "#"),))
    publisher = AmqpPublisher(amqp_url, [queue])
    for size in (1, 300, 7):
        publisher.publish([outgoing() for _ in range(size)])
    with Connection(amqp_url) as connection:
        count = connection.default_channel.queue_declare("tags", passive=True).message_count
        connection.default_channel.queue_delete("tags")
    publisher.close()
    assert count == 308


def test_a_dead_letter_outlives_the_delivery_limit_that_newer_brokers_have_by_default(amqp_url: str) -> None:
    """RabbitMQ 4 drops what was delivered 20 times, unless the queue says another limit."""
    queue = DEAD_LETTERS_QUEUE
    deliveries: list[Message] = []

    def refuse(message: Message) -> None:
        deliveries.append(message)
        message.channel.basic_reject(message.delivery_tag, requeue=True)

    connection = open_connection(amqp_url)
    declare(connection, [queue])
    with Connection(amqp_url) as client:
        channel = client.default_channel
        channel.basic_publish(channel.prepare_message(b"a letter", content_encoding="binary"), exchange=DEAD_LETTERS)
        channel.basic_consume(queue.name, callback=refuse, no_ack=False, consumer_tag="reader")
        while len(deliveries) < 25:
            client.drain_events(timeout=10)
    connection.collect()


def test_another_process_takes_the_queues_over_and_gives_some_back(world: World) -> None:
    world.declare()
    first = world.consume()
    wait_until(lambda: all(c.failure is None for c in first), within_s=20, what="the first to read")
    second = world.consume()
    wait_until(lambda: all(c.failure is None for c in second), within_s=20, what="the second to stand by")
    Balance(first, presence_queue(CONSUMER), interval_s=0.5)
    Balance(second, presence_queue(CONSUMER), interval_s=0.5)
    world.relay()
    events = []
    until = time.monotonic() + 40
    while time.monotonic() < until:
        events += [world.say(f"b{number}") for number in range(32)]
        world.wait_handled(events)
        if any(c.last_received for c in second):
            break
    assert any(c.last_received for c in second), "the load never spread"
    world.stop_first()  # the first dies: all its queues go to the second
    events += [world.say(f"b{number}") for number in range(32)]
    world.wait_handled(events)


@pytest.fixture
def world(settings: Settings) -> World:  # type: ignore[misc]
    for service in ("triage", CONSUMER):
        empty_database(settings, service)
    world = World(settings)
    yield world
    world.close()
