"""The work that every contender of the hop does, and where its input comes from and its output goes.

One hop: consume an event, then in a transaction enter it into the inbox, append an event to the log
and update the state of its subject; then publish that event, confirmed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import amqp
import psycopg
from kombu import Connection

from shared.bus.topology import INTERNAL, Queue, routing_key
from shared.contracts.envelope import STRUCTURED, Event
from shared.contracts.events import triage
from shared.ids import new_id

SCHEMA = "bench"
IN = Queue(name="bench.in", service=SCHEMA, bindings=((INTERNAL, "*.*.lobby.triage.counter_opened.v1"),))
OUT = Queue(name="bench.out", service=SCHEMA, bindings=((INTERNAL, "*.*.lobby.triage.counter_closed.v1"),))
OUT_TYPE = "lobby.triage.counter_closed.v1"
BRANCHES = 200

STATE = """
CREATE TABLE IF NOT EXISTS bench.state (subject varchar(128) PRIMARY KEY, events int NOT NULL, body text NOT NULL)
"""


def make_input(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield routing keys and events of about 600 bytes, over many branches."""
    now = datetime.now(UTC)
    for number in range(count):
        branch = f"branch-{number % BRANCHES}"
        data = triage.CounterOpened(
            counter=str(number % 20), channels=("counter", "green"), teller_ref=f"teller-{number}"
        )
        event = Event(
            id=new_id(),
            source="/services/triage",
            type="lobby.triage.counter_opened.v1",
            subject=f"subject-{number}",
            time=now,
            branchid=branch,
            correlationid=f"visit-{number}",
            causationid=new_id(),
            sequence=1,
            recordedtime=now,
            traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            data=data,
        )
        yield routing_key(branch, event.type), event.to_json()


def fill(url: str, queue: str, messages: Iterator[tuple[str, bytes]], content_type: str = STRUCTURED) -> None:
    """Put messages straight into a queue, and wait until the broker has them."""
    with Connection(url) as connection:
        channel = connection.channel()
        confirmed = [0]
        channel.events["basic_ack"].add(lambda tag, multiple: confirmed.__setitem__(0, max(confirmed[0], tag)))
        channel.confirm_select()
        sent = 0
        for _key, body in messages:
            message = amqp.Message(body, content_type=content_type, content_encoding="utf-8", delivery_mode=2)
            channel.basic_publish(message, exchange="", routing_key=queue)
            sent += 1
        while confirmed[0] < sent:
            connection.drain_events(timeout=30)


@contextmanager
def counter_of(url: str, queue: str) -> Iterator[Any]:
    """Give a function that tells how many messages wait in a queue."""
    with Connection(url) as connection:
        channel = connection.channel()
        yield lambda: channel.queue_declare(queue, passive=True).message_count


def rate(url: str, out: str, count: int, *, deadline_s: float = 180) -> float:
    """Return events/s between the first tenth and the end of ``count`` outputs: start-up is not measured."""
    with counter_of(url, out) as waiting:
        until = time.monotonic() + deadline_s
        begun: tuple[float, int] | None = None
        while time.monotonic() < until:
            done = waiting()
            now = time.monotonic()
            if begun is None and done >= count // 10:
                begun = (now, done)
            if done >= count and begun is not None:
                return float((done - begun[1]) / (now - begun[0]))
            time.sleep(0.02)
    raise TimeoutError(f"{done} of {count} events within {deadline_s:g} s")


def empty_tables(database: str) -> None:
    """Begin anew."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(STATE)
        connection.execute("TRUNCATE bench.state, bench.log, bench.inbox, bench.cursor")
        connection.execute("UPDATE bench.log_head SET pos = 0")
