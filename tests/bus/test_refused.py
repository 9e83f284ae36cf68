"""The broker refuses, or knows nowhere to put a message: said loudly, nothing lost; once mended it goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from structlog.testing import capture_logs

from shared.bus.publisher import AmqpPublisher
from shared.bus.topology import Queue
from shared.settings import Settings
from tests.bus.world import World, fresh
from tests.support.processes import wait_until

BRANCHES = [f"branch-{number}" for number in range(12)]


@pytest.fixture
def settings(tmp_path: Path, amqp_url: str, database_url: str) -> Settings:
    return Settings(data_dir=tmp_path, amqp_url=amqp_url, database_url=database_url)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with fresh(settings) as world:
        yield world
    world.forget()


def replace(world: World, queue: Queue) -> None:
    """Delete a queue and declare it as somebody who does not know our arguments would, all at once."""
    with Connection(world.settings.amqp_url) as connection, connection.channel() as channel:
        channel.queue_delete(queue.name, nowait=True)
        channel.queue_declare(queue.name, durable=True, auto_delete=False, nowait=True)
        channel.queue_declare(queue.name, passive=True)


def put_right(world: World, queue: Queue) -> None:
    with Connection(world.settings.amqp_url) as connection, connection.channel() as channel:
        channel.queue_delete(queue.name)


def test_what_no_queue_takes_waits_loudly_in_order_and_goes_on_once_there_is_one(world: World) -> None:
    """The relay is of a user who may not declare queues: that the queue comes is somebody else's doing."""
    events = [world.say(branch) for _ in range(3) for branch in BRANCHES]
    with capture_logs() as said:
        relay = world.relay(make=lambda: AmqpPublisher(world.settings.amqp_url, []))
        wait_until(lambda: "no queue is bound" in (relay.failure or ""), within_s=20, what="the relay to say so")
        events += [world.say(branch) for _ in range(3) for branch in BRANCHES]
        wait_until(lambda: sum(line["event"] == "relay_waits" for line in said) > 2, within_s=20, what="it to go on")
    assert all(line["log_level"] == "error" for line in said if line["event"] == "relay_waits")
    assert world.handled() == []
    world.consume()  # declares its own queues and nobody else's, so no event has another way to be confirmed
    world.wait_handled(events)
    wait_until(lambda: relay.failure is None, within_s=10, what="the relay to be well")


def test_a_queue_with_other_arguments_stops_nobody_and_is_taken_up_once_it_is_right(world: World) -> None:
    """Consumer and relay say what is wrong and what to do, and try again by themselves."""
    wrong = world.my_queues()[0]
    replace(world, wrong)
    consumers = world.consume()
    relay = world.relay()
    events = [world.say(branch) for branch in BRANCHES]
    for reader in (consumers[0], relay):
        wait_until(lambda r=reader: "other settings" in (r.failure or ""), within_s=20, what="it to be said")  # type: ignore[misc]
        assert wrong.name in str(reader.failure)
        assert "LOBBY_QUEUES" in str(reader.failure)
    wait_until(lambda: all(c.failure is None for c in consumers[1:]), within_s=20, what="the others to be read")
    put_right(world, wrong)
    world.wait_handled(events)
    everybody = (*consumers, relay)
    wait_until(lambda: all(r.failure is None for r in everybody), within_s=20, what="everybody to be well")


def test_a_queue_that_is_replaced_under_a_running_consumer_is_noticed(world: World) -> None:
    consumers = world.consume()
    wait_until(lambda: all(c.failure is None for c in consumers), within_s=20, what="the queues to be read")
    wrong = world.my_queues()[0]

    def refused() -> bool:
        return "other settings" in (consumers[0].failure or "")

    def replaced() -> bool:
        if not refused():
            replace(world, wrong)
        return refused()

    wait_until(replaced, within_s=30, what="the consumer to say so", every_s=0.3)
    put_right(world, wrong)
    wait_until(lambda: all(c.failure is None for c in consumers), within_s=20, what="the queue to be read again")
    world.relay()
    world.wait_handled([world.say(branch) for branch in BRANCHES])
