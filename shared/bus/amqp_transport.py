"""The socket of a connection to the broker: many frames a read, many messages a write.

py-amqp asks the kernel three times for each frame, and hands it each message by itself. Here a read takes
what has arrived, and messages leave together.
"""

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from struct import Struct, pack
from typing import Any

from amqp import Message, spec
from amqp.exceptions import UnexpectedFrame
from amqp.method_framing import frame_handler
from amqp.serialization import decode_properties_basic, loads
from amqp.transport import SSLTransport, TCPTransport
from kombu import Connection
from kombu.transport import pyamqp

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


READ_BYTES = 65_536
WRITE_BYTES = 65_536
"""Messages leave when they are so many bytes: the broker begins while the rest is made."""

_NOTHING_YET = (errno.EAGAIN, errno.EINTR, errno.ENOENT)  # the last is how TLS says it


class BrokerConnection(Connection):
    """kombu's connection, on a :class:`BufferedConnection` where it leads to an AMQP broker."""

    def create_transport(self) -> Any:
        """Return kombu's transport for the URL; also for the next of several URLs, when one fails."""
        transport = super().create_transport()  # type: ignore[no-untyped-call]
        if isinstance(transport, pyamqp.Transport):
            transport.Connection = BufferedConnection
        return transport


class BufferedConnection(pyamqp.Connection):
    """py-amqp's connection, on such a socket."""

    def Transport(  # noqa: N802 - py-amqp's name
        self,
        host: str,
        connect_timeout: float | None,
        ssl: Any = False,
        read_timeout: float | None = None,
        write_timeout: float | None = None,
        **options: Any,
    ) -> Any:
        """Return the transport, which is not connected yet."""
        options |= {"read_timeout": read_timeout, "write_timeout": write_timeout}
        return (_Tls if ssl else _Tcp)(host, connect_timeout=connect_timeout, ssl=ssl, **options)

    def drain_arrived(self, timeout: float) -> None:
        """Wait for an event; handle it and all that came with it. Raises TimeoutError.

        ``drain_events`` stays as it is: py-amqp knows a new consumer's callback only after it has seen the
        broker's answer, and would refuse messages that are handled in the same turn.
        """
        transport = self.transport
        self.drain_events(timeout)
        while (frame := transport.next_frame()) is not None:
            self.on_inbound_frame(frame)

    def send(self, messages: Iterable[bytes]) -> None:
        """Send messages, each as its frames."""
        for data in _gathered(messages):
            self.transport.write(data)
            self.bytes_sent += 1  # what py-amqp looks at to know whether a heartbeat is due


def _gathered(messages: Iterable[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for message in messages:
        gathered += message
        if len(gathered) >= WRITE_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


class _Buffered:
    """Reads instead of py-amqp's transports: a frame leaves the buffer when it is whole, so none is ever torn."""

    _buffer = b""
    _at = 0
    _quick_recv: Callable[[int], bytes]
    connected: bool

    def read_frame(self) -> Frame:
        """Return the next frame; raise TimeoutError where it has not arrived in time."""
        while (frame := self.next_frame()) is None:
            self._receive()
        return frame

    def next_frame(self) -> Frame | None:
        """Return a frame that has arrived, None where there is none."""
        buffer, begin = self._buffer, self._at + FRAME_HEAD.size
        if len(buffer) <= begin:
            return None
        kind, channel, size = FRAME_HEAD.unpack_from(buffer, self._at)
        end = begin + size
        if len(buffer) <= end:
            return None
        if buffer[end] != FRAME_END:
            raise UnexpectedFrame(f"a frame ends with {buffer[end]:#04x}")
        self._at = end + 1
        return kind, channel, buffer[begin:end]

    def _receive(self) -> None:
        try:
            received = self._quick_recv(READ_BYTES)
        except TimeoutError:
            raise
        except OSError as error:
            if error.errno in _NOTHING_YET:
                raise TimeoutError from error
            self.connected = False
            raise
        if not received:
            self.connected = False
            raise ConnectionResetError("the broker closed the connection")
        self._buffer, self._at = self._buffer[self._at :] + received, 0


class _Tcp(_Buffered, TCPTransport):
    pass


class _Tls(_Buffered, SSLTransport):
    pass
