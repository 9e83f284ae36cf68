"""Events from the broker to a thousand open streams, beside a gateway whose streams each read the log."""

import os
import re
import resource
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import amqp
from kombu import Connection

from bench.child import running
from shared.bus.topology import INTERNAL, routing_key
from shared.contracts import catalog
from shared.contracts.envelope import STRUCTURED, Event
from shared.contracts.events.triage import CounterOpened
from shared.ids import new_id
from shared.settings import Settings
from shared.storage.migrate import upgrade
from shared.web.tokens import issue_token
from tests.support.processes import free_port, wait_until

AIM_P99_MS = 200
TICKETS_A_SECOND = 50
EVENTS_OF_A_TICKET = 6
STREAMS_OF_A_BRANCH = 10
WARM_S = 1.0
LATE_S = 3.0
"""How long after the last event is waited for what is on its way."""
SPARE_FILES = 200
TITLES = {"each": "each stream reads the log", "shared": "a branch's streams share its tail"}
_ID = re.compile(rb'"id":"([^"]+)"')

Figures = dict[str, float]
"""``streams``, those ``alive`` at the end, the latency's ``p50_ms``, ``p99_ms`` and ``max_ms``, and the share of a core
that the gateway took (``cpu``)."""


@dataclass(eq=False)
class Follower:
    """One open stream."""

    branch: str
    socket: socket.socket
    unread: bytes = b""
    heard: int = 0
    ended: bool = False


@dataclass
class Latencies:
    """When events were sent, and how long each took to each stream."""

    sent: dict[bytes, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    since: float = 0.0


def compare(amqp_url: str, database_url: str, *, short: bool) -> dict[str, Figures]:
    """Measure both with as many streams, and the gateway as it is with five times as many."""
    few, many, seconds = (200, 500, 4.0) if short else (1000, 5000, 10.0)
    assert catalog
    _allow_open_files(many + SPARE_FILES)
    measured = {}
    with TemporaryDirectory(prefix="lobby-bench-") as name:
        settings = Settings(data_dir=Path(name), database_url=database_url, amqp_url=amqp_url)
        upgrade(settings, "gateway")
        for contender, count in (("each", few), ("shared", few), ("shared", many)):
            with _gateway(contender, settings) as (port, process):
                figures = measured[f"{contender} {count}"] = _measure(port, process, settings, count, seconds)
                print(f"streams: {contender} {figures}", file=sys.stderr)
    return measured


def report(measured: dict[str, Figures]) -> str:
    """Return the figures, for people."""
    lines = [
        f"From the broker to the streams, {TICKETS_A_SECOND} tickets/s of {EVENTS_OF_A_TICKET} events, "
        f"{STREAMS_OF_A_BRANCH} streams a branch\n",
        f"  {'':40}{'streams':>9}{'alive':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'CPU':>7}",
    ]
    for name, own in measured.items():
        title = TITLES[name.partition(" ")[0]]
        lines.append(
            f"  {title:40}{own['streams']:>9,.0f}{own['alive']:>8,.0f}{own['p50_ms']:>9.0f}{own['p99_ms']:>9.0f}"
            f"{own['max_ms']:>9.0f}{own['cpu']:>7.0%}"
        )
    lines.append(f"\n  aim: p99 of {AIM_P99_MS} ms at the most with 1,000 streams; 5,000 streams alive\n")
    return "\n".join(lines)


@contextmanager
def _gateway(contender: str, settings: Settings) -> Iterator[tuple[int, int]]:
    """Run a gateway until the block ends, and return its port and its process."""
    port = free_port()
    environment = {
        "LOBBY_AMQP_URL": settings.amqp_url, "LOBBY_DATABASE_URL": settings.database_url,
        "LOBBY_DATA_DIR": str(settings.data_dir), "LOBBY_HTTP_ADDRESS": f"127.0.0.1:{port}",
        "LOBBY_LOG_LEVEL": "warning", "LOBBY_STREAMS_PER_TOKEN": "100000", "LOBBY_MAX_CONNECTIONS": "10000",
    }  # fmt: skip
    with running("bench.gateway", contender, **environment) as process:
        wait_until(lambda: _is_ready(port), within_s=60, what="the gateway to be ready")
        yield port, process


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _cpu_seconds(process: int) -> float:
    """Return the CPU time that a process has taken; 0 where the system does not tell it."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _measure(port: int, process: int, settings: Settings, count: int, seconds: float) -> Figures:
    branches = [f"branch-{n}" for n in range(count // STREAMS_OF_A_BRANCH)]
    token = issue_token(settings, roles=["auditor"], branches=["*"])
    with selectors.DefaultSelector() as selector:
        followers = [_follow(port, token, branches[n % len(branches)]) for n in range(count)]
        for follower in followers:
            selector.register(follower.socket, selectors.EVENT_READ, follower)
        latencies = Latencies()
        before = _cpu_seconds(process)
        with Connection(settings.amqp_url) as connection:
            _play(connection.channel(), selector, branches, latencies, seconds)
        cpu = (_cpu_seconds(process) - before) / (seconds + LATE_S)
        for follower in followers:
            follower.socket.close()
    alive = sum(1 for follower in followers if follower.heard and not follower.ended)
    ordered = sorted(latencies.seconds)
    percentiles = {name: 1000 * ordered[int(share * (len(ordered) - 1))] for name, share in _SHARES.items()}
    return {"streams": count, "alive": alive, **percentiles, "cpu": cpu}


_SHARES = {"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1.0}


def _follow(port: int, token: str, branch: str) -> Follower:
    """Open a stream, and wait for its first line."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = (
        f"GET /v1/branches/{branch}/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    sock.sendall(head.encode())
    answer = b""
    while b": connected" not in answer:
        received = sock.recv(4096)
        if not received or not answer.startswith(b"HTTP/1.1 200"[: len(answer)]):
            raise ConnectionError(f"no stream of {branch}: {answer[:200]!r}")
        answer += received
    sock.setblocking(False)
    return Follower(branch, sock)


def _play(
    channel: amqp.Channel, selector: selectors.BaseSelector, branches: list[str], latencies: Latencies, seconds: float
) -> None:
    """Publish events evenly over the time, and read all the while; wait a little for the last ones."""
    began = time.perf_counter()
    latencies.since = began + WARM_S
    interval = 1 / (TICKETS_A_SECOND * EVENTS_OF_A_TICKET)
    number = 0
    while (now := time.perf_counter()) < began + seconds + LATE_S:
        due = began + number * interval
        if now >= due and now < began + seconds:
            _publish(channel, branches[number % len(branches)], latencies)
            number += 1
        else:
            _read(selector, latencies, max(0.0, min(due - now, 0.05)) if now < began + seconds else 0.05)


def _publish(channel: amqp.Channel, branch: str, latencies: Latencies) -> None:
    now = datetime.now(UTC)
    subject = new_id()
    event = Event(
        id=new_id(), source="/services/triage", type="lobby.triage.counter_opened.v1", subject=subject, time=now,
        branchid=branch, correlationid=subject, sequence=1, recordedtime=now,
        data=CounterOpened(counter="1", channels=("counter", "green"), teller_ref=f"teller-{subject}"),
    )  # fmt: skip
    message = amqp.Message(event.to_json(), content_type=STRUCTURED, content_encoding="utf-8", delivery_mode=2)
    latencies.sent[event.id.encode()] = time.perf_counter()
    channel.basic_publish(message, exchange=INTERNAL, routing_key=routing_key(branch, event.type))


def _read(selector: selectors.BaseSelector, latencies: Latencies, wait_s: float) -> None:
    for key, _ in selector.select(wait_s):
        follower: Follower = key.data
        try:
            received = follower.socket.recv(65536)
        except BlockingIOError:
            continue
        except OSError:
            received = b""
        if not received:
            follower.ended = True
            selector.unregister(follower.socket)
            continue
        now = time.perf_counter()
        whole, _, follower.unread = (follower.unread + received).rpartition(b"\n\n")
        for id_ in _ID.findall(whole):
            follower.heard += 1
            if (sent := latencies.sent[id_]) >= latencies.since:
                latencies.seconds.append(now - sent)


def _allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
