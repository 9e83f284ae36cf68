"""The rules of one queue, message by message."""

import threading

from shared.bus.batch_processor import BatchProcessor
from shared.bus.inbox import EventHandler, HandleEvent, Inbox, one_by_one
from shared.bus.message import Message
from shared.contracts.envelope import Event
from shared.errors import PredecessorMissing
from shared.storage import Transaction
from tests.bus.world import World, an_event, keep


class Death(BaseException):
    """What a process dies of."""


def message(event: Event, *, redelivered: bool = False) -> Message:
    return Message(queue="q", body=event.to_json(), redelivered=redelivered)


def processor(world: World, react: HandleEvent = keep) -> BatchProcessor:
    handler = EventHandler(handle=one_by_one(react))
    return BatchProcessor(Inbox(world.consumer, handler, stop=threading.Event()))


def test_a_message_that_kills_the_process_is_found_out_and_its_neighbours_are_not_blamed(world: World) -> None:
    killer, neighbour = an_event(), an_event()
    deaths = 0

    def react(tx: Transaction, event: Event) -> None:
        if event.id == killer.id:
            raise Death
        keep(tx, event)

    batch = [message(killer), message(neighbour)]
    for _ in range(10):
        try:
            processor(world, react).process(batch)
            break
        except Death:
            deaths += 1
            batch = [message(killer, redelivered=True), message(neighbour, redelivered=True)]
    assert deaths == 4  # the first time in the batch, then three times alone
    assert world.handled() == [neighbour.id]
    (letter,) = world.letters()
    assert (letter["event_id"], letter["code"]) == (killer.id, "crashed")


def test_a_gap_is_filled_from_the_producers_log(world: World) -> None:
    events = [world.say(subject="visit-1") for _ in range(4)]
    seen: list[int] = []

    def react(tx: Transaction, event: Event) -> None:
        if event.sequence != len(seen) + 1:
            raise PredecessorMissing(event.subject)
        keep(tx, event)
        seen.append(event.sequence)

    processor(world, react).process([message(events[3])])
    assert seen == [1, 2, 3, 4]
    assert world.handled() == [event.id for event in events]
    processor(world, react).process([message(event) for event in events])  # they come after all
    assert seen == [1, 2, 3, 4]
    assert world.letters() == []


def test_a_gap_that_no_log_fills_is_a_dead_letter(world: World) -> None:
    orphan = an_event(sequence=5)

    def react(tx: Transaction, event: Event) -> None:
        raise PredecessorMissing(event.subject)

    processor(world, react).process([message(orphan)])
    (letter,) = world.letters()
    assert letter["code"] == "predecessor_missing"


def test_a_handler_of_every_event_gets_those_of_a_transaction_together(world: World) -> None:
    calls: list[list[str]] = []
    handler = EventHandler(handle=lambda _tx, events: calls.append([event.id for event in events]))
    events = [an_event() for _ in range(3)]
    messages = [message(event) for event in [*events, events[0]]]
    BatchProcessor(Inbox(world.consumer, handler, stop=threading.Event())).process(messages)
    assert calls == [[event.id for event in events]]


def test_what_a_handler_appends_names_the_event_as_its_cause(world: World) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    event = an_event(traceparent=trace)
    made: list[Event] = []

    def react(tx: Transaction, event: Event) -> None:
        made.append(tx.append(event.branchid, "mine", event.data, correlation="visit", sequence=1))

    processor(world, react).process([message(event)])
    assert made[0].causationid == event.id
    assert made[0].traceparent is not None
    assert made[0].traceparent.split("-")[1] == trace.split("-")[1]
    assert made[0].traceparent != trace


def test_what_is_kept_is_byte_for_byte_what_came(world: World) -> None:
    body = an_event().to_json().replace(b'"data":{', b'"data":{"unknown_here":1,')
    processor(world).process([Message(queue="q", body=body)])
    with world.consumer.read() as connection:
        from shared.storage import log as logs

        (row,) = logs.after(connection, dict.fromkeys(range(64), 0), limit=10)
    assert row.body.encode() == body
