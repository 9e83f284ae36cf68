"""``python -m bench``: measurements, each beside its baseline, on servers of their own."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TypeVar

from bench import calls, cost, growth, hop, latency, state, streams, turns
from tests.support.postgres import Database
from tests.support.processes import Unavailable
from tests.support.rabbitmq import Broker
from tests.support.reaper import Reaper
from tests.support.servers import install

LIBRARIES = ("nameko", "kombu", "amqp", "psycopg", "SQLAlchemy")
WHAT = {
    "hop": hop, "calls": calls, "latency": latency, "growth": growth, "streams": streams, "turns": turns,
    "state": state, "cost": cost,
}  # fmt: skip

Server = TypeVar("Server", Broker, Database)


def main() -> None:
    """Measure, print, exit 0: a figure is not a test."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"of {', '.join(WHAT)}; all, where none is named")
    parser.add_argument("--short", action="store_true", help="fewer events and rounds, for CI")
    parser.add_argument("--json", action="store_true", help="print the figures of every round as JSON")
    options = parser.parse_args()
    if unknown := set(options.what) - set(WHAT):
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(WHAT)}")
    measured = {}
    try:
        for name in options.what or WHAT:  # each on servers of its own: none has what another one left to be handled
            with servers() as (amqp_url, database_url):
                measured[name] = WHAT[name].compare(amqp_url, database_url, short=options.short)
    except Unavailable as error:
        sys.exit(f"bench needs RabbitMQ and PostgreSQL on this machine: {error}")
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    if options.json:
        print(json.dumps({"machine": machine, **measured}, indent=2))
        return
    print(f"\n{machine}; {', '.join(f'{name} {version(name)}' for name in LIBRARIES)}")
    print("RabbitMQ and PostgreSQL (fsync on) on this machine\n")
    for name, figures in measured.items():
        print(WHAT[name].report(figures))


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """Start a broker and a durable database of our own: the same for every contender."""
    reaper = Reaper()
    broker = _on_this_machine("rabbitmq-server", lambda: Broker(reaper))
    database = _on_this_machine("postgresql", lambda: Database(reaper, durable=True))
    try:
        broker.start()
        database.start()
        yield broker.url(), database.url()
    finally:
        broker.close()
        database.close()
        reaper.close()


def _on_this_machine(package: str, server: Callable[[], Server]) -> Server:
    try:
        return server()
    except Unavailable:
        install(package)
        return server()


if __name__ == "__main__":
    main()
