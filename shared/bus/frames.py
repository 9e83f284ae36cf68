"""Reads the broker's frames as py-amqp does, and survives what it can't decode.

A message's properties and routing key are bytes that anybody who may publish chooses. py-amqp decodes
them while it reads the connection: what is not UTF-8, or a date beyond the year 9999, breaks the connection
before anybody sees the message. The broker then delivers it again, and its innocent neighbours with it,
until the delivery limit is burned. Here such a message arrives without its properties, or its routing key.
"""

from collections.abc import Callable
from typing import Any

from amqp import spec
from amqp.method_framing import frame_handler
from amqp.serialization import decode_properties_basic, loads

METHOD, HEADER, BODY = 1, 2, 3
_BODY_FOLLOWS = 12
"""The bytes of a content header before its properties: class, weight, the body's size."""
_NO_PROPERTIES = b"\x00\x00"
_ARGUMENTS = 4
_DELIVER = spec.Basic.Deliver[0].to_bytes(2, "big") + spec.Basic.Deliver[1].to_bytes(2, "big")
_DELIVER_FORMAT = "sLbss"

Frame = tuple[int, int, Any]
OnFrame = Callable[[Frame], bool]


def tolerant(connection: Any, callback: Any) -> OnFrame:
    """Return the reader of a connection's frames (py-amqp's ``frame_handler``)."""
    read: OnFrame = frame_handler(connection, callback)

    def on_frame(frame: Frame) -> bool:
        kind, channel, payload = frame
        if kind == METHOD and payload[:_ARGUMENTS] == _DELIVER:
            return read((kind, channel, _readable_delivery(payload)))
        try:
            return read(frame)
        except Exception:
            if kind != HEADER or _has_readable_properties(payload):
                raise
            return read((kind, channel, bytes(payload[:_BODY_FOLLOWS]) + _NO_PROPERTIES))

    return on_frame


def _has_readable_properties(payload: Any) -> bool:
    try:
        decode_properties_basic(payload, _BODY_FOLLOWS)
    except Exception:
        return False
    return True


def _readable_delivery(payload: Any) -> Any:
    """Return a delivery as it is, or without exchange and routing key, which nothing here depends on."""
    if bytes(payload).isascii():
        return payload
    try:
        loads(_DELIVER_FORMAT, payload, _ARGUMENTS)
    except UnicodeDecodeError:
        tag = _ARGUMENTS + 1 + payload[_ARGUMENTS]
        return bytes(payload[: tag + 9]) + b"\x00\x00"
    return payload
