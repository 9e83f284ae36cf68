"""The broker and the database die, freeze and come back in the middle of work: nothing lost, nothing twice."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts.envelope import Event
from shared.settings import Settings
from tests.bus.world import CONSUMER, World
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


class Work:
    """Appends all the while; what was committed is the ledger."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.said: list[Event] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            try:
                self.said.append(self.world.say(f"branch-{number % 20}"))
            except Exception:  # the database is away: not said, so not in the ledger
                self._stop.wait(0.2)

    def __enter__(self) -> "Work":
        self._thread.start()
        self.until(100)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def until(self, more: int) -> None:
        """Wait until so many more events were said."""
        wanted = len(self.said) + more
        deadline = time.monotonic() + 60
        while len(self.said) < wanted:
            assert time.monotonic() < deadline, "nothing is said any more"
            time.sleep(0.01)


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


def test_the_database_is_stopped(world: World, private_database: Database) -> None:
    with Work(world) as work:
        private_database.stop()
        time.sleep(2)
        private_database.start()
        work.until(100)
    # A commit that was cut off may have happened: the ledger may lack what the log has, never the reverse.
    with world.producer.read() as connection:
        from shared.storage import log as logs

        rows = logs.after(connection, dict.fromkeys(range(64), 0), limit=1_000_000)
    said = {event.id for event in work.said}
    in_log = [row.event_id for row in rows]
    assert said <= set(in_log)
    deadline = time.monotonic() + 60
    while len(world.handled()) < len(in_log) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sorted(world.handled()) == sorted(in_log)
