"""``python -m bench``: the hop of an event beside stock nameko and beside a script without a framework."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from kombu import Connection

from bench import work
from shared.bus.connection import declare
from shared.settings import Settings
from shared.storage.migrate import upgrade
from tests.support.postgres import Database
from tests.support.rabbitmq import Broker
from tests.support.reaper import Reaper

AIM_STOCK, AIM_HAND = 4.0, 0.85
STOCK_QUEUE = "evt-bench-source-requested--bench_stock.handle"
STOCK_EXCHANGE = "bench_stock.events"
STOCK_SOURCE_EXCHANGE = "bench-source.events"


def main() -> None:
    """Measure, print, exit 0: a figure is not a test."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer events and rounds, for CI")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    rounds, many, few = (2, 6000, 1200) if options.short else (5, 20_000, 4000)
    with servers() as (amqp_url, database_url):
        prepare(amqp_url, database_url)
        rates: dict[str, list[float]] = {"stock": [], "hand": [], "ours": []}
        for number in range(rounds):
            for name, count in (("stock", few), ("hand", many), ("ours", many)):
                rates[name].append(measure(name, count, amqp_url, database_url))
                print(f"round {number + 1} of {rounds}: {name} {rates[name][-1]:,.0f} events/s", file=sys.stderr)
    report({name: statistics.median(values) for name, values in rates.items()}, rates, many, few, options.json)


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """Start a broker and a durable database of our own: the same for every contender."""
    reaper = Reaper()
    broker, database = Broker(reaper), Database(reaper, durable=True)
    try:
        broker.start()
        database.start()
        yield broker.url(), database.url()
    finally:
        broker.close()
        database.close()
        reaper.close()


def prepare(amqp_url: str, database_url: str) -> None:
    """Create the tables, and the queues of every contender."""
    upgrade(Settings(database_url=database_url), work.SCHEMA)
    with Connection(amqp_url) as connection:
        declare(connection, [work.IN, work.OUT])
        channel = connection.channel()
        for exchange in (STOCK_EXCHANGE, STOCK_SOURCE_EXCHANGE):
            channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
        channel.queue_declare(STOCK_QUEUE, durable=True, exclusive=False, auto_delete=False)
        channel.queue_bind(STOCK_QUEUE, STOCK_SOURCE_EXCHANGE, "requested")
        channel.queue_bind(work.OUT.name, STOCK_EXCHANGE, work.OUT_TYPE)


def measure(name: str, count: int, amqp_url: str, database_url: str) -> float:
    """Fill the contender's queue, run it, and return its rate in events/s."""
    work.empty_tables(database_url)
    queue = STOCK_QUEUE if name == "stock" else work.IN.name
    with Connection(amqp_url) as connection:
        channel = connection.channel()
        for old in (queue, work.OUT.name):
            channel.queue_purge(old)
    content_type = "application/json" if name == "stock" else work.STRUCTURED
    work.fill(amqp_url, queue, work.make_input(count), content_type)
    environment = {
        **os.environ, "LOBBY_AMQP_URL": amqp_url, "LOBBY_DATABASE_URL": database_url,
        "BENCH_DATABASE_URL": database_url, "LOBBY_LOG_LEVEL": "warning",
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", f"bench.{name}"], env=environment)
    try:
        return work.rate(amqp_url, work.OUT.name, count)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def report(medians: dict[str, float], rates: dict[str, list[float]], many: int, few: int, as_json: bool) -> None:
    """Print the medians and the ratios."""
    to_stock, to_hand = medians["ours"] / medians["stock"], medians["ours"] / medians["hand"]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("nameko", "kombu", "amqp", "psycopg", "SQLAlchemy"))
    if as_json:
        figures = {"medians": medians, "rounds": rates, "to_stock": to_stock, "to_hand": to_hand, "machine": machine}
        print(json.dumps(figures, indent=2))
        return
    print(f"\nThe hop: consume, one transaction (inbox, log, state), confirmed publish.  {machine}\n{libraries}")
    print(f"RabbitMQ and PostgreSQL (fsync on) on this machine; {many:,} events a round, stock {few:,}; medians\n")
    print(f"  ours (nameko Entrypoint, batches)            {medians['ours']:>8,.0f} events/s")
    print(f"  (a) stock nameko event_handler               {medians['stock']:>8,.0f} events/s")
    print(f"  (b) script without a framework, batches      {medians['hand']:>8,.0f} events/s")
    print(f"\n  ours / (a)  {to_stock:.2f}  (aim: at least {AIM_STOCK:g})")
    print(f"  ours / (b)  {to_hand:.2f}  (aim: at least {AIM_HAND:g})")


if __name__ == "__main__":
    main()
