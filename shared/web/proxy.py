"""The gateway as one origin where no nginx is: forwards a call to the service that serves it.

For development. urllib3 keeps the connections; an answer that is long, or has no length, is passed on as it comes.
"""

from collections.abc import Iterator

from urllib3 import BaseHTTPResponse, PoolManager, Retry
from urllib3.exceptions import HTTPError
from werkzeug.http import is_hop_by_hop_header
from werkzeug.wrappers import Request, Response

from shared.errors import Unavailable
from shared.settings import Settings
from shared.web.request_validation import read_bytes

TIMEOUT_S = 30.0
_KEPT = 32
_SMALL = 1024 * 1024
_ONCE_MORE = Retry(total=1, connect=0, redirect=0, status=0, allowed_methods=None)
"""A kept connection may have been closed at the very moment; whether the call arrived is not known then."""


class Proxy:
    """Forwards calls, with their headers and bodies as they are."""

    def __init__(self, settings: Settings) -> None:
        """``settings`` say where each service is."""
        self._settings = settings
        self._pools = PoolManager(maxsize=_KEPT, timeout=TIMEOUT_S)

    def forward(self, service: str, request: Request) -> Response:
        """Return the service's answer; raise :class:`Unavailable` if it gives none."""
        base: str = getattr(self._settings, f"{service}_url")
        body = read_bytes(request, self._settings.max_body_bytes, self._settings.request_timeout_s)
        repeatable = request.method in ("GET", "HEAD") or "Idempotency-Key" in request.headers
        try:
            upstream = self._pools.connection_from_url(base).urlopen(
                request.method, _target(request), body or None, _headers(request, body),
                retries=_ONCE_MORE if repeatable else False, redirect=False, preload_content=False,
                decode_content=False,
            )  # fmt: skip
            return _response(request, upstream)
        except HTTPError as error:
            raise Unavailable(f"{service} does not answer") from error


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


def _response(request: Request, upstream: BaseHTTPResponse) -> Response:
    length = upstream.length_remaining
    if length is not None and length <= _SMALL:
        response = Response(upstream.data, status=upstream.status)
    else:
        request.environ["eventlet.minimum_write_chunk_size"] = 0
        response = Response(_parts(upstream), status=upstream.status)
        response.call_on_close(upstream.close)
    response.headers.clear()
    response.headers.extend((name, value) for name, value in upstream.headers.items() if not is_hop_by_hop_header(name))
    return response


def _parts(upstream: BaseHTTPResponse) -> Iterator[bytes]:
    # An event stream's heartbeat comes more often than the time-out.
    try:
        while part := upstream.read1(65536):
            yield part
    except HTTPError:
        return
