"""Consumers in processes of their own that die, starve their heartbeat or break inside: nothing lost, nothing twice."""

import time

import psycopg
import pytest
from kombu import Connection
from sqlalchemy import func, select

from shared.storage.tables import attempt
from tests.bus.world import World
from tests.chaos.conftest import StartProcess
from tests.chaos.work import Work
from tests.support.bus_process import BusProcess
from tests.support.bus_service import CONSUMER, DEATH, PRODUCER
from tests.support.processes import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

BRANCHES = [f"branch-{number}" for number in range(20)]
SOON_S = 15
"""Another process has a dead one's queues in well under this; the processes share a busy machine."""


def test_when_a_process_is_killed_another_takes_its_queues_over_within_seconds(
    world: World, start: StartProcess
) -> None:
    """The order of each branch is kept over every change of hands."""
    world.relay()
    one, other = start(CONSUMER), start(CONSUMER)
    for process in (one, other):
        process.wait_ready()
    with Work(world, pause_s=0.002) as work:
        for victim in (one, other):
            work.until(100)
            victim.kill9()
            after = [world.say(f"after-{victim.port}-{victim.started}-{branch}") for branch in BRANCHES]
            wait_until(
                lambda ids={event.id for event in after}: ids <= set(world.handled()),  # type: ignore[misc]
                within_s=SOON_S, what="the other process to have the dead one's queues",
            )  # fmt: skip
            work.said.extend(after)
            victim.start()
            victim.wait_ready()
    world.wait_handled(work.said, within_s=60)
    assert world.letters() == []


def test_a_message_that_kills_the_process_is_found_out_and_its_neighbours_are_handled_once(
    world: World, start: StartProcess
) -> None:
    """As a supervisor would, the test starts the process again whenever it died."""
    before = [world.say("one") for _ in range(10)]
    killer = world.say("one", counter="die")
    behind = [world.say("one") for _ in range(10)]
    world.declare()
    world.relay()
    consumer = start(CONSUMER)
    wait_until(lambda: restarted(consumer) and len(world.letters()) == 1, within_s=120, what="the killer to be found")
    world.wait_handled([*before, *behind])
    (letter,) = world.letters()
    assert (letter["event_id"], letter["code"], letter["attempts"]) == (killer.id, "crashed", 4)
    assert consumer.started == 5  # it died in the batch, then three times alone
    with world.consumer.read() as connection:
        assert connection.execute(select(func.count()).select_from(attempt)).scalar() == 0


def restarted(process: BusProcess) -> bool:
    if not process.runs:
        assert process.code == DEATH, process.log_file.read_text()[-3000:]
        process.start()
    return True


def test_a_handler_that_computes_longer_than_the_heartbeat_is_handled_once_and_the_process_lives(
    world: World, start: StartProcess
) -> None:
    """The broker gives the connection up; what it delivers again is known."""
    impatient = world.settings.model_copy(update={"amqp_url": f"{world.settings.amqp_url}?heartbeat=4"})
    consumer = start(CONSUMER, settings=impatient, LOBBY_TEST_SPIN_S="14")
    consumer.wait_ready()
    world.relay()
    events = [world.say(branch) for branch in BRANCHES]
    world.wait_handled(events)
    events += [world.say("branch-1", counter="spin"), *(world.say(branch) for branch in BRANCHES)]
    began = time.monotonic()
    world.wait_handled(events, within_s=60)
    assert time.monotonic() - began > 14
    assert consumer.said("broker_unavailable"), "the broker never minded: nothing was tested"
    consumer.wait_ready(within_s=20)
    assert consumer.started == 1
    events += [world.say(branch) for branch in BRANCHES]
    world.wait_handled(events)
    assert world.letters() == []


def test_each_branch_stays_in_order_whatever_time_each_event_takes(world: World, start: StartProcess) -> None:
    """Two processes, several queues, 32 workers each."""
    consumers = [start(CONSUMER, LOBBY_TEST_JITTER_S="0.01", LOBBY_BATCH_SIZE="5") for _ in range(2)]
    for consumer in consumers:
        consumer.wait_ready()
    world.relay()
    world.wait_handled([world.say(branch) for _ in range(20) for branch in BRANCHES], within_s=60)


@pytest.mark.parametrize("hook", ["worker_setup", "worker_result"])
def test_a_dependency_that_raises_costs_no_event(world: World, start: StartProcess, hook: str) -> None:
    """nameko ends the container for it, and the process with it; whoever starts it again finds everything."""
    consumer = start(CONSUMER, LOBBY_TEST_RAISES=hook)
    world.relay()
    events = [world.say(branch) for branch in BRANCHES]
    wait_until(lambda: not consumer.runs, within_s=60, what="the process to end")
    assert "a service died: RuntimeError" in consumer.log_file.read_text()
    consumer.start()
    events += [world.say(branch) for branch in BRANCHES]
    world.wait_handled(events, within_s=60)
    assert consumer.runs


def test_a_transaction_that_waits_for_the_database_holds_nobody_up(world: World, start: StartProcess) -> None:
    """psycopg's C code would stop the whole process, HTTP and heartbeats with it, until the lock is free."""
    consumer = start(CONSUMER)
    consumer.wait_ready()
    world.relay()
    with psycopg.connect(world.settings.database_url) as locked:
        locked.execute(f"SELECT * FROM {CONSUMER}.log_head FOR UPDATE")
        events = [world.say(branch) for branch in BRANCHES]
        waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = %s"
        with psycopg.connect(world.settings.database_url, autocommit=True) as look:
            wait_until(
                lambda: look.execute(waiting, [f"lobby-{CONSUMER}"]).fetchone() == (True,),
                within_s=20, what="the consumer to wait for the lock",
            )  # fmt: skip
        assert sorted(consumer.answer_time() for _ in range(10))[5] < 0.5
    world.wait_handled(events)
    assert world.letters() == []


def test_a_process_starts_beside_a_queue_that_is_refused_and_says_so(world: World, start: StartProcess) -> None:
    """nameko's own consumer would hang in its start without a word."""
    wrong = world.my_queues()[0]
    with Connection(world.settings.amqp_url) as connection, connection.channel() as channel:
        channel.queue_declare(wrong.name, durable=True, auto_delete=False)
        both = start(PRODUCER, CONSUMER)
        names = {f"{CONSUMER}.{wrong.name}", f"{CONSUMER}.relay", f"{PRODUCER}.relay"}
        complaint = f"queue {wrong.name} exists with other settings"

        def says_so() -> bool:
            checks = both.checks() or {}
            return checks.keys() == names and all(complaint in reason for reason in checks.values())

        wait_until(says_so, within_s=60, what="it to say what is refused")
        events = [world.say(branch) for branch in BRANCHES]
        channel.queue_delete(wrong.name)
    world.wait_handled(events)
    both.wait_ready(within_s=20)
    assert both.started == 1


def test_a_batch_that_takes_longer_than_the_end_of_a_process_is_not_taken_for_handled(
    world: World, start: StartProcess
) -> None:
    """SIGTERM gives what is in hand some seconds; what is killed after them is delivered again."""
    consumer = start(CONSUMER, LOBBY_TEST_SPIN_S="11")
    consumer.wait_ready()
    world.relay()
    events = [world.say("one"), world.say("one", counter="wait"), *(world.say("one") for _ in range(10))]
    with psycopg.connect(world.settings.database_url, autocommit=True) as look:
        idle = """SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'idle in transaction'
                  AND application_name = %s AND now() - state_change > interval '1 second'"""
        wait_until(
            lambda: look.execute(idle, [f"lobby-{CONSUMER}"]).fetchone() == (True,),
            within_s=20, what="the batch to be waiting",
        )  # fmt: skip
    assert consumer.end() == 0
    assert consumer.said("services_did_not_stop"), "it had time enough: nothing was tested"
    consumer.start()
    world.wait_handled(events, within_s=60)
