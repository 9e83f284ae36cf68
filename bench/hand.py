"""Baseline (b): a script without a framework, in batches of 200 on quorum queues, confirms pipelined."""

import os
import signal
import sys
from datetime import UTC, datetime

import amqp
import orjson
import psycopg
from kombu import Connection

from bench.work import IN, OUT_TYPE
from shared.bus.topology import INTERNAL, routing_key
from shared.contracts.envelope import STRUCTURED
from shared.ids import new_id, partition_of

BATCH = 200


def main() -> None:
    """Run until told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    database = psycopg.connect(os.environ["BENCH_DATABASE_URL"], options="-csearch_path=bench")
    with Connection(os.environ["LOBBY_AMQP_URL"]) as connection:
        arrived: list[amqp.Message] = []
        channel = connection.channel()
        channel.basic_qos(0, 2 * BATCH, False)
        channel.basic_consume(IN.name, callback=arrived.append)
        out = connection.channel()
        confirmed = [0]
        out.events["basic_ack"].add(lambda tag, multiple: confirmed.__setitem__(0, max(confirmed[0], tag)))
        out.confirm_select()
        sent = 0
        while True:
            while len(arrived) < BATCH:
                try:
                    connection.drain_events(timeout=0.01 if arrived else 1)
                except TimeoutError:
                    if arrived:
                        break
            batch, rest = arrived[:BATCH], arrived[BATCH:]
            arrived[:] = rest
            if not batch:
                continue
            published = _handle(database, batch)
            for key, id_, body in published:
                message = amqp.Message(body, content_type=STRUCTURED, delivery_mode=2, message_id=id_)
                out.basic_publish(message, exchange=INTERNAL, routing_key=key, mandatory=True)
                sent += 1
            while confirmed[0] < sent:
                connection.drain_events(timeout=5)
            channel.basic_ack(batch[-1].delivery_tag, multiple=True)


def _handle(database: psycopg.Connection, batch: list[amqp.Message]) -> list[tuple[str, str, bytes]]:
    events = [orjson.loads(message.body) for message in batch]
    now = datetime.now(UTC)
    published = []
    with database.transaction(), database.cursor() as cursor:
        partitions = sorted({partition_of(event["branchid"]) for event in events})
        query = "SELECT pp, pos FROM log_head WHERE pp = ANY(%s) ORDER BY pp FOR UPDATE"
        heads = dict(cursor.execute(query, (partitions,)).fetchall())
        cursor.executemany(
            "INSERT INTO inbox (event_id, at) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [(event["id"], now) for event in events],
        )
        cursor.executemany(
            "INSERT INTO state (subject, events, body) VALUES (%s, 1, %s) "
            "ON CONFLICT (subject) DO UPDATE SET events = state.events + 1, body = excluded.body",
            [(event["subject"], message.body) for event, message in zip(events, batch, strict=True)],
        )
        rows = []
        for event in events:
            pp = partition_of(event["branchid"])
            heads[pp] += 1
            made = {
                **event, "id": new_id(), "type": OUT_TYPE, "sequence": "2", "causationid": event["id"],
                "time": now, "recordedtime": now, "data": {"counter": event["data"]["counter"]},
            }  # fmt: skip
            body = orjson.dumps(made)
            rows.append(
                (pp, heads[pp], made["id"], made["branchid"], OUT_TYPE, made["source"], made["subject"], 2,
                 made["correlationid"], now, True, body.decode())
            )  # fmt: skip
            published.append((routing_key(made["branchid"], OUT_TYPE), made["id"], body))
        cursor.executemany(f"INSERT INTO log VALUES ({', '.join(['%s'] * 12)})", rows)
        cursor.executemany("UPDATE log_head SET pos = %s WHERE pp = %s", [(pos, pp) for pp, pos in heads.items()])
    return published


if __name__ == "__main__":
    main()
