"""From the press of a button to the dashboard: what is added behind the HTTP answer, beside a broker's round trip."""

import json
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import amqp
from kombu import Connection

from bench.calls import TICKET
from bench.child import running
from shared.settings import SERVICES, Settings
from shared.storage.migrate import upgrade
from shared.web.tokens import issue_token
from tests.support.processes import free_port, wait_until

RATES = (20, 100)
AIM_MS = {20: ("p50", 6.0), 100: ("p99", 20.0)}
BRANCHES = 10
SENDERS = 8
"""Connections that press buttons: no press waits for the answer to another."""
LAYOUTS = {"one process a service": (1, 1), "two of triage": (2, 1), "two of triage, two of the gateway": (2, 2)}
"""How many processes of triage and of the gateway there are; presses and dashboards take turns."""
QUEUE = "bench.round-trip"
LATE_S = 5.0

Figures = dict[str, float]
"""One layout, or the broker, at one rate: ``p50_ms`` and ``p99_ms`` behind the answer, of ``presses``."""


def compare(amqp_url: str, database_url: str, *, short: bool) -> dict[str, list[Figures]]:
    """Measure the broker and each layout at each rate."""
    seconds = 5.0 if short else 15.0
    measured = {"broker": [{"rate": rate, **_round_trips(amqp_url, rate, seconds)} for rate in RATES]}
    with TemporaryDirectory(prefix="lobby-bench-") as name:
        settings = Settings(data_dir=Path(name), database_url=database_url, amqp_url=amqp_url)
        for service in SERVICES:
            upgrade(settings, service)
        for layout, (triages, gateways) in LAYOUTS.items():
            with _system(settings, triages, gateways) as (triage_ports, gateway_ports):
                _measure(settings, triage_ports, gateway_ports, 20, 2.0)  # what is loaded at the first call is loaded
                measured[layout] = []
                for rate in RATES:
                    figures = _measure(settings, triage_ports, gateway_ports, rate, seconds)
                    measured[layout].append({"rate": rate, **figures})
                    print(f"{layout}: {measured[layout][-1]}", file=sys.stderr)
    return measured


@contextmanager
def _system(settings: Settings, triages: int, gateways: int) -> Iterator[tuple[list[int], list[int]]]:
    """Run every service as in production, each process on a port of its own."""
    processes = ["worklog", "vip", "incidents", *["triage"] * triages, *["gateway"] * gateways]
    ports = [free_port() for _ in processes]
    with ExitStack() as stack:
        for service, port in zip(processes, ports, strict=True):
            environment = {
                "LOBBY_AMQP_URL": settings.amqp_url, "LOBBY_DATABASE_URL": settings.database_url,
                "LOBBY_DATA_DIR": str(settings.data_dir), "LOBBY_HTTP_ADDRESS": f"127.0.0.1:{port}",
                "LOBBY_LOG_LEVEL": "warning",
            }  # fmt: skip
            stack.enter_context(running("services.ops", "serve", service, **environment))
        for service, port in zip(processes, ports, strict=True):
            wait_until(lambda port=port: _is_ready(port), within_s=90, what=f"{service} to be ready")  # type: ignore[misc]
        by_service = list(zip(processes, ports, strict=True))
        yield [p for s, p in by_service if s == "triage"], [p for s, p in by_service if s == "gateway"]


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _measure(settings: Settings, triages: Sequence[int], gateways: Sequence[int], rate: int, seconds: float) -> Figures:
    """Press buttons at a rate, and see on the branches' streams when each ticket is there."""
    token = issue_token(settings, roles=["supervisor", "terminal", "teller"], branches=["*"])
    answered: dict[str, tuple[float, float]] = {}
    seen: dict[str, float] = {}
    branches = [f"bench-{number}" for number in range(BRANCHES)]
    streams = [_Stream(gateways[n % len(gateways)], branch, token, seen) for n, branch in enumerate(branches)]
    try:
        _at_rate(rate, seconds, SENDERS, lambda n: _presses(triages[n % len(triages)], branches, token, answered))
        until = time.monotonic() + LATE_S
        while len(answered.keys() - seen.keys()) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        for stream in streams:
            stream.close()
    missing = len(answered.keys() - seen.keys())
    if missing:
        raise RuntimeError(
            f"{missing} of {len(answered)} tickets were not on their branch's stream within {LATE_S:g} s"
        )
    added = [seen[ticket] - at for ticket, (_, at) in answered.items()]
    whole = [seen[ticket] - pressed for ticket, (pressed, _) in answered.items()]
    answer = [at - pressed for pressed, at in answered.values()]
    return {
        **_percentiles(added), "answer_p50_ms": _percentiles(answer)["p50_ms"],
        "press_p50_ms": _percentiles(whole)["p50_ms"],
    }  # fmt: skip


def _presses(
    port: int, branches: Sequence[str], token: str, answered: dict[str, tuple[float, float]]
) -> Callable[[int], None]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def press(number: int) -> None:
        pressed = time.perf_counter()
        connection.request("POST", f"/v1/branches/{branches[number % len(branches)]}/tickets", TICKET, headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 201:
            raise RuntimeError(f"{response.status}: {body[:500]!r}")
        answered[json.loads(body)["ticket_id"]] = (pressed, time.perf_counter())

    return press


class _Stream:
    """Reads a branch's stream on a thread, and notes when it saw each ticket."""

    def __init__(self, port: int, branch: str, token: str, seen: dict[str, float]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        path = f"/v1/branches/{branch}/stream?types=lobby.triage.ticket_issued.*"
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        self._sock = self._connection.sock
        self._response = self._connection.getresponse()
        if self._response.status != 200:
            raise RuntimeError(f"{path}: {self._response.status} {self._response.read()[:500]!r}")
        self._seen = seen
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while line := self._response.readline():
                if line.startswith(b"data: "):
                    at = time.perf_counter()
                    self._seen[json.loads(line[6:])["data"]["ticket_id"]] = at
        except (OSError, ValueError, AttributeError):
            return  # closed

    def close(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def _at_rate(rate: float, seconds: float, threads: int, make: Callable[[int], Callable[[int], None]]) -> None:
    """Do something at a steady rate on some threads, each of which makes what it does; raise what goes wrong."""
    began, errors = time.perf_counter() + 0.2, []

    def run(first: int) -> None:
        try:
            do = make(first)
            for number in range(first, int(rate * seconds), threads):
                time.sleep(max(0.0, began + number / rate - time.perf_counter()))
                do(number)
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=run, args=(first,)) for first in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]


def _round_trips(url: str, rate: int, seconds: float) -> Figures:
    """Publish to a quorum queue, and see when each message is delivered."""
    delays: list[float] = []
    with Connection(url) as sending, Connection(url) as receiving:
        channel, reader = sending.channel(), receiving.channel()
        channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        wanted = int(rate * seconds)
        reader.basic_qos(0, 200, False)

        def take(message: amqp.Message) -> None:
            delays.append(time.perf_counter() - float(message.body))
            reader.basic_ack(message.delivery_tag)

        reader.basic_consume(QUEUE, callback=take)

        def publish(_number: int) -> None:
            channel.basic_publish(amqp.Message(str(time.perf_counter()), delivery_mode=2), routing_key=QUEUE)

        publishing = threading.Thread(target=_at_rate, args=(rate, seconds, 1, lambda _first: publish))
        publishing.start()
        while len(delays) < wanted:
            receiving.drain_events(timeout=10)
        publishing.join()
        channel.queue_delete(QUEUE)
    return _percentiles(delays)


def _percentiles(seconds: Sequence[float]) -> Figures:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49] * 1000, 2), "p99_ms": round(cuts[98] * 1000, 2), "presses": len(seconds)}


def report(measured: dict[str, list[Figures]]) -> str:
    """Return the figures and the aims, for people."""
    lines = ["From the HTTP answer of a press to the branch's stream, in ms", ""]
    for name, rates in measured.items():
        for figures in rates:
            line = (
                f"  {name:<34} {figures['rate']:>4}/s   p50 {figures['p50_ms']:>6.1f}   p99 {figures['p99_ms']:>6.1f}"
            )
            if "answer_p50_ms" in figures:
                line += f"   (the answer {figures['answer_p50_ms']:.1f}, in all {figures['press_p50_ms']:.1f})"
            lines.append(line)
    aims = ", ".join(f"{name} at most {ms:g} at {rate}/s" for rate, (name, ms) in AIM_MS.items())
    return "\n".join([*lines, "", f"  aim: {aims}", ""])
