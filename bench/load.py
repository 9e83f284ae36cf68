"""A client that keeps so many connections busy, each with one request at a time, and times each answer."""

import selectors
import socket
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to ask; ``kind`` is what its time is counted under."""

    kind: str
    path: str
    body: bytes = b"{}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, after ``seconds``."""

    status: int
    body: bytes
    seconds: float


Script = Generator[Request, Answer, None]
"""One connection's requests; it is sent each answer."""


@dataclass(kw_only=True)
class Tally:
    """How long the answers of a kind took, and what was not as it should be."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[Answer] = field(default_factory=list)
    lasted_s: float = 0.0

    @property
    def rate(self) -> float:
        """The answers a second, of every kind."""
        return sum(map(len, self.seconds.values())) / self.lasted_s

    def percentile_ms(self, kind: str, share: float) -> float:
        """Return the time that this share of the answers stayed below, in milliseconds."""
        ordered = sorted(self.seconds[kind])
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


Address = tuple[str, int]
Route = Callable[[Request, int], int]
"""Which of the addresses a connection's request goes to: told the request, and how many it has sent before."""


def in_turns(_request: Request, number: int) -> int:
    """Send each request to the next address, as a proxy does that is told nothing."""
    return number


class _Connection:
    """A client with one socket to each address."""

    def __init__(self, addresses: Sequence[Address], head: str, script: Callable[[], Script], route: Route) -> None:
        self.sockets = [socket.create_connection(address) for address in addresses]
        for one in self.sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = head
        self._route = route
        self._used = self.sockets[0]
        self._script = script()
        self._buffer = b""
        self._number = 0
        self.request = next(self._script)
        self.since = 0.0

    def send(self) -> None:
        request = self.request
        self._used = self.sockets[self._route(request, self._number) % len(self.sockets)]
        self._number += 1
        head = (
            f"POST {request.path} HTTP/1.1\r\n{self._head}Content-Length: {len(request.body)}\r\n"
            f"Idempotency-Key: {id(self):x}-{self._number}-{time.monotonic_ns()}\r\n\r\n"
        )
        self.since = time.perf_counter()
        self._used.sendall(head.encode() + request.body)

    def receive(self) -> Answer | None:
        received = self._used.recv(65536)
        if not received:
            raise ConnectionError(f"the server closed the connection of {self.request.path}")
        self._buffer += received
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = 0 if at < 0 else int(lower[at + 15 :].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self._buffer = body[length:]
        return Answer(status=int(head[9:12]), body=body[:length], seconds=time.perf_counter() - self.since)

    def go_on(self, answer: Answer) -> bool:
        """Take the next request from the script; False at its end."""
        try:
            self.request = self._script.send(answer)
        except StopIteration:
            return False
        return True


def run(
    address: Address,
    token: str,
    scripts: Sequence[Callable[[], Script]],
    *,
    seconds: float,
    others: Sequence[Address] = (),
    route: Route = in_turns,
    warm_s: float = 0.5,
) -> Tally:
    """Run the scripts until they end or the time is over; the first moments, ``warm_s`` at most, are not counted.

    ``others`` are further processes of the same service; ``route`` says which requests are theirs.
    """
    head = f"Host: {address[0]}:{address[1]}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    began = time.perf_counter()
    warm = began + min(seconds / 10, warm_s)
    tally = Tally()
    with selectors.DefaultSelector() as selector:
        for script in scripts:
            connection = _Connection([address, *others], head, script, route)
            for one in connection.sockets:
                selector.register(one, selectors.EVENT_READ, connection)
            connection.send()
        while selector.get_map() and (now := time.perf_counter()) < began + seconds:
            for key, _ in selector.select(1):
                connection = key.data
                answer = connection.receive()
                if answer is None:
                    continue
                if not 200 <= answer.status < 300:
                    tally.wrong.append(answer)
                elif now > warm:
                    tally.seconds.setdefault(connection.request.kind, []).append(answer.seconds)
                if connection.go_on(answer):
                    connection.send()
                else:
                    for one in connection.sockets:
                        selector.unregister(one)
                        one.close()
        tally.lasted_s = max(time.perf_counter() - warm, 1e-9)
        for key in list(selector.get_map().values()):
            for one in key.data.sockets:
                one.close()
    return tally
