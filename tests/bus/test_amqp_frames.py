"""What a stranger may write around a message never breaks the connection that it comes by."""

import struct
from types import SimpleNamespace
from typing import Any

import amqp
from amqp import spec
from amqp.serialization import dumps
from hypothesis import example, given
from hypothesis import strategies as st

from shared.bus.amqp_transport import BODY, HEADER, METHOD, tolerant

BODY_BYTES = b'{"a": 1}'
HUGE_TIME = b"\x20\x00" + struct.pack(">I", 11) + b"\x01tT" + b"\xff" * 8


def arrived(properties: bytes, key: bytes = b"00.demo.x", body: bytes = BODY_BYTES) -> list[tuple[Any, ...]]:
    """Feed one delivery to the reader as the broker would send it; return what came out."""
    came: list[tuple[Any, ...]] = []
    read = tolerant(SimpleNamespace(bytes_recv=0), lambda *call: came.append(call))
    delivery = dumps("sLbss", ("tag", 200, False, "lobby.events", key))
    read((METHOD, 1, struct.pack(">HH", *spec.Basic.Deliver) + delivery))
    read((HEADER, 1, struct.pack(">HHQ", 60, 0, len(body)) + properties))
    if body:
        read((BODY, 1, body))
    return came


@given(st.binary(max_size=300))
@example(HUGE_TIME)
@example(b"\x80\x00\x02\xff\xfe")  # a content type that is not UTF-8
@example(b"\xff\xfc" + b"\xff" * 40)  # every property, none of them whole
def test_a_message_with_any_properties_arrives_with_its_body(properties: bytes) -> None:
    ((_channel, method, _arguments, message),) = arrived(properties)
    assert method == spec.Basic.Deliver
    assert message.body == BODY_BYTES
    assert isinstance(message.properties, dict)


@given(st.binary(max_size=255))
def test_a_message_with_any_routing_key_can_be_delivered(key: bytes) -> None:
    ((_channel, _method, arguments, _message),) = arrived(b"\x00\x00", key)
    consumer, tag, redelivered, *_ = amqp.serialization.loads("sLbss", arguments, 4)[0]
    assert (consumer, tag, redelivered) == ("tag", 200, False)


def test_readable_properties_stay_as_they_are() -> None:
    sent = amqp.Message(b"", content_type="application/json", application_headers={"a": 1, "b": ["c"]})
    ((_channel, _method, _arguments, message),) = arrived(sent._serialize_properties(), body=b"")
    assert message.properties == sent.properties
