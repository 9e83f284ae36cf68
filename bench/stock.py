"""Baseline (a): stock nameko, an ``event_handler`` and an ``EventDispatcher``, one message a transaction."""

# ruff: noqa: E402 - the patch comes before everything that opens sockets
from shared.bus.eventlet_patch import patch

patch()

import os
import signal
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
from eventlet.queue import LifoQueue
from nameko.containers import ServiceContainer
from nameko.events import EventDispatcher, event_handler

from bench.work import OUT_TYPE
from shared.ids import new_id, partition_of

SOURCE = "bench-source"
TYPE = "requested"
SERVICE = "bench_stock"
QUEUE = f"evt-{SOURCE}-{TYPE}--{SERVICE}.handle"
EXCHANGE = f"{SERVICE}.events"
WORKERS = 10

_pool: LifoQueue = LifoQueue()


class BenchStock:
    """The same work, as nameko's documentation would have it."""

    name = SERVICE
    dispatch = EventDispatcher()

    @event_handler(SOURCE, TYPE)
    def handle(self, event: dict[str, Any]) -> None:
        """Handle one event."""
        database = _pool.get()
        try:
            made = _handle(database, event)
        finally:
            _pool.put(database)
        self.dispatch(OUT_TYPE, made)


def _handle(database: psycopg.Connection, event: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC)
    pp = partition_of(event["branchid"])
    made = {
        **event, "id": new_id(), "type": OUT_TYPE, "sequence": "2", "causationid": event["id"],
        "time": now.isoformat(), "recordedtime": now.isoformat(), "data": {"counter": event["data"]["counter"]},
    }  # fmt: skip
    with database.transaction(), database.cursor() as cursor:
        query = "UPDATE log_head SET pos = pos + 1 WHERE pp = %s RETURNING pos"
        (pos,) = cursor.execute(query, (pp,)).fetchone() or (0,)
        cursor.execute("INSERT INTO inbox (event_id, at) VALUES (%s, %s) ON CONFLICT DO NOTHING", (event["id"], now))
        cursor.execute(
            "INSERT INTO state (subject, events, body) VALUES (%s, 1, %s) "
            "ON CONFLICT (subject) DO UPDATE SET events = state.events + 1, body = excluded.body",
            (event["subject"], orjson.dumps(event).decode()),
        )
        row = (pp, pos, made["id"], made["branchid"], OUT_TYPE, made["source"], made["subject"], 2,
               made["correlationid"], now, True, orjson.dumps(made).decode())  # fmt: skip
        cursor.execute(f"INSERT INTO log VALUES ({', '.join(['%s'] * 12)})", row)
    return made


if __name__ == "__main__":
    for _ in range(WORKERS):
        _pool.put(psycopg.connect(os.environ["BENCH_DATABASE_URL"], options="-csearch_path=bench"))
    container = ServiceContainer(BenchStock, {"AMQP_URI": os.environ["LOBBY_AMQP_URL"], "max_workers": WORKERS})
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    container.start()
    container.wait()
