"""The socket of a connection to the broker: many frames a read, many messages a write.

py-amqp asks the kernel three times for each frame, and hands it each message by itself. Here a read takes
what has arrived, and messages leave together.
"""

import errno
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from amqp.exceptions import UnexpectedFrame
from amqp.transport import SSLTransport, TCPTransport
from kombu import Connection
from kombu.transport import pyamqp

from shared.bus.amqp_frames import FRAME_END, FRAME_HEAD, Frame

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
