"""The broker and the database die, freeze and come back in the middle of work: nothing lost, nothing twice."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts.envelope import Event
from shared.contracts.registry import decode
from shared.settings import Settings
from shared.storage import log as logs
from tests.bus.world import CONSUMER, World
from tests.chaos.work import Work
from tests.support.postgres import Database
from tests.support.processes import wait_until
from tests.support.rabbitmq import Broker
from tests.support.tables import empty_database

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.fixture
def world(tmp_path: Path, private_broker: Broker, private_database: Database) -> Iterator[World]:
    settings = Settings(data_dir=tmp_path, amqp_url=private_broker.url(), database_url=private_database.url())
    for service in ("triage", CONSUMER):
        empty_database(settings, service)
    world = World(settings)
    world.relay()
    consumers = world.consume()
    wait_until(lambda: all(c.failure is None for c in consumers), within_s=60, what="the queues to be read")
    time.sleep(3)  # RabbitMQ 3.10 never recovers a quorum queue that it declared just before it was killed
    yield world
    world.close()


def test_the_broker_is_killed(world: World, private_broker: Broker) -> None:
    with Work(world) as work:
        private_broker.kill9()
        work.until(50)  # the log takes what the broker can't
        private_broker.start()
        work.until(100)
    world.wait_handled(work.said, within_s=60)


def test_the_broker_is_frozen(world: World, private_broker: Broker) -> None:
    with Work(world) as work:
        private_broker.sigstop()
        try:
            frozen = time.monotonic()
            while time.monotonic() - frozen < 12:  # longer than the relay's deadline
                work.until(20)
        finally:
            private_broker.sigcont()
        work.until(100)
    world.wait_handled(work.said, within_s=90)


def test_the_database_is_stopped_and_crashes(world: World, private_database: Database) -> None:
    """Whatever was committed is handled, once and each branch in order; nothing else is."""
    with Work(world) as work:
        for cut in (private_database.stop, private_database.kill9):
            cut()
            private_database.start()
            work.until(100)
    for storage in (world.producer, world.consumer):
        storage.engine.dispose()  # our own look must not begin on a connection that the crash cut
    # A commit that was cut off may have happened: the ledger may lack what the log has, never the reverse.
    logged = events_of(world)
    assert {event.id for event in work.said} <= {event.id for event in logged}
    world.wait_handled(logged, within_s=60)


def events_of(world: World) -> list[Event]:
    """The producer's log, each partition in order."""
    with world.producer.read() as connection:
        rows = logs.after(connection, dict.fromkeys(range(64), 0), limit=1_000_000)
    return [decode(row.body.encode()) for row in rows]
