"""The nameko extension that a container's HTTP entrypoints share."""

import errno
import resource
import socket as plain_socket
import time
from typing import Any

import eventlet
import structlog
from eventlet import greenio, wsgi
from eventlet.green import socket
from nameko.extensions import SharedExtension

from shared.bus.topology import Topology
from shared.settings import Settings, SettingsError
from shared.web.app import Route, WebApp
from shared.web.protocol import Server
from shared.web.system_endpoints import Check, Checks

GRACE_S = 0.5
SPARE_FILES = 256
"""Open files of a process beside its clients' connections."""
_BACKLOG = 1024

_log = structlog.get_logger(__name__)
_listeners: dict[tuple[str, int], "Listener"] = {}


class Listener:
    """Accepts connections for the containers that joined it; begins with the first, ends with the last."""

    def __init__(self, address: tuple[str, int], settings: Settings, topology: Topology) -> None:
        """Take the address; raise :class:`SettingsError` that names LOBBY_HTTP_ADDRESS if it can't be had."""
        _allow_open_files(settings.max_connections + SPARE_FILES)
        self._sock = _listen(address)
        self.address: tuple[str, int] = self._sock.getsockname()[:2]
        self.app = WebApp(settings, topology)
        self._key = address
        self._members: set[object] = set()
        self._connections: dict[Any, list[Any]] = {}
        self._pool = eventlet.GreenPool(settings.max_connections)
        self._accepting: Any = None
        self._server = Server(
            self._sock,
            self.app,
            socket_timeout_s=settings.socket_timeout_s,
            keepalive_s=75,
            request_s=settings.request_timeout_s,
        )

    def join(self, member: object) -> None:
        """Keep the socket for one more container."""
        self._members.add(member)

    def serve(self) -> None:
        """Accept connections from now on."""
        if self._accepting is None:
            self._accepting = eventlet.spawn(self._accept)
            _log.info("http_listening", host=self.address[0], port=self.address[1])

    def leave(self, member: object) -> None:
        """Let one container go, and the socket with the last."""
        self._members.discard(member)
        if not self._members and _listeners.pop(self._key, None) is not None:
            self._close()

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self._sock.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL):
                    return
                _log.warning("http_accept_failed", error=str(error))
                eventlet.sleep(0.1)  # out of file descriptors for one: let others end first
                continue
            _log.debug("http_connection", peer=f"{address[0]}:{address[1]}")
            sock.settimeout(self._server.socket_timeout)
            connection = [address, sock, wsgi.STATE_IDLE]
            thread = self._pool.spawn(self._process, connection)
            self._connections[thread] = connection

    def _process(self, connection: list[Any]) -> None:
        try:
            self._server.process_request(connection)
        except Exception as error:
            # A client that went away in the middle of something; whatever a call raises is answered further in.
            _log.debug("http_connection_lost", error=repr(error))
        finally:
            self._connections.pop(eventlet.getcurrent(), None)
            connection[1].close()

    def _close(self) -> None:
        """Refuse new connections, let answers that are under way end, then cut."""
        if self._accepting is not None:
            self._accepting.kill()
        self._sock.close()
        for _, sock, state in self._begin_to_close():
            if state == wsgi.STATE_IDLE:
                greenio.shutdown_safe(sock)
        deadline = time.monotonic() + GRACE_S
        while self._connections and time.monotonic() < deadline:
            eventlet.sleep(0.01)
        for thread in list(self._connections):
            thread.kill()

    def _begin_to_close(self) -> list[tuple[Any, Any, str]]:
        before = [(address, sock, state) for address, sock, state in self._connections.values()]
        for connection in self._connections.values():
            connection[2] = wsgi.STATE_CLOSE
        return before


def listener_of(address: tuple[str, int], settings: Settings, topology: Topology) -> Listener:
    """Return the process's listener at an address; take the address if nobody here has it yet."""
    if address not in _listeners:
        _listeners[address] = Listener(address, settings, topology)
    return _listeners[address]


def _allow_open_files(count: int) -> None:
    """Raise the process's limit of open files as far as the system lets it: many begin with 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    elif soft != resource.RLIM_INFINITY and soft < count:
        _log.warning("few_open_files", allowed=soft, connections=count - SPARE_FILES)


def _listen(address: tuple[str, int]) -> greenio.GreenSocket:
    host, port = address
    family = plain_socket.AF_INET6 if ":" in host else plain_socket.AF_INET
    sock = socket.socket(family, plain_socket.SOCK_STREAM)
    try:
        sock.setsockopt(plain_socket.SOL_SOCKET, plain_socket.SO_REUSEADDR, 1)
        # Every connection inherits it: answers are small and awaited, none waits for a full segment.
        sock.setsockopt(plain_socket.IPPROTO_TCP, plain_socket.TCP_NODELAY, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        reason = "is in use by another process" if error.errno == errno.EADDRINUSE else f"can't be used: {error}"
        raise SettingsError(f"LOBBY_HTTP_ADDRESS: {host}:{port} {reason}; choose another host:port") from error
    return sock


class WebServer(SharedExtension):
    """Serves a container's entrypoints on its service's address; embedded, all containers share the gateway's.

    ``listener`` is the socket's owner, from ``setup`` on.
    """

    listener: Listener

    def __init__(self) -> None:
        """Called by nameko more than once; takes nothing yet."""
        super().__init__()
        self._routes: list[Route] = []

    @property
    def port(self) -> int:
        """The port, also where port 0 asked for any free one."""
        return self.listener.address[1]

    def register(self, route: Route) -> None:
        """Serve one more entrypoint; called by entrypoints in their ``setup``."""
        self._routes.append(route)

    def setup(self) -> None:
        """Take the address before anything in the container starts; raise SettingsError if it can't be had."""
        settings: Settings = self.container.config["settings"]
        service = "gateway" if settings.embedded else self.container.service_name
        self.listener = listener_of(settings.address_of(service), settings, self.container.config["topology"])
        self.listener.join(self)

    def start(self) -> None:
        """Serve the container's routes."""
        self.listener.app.mount(self, self.container.service_name, self._routes, self._checks)
        self.listener.serve()

    def stop(self) -> None:
        """Serve them no longer; close the socket if this was the last container on it."""
        if hasattr(self, "listener"):
            self.listener.app.unmount(self)
            self.listener.leave(self)

    kill = stop

    def _checks(self) -> Checks:
        """Collect the checks of the container's extensions: those that have ``readiness_checks() -> {name: check}``."""
        found: dict[str, Check] = {}
        for extension in self.container.extensions:
            if hasattr(extension, "readiness_checks"):
                found.update(extension.readiness_checks())
        return found
