"""What both transports promise. The memory transport forgets in a crash; catching up from the logs makes it good."""

import pytest
from kombu.transport import memory

from tests.bus.world import World, keep
from tests.support.processes import wait_until

BRANCHES = [f"branch-{number}" for number in range(12)]


def test_what_is_appended_is_handled_once_and_each_branch_in_order(world: World) -> None:
    world.relay()
    world.consume()
    events = [world.say(branch) for _ in range(25) for branch in BRANCHES]
    world.wait_handled(events)


def test_what_was_appended_before_anybody_ran_is_published_and_handled(world: World) -> None:
    events = [world.say(branch) for branch in BRANCHES for _ in range(3)]
    world.relay()
    world.consume()
    world.wait_handled(events)


def test_a_relay_that_begins_anew_repeats_nothing_for_the_consumer(world: World) -> None:
    world.consume()
    events = []
    for _ in range(3):
        world.relay()
        events += [world.say(branch) for branch in BRANCHES]
        world.wait_handled(events)
        world.stop()
        world.consume()
    with world.producer.transaction() as tx:
        tx.connection.exec_driver_sql("DELETE FROM cursor")  # as if it had crashed before it stored anything
    world.relay()
    last = [world.say(branch) for branch in BRANCHES]  # behind what is repeated, in every queue
    world.wait_handled([*events, *last])


def test_a_consumer_that_begins_anew_goes_on_where_it_was(world: World) -> None:
    world.relay()
    events = []
    for _ in range(3):
        world.consume()
        events += [world.say(branch) for branch in BRANCHES for _ in range(5)]
        world.stop()
        world.relay()
        events += [world.say(branch) for branch in BRANCHES]
    world.consume()
    world.wait_handled(events)


@pytest.mark.parametrize("settings", ["memory"], indirect=True)
def test_what_the_memory_transport_lost_comes_back_from_the_logs(world: World) -> None:
    world.relay()
    world.declare()
    events = [world.say(branch) for branch in BRANCHES for _ in range(4)]
    queue = world.my_queues()[0].name
    wait_until(lambda: memory.Channel.queues[queue].qsize() >= len(events), within_s=10, what="the queue to fill")
    memory.Channel.queues[queue].queue.clear()  # the crash
    world.consume()
    world.wait_handled(events)


def test_a_batch_that_fails_is_handled_one_by_one(world: World) -> None:
    sizes = []

    def react(tx, event):  # type: ignore[no-untyped-def]
        sizes.append(event.id)
        if event.data.counter == "bad":
            raise RuntimeError("this one")
        keep(tx, event)

    good = [world.say(branch) for branch in BRANCHES]
    bad = world.say("branch-0", counter="bad")
    more = [world.say(branch) for branch in BRANCHES]
    world.relay()
    world.consume(react)
    world.wait_handled([*good, *more])
    (letter,) = world.letters()
    assert (letter["event_id"], letter["code"], letter["attempts"]) == (bad.id, "failed", 3)
    assert "RuntimeError: this one" in letter["reason"]
