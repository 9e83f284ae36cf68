"""Who listens on ``lobby.events`` holds up nobody: neither us, nor another who listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from sqlalchemy import select

from shared.bus.publisher import AmqpPublisher, open_offerer
from shared.bus.relay import OFFER
from shared.bus.topology import EVENTS
from shared.contracts.envelope import Event
from shared.contracts.registry import decode
from shared.ids import partition_of
from shared.settings import Settings
from shared.storage import log as logs
from shared.storage.tables import cursor
from tests.bus.world import World, fresh
from tests.support.processes import wait_until
from tests.support.proxy import Proxy

BAD: dict[str, dict[str, Any]] = {
    "full, and refuses": {"x-max-length": 1, "x-overflow": "reject-publish"},
    "full, and drops": {"x-max-length": 1},
    "a quorum queue that refuses": {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"},
    "nobody reads it": {},
}


@pytest.fixture
def settings(tmp_path: Path, amqp_url: str, database_url: str) -> Settings:
    return Settings(data_dir=tmp_path, amqp_url=amqp_url, database_url=database_url)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with fresh(settings, queues=1) as world:
        world.declare()
        yield world


@contextmanager
def bound(world: World, name: str, arguments: dict[str, Any]) -> Iterator[Any]:
    """Bind a queue to all events; yield a channel to look at it, and delete it at the end."""
    with Connection(world.settings.amqp_url) as connection, connection.channel() as channel:
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
        channel.queue_bind(name, EVENTS, "#")
        yield channel
        channel.queue_delete(name)


def heard(channel: Any, name: str) -> list[str]:
    """Take what has arrived in a queue."""
    ids = []
    while (message := channel.basic_get(name, no_ack=True)) is not None:
        ids.append(decode(bytes(message.body)).id)
    return ids


def hears_all(channel: Any, name: str, events: list[Event]) -> list[str]:
    """Wait until a subscriber has heard these events; return everything that it heard, in its order."""
    got: list[str] = []

    def all_there() -> bool:
        got.extend(heard(channel, name))
        return {event.id for event in events} <= set(got)

    wait_until(all_there, within_s=20, what="the subscriber to hear everything")
    return got


def speak(world: World) -> None:
    world.relay()
    world.relay(make=partial(open_offerer, world.settings.amqp_url), outlet=OFFER)
    world.consume()


@pytest.mark.parametrize("sort", BAD)
def test_a_bad_subscriber_holds_up_nobody(world: World, sort: str) -> None:
    with bound(world, "subscriber.bad", BAD[sort]), bound(world, "subscriber.good", {}) as good:
        speak(world)
        events = [world.say() for _ in range(60)]
        world.wait_handled(events)
        assert hears_all(good, "subscriber.good", events) == [event.id for event in events]


def test_a_subscriber_that_goes_away_in_the_middle_holds_up_nobody(world: World) -> None:
    with bound(world, "subscriber.good", {}) as good:
        speak(world)
        events = []
        for number in range(10):
            with bound(world, f"subscriber.gone-{number}", BAD["full, and refuses"]):
                events += [world.say() for _ in range(5)]
        world.wait_handled(events)
        assert hears_all(good, "subscriber.good", events) == [event.id for event in events]


def test_where_nobody_listens_the_offer_goes_on(world: World) -> None:
    speak(world)
    events = [world.say() for _ in range(5)]
    pp = partition_of(events[0].branchid)
    world.wait_handled(events)

    def offered() -> bool:
        with world.producer.read() as connection:
            query = select(cursor.c.pos).where(cursor.c.name == OFFER.name, cursor.c.pp == pp)
            return connection.execute(query).scalar() == logs.heads(connection)[pp]

    wait_until(offered, within_s=20, what="the offer's cursor to reach the end of the log")


def test_a_lost_connection_loses_no_subscriber_anything(world: World) -> None:
    """What was not confirmed when the connection broke is offered again."""
    port = Connection(world.settings.amqp_url).port
    with Proxy(port) as proxy, bound(world, "subscriber.good", {}) as good:
        url = proxy.url(world.settings.amqp_url)
        world.relay(make=lambda: AmqpPublisher(url, (), offered=True), outlet=OFFER)
        events = [world.say() for _ in range(20)]
        hears_all(good, "subscriber.good", events)
        proxy.hold("to_server")
        lost = [world.say() for _ in range(20)]
        proxy.cut()
        proxy.let_go()
        assert set(hears_all(good, "subscriber.good", lost)) >= {event.id for event in lost}
