"""What cannot be handled is kept with its reason, and nothing else waits for it than its own subject."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from shared.clock import ManualClock
from shared.contracts.envelope import MAX_EVENT_BYTES, Event
from shared.storage import Transaction
from tests.bus.world import World, an_event, keep
from tests.support.processes import wait_until


@dataclass
class Moody:
    """An event handler that fails for some counters, until they are mended."""

    broken: set[str] = field(default_factory=lambda: {"bad"})

    def __call__(self, tx: Transaction, event: Event) -> None:
        if event.data.counter in self.broken:  # type: ignore[attr-defined]
            raise ValueError("cannot")
        keep(tx, event)


def changed(**values: object) -> bytes:
    return orjson.dumps({**an_event().attributes(), **values})


CORPUS = {
    "not JSON": (b"{", "malformed"),
    "not UTF-8": (b"\xff\xfe", "malformed"),
    "empty": (b"", "malformed"),
    "a list": (b"[]", "malformed"),
    "no type": (b"{}", "malformed"),
    "a type of nobody's": (changed(type="com.example.thing"), "unknown_type"),
    "an unknown type": (changed(type="lobby.triage.nobody_knows.v1"), "unknown_type"),
    "an unknown version": (changed(type="lobby.triage.counter_closed.v99"), "unknown_version"),
    "data of another shape": (changed(data={"counter": {"not": "a name"}}), "invalid_data"),
    "no data": (changed(data=None), "invalid_data"),
    "a naive time": (changed(time="2026-01-01T00:00:00"), "malformed"),
    "a branch that is none": (changed(branchid="No Branch!"), "malformed"),
    "a sequence of zero": (changed(sequence="0"), "malformed"),
    "nested too deeply": (b"[" * 3000 + b"]" * 3000, "malformed"),
    "too large": (changed(data={"counter": "1", "more": "x" * MAX_EVENT_BYTES}), "too_large"),
}


def test_each_bad_message_is_a_dead_letter_with_its_reason_while_others_flow(world: World) -> None:
    world.declare()
    world.relay()
    world.consume()
    events = []
    for body, _code in CORPUS.values():
        world.send(body)
        events.append(world.say())
    world.send(an_event().to_json(), content_type="text/plain")
    world.wait_handled(events)
    wait_until(lambda: len(world.letters()) == len(CORPUS) + 1, within_s=20, what="every dead letter")
    found = {bytes(letter["body"]): letter for letter in world.letters()}
    for name, (body, code) in CORPUS.items():
        assert found[body]["code"] == code, name
        assert found[body]["reason"], name
    assert not any(letter["blocks"] for letter in world.letters())


@pytest.mark.parametrize(
    "headers",
    [
        {"nameko.call_id_stack": 5},
        {"compression": "application/x-bz2"},
        {"x-death": "no list"},
        {"lobby-id": {"deep": ["er"]}},
        {"ce-type": 7, "traceparent": "00-zz"},
    ],
)
def test_hostile_headers_hurt_nobody(world: World, headers: dict[str, object]) -> None:
    world.declare()
    world.consume()
    event = an_event()
    world.send(event.to_json(), headers=headers)
    world.wait_handled([event])
    assert world.letters() == []


def test_later_events_of_the_subject_wait_and_a_retry_lets_them_go_in_order(world: World) -> None:
    moody = Moody()
    world.relay()
    world.consume(moody)
    poison = world.say(subject="visit-1", counter="bad")
    behind = [world.say(subject="visit-1") for _ in range(3)]
    others = [world.say(subject="visit-2") for _ in range(3)]
    world.wait_handled(others)
    wait_until(lambda: len(world.parked()) == 3, within_s=20, what="the later events to wait")
    (letter,) = world.letters()

    world.command("retry", letter)  # not mended yet: it stays, and counts
    wait_until(lambda: world.letters()[0]["attempts"] == 4, within_s=20, what="the retry")
    assert len(world.parked()) == 3

    moody.broken.clear()
    world.command("retry", letter)
    world.wait_handled([*others, poison, *behind])
    assert world.letters() == []
    assert [done["id"] for done in world.letters("resolved")] == [letter["id"]]
    after = world.say(subject="visit-1")
    world.wait_handled([*others, poison, *behind, after])


def test_a_discard_lets_go_what_waited(world: World) -> None:
    world.relay()
    world.consume(Moody())
    world.say(subject="visit-1", counter="bad")
    behind = [world.say(subject="visit-1") for _ in range(3)]
    wait_until(lambda: len(world.parked()) == 3, within_s=20, what="the later events to wait")
    (letter,) = world.letters()
    world.command("discard", letter)
    world.wait_handled(behind)
    assert (world.letters(), world.parked()) == ([], [])


def test_a_released_event_that_fails_holds_up_the_rest_again(world: World) -> None:
    world.relay()
    world.consume(Moody())
    world.say(subject="visit-1", counter="bad")
    world.say(subject="visit-1", counter="bad")
    last = world.say(subject="visit-1")
    wait_until(lambda: len(world.parked()) == 2, within_s=20, what="the later events to wait")
    for waiting in (1, 0):
        (letter,) = world.letters()
        world.command("discard", letter)
        wait_until(lambda n=waiting: len(world.parked()) == n, within_s=20, what="the next to be tried")  # type: ignore[misc]
    world.wait_handled([last])


def test_a_repeated_event_is_no_second_dead_letter(world: World) -> None:
    world.declare()
    world.consume(Moody())
    poison = changed(data={"counter": "bad"})
    for _ in range(3):
        world.send(poison)
    good = an_event()
    world.send(good.to_json())
    world.wait_handled([good])
    assert len(world.letters()) == 1


def test_what_was_handled_in_the_end_is_forgotten_after_a_month_and_what_was_given_up_is_not(world: World) -> None:
    """Each keeps a body: without an end they would be what grows. What was given up is the reason for a gap."""
    moody = Moody()
    world.relay()
    world.consume(moody)
    for subject in ("visit-1", "visit-2", "visit-3"):
        world.say(subject=subject, counter="bad")
    wait_until(lambda: len(world.letters()) == 3, within_s=20, what="the dead letters")
    first, second, third = world.letters()
    moody.broken.clear()
    world.command("retry", first)
    world.command("discard", second)
    wait_until(lambda: len(world.letters()) == 1, within_s=20, what="two to be settled")
    world.consumer.clock = ManualClock(time=datetime.now(UTC) + timedelta(days=29))
    world.consumer.forget_resolved()
    assert len(world.letters("resolved")) == 1
    world.consumer.clock = ManualClock(time=datetime.now(UTC) + timedelta(days=31))
    world.consumer.forget_resolved()
    assert world.letters("resolved") == []
    assert [letter["id"] for letter in world.letters("discarded")] == [second["id"]]
    assert [letter["id"] for letter in world.letters()] == [third["id"]]
