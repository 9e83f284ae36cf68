"""A TCP proxy between a client and a server, that a test makes slow, silent or broken in either direction."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Direction = Literal["to_server", "to_client"]
LOOK_S = 0.05


class Proxy:
    """Forwards connections to a port of this machine until the block ends.

    ``delay`` holds each piece up for a while, ``hold`` takes what comes and passes nothing on (the
    connections stay open, as behind a firewall that drops packets), ``strand`` does so for ever and to the
    connections that are open now, ``cut`` resets them.
    """

    def __init__(self, port: int) -> None:
        """``port`` is the server's."""
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ended = threading.Event()
        self._delay: dict[Direction, float] = {"to_server": 0, "to_client": 0}
        self._open: dict[Direction, threading.Event] = {"to_server": threading.Event(), "to_client": threading.Event()}
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._stranded: set[socket.socket] = set()
        self.accepted = 0
        self.passed: dict[Direction, int] = {"to_server": 0, "to_client": 0}
        self.let_go()

    def url(self, url: str) -> str:
        """Return the server's URL with the proxy's address."""
        parts = urlsplit(url)
        account = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{self.port}"))

    def delay(self, direction: Direction, seconds: float) -> None:
        """Pass each piece on so much later."""
        self._delay[direction] = seconds

    def hold(self, *directions: Direction) -> None:
        """Pass nothing on any more, without a word."""
        for direction in directions:
            self._open[direction].clear()

    def let_go(self) -> None:
        """Pass on what was held and what comes."""
        for flow in self._open.values():
            flow.set()

    def strand(self) -> None:
        """Pass nothing on any more for the connections of now; later ones are well."""
        self._stranded.update(end for pair in self._pairs for end in pair)

    def cut(self) -> None:
        """Reset every connection; what was held is lost."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        self._listener.settimeout(LOOK_S)
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.accepted += 1
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                client.close()
                continue
            self._pairs.append((client, server))
            for source, sink, direction in ((client, server, "to_server"), (server, client, "to_client")):
                threading.Thread(target=self._pump, args=(source, sink, direction), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, direction: Direction) -> None:
        with contextlib.suppress(OSError):
            source.settimeout(None)
            while piece := source.recv(65536):
                self._ended.wait(self._delay[direction])
                while source in self._stranded or not self._open[direction].wait(LOOK_S):
                    self._ended.wait(LOOK_S)
                    if self._ended.is_set() or source.fileno() < 0:
                        return
                sink.sendall(piece)
                self.passed[direction] += len(piece)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
