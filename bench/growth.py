"""What a batch costs in a large database beside a small one: worklog's recording and the gateway's intake."""

import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from services.gateway import store, terminals
from services.worklog.handlers import Recording
from services.worklog.store import StoredJournalProjection
from shared.bus.batch_processor import BatchProcessor
from shared.bus.inbox import EventHandler, HandleEvents, Inbox
from shared.bus.message import Message
from shared.clock import ManualClock
from shared.contracts.cloudevents import TerminalEvent
from shared.contracts.envelope import Event
from shared.contracts.events.terminal import TicketRequested
from shared.ids import new_id
from shared.settings import Settings
from shared.storage import Storage, Transaction
from shared.storage.migrate import upgrade
from tests.support import large
from tests.worklog.happened import Happened

AIM = 1.1
SMALL, LARGE, SHORT_LARGE = 10_000, 1_000_000, 100_000
BRANCHES, OF_A_DAY = 50, 100
SERVICES = ("worklog", "gateway")
EVENTS_OF_A_BATCH = 200
EVENTS_OF_A_TICKET = 6
TITLES = {
    "journal": "worklog records a batch of 200",
    "hold": "the gateway holds a batch of 200",
    "post": "POST events",
}

Figures = dict[str, list[float]]
"""Seconds of each batch by what was done in which database: ``journal small``."""


def compare(amqp_url: str, database_url: str, *, short: bool) -> Figures:
    """Do the same in both databases in turn, and return how long it took."""
    rounds, much = (20, SHORT_LARGE) if short else (60, LARGE)
    seconds: Figures = {f"{what} {size}": [] for what in TITLES for size in ("small", "large")}
    with TemporaryDirectory(prefix="lobby-bench-") as name, ExitStack() as stack:
        sizes = {"small": SMALL, "large": much}
        opened = {
            size: stack.enter_context(_filled(database_url, Path(name), f"growth_{size}", count))
            for size, count in sizes.items()
        }
        for number in range(rounds):
            for what, done in _round(number).items():
                for size in ("small", "large") if number % 2 else ("large", "small"):
                    seconds[f"{what} {size}"].append(_timed(done, opened[size]))
    return seconds


def report(seconds: Figures) -> str:
    """Return the lower quartiles, which tell less of what else the machine does than means do, and their ratios."""
    lines = [
        f"Cost in a large database: lower quartiles of {len(seconds['journal small'])} batches in turn; "
        f"a ticket is taken for {EVENTS_OF_A_TICKET} events\n",
        f"  {'':38}{'small ms':>10}{'large ms':>10}{'ms a ticket':>13}{'ratio':>8}",
    ]
    for what, title in TITLES.items():
        small, large_ = (1000 * statistics.quantiles(seconds[f"{what} {size}"])[0] for size in ("small", "large"))
        tickets = 1 if what == "post" else EVENTS_OF_A_BATCH / EVENTS_OF_A_TICKET
        ratio = large_ / small
        lines.append(f"  {title:38}{small:>10.1f}{large_:>10.1f}{large_ / tickets:>13.2f}{ratio:>8.2f}")
    lines.append(f"\n  aim: a ratio of {AIM:g} at the most, 1,000,000 events beside 10,000\n")
    return "\n".join(lines)


Doing = Callable[[dict[str, Storage]], object]


def _timed(done: Doing, storages: dict[str, Storage]) -> float:
    began = time.perf_counter()
    done(storages)
    return time.perf_counter() - began


def _round(number: int) -> dict[str, Doing]:
    """Return what both databases do in a round, with the same events."""
    visits, posted = _visits(number), _posted()
    return {
        "journal": lambda storages: _process(storages["worklog"], visits, _record(storages["worklog"])),
        "hold": lambda storages: _process(storages["gateway"], visits, _hold),
        "post": lambda storages: terminals.accept(storages["gateway"], [posted]),
    }


def _visits(number: int) -> list[Message]:
    """Return a full batch of events of new visits in several branches, as the queue has them."""
    happened = [Happened(large.branch_name(n), at=large.FIRST + timedelta(days=400 + number)) for n in range(8)]
    events = [event for n in range(9) for branch in happened for event in branch.visit(new_id(), waited_s=30.0 + n)]
    return [
        Message(queue="q", body=event.model_copy(update={"id": new_id()}).to_json())
        for event in events[:EVENTS_OF_A_BATCH]
    ]


def _posted() -> TerminalEvent:
    return TerminalEvent(
        specversion="1.0", id=new_id(), source="/terminals/t1", type="lobby.terminal.ticket_requested.v1",
        branchid=large.branch_name(1), data=TicketRequested(business="cash_withdrawal"),
    )  # fmt: skip


def _process(storage: Storage, messages: Sequence[Message], handle: HandleEvents) -> None:
    BatchProcessor(Inbox(storage, EventHandler(handle=handle), stop=threading.Event())).process(messages)


def _record(storage: Storage) -> HandleEvents:
    return lambda tx, events: Recording(StoredJournalProjection(tx), storage.settings.default_timezone).record_all(
        events
    )


def _hold(tx: Transaction, events: Sequence[Event]) -> None:
    store.record_activity(tx.connection, {event.branchid: tx.now for event in events})
    for event in events:
        tx.append_event(event, own=False)


@contextmanager
def _filled(database_url: str, folder: Path, name: str, events: int) -> Iterator[dict[str, Storage]]:
    """Make a database of that many events, and open its services; it's removed at the end."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    settings = Settings(data_dir=folder, database_url=f"{database_url.rpartition('/')[0]}/{name}")
    size = large.Size(events=events, branches=BRANCHES, of_a_day=OF_A_DAY)
    storages: dict[str, Storage] = {}
    try:
        for service in SERVICES:
            began = time.monotonic()
            upgrade(settings, service)
            large.fill_service(settings, service, size)
            storages[service] = Storage(settings, service, clock=ManualClock(time=size.end))
            print(f"growth: {service} has {events:,} events after {time.monotonic() - began:.0f} s", file=sys.stderr)
        yield storages
    finally:
        for storage in storages.values():
            storage.close()
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}"')
