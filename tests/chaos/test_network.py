"""The way to the broker is slow, silent or cut: confirms that come late, and processes that go on by themselves."""

import time
from collections.abc import Iterator

import pytest
from kombu import Connection

from shared.bus.publisher import AmqpPublisher, Outgoing, PublishFailed
from shared.bus.topology import INTERNAL, Queue, routing_key
from tests.bus.world import World, an_event
from tests.chaos.conftest import StartProcess
from tests.chaos.work import Work
from tests.support.bus_service import CONSUMER, PRODUCER
from tests.support.processes import wait_until
from tests.support.proxy import Proxy
from tests.support.rabbitmq import Broker

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

BRANCHES = [f"branch-{number}" for number in range(20)]
SPY = Queue(name="spy", service="spy", bindings=((INTERNAL, "#"),), dead_letters=False)


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    """Between whoever uses it and the world's broker."""
    port = Connection(world.settings.amqp_url).port
    assert isinstance(port, int)
    with Proxy(port) as proxy:
        yield proxy


@pytest.fixture
def spy(world: World) -> Iterator[None]:
    """A queue that has everything that the broker ever took."""
    world.declare()
    with Connection(world.settings.amqp_url) as connection, connection.channel() as channel:
        channel.queue_delete(SPY.name)
        channel.queue_declare(SPY.name, durable=True, auto_delete=False, arguments=SPY.arguments)
        channel.queue_bind(SPY.name, INTERNAL, "#")
        yield
        channel.queue_delete(SPY.name)


def taken(world: World) -> int:
    """How many messages the broker took, repetitions included."""
    with Connection(world.settings.amqp_url) as connection, connection.channel() as channel:
        return int(channel.queue_declare(SPY.name, passive=True).message_count)


def outgoing() -> Outgoing:
    event = an_event()
    return Outgoing(exchange=INTERNAL, key=routing_key("demo", event.type), body=event.to_json(), id=event.id)


def test_a_confirm_that_comes_late_is_not_taken_for_the_next_messages(world: World, proxy: Proxy, spy: None) -> None:
    """The second message never leaves, while the first one's confirm arrives: it must not count for the second."""
    publisher = AmqpPublisher(proxy.url(world.settings.amqp_url), list(world.topology.all_queues()), deadline_s=0.5)
    publisher.publish([])
    proxy.delay("to_client", 1.0)
    with pytest.raises(PublishFailed, match="1 messages not confirmed"):
        publisher.publish([outgoing()])
    wait_until(lambda: taken(world) == 1, within_s=5, what="the broker to have the first message")
    proxy.hold("to_server")
    proxy.delay("to_client", 0)
    with pytest.raises(OSError):  # noqa: PT011 - whichever part of a silent connection is waited for
        publisher.publish([outgoing()])
    proxy.let_go()
    assert taken(world) == 1
    publisher.publish([outgoing()])
    assert taken(world) == 2
    publisher.close()


def test_a_publish_that_is_repeated_after_a_cut_is_handled_once(world: World, proxy: Proxy, spy: None) -> None:
    """The broker has them, nobody knows, the connection breaks: they are sent again, and known by their ids."""
    url = proxy.url(world.settings.amqp_url)
    relay = world.relay(make=lambda: AmqpPublisher(url, list(world.topology.all_queues())))
    wait_until(lambda: relay.failure is None, within_s=20, what="the relay to be connected")
    proxy.hold("to_client")
    events = [world.say(branch) for branch in BRANCHES]
    wait_until(lambda: taken(world) > 0, within_s=10, what="the broker to have taken some")
    before = taken(world)
    proxy.cut()
    proxy.let_go()
    events += [world.say(branch) for branch in BRANCHES]
    world.consume()
    world.wait_handled(events)
    assert taken(world) >= len(events) + before, "nothing was sent twice: nothing was tested"


def test_connections_that_fall_silent_are_given_up_by_themselves(
    world: World, proxy: Proxy, start: StartProcess
) -> None:
    """As behind a firewall that forgot them: no answer, no end, while new connections are well."""
    url = f"{proxy.url(world.settings.amqp_url)}?heartbeat=2"
    silent = world.settings.model_copy(update={"amqp_url": url})
    processes = [start(PRODUCER, settings=silent), start(CONSUMER, settings=silent)]
    for process in processes:
        process.wait_ready()
    events = [world.say(branch) for branch in BRANCHES]
    world.wait_handled(events)
    proxy.strand()
    events += [world.say(branch) for branch in BRANCHES]
    world.wait_handled(events, within_s=30)
    for process in processes:
        process.wait_ready(within_s=20)


def test_while_the_broker_is_frozen_the_deadline_is_kept_and_afterwards_all_goes_on(
    world: World, private_broker: Broker, start: StartProcess
) -> None:
    """A green process: the relay gives up after 5 s and tries anew, HTTP answers all the while."""
    world.settings = world.settings.model_copy(update={"amqp_url": private_broker.url()})
    producer, consumer = start(PRODUCER), start(CONSUMER)
    for process in (producer, consumer):
        process.wait_ready()
    relay = f"{PRODUCER}.relay"
    with Work(world, pause_s=0.002) as work:
        private_broker.sigstop()
        frozen = time.monotonic()
        try:
            wait_until(lambda: relay in (producer.checks() or {}), within_s=20, what="the relay to give up")
            gave_up = time.monotonic() - frozen
            reason = (producer.checks() or {})[relay]
            wait_until(
                lambda: len(producer.said("relay_waits")) >= 2, within_s=20, what="the relay to try and give up again"
            )
            typical = sorted(producer.answer_time() for _ in range(20))[10]
        finally:
            private_broker.sigcont()
        assert 4 <= gave_up <= 12, "the deadline is 5 s"
        assert "5 s" in reason
        assert typical < 0.5
        work.until(100)
    world.wait_handled(work.said, within_s=60)
    for process in (producer, consumer):
        process.wait_ready(within_s=30)
        assert process.started == 1
