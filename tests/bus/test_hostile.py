"""Messages made to break whoever reads them: each is handled or a dead letter, and no neighbour is harmed."""

import bz2
import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import amqp
import pytest
from kombu import Connection
from sqlalchemy import select

from shared.contracts.envelope import STRUCTURED
from shared.settings import Settings
from shared.storage.tables import dead_letter
from tests.bus.test_dead_letters import changed
from tests.bus.world import World, an_event, fresh
from tests.support.processes import wait_until

PLAIN = an_event().to_json()


class Raw(amqp.Message):
    """A message whose properties are bytes of our choice."""

    raw = b""

    def _serialize_properties(self) -> bytes:
        return self.raw


def properties(**values: Any) -> bytes:
    """The bytes of good properties."""
    good = amqp.Message(b"", content_type=STRUCTURED, delivery_mode=2, **values)
    return bytes(good._serialize_properties())


def table(*entries: bytes) -> bytes:
    """The bytes of a content type and of headers that the client library would not write."""
    inner = b"".join(entries)
    kind = STRUCTURED.encode()
    return struct.pack(">HB", 0xA000, len(kind)) + kind + struct.pack(">I", len(inner)) + inner


def deep(levels: int) -> bytes:
    entry = b"\x01aV"
    for _ in range(levels):
        entry = b"\x01aF" + struct.pack(">I", len(entry)) + entry
    return entry


HOSTILE_PROPERTIES = {
    "a content type that is not UTF-8": b"\x80\x00\x03\xff\xfe\xfd",
    "half of a surrogate pair": b"\x80\x00\x03\xed\xa0\x80",
    "a date beyond all years": table(b"\x01tT" + b"\xff" * 8),
    "a header that is not UTF-8": table(b"\x01aS" + struct.pack(">I", 2) + b"\xff\xfe"),
    "headers nested a thousand times": table(deep(1000)),
    "a header's name that is not UTF-8": table(b"\x02\xff\xfeV"),
    "a message id that is not UTF-8": b"\x00\x80\x02\xff\xfe",
}

HOSTILE_HEADERS: dict[str, dict[str, Any]] = {
    "a NUL": {"a\0b": "c\0d"},
    "thousands": {f"h{n}": "x" * 30 for n in range(2000)},
    "long and full of controls": {f"h{n}": "\x01" * 500 for n in range(64)},
    "nameko's own, of the wrong type": {"nameko.call_id_stack": 5},
    "every type": {"i": -1, "l": 2**60, "f": 1.5, "b": True, "n": None, "a": [1, ["x"]], "t": {"u": {"v": []}}},
    "a dead letter's": {"x-death": [5, {"queue": {}}], "lobby-id": "x" * 500, "x-first-death-queue": 7},
}

HOSTILE_BODIES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "gzip as an encoding": (gzip.compress(PLAIN), {"content_encoding": "gzip"}),
    "zlib as a codec of Python's": (zlib.compress(PLAIN), {"content_encoding": "zlib_codec"}),
    "bzip2 as kombu would": (bz2.compress(PLAIN), {"application_headers": {"compression": "application/x-bz2"}}),
    "a megabyte of zeros, compressed": (
        zlib.compress(bytes(10**6)), {"application_headers": {"compression": "application/x-gzip"}},
    ),
    "escapes that become surrogates": (b'{"a": "\\ud800"}', {"content_encoding": "raw_unicode_escape"}),
    "a pickle by its name": (b"cos\nsystem\n(S'false'\ntR.", {"content_type": "application/x-python-serialize"}),
    "a NUL in the id": (changed(id="a\0b"), {}),
    "a NUL in the subject": (changed(subject="a\0b"), {}),
    "a type of a hundred thousand letters": (changed(type="lobby." + "x" * 100_000 + ".y.v1"), {}),
    "numbers beyond all bounds": (PLAIN.replace(b'"sequence":"1"', b'"sequence":"' + b"9" * 30 + b'"'), {}),
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, amqp_url: str, database_url: str) -> Settings:
    return Settings(data_dir=tmp_path, amqp_url=amqp_url, database_url=database_url)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with fresh(settings, queues=1) as world:
        world.declare()
        yield world


def put(world: World, message: amqp.Message) -> None:
    with Connection(world.settings.amqp_url) as connection:
        connection.channel().basic_publish(message, exchange="", routing_key=world.my_queues()[0].name)


def come_through(world: World, hostile: int) -> None:
    """Wait until each hostile message is handled or a dead letter that could be told, and a neighbour handled once."""
    neighbour = an_event()
    world.send(neighbour.to_json())
    wait_until(lambda: neighbour.id in world.handled(), within_s=30, what="the neighbour to be handled")
    assert len(world.handled()) + len(world.letters()) == hostile + 1
    world.relay(storage=world.consumer)

    def told() -> bool:
        with world.consumer.read() as connection:
            return all(connection.execute(select(dead_letter.c.published)).scalars())

    wait_until(told, within_s=20, what="the dead letters to be told")


def test_properties_that_cannot_be_decoded_break_no_connection(world: World) -> None:
    """They would be delivered again and again, with their neighbours, until the delivery limit is burned."""
    (consumer,) = world.consume()
    for raw in HOSTILE_PROPERTIES.values():
        message = Raw(an_event().to_json())
        message.raw = raw
        put(world, message)
    come_through(world, len(HOSTILE_PROPERTIES))
    assert consumer.failure is None


@pytest.mark.parametrize("name", HOSTILE_HEADERS)
def test_headers_of_all_kinds_hurt_nobody(world: World, name: str) -> None:
    """A good event with strange headers is a good event; and strange headers of a dead letter are kept or cut."""
    world.consume()
    headers = HOSTILE_HEADERS[name]
    put(world, amqp.Message(an_event().to_json(), content_type=STRUCTURED, application_headers=headers))
    put(world, amqp.Message(b"{", content_type="x\0y", application_headers=headers))
    come_through(world, 2)
    assert [letter["code"] for letter in world.letters()] == ["malformed"]


def test_bodies_that_are_not_what_they_say_are_dead_letters_byte_for_byte(world: World) -> None:
    world.consume()
    for body, more in HOSTILE_BODIES.values():
        put(world, amqp.Message(body, **{"content_type": STRUCTURED, **more}))
    come_through(world, len(HOSTILE_BODIES))
    assert {bytes(letter["body"]) for letter in world.letters()} == {body for body, _ in HOSTILE_BODIES.values()}


def test_a_routing_key_that_is_not_text_is_delivered(world: World) -> None:
    """A terminal may choose what comes behind its branch in the key."""
    world.consume()
    event = an_event()
    with Connection(world.settings.amqp_url) as connection, connection.channel() as channel:
        channel.queue_bind(world.my_queues()[0].name, "lobby.terminals", "#")
        message = amqp.Message(event.to_json(), content_type=STRUCTURED)
        channel.basic_publish(message, exchange="lobby.terminals", routing_key=b"demo.\xff\xfe")
    wait_until(lambda: event.id in world.handled(), within_s=20, what="the event to be handled")
    come_through(world, 1)
