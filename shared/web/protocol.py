"""HTTP as eventlet speaks it, with what it lets through refused and what it says to nobody's use left out."""

import re
import socket
import sys
import time
from http import HTTPStatus
from typing import Any

import structlog
from eventlet import Timeout, greenio, wsgi

from shared.errors import LobbyError
from shared.web.problem_details import MEDIA_TYPE, BadRequest, RequestTimeout, document

_log = structlog.get_logger(__name__)

LINGER_S = 1.0
LINGER_BYTES = 32 * 1024 * 1024


class _TooSlow(Exception):
    """The head of a request takes too long."""


class _Malformed(Exception):
    """A line of the head is none that every parser reads in the same way."""


_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n")
_REQUEST = re.compile(rb"[\x20-\x7e\x80-\xff]*\r\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_CHUNK_LINE_BYTES = 4096
_TRAILERS = 100


class _StrictHead:
    """Reads the lines of a head, and raises :class:`_Malformed` for one that is no field (RFC 9112, 5).

    http.client takes a bare LF or CR, spaces before the colon, folded lines and NUL; a proxy in front may not.
    """

    def __init__(self, rfile: Any) -> None:
        self._rfile = rfile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rfile, name)

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._rfile.readline(limit)
        if line not in (b"\r\n", b"") and not _FIELD.fullmatch(line):
            raise _Malformed
        return line


class _Input(wsgi.Input):
    """A request's body. Chunks are read by the grammar (RFC 9112, 7.1): ``int`` also takes 0x2, +2 and 1_0."""

    def _chunked_read(self, rfile: Any, length: int | None = None, use_readline: bool = False) -> bytes:
        if self.should_send_hundred_continue:
            self.send_hundred_continue_response()
            self.is_hundred_continue_response_sent = True
        left = None if length is None or length < 0 else length
        parts: list[bytes] = []
        while self.chunk_length != 0 and left != 0:
            if self.chunk_length == self.position or self.chunk_length < 0:
                self._next_chunk(rfile)
                continue
            most = self.chunk_length - self.position
            part = (rfile.readline if use_readline else rfile.read)(most if left is None else min(most, left))
            if not part:
                raise wsgi.ChunkReadError("the body ends within a chunk")
            parts.append(part)
            self.position += len(part)
            left = None if left is None else left - len(part)
            if self.chunk_length == self.position and rfile.read(2) != b"\r\n":
                raise wsgi.ChunkReadError("a chunk is longer than it says")
            if use_readline and part.endswith(b"\n"):
                break
        return b"".join(parts)

    def _next_chunk(self, rfile: Any) -> None:
        size = _CHUNK.fullmatch(rfile.readline(_CHUNK_LINE_BYTES))
        if size is None:
            raise wsgi.ChunkReadError("the size of a chunk is not one hexadecimal number")
        length = int(size[1], 16)
        if length == 0:
            self._read_trailers(rfile)
        self.chunk_length, self.position = length, 0

    def _read_trailers(self, rfile: Any) -> None:
        for _ in range(_TRAILERS):
            line = rfile.readline(_CHUNK_LINE_BYTES)
            if line == b"\r\n":
                return
            if not _FIELD.fullmatch(line):
                break
        raise wsgi.ChunkReadError("the trailers are not fields")


class Protocol(wsgi.HttpProtocol):
    """One connection.

    An application that answers without having read the whole body calls ``environ["lobby.close"]``:
    the rest is not read into anything, and the connection ends after the answer.
    """

    protocol_version = "HTTP/1.1"
    rfile: Any
    _lingers = False

    def _read_request_line(self) -> bytes:
        """Wait long for a request to begin; once it has, its head has to be here in time, however it dribbles."""
        try:
            self.connection.settimeout(self.server.keepalive)
            begins = bool(self.rfile.peek(1))
        except (OSError, ValueError):
            begins = False
        if not begins:
            return b""
        self._head_until = time.monotonic() + self.server.request_s
        try:
            with Timeout(self.server.request_s, _TooSlow):
                return super()._read_request_line() or b""
        except _TooSlow:
            return b""

    def parse_request(self) -> bool:
        """Refuse what proxies read in different ways: a request could be smuggled inside another's body."""
        try:
            with Timeout(max(self._head_until - time.monotonic(), 0.001), _TooSlow):
                if not _REQUEST.fullmatch(self.raw_requestline):
                    raise _Malformed
                self.rfile = _StrictHead(self.rfile)
                parsed = super().parse_request()
        except _TooSlow:
            self._answer(RequestTimeout("the head of the request did not arrive in time"))
            return False
        except _Malformed:
            self.send_error(400, "a line of the head is not as RFC 9112 has it")
            return False
        if not parsed:
            return False
        hosts = self.headers.get_all("Host", [])
        if len(hosts) > 1 or (not hosts and self.request_version != "HTTP/1.0"):
            self.send_error(400, "one Host is needed")
            return False
        lengths = self.headers.get_all("Content-Length", [])
        codings = self.headers.get_all("Transfer-Encoding", [])
        if len(lengths) > 1 or any(not (length.isascii() and length.isdigit()) for length in lengths):
            self.send_error(400, "Content-Length is not one whole number")
            return False
        if codings and (lengths or [coding.lower() for coding in codings] != ["chunked"]):
            self.send_error(400, "Transfer-Encoding other than chunked, or beside Content-Length")
            return False
        return True

    def get_environ(self) -> dict[str, Any]:
        """Add the way to end the connection after this answer, and the socket itself."""
        environ: dict[str, Any] = super().get_environ()
        lenient = environ["wsgi.input"]
        environ["wsgi.input"] = environ["eventlet.input"] = _Input(
            lenient.rfile, lenient.content_length, lenient.get_socket(), wfile=lenient.wfile,
            wfile_line=lenient.wfile_line, chunked_input=lenient.chunked_input,
        )  # fmt: skip
        environ["lobby.close"] = self._close_after_answer
        environ["lobby.socket"] = self.connection
        return environ

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that could not even be parsed; nothing of it is repeated to the sender."""
        self._answer(BadRequest(message if code == HTTPStatus.BAD_REQUEST and message else HTTPStatus(code).phrase))

    def _answer(self, error: LobbyError) -> None:
        body = document(error)
        head = (
            f"HTTP/1.1 {error.status:d} {HTTPStatus(error.status).phrase}\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.wfile.write(head.encode() + body)
        self._close_after_answer()

    def finish(self) -> None:
        """End the connection; where input was left unread, so that the answer arrives before the reset."""
        if self._lingers:
            self._linger()
        super().finish()

    def _close_after_answer(self) -> None:
        self.close_connection = True
        self._lingers = True

    def _linger(self) -> None:
        """Throw away for a moment what the sender is still sending.

        Closing on unread input resets the connection, and the sender would see that instead of the answer.
        """
        deadline, left = time.monotonic() + LINGER_S, LINGER_BYTES
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and (wait_s := deadline - time.monotonic()) > 0:
                self.connection.settimeout(wait_s)
                read = len(self.connection.recv(65536))
                if not read:
                    return
                left -= read
        except (OSError, ValueError):
            pass  # the sender is gone


class Server(wsgi.Server):
    """Serves connections that the listener accepts."""

    def __init__(
        self, sock: greenio.GreenSocket, app: Any, *, socket_timeout_s: float, keepalive_s: float, request_s: float
    ) -> None:
        """Errors reach nobody as tracebacks, and the access log is the application's."""
        super().__init__(
            sock, sock.getsockname(), app, protocol=Protocol, debug=False, log_output=False,
            keepalive=keepalive_s, socket_timeout=socket_timeout_s,
        )  # fmt: skip
        self.log = _Complaints()
        self.request_s = request_s


class _Complaints(wsgi.LoggerNull):
    """Takes what eventlet says of single requests: with its access log off, that is the traceback of what ended one."""

    def info(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log it: a bug of ours, or a client that went away before it had its answer."""
        if isinstance(error := sys.exception(), ConnectionError):
            _log.debug("http_connection_lost", error=repr(error))
            return
        _log.error("http_answer_failed", traceback=msg)

    def error(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log it."""
        _log.warning("http_input_unread", reason=msg)
