"""Services that do nothing but take part in the bus.

The consumer does with an event what its counter's name says: ``spin`` computes for LOBBY_TEST_SPIN_S
without giving way, ``wait`` gives way for as long, ``die`` ends the process there and then, ``bad`` raises.
LOBBY_TEST_JITTER_S makes each event take its own time; LOBBY_TEST_RAISES names a hook of a dependency that
raises the first time.
"""

import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import eventlet
from nameko.extensions import DependencyProvider

from shared.bus import StorageProvider, on_every_event
from shared.bus.event_handlers import subscriptions_of
from shared.bus.topology import Topology
from shared.contracts.base import View
from shared.contracts.envelope import Event
from shared.contracts.http.operation import Operation
from shared.contracts.http.permissions import EVERYONE
from shared.settings import Settings
from shared.storage import Transaction
from shared.web.entrypoint import http
from shared.web.request_context import Call
from tests.support.bus_service import CONSUMER, DEATH, PRODUCER

SPIN_S = float(os.environ.get("LOBBY_TEST_SPIN_S", "0"))
JITTER_S = float(os.environ.get("LOBBY_TEST_JITTER_S", "0"))
RAISES = os.environ.get("LOBBY_TEST_RAISES")


def react(tx: Transaction, event: Event) -> None:
    match event.data.counter:  # type: ignore[attr-defined]
        case "spin":
            until = time.monotonic() + SPIN_S
            while time.monotonic() < until:
                pass
        case "wait":
            eventlet.sleep(SPIN_S)
        case "die":
            os._exit(DEATH)
        case "bad":
            raise ValueError("cannot")
    if JITTER_S:
        eventlet.sleep(random.uniform(0, JITTER_S))
    tx.append_event(event, own=False)


class Raises(DependencyProvider):
    """A dependency that fails once in a hook: the next process finds a file that says so."""

    def worker_setup(self, worker_ctx: object) -> None:
        self._raise_once("worker_setup")

    def worker_result(self, worker_ctx: object, result: object = None, exc_info: object = None) -> None:
        self._raise_once("worker_result")

    def _raise_once(self, hook: str) -> None:
        done = Path(os.environ["LOBBY_DATA_DIR"]) / f"raised-{hook}"
        if hook == RAISES and not done.exists():
            done.touch()
            raise RuntimeError(f"raised in {hook}")


def there(service: str) -> Operation:
    """So that the process has a socket, and with it /readyz."""
    return Operation(
        name="there", service=service, method="GET", path="/v1/there", summary="there", roles=EVERYONE, response=View
    )


class Producer:
    """Publishes its log."""

    name = PRODUCER
    storage = StorageProvider()

    @http(there(PRODUCER))
    def there(self, call: Call) -> View:
        return View()


class Consumer:
    """Keeps what it handled in its log."""

    name = CONSUMER
    raises = Raises()

    @http(there(CONSUMER))
    def there(self, call: Call) -> View:
        return View()

    @on_every_event
    def keep(self, tx: Transaction, events: Sequence[Event]) -> None:
        for event in events:
            react(tx, event)


CLASSES = {PRODUCER: Producer, CONSUMER: Consumer}


def topology_of(settings: Settings) -> Topology:
    """The queues of these services."""
    subscriptions = {name: subscriptions_of(class_) for name, class_ in CLASSES.items()}
    return Topology(subscriptions=subscriptions, shares=settings.queue_shares)
