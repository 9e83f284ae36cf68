"""Frames: reads the broker's as py-amqp does and survives what it can't decode; writes those of a message at once.

A message's properties and routing key are bytes that anybody who may publish chooses. py-amqp decodes
them while it reads the connection: what is not UTF-8, or a date beyond the year 9999, breaks the connection
before anybody sees the message. The broker then delivers it again, and its innocent neighbours with it,
until the delivery limit is burned. Here such a message arrives without its properties, or its routing key.
"""

from collections.abc import Callable, Mapping
from functools import cache
from struct import Struct, pack
from typing import Any

from amqp import Message, spec
from amqp.method_framing import frame_handler
from amqp.serialization import decode_properties_basic, loads

METHOD, HEADER, BODY = 1, 2, 3
FRAME_HEAD = Struct(">BHI")
"""A frame's kind, its channel and the size of what is in it."""
FRAME_END = 0xCE
_END = bytes([FRAME_END])
_MANDATORY, _OPTIONAL = b"\x01", b"\x00"
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
    """Return a delivery as it is, or without exchange and routing key: then it is no operator's command."""
    if bytes(payload).isascii():
        return payload
    try:
        loads(_DELIVER_FORMAT, payload, _ARGUMENTS)
    except UnicodeDecodeError:
        tag = _ARGUMENTS + 1 + payload[_ARGUMENTS]
        return bytes(payload[: tag + 9]) + b"\x00\x00"
    return payload


def publishing(
    channel: int, frame_max: int, *, exchange: str, key: str, properties: bytes, body: bytes, mandatory: bool = True
) -> bytes:
    """Return the frames that publish a message: the bytes that py-amqp would write, in less time."""
    room = frame_max - FRAME_HEAD.size - 1
    method = (
        pack(">HHH", *spec.Basic.Publish, 0) + _short(exchange) + _short(key) + (_MANDATORY if mandatory else _OPTIONAL)
    )
    frames = [
        _frame(METHOD, channel, method),
        _frame(HEADER, channel, pack(">HHQ", spec.Basic.CLASS_ID, 0, len(body)) + properties),
        *(_frame(BODY, channel, body[at : at + room]) for at in range(0, len(body), room)),
    ]
    return b"".join(frames)


def persistent(content_type: str, id_: str, headers: Mapping[str, Any]) -> bytes:
    """Return the properties of a message that survives the broker."""
    if headers:
        return _properties(content_type, headers) + _short(id_)
    return _plain_properties(content_type) + _short(id_)


@cache
def _plain_properties(content_type: str) -> bytes:
    return _properties(content_type, {})


def _properties(content_type: str, headers: Mapping[str, Any]) -> bytes:
    """Return the properties up to the message's id, which is the last."""
    message = Message(content_type=content_type, application_headers=dict(headers), delivery_mode=2, message_id="")
    return bytes(message._serialize_properties()[:-1])


def _short(text: str) -> bytes:
    raw = text.encode()
    return pack("B", len(raw)) + raw


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return FRAME_HEAD.pack(kind, channel, len(payload)) + payload + _END
