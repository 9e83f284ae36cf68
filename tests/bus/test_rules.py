"""The rules of one queue, message by message."""

import threading

import pytest

from shared.bus.message import Message
from shared.bus.processor import Processor
from shared.bus.reaction import Hooks
from shared.contracts.envelope import Event
from shared.errors import PredecessorMissing
from shared.storage import Transaction
from tests.bus.world import World, an_event, keep


class Death(BaseException):
    """What a process dies of."""


def message(event: Event, *, redelivered: bool = False) -> Message:
    return Message(queue="q", body=event.to_json(), redelivered=redelivered)


@pytest.fixture
def processor(world: World) -> Processor:
    return Processor(world.consumer, stop=threading.Event())


def test_a_message_that_kills_the_process_is_found_out_and_its_neighbours_are_not_blamed(
    world: World, processor: Processor
) -> None:
    killer, neighbour = an_event(), an_event()
    deaths = 0

    def react(tx: Transaction, event: Event) -> None:
        if event.id == killer.id:
            raise Death
        keep(tx, event)

    hooks = Hooks(react=react)
    batch = [message(killer), message(neighbour)]
    for _ in range(10):
        try:
            processor.process(batch, hooks)
            break
        except Death:
            deaths += 1
            batch = [message(killer, redelivered=True), message(neighbour, redelivered=True)]
    assert deaths == 4  # the first time in the batch, then three times alone
    assert world.handled() == [neighbour.id]
    (letter,) = world.letters()
    assert (letter["event_id"], letter["code"]) == (killer.id, "crashed")


def test_a_gap_is_filled_from_the_producers_log(world: World, processor: Processor) -> None:
    events = [world.say(subject="visit-1") for _ in range(4)]
    seen: list[int] = []

    def react(tx: Transaction, event: Event) -> None:
        if event.sequence != len(seen) + 1:
            raise PredecessorMissing(event.subject)
        keep(tx, event)
        seen.append(event.sequence)

    processor.process([message(events[3])], Hooks(react=react))
    assert seen == [1, 2, 3, 4]
    assert world.handled() == [event.id for event in events]
    processor.process([message(event) for event in events], Hooks(react=react))  # they come after all
    assert seen == [1, 2, 3, 4]
    assert world.letters() == []


def test_a_gap_that_no_log_fills_is_a_dead_letter(world: World, processor: Processor) -> None:
    orphan = an_event(sequence=5)

    def react(tx: Transaction, event: Event) -> None:
        raise PredecessorMissing(event.subject)

    processor.process([message(orphan)], Hooks(react=react))
    (letter,) = world.letters()
    assert letter["code"] == "predecessor_missing"


def test_the_hooks_see_each_transactions_events_and_its_end(world: World, processor: Processor) -> None:
    calls: list[object] = []
    hooks = Hooks(
        react=lambda tx, event: calls.append(event.id),
        before=lambda tx, events: calls.append(len(events)),
        after=lambda tx: calls.append("end"),
    )
    events = [an_event() for _ in range(3)]
    processor.process([message(event) for event in [*events, events[0]]], hooks)
    assert calls == [3, *(event.id for event in events), "end"]


def test_what_a_reaction_appends_names_the_event_as_its_cause(world: World, processor: Processor) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    event = an_event(traceparent=trace)
    made: list[Event] = []

    def react(tx: Transaction, event: Event) -> None:
        made.append(tx.append(event.branchid, "mine", event.data, correlation="visit", sequence=1))

    processor.process([message(event)], Hooks(react=react))
    assert made[0].causationid == event.id
    assert made[0].traceparent is not None
    assert made[0].traceparent.split("-")[1] == trace.split("-")[1]
    assert made[0].traceparent != trace


def test_what_is_kept_is_byte_for_byte_what_came(world: World, processor: Processor) -> None:
    body = an_event().to_json().replace(b'"data":{', b'"data":{"unknown_here":1,')
    processor.process([Message(queue="q", body=body)], Hooks(react=keep))
    with world.consumer.read() as connection:
        from shared.storage import log as logs

        (row,) = logs.after(connection, dict.fromkeys(range(64), 0), limit=10)
    assert row.body.encode() == body
