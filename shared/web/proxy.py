"""The gateway as one origin where no nginx is: forwards a call to the service that serves it.

For development. werkzeug's ProxyMiddleware would do, but opens a connection a request and answers 502
in HTML; connections are kept here, which saves a third of a hop's processor time.
"""

import socket
from collections import defaultdict, deque
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from werkzeug.http import is_hop_by_hop_header
from werkzeug.wrappers import Request, Response

from shared.errors import Unavailable
from shared.settings import Settings
from shared.web.intake import read_bytes

TIMEOUT_S = 30.0
_KEPT = 32
_SMALL = 1024 * 1024


class Proxy:
    """Forwards calls, with their headers and bodies as they are."""

    def __init__(self, settings: Settings) -> None:
        """``settings`` say where each service is."""
        self._settings = settings
        self._idle: defaultdict[str, deque[HTTPConnection]] = defaultdict(deque)

    def forward(self, service: str, request: Request) -> Response:
        """Return the service's answer; raise :class:`Unavailable` if it gives none."""
        base: str = getattr(self._settings, f"{service}_url")
        body = read_bytes(request, self._settings.max_body_bytes, self._settings.request_timeout_s)
        repeatable = request.method in ("GET", "HEAD") or "Idempotency-Key" in request.headers
        kept = self._kept(base)
        try:
            if kept is not None:
                try:
                    return self._exchange(base, kept, request, body)
                except (OSError, HTTPException):
                    # It may have been closed at the very moment; whether the call arrived nobody knows.
                    if not repeatable:
                        raise
            return self._exchange(base, _connection(base), request, body)
        except (OSError, HTTPException) as error:
            raise Unavailable(f"{service} does not answer") from error

    def _exchange(self, base: str, connection: HTTPConnection, request: Request, body: bytes) -> Response:
        try:
            connection.request(request.method, _target(request), body or None, _headers(request, body))
            upstream = connection.getresponse()
            headers = [(name, value) for name, value in upstream.getheaders() if not is_hop_by_hop_header(name)]
            if upstream.length is None or upstream.length > _SMALL:
                return _streamed(request, connection, upstream, headers)
            content = upstream.read()
        except BaseException:
            connection.close()
            raise
        self._keep(base, connection, upstream)
        response = Response(content, status=upstream.status)
        response.headers.clear()
        response.headers.extend(headers)
        return response

    def _kept(self, base: str) -> HTTPConnection | None:
        idle = self._idle[base]
        while idle:
            connection = idle.pop()
            if _is_open(connection):
                return connection
            connection.close()
        return None

    def _keep(self, base: str, connection: HTTPConnection, upstream: HTTPResponse) -> None:
        if upstream.will_close or len(self._idle[base]) >= _KEPT:
            connection.close()
        else:
            self._idle[base].append(connection)


def _connection(base: str) -> HTTPConnection:
    parts = urlsplit(base)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)


def _is_open(connection: HTTPConnection) -> bool:
    """Say whether the other end has neither closed nor sent anything unasked."""
    if connection.sock is None:
        return False
    fd = getattr(connection.sock, "fd", connection.sock)
    try:
        fd.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _target(request: Request) -> str:
    query = request.environ.get("QUERY_STRING", "")
    path: str = request.environ.get("RAW_PATH_INFO") or request.path
    return f"{path}?{query}" if query else path


def _headers(request: Request, body: bytes) -> dict[str, str]:
    headers = {
        name: value
        for name, value in request.headers.items()
        if not is_hop_by_hop_header(name) and name.lower() not in ("content-length", "expect")
    }
    client = request.environ.get("REMOTE_ADDR", "")
    before = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {client}" if before else client
    if body or request.method in ("POST", "PUT"):
        headers["Content-Length"] = str(len(body))
    return headers


def _streamed(
    request: Request, connection: HTTPConnection, upstream: HTTPResponse, headers: list[tuple[str, str]]
) -> Response:
    """Pass the parts on as they come."""
    request.environ["eventlet.minimum_write_chunk_size"] = 0
    # An event stream's heartbeat comes more often than this.
    response = Response(_parts(upstream), status=upstream.status)
    response.headers.clear()
    response.headers.extend(headers)
    response.call_on_close(connection.close)
    return response


def _parts(upstream: HTTPResponse) -> Iterator[bytes]:
    try:
        while part := upstream.read1(65536):
            yield part
    except (OSError, HTTPException):
        return
