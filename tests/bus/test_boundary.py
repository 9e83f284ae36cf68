"""Whoever may write into a queue may stop nobody: commands are the gateway's, and every message is settled."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from kombu import Connection
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from services.gateway import dead_letters as collected
from services.gateway import terminals
from services.ops.service_classes import classes_of
from shared.bus import dead_letters
from shared.bus.batch_processor import BatchProcessor
from shared.bus.event_handlers import handler_of
from shared.bus.inbox import EventHandler, Inbox, one_by_one
from shared.bus.message import CONTROL_TYPE, KEPT_BYTES, Message
from shared.bus.operator_commands import read_operator_command
from shared.bus.publisher import wake_consumers
from shared.bus.topology import CONTROL
from shared.contracts.envelope import STRUCTURED, Undecodable
from shared.contracts.events import triage
from shared.errors import PredecessorMissing
from shared.settings import SERVICES, Settings
from shared.storage import Storage, Transaction, open_storage
from shared.storage.engine import is_transient
from shared.storage.tables import dead_letter
from tests.bus.test_dead_letters import Moody, changed
from tests.bus.world import World, an_event
from tests.support.processes import wait_until
from tests.support.tables import empty_database

COMMANDS: list[Any] = [
    {"action": "discard", "id": "\0"},
    {"action": "discard", "id": "nobody-knows"},
    {"action": "retry", "id": "x", "message": {"body": "", "content_type": 5}},
    {"action": "retry", "id": "x", "message": {"body": "", "content_type": None}},
    {"action": "retry", "id": "x", "message": {"body": "\u0451", "content_type": None}},
    {"action": "retry", "id": "x", "message": "text"},
    {"action": ["retry"], "id": 5},
    {"action": "burn", "id": "x"},
    [],
    "retry",
]


def publish(world: World, exchange: str, body: bytes, content_type: str = CONTROL_TYPE) -> None:
    queue = world.my_queues()[0].name
    with Connection(world.settings.amqp_url) as connection:
        producer = connection.Producer(auto_declare=False)
        producer.publish(
            body, exchange=exchange, routing_key=queue, content_type=content_type, content_encoding="binary"
        )
    wake_consumers()


def goes_on(world: World) -> None:
    """Say that the consumer handles what comes next."""
    event = an_event()
    world.send(event.to_json())
    wait_until(lambda: event.id in world.handled(), within_s=20, what="the next event to be handled")


def test_a_command_from_elsewhere_is_an_ordinary_bad_message(world: World) -> None:
    """A content type is what its sender wrote; that it came by the exchange of commands is the broker's word."""
    world.declare()
    world.consume()
    bodies = [json.dumps(document).encode() for document in COMMANDS]
    for body in bodies:
        publish(world, "", body)
    goes_on(world)
    assert {letter["code"] for letter in world.letters()} == {"malformed"}
    assert sorted(bytes(letter["body"]) for letter in world.letters()) == sorted(bodies)


def test_a_command_from_elsewhere_discards_nothing(world: World) -> None:
    world.relay()
    (consumer, *_) = world.consume(Moody())
    world.say(subject="visit-1", counter="bad")
    wait_until(lambda: len(world.letters()) == 1, within_s=20, what="the dead letter")
    (letter,) = world.letters()
    publish(world, "", json.dumps({"action": "discard", "id": letter["id"]}).encode())
    wait_until(lambda: len(world.letters()) == 2, within_s=20, what="the command to be a dead letter")
    assert {one["state"] for one in world.letters()} == {"parked"}
    assert consumer.failure is None


def test_no_command_stops_its_consumer(world: World) -> None:
    """One that can't be read is a dead letter; one for a dead letter that nobody knows changes nothing."""
    world.declare()
    (consumer, *_) = world.consume()
    for document in COMMANDS:
        publish(world, CONTROL, json.dumps(document).encode())
    goes_on(world)
    assert consumer.failure is None
    assert {letter["code"] for letter in world.letters()} == {"malformed"}
    assert len(world.letters()) == len(COMMANDS) - 1, "one can be read, and is for a dead letter that nobody knows"


def test_an_event_of_an_unknown_producer_is_a_dead_letter(world: World) -> None:
    """Its log would be looked for where its first events are missing, for ever."""
    world.declare()
    (consumer, *_) = world.consume()
    body = changed(source="/services/nope", sequence="5")
    world.send(body)
    goes_on(world)
    (letter,) = world.letters()
    assert (letter["code"], bytes(letter["body"])) == ("unknown_producer", body)
    assert "/services/nope" in letter["reason"]
    assert consumer.failure is None


def test_a_gap_that_nobody_can_fill_is_told(world: World) -> None:
    """The log where the earlier events should be can't be read: the event waits as a dead letter, nobody else does."""

    def fussy(tx: Transaction, event: Any) -> None:
        if event.sequence > 1:
            raise PredecessorMissing(event.subject, service="nope")
        tx.append_event(event, own=False)

    world.declare()
    world.consume(fussy)
    world.send(changed(sequence="5"))
    goes_on(world)
    (letter,) = world.letters()
    assert letter["code"] == "predecessor_missing"
    assert "nope" in letter["reason"]


def stumble(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let making a dead letter fail, as no test could foresee, but for one of bytes alone."""
    make = dead_letters.move_to_dead_letters

    def fail(tx: Transaction, message: Message, event: Any, failure: Any) -> None:
        if failure.code != "unsettled":
            raise ZeroDivisionError("nobody thought of this")
        make(tx, message, event, failure)

    monkeypatch.setattr(dead_letters, "move_to_dead_letters", fail)


def test_what_nobody_thought_of_keeps_the_bytes_and_holds_up_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.declare()
    (consumer, *_) = world.consume(Moody())
    stumble(monkeypatch)
    poison = changed(data={"counter": "bad"})
    world.send(poison, headers={"a": "b"})
    world.send(b"{")
    goes_on(world)
    letters = world.letters()
    assert {letter["code"] for letter in letters} == {"unsettled"}
    assert {bytes(letter["body"]) for letter in letters} == {poison, b"{"}
    assert all("ZeroDivisionError" in letter["reason"] for letter in letters)
    assert consumer.failure is None


def test_a_message_too_large_for_an_index_is_no_absence_of_the_database() -> None:
    """PostgreSQL's driver calls it operational, like a server that is away: it would be tried again for ever."""

    class TooLarge(Exception):
        sqlstate = "54000"

    class Away(Exception):
        sqlstate = "57P01"

    assert not is_transient(OperationalError("INSERT", {}, TooLarge("index row size 2712 exceeds maximum 2704")))
    assert is_transient(OperationalError("INSERT", {}, Away("terminating connection")))


# --- every queue of every service, whatever is in it ---

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
attributes = st.sampled_from([*json.loads(an_event().to_json())])
spoiled = st.dictionaries(attributes, documents, max_size=3).map(
    lambda changes: json.dumps({**json.loads(an_event().to_json()), **changes}).encode()
)
commands = st.fixed_dictionaries(
    {"action": st.sampled_from(["retry", "discard"]) | documents, "id": st.text(max_size=70) | documents},
    optional={"message": st.fixed_dictionaries({"body": st.text(max_size=9) | documents, "content_type": documents})},
).map(lambda command: json.dumps(command).encode())
bodies = st.binary(max_size=40) | documents.map(lambda document: json.dumps(document).encode()) | spoiled | commands
names = st.sampled_from(["lobby-id", "lobby-at", "x-death", "ce-id", "ce-type", "ce-source", "traceparent", "\0"])
batches = st.lists(
    st.builds(
        Message,
        queue=st.just("q"),
        body=bodies,
        content_type=st.sampled_from([STRUCTURED, CONTROL_TYPE, "application/json", None]) | st.text(max_size=9),
        headers=st.dictionaries(names | st.text(max_size=5), documents, max_size=4),
        redelivered=st.booleans(),
        exchange=st.sampled_from([CONTROL, "lobby.events", "lobby.terminals", ""]),
    ),
    max_size=6,
)  # fmt: skip


def settle_of(storage: Storage, service: str) -> dict[str, Callable[[list[Message]], None]]:
    """Return what settles the messages of each of the service's queues."""
    (service_class,) = classes_of([service])
    instance = service_class()
    instance.storage = storage
    if find_spec(f"services.{service}.lobbies"):
        lobbies = import_module(f"services.{service}.lobbies").Lobbies
        more = [storage.settings] if "settings" in signature(lobbies).parameters else []
        instance.lobbies = lobbies(storage, *more)

    def processor(handler: EventHandler) -> Callable[[list[Message]], None]:
        return BatchProcessor(Inbox(storage, handler, stop=threading.Event())).process

    found = {"events": processor(handler_of(instance))}
    if service == "gateway":
        found["terminals"] = processor(EventHandler(handle=one_by_one(terminals.append), read=terminals.read_message))
        found["dead letters"] = partial(collected.collect, storage)
    return found


def unreadable(message: Message) -> bool:
    """Say whether a message is neither an event nor a command, for any of the queues of events."""
    try:
        message.event()
    except Undecodable:
        return read_operator_command(message) is None
    return False


@pytest.mark.parametrize("service", SERVICES)
def test_every_message_of_every_queue_is_settled(settings: Settings, service: str) -> None:
    """Whatever is published there, wherever to: the batch ends, and no byte of what can't be read is lost."""
    empty_database(settings, service)
    storage = open_storage(settings, service)
    queues = settle_of(storage, service)

    def letters() -> list[bytes]:
        with storage.read() as connection:
            return [bytes(body) for (body,) in connection.execute(select(dead_letter.c.body))]

    @hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(queue=st.sampled_from(sorted(queues)), batch=batches)
    def settled(queue: str, batch: list[Message]) -> None:
        before = Counter(letters())
        queues[queue](batch)
        if queue == "events":
            new = Counter(letters()) - before
            missing = Counter(one.body for one in batch if unreadable(one) and not one.redelivered) - new
            assert not missing

    try:
        settled()
    finally:
        storage.close()


def test_a_terminals_id_is_neither_a_subject_nor_an_event_of_ours(world: World) -> None:
    """It failed here, and what is called alike goes on; it is no repetition of the event whose id it has."""
    world.declare()
    world.consume(Moody())
    ours = an_event(subject="visit-1")
    data = triage.CounterClosed(counter="bad")
    world.send(an_event(id="visit-1", source="/terminals/t1", subject="terminals/t1/visit-1", data=data).to_json())
    theirs = an_event(id=ours.id, source="/terminals/t1", subject=f"terminals/t1/{ours.id}")
    for event in (theirs, ours):
        world.send(event.to_json())
    wait_until(lambda: len(world.handled()) == 2, within_s=20, what="both to be handled")
    assert world.handled() == [theirs.key, ours.key]
    assert theirs.key != ours.key


def test_a_message_of_megabytes_is_a_dead_letter_of_its_beginning(world: World) -> None:
    """Kept whole, eight of them took half a gigabyte, twice."""
    world.declare()
    world.consume()
    body = changed(data={"counter": "1", "more": "x" * 5_000_000})
    world.send(body)
    publish(world, CONTROL, body)
    goes_on(world)
    letters = world.letters()
    assert [letter["code"] for letter in letters] == ["too_large", "too_large"]
    for letter in letters:
        assert bytes(letter["body"]) == body[:KEPT_BYTES]
        assert sha256(body).hexdigest() in letter["reason"]
        assert f"{len(body):,} bytes" in letter["reason"]


def test_a_reader_holds_no_more_of_a_large_message_than_its_beginning() -> None:
    message = Message.arrived(queue="q", body=b"x" * 20_000_000)
    assert len(message.body) == KEPT_BYTES
    other = Message.arrived(queue="q", body=b"x" * 20_000_001)
    assert message.fingerprint != other.fingerprint, "they begin alike, and are two messages"
