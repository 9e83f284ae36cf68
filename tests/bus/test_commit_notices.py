"""Several processes of a service: what one commits, another knows of at once, without looking again and again."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.bus import relay as relay_module
from shared.bus.database import CommitNotices
from shared.bus.relay import Relay
from shared.clock import SystemClock
from shared.contracts.events import triage
from shared.settings import Settings
from shared.storage import Storage
from tests.bus.world import PRODUCER, World, fresh
from tests.support.processes import wait_until

SOON_S = 20.0
LATE_S = 90.0


@pytest.fixture
def world(tmp_path: Path, amqp_url: str, database_url: str) -> Iterator[World]:
    settings = Settings(data_dir=tmp_path, amqp_url=amqp_url, database_url=database_url)
    with fresh(settings) as world:
        yield world


Start = Callable[[], tuple[Storage, Relay, CommitNotices]]


@pytest.fixture
def start(world: World) -> Iterator[Start]:
    """Start another process's part: a storage, a relay and the notices, as ``Database`` puts them together."""
    stops: list[tuple[threading.Event, list[threading.Thread], Storage, Relay]] = []

    def process() -> tuple[Storage, Relay, CommitNotices]:
        stop = threading.Event()
        storage = Storage(world.settings, PRODUCER, clock=SystemClock())
        relay = Relay(storage, world.publisher, stop=stop)
        notices = CommitNotices(storage, stop=stop, is_wanted=lambda: not relay.leading)
        notices.listen(lambda _branches: relay.look())
        threads = [threading.Thread(target=run, daemon=True) for run in (relay.run, notices.receive, notices.send)]
        stops.append((stop, threads, storage, relay))
        for thread in threads:
            thread.start()
        return storage, relay, notices

    yield process
    for stop, threads, storage, relay in stops:
        stop.set()
        relay.wake()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        storage.close()


def test_what_a_process_commits_that_does_not_lead_is_published_at_once(
    world: World, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.consume()
    _, leading, first = start()
    wait_until(lambda: leading.leading, within_s=20, what="a leader")
    storage, standing_by, second = start()
    wait_until(lambda: first.peers == second.peers == 1, within_s=20, what="each to know of the other")
    monkeypatch.setattr(relay_module, "POLL_INTERVAL_S", LATE_S)
    world.producer = storage
    events = [world.say(f"branch-{number}") for number in range(5)]
    world.wait_handled(events, within_s=SOON_S)
    assert not standing_by.leading


def test_rows_of_two_processes_in_turn_are_published_in_order_at_once(
    world: World, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.consume()
    one, leading, first = start()
    wait_until(lambda: leading.leading, within_s=20, what="a leader")
    other, _, second = start()
    wait_until(lambda: first.peers == second.peers == 1, within_s=20, what="each to know of the other")
    monkeypatch.setattr(relay_module, "POLL_INTERVAL_S", LATE_S)
    events = []
    for storage in (other, one) * 10:
        world.producer = storage
        events.append(world.say("branch"))
    world.wait_handled(events, within_s=SOON_S)


def test_a_process_that_is_alone_sends_no_notice(world: World, start: Start) -> None:
    told: list[object] = []
    storage, relay, alone = start()
    alone.listen(told.append)
    wait_until(lambda: relay.leading, within_s=20, what="a leader")
    world.producer = storage
    world.say()
    assert (alone.peers, told) == (0, [])


def test_a_notice_names_the_branches(world: World, start: Start) -> None:
    told: list[str] = []
    _, leading, first = start()
    wait_until(lambda: leading.leading, within_s=20, what="a leader")
    first.listen(told.extend)
    storage, _, second = start()
    wait_until(lambda: first.peers == second.peers == 1, within_s=20, what="each to know of the other")
    branches = [f"branch-{number}" for number in range(450)]
    world.producer = storage
    with storage.transaction(*branches) as tx:
        for branch in branches:
            tx.append(branch, branch, triage.CounterClosed(counter="1"), correlation="c", sequence=1)
    wait_until(lambda: len(told) >= len(branches), within_s=SOON_S, what="the notices")
    assert sorted(told) == sorted(branches)
