"""The hop of an event beside stock nameko and beside a script without a framework."""

import statistics
import sys

from kombu import Connection

from bench import work
from bench.child import running
from shared.bus.connection import declare
from shared.settings import Settings
from shared.storage.migrate import upgrade

AIM_STOCK, AIM_HAND = 7.0, 1.1
STOCK_QUEUE = "evt-bench-source-requested--bench_stock.handle"
STOCK_EXCHANGE = "bench_stock.events"
STOCK_SOURCE_EXCHANGE = "bench-source.events"


def compare(amqp_url: str, database_url: str, *, short: bool) -> dict[str, list[float]]:
    """Measure each contender in turn, round by round; return their rates in events/s."""
    rounds, many, few = (2, 6000, 1200) if short else (5, 20_000, 4000)
    prepare(amqp_url, database_url)
    rates: dict[str, list[float]] = {"stock": [], "hand": [], "ours": [], "plain_amqp": []}
    for number in range(rounds):
        for name, count in (("stock", few), ("hand", many), ("ours", many), ("plain_amqp", many)):
            rates[name].append(measure(name, count, amqp_url, database_url))
            print(f"round {number + 1} of {rounds}: {name} {rates[name][-1]:,.0f} events/s", file=sys.stderr)
    return rates


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
        "LOBBY_AMQP_URL": amqp_url, "LOBBY_DATABASE_URL": database_url, "BENCH_DATABASE_URL": database_url,
        "LOBBY_LOG_LEVEL": "warning",
    }  # fmt: skip
    with running(f"bench.{name}", **environment):
        return work.rate(amqp_url, work.OUT.name, count)


def report(rates: dict[str, list[float]]) -> str:
    """Return the medians and the ratios, for people."""
    medians, rounds = {name: statistics.median(values) for name, values in rates.items()}, len(rates["ours"])
    return f"""The hop: consume, one transaction (inbox, log, state), confirmed publish; medians of {rounds} rounds

  ours (nameko Entrypoint, batches)            {medians["ours"]:>8,.0f} events/s
  ours on py-amqp's own socket                 {medians["plain_amqp"]:>8,.0f} events/s
  (a) stock nameko event_handler               {medians["stock"]:>8,.0f} events/s
  (b) script without a framework, batches      {medians["hand"]:>8,.0f} events/s

  ours / (a)  {medians["ours"] / medians["stock"]:.2f}  (aim: at least {AIM_STOCK:g})
  ours / (b)  {medians["ours"] / medians["hand"]:.2f}  (aim: at least {AIM_HAND:g})
  on py-amqp's own socket / (b)  {medians["plain_amqp"] / medians["hand"]:.2f}
"""
