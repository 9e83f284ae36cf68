"""Server-sent events: what a source has, as it comes, with a position that a client can go on from.

A stream runs in its connection's thread, not in a worker, so that streams take no worker from calls.
"""

import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

import eventlet
import structlog
from werkzeug.wrappers import Response

from shared.web import system_endpoints
from shared.web.limits import OpenStreams
from shared.web.request_context import Call

HEARTBEAT_S = 15.0
RETRY_MS = 1000
_AT_ONCE_S = 0.005
_PAUSE_S = 0.02
_FAIR_SHARE = 64

_log = structlog.get_logger(__name__)

Item = tuple[str, str, bytes]
"""An event's position, type and JSON."""


class StreamEnds(Exception):
    """The service is being stopped; thrown into the stream where it waits."""


class OpenConnections:
    """The streams of one entrypoint, so that it can end them."""

    def __init__(self) -> None:
        """None yet."""
        self._threads: set[Any] = set()

    def enter(self) -> None:
        """Remember the current thread."""
        self._threads.add(eventlet.getcurrent())

    def leave(self) -> None:
        """Forget the current thread."""
        self._threads.discard(eventlet.getcurrent())

    def end_all(self) -> None:
        """End every stream now; their clients see an orderly end and come back elsewhere."""
        for thread in self._threads.copy():
            thread.kill(StreamEnds())


class EventStream(Response):
    """Answers a call with a stream.

    ``source`` yields events, or ``None`` for nothing yet: after it has waited for up to a second, so
    that heartbeats, gone clients and the end are noticed. If it has a ``close``, that is called at the end.
    """

    def __init__(self, call: Call, source: Iterable[Item | None], *, heartbeat_s: float = HEARTBEAT_S) -> None:
        """Nothing of ``source`` is read before the answer's head is on its way."""
        super().__init__(content_type="text/event-stream; charset=utf-8")
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"
        self._call, self._source, self._heartbeat_s = call, source, heartbeat_s

    def open(self, connections: OpenConnections, limit: OpenStreams) -> None:
        """Be counted; raise TooManyRequests if the token has too many streams open."""
        if self._call.request.method == "HEAD":
            return
        token = self._call.principal.token
        limit.enter(token)
        self.call_on_close(lambda: limit.leave(token))
        self._call.request.environ["eventlet.minimum_write_chunk_size"] = 0
        self.response = self._frames(connections, self._call.request.environ.get("lobby.socket"))

    def _frames(self, connections: OpenConnections, sock: Any) -> Iterator[bytes]:
        connections.enter()
        system_endpoints.STREAMS.inc()
        try:
            yield b": connected\nretry: %d\n\n" % RETRY_MS
            yield from self._events(sock)
        except StreamEnds:
            return
        except Exception as error:
            # The answer's head is long gone: all that can be done is to end, and the client comes back.
            _log.error("stream_failed", branch=self._call.branch, exc_info=error)
        finally:
            system_endpoints.STREAMS.dec()
            connections.leave()
            close = getattr(self._source, "close", None)
            if close is not None:
                close()

    def _events(self, sock: Any) -> Iterator[bytes]:
        wrote = asked = time.monotonic()
        for count, item in enumerate(self._source, 1):
            now = time.monotonic()
            if item is not None:
                yield frame(item)
                wrote = now
                if count % _FAIR_SHARE == 0:
                    eventlet.sleep(0)  # a long backlog and a fast client would keep everybody else waiting
            elif _is_gone(sock):
                return
            else:
                if now - asked < _AT_ONCE_S:
                    eventlet.sleep(_PAUSE_S)  # the source does not wait by itself
                if now - wrote >= self._heartbeat_s:
                    yield b": \n\n"
                    wrote = now
            asked = time.monotonic()


def frame(item: Item) -> bytes:
    """Return an event as the client parses it; the JSON is one line."""
    position, type_, body = item
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (position.encode(), type_.encode(), body)


def _is_gone(sock: Any) -> bool:
    """Say whether the client closed its end. It has nothing more to say, so a look costs nothing."""
    if sock is None:
        return False
    try:
        return not sock.fd.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
