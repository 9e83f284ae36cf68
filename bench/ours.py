"""Contender: our Entrypoint, log and relay, in the process that ``lobby serve`` would run."""

# ruff: noqa: E402 - the patch comes before everything that opens sockets
from shared.bus.eventlet_patch import patch

patch()

from collections.abc import Sequence

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

from bench.work import IN, OUT
from shared import logs
from shared.bus.database import Database, StorageProvider
from shared.bus.inbox import EventHandler, one_by_one
from shared.bus.process import run_until_signalled
from shared.bus.publisher import Publisher, open_publisher
from shared.bus.queue_readers import MessageBatch, OnQueue
from shared.bus.topology import Topology
from shared.contracts import catalog
from shared.contracts.envelope import Event
from shared.contracts.events import triage
from shared.settings import load_settings
from shared.storage import Storage, Transaction
from shared.storage.bulk import insert_document, write

state = Table(
    "state",
    MetaData(),
    Column("subject", String(128), primary_key=True),
    Column("events", Integer, nullable=False),
    Column("body", Text, nullable=False),
)
_INSERT = insert_document(state)
UPSERT = _INSERT.on_conflict_do_update(
    index_elements=["subject"], set_={"events": state.c.events + 1, "body": _INSERT.excluded.body}
)


NO_EVENTS = Topology(subscriptions={}, shares=1)


class BenchDatabase(Database):
    """Publishes to the measured queue only."""

    def open_publisher(self) -> Publisher:
        """Declare what the run uses, not the whole system."""
        return open_publisher(self.settings.amqp_url, [OUT])


class BenchStorage(StorageProvider):
    """The storage with that relay."""

    database = BenchDatabase()


class OnBenchQueue(OnQueue):
    """Reads the measured queue."""

    database = BenchDatabase()


class BenchService:
    """One event handler: an event in, a state row and an event out."""

    name = "bench"
    storage: Storage = BenchStorage()

    @OnBenchQueue.decorator(IN)
    def on_events(self, batch: MessageBatch) -> None:
        """Handle a batch."""
        batch.process(EventHandler(handle=_handle))


def _handle(tx: Transaction, events: Sequence[Event]) -> None:
    rows = [{"subject": e.subject, "events": 1, "body": e.to_json().decode()} for e in events]
    write(tx.connection, UPSERT, rows)
    one_by_one(_handle_one)(tx, events)


def _handle_one(tx: Transaction, event: Event) -> None:
    data = triage.CounterClosed(counter=event.data.counter)  # type: ignore[attr-defined]
    tx.append(event.branchid, event.subject, data, correlation=event.correlationid, sequence=2)


def main() -> None:
    """Run until told to end."""
    assert catalog
    settings = load_settings()
    logs.configure(settings)
    run_until_signalled(settings, [BenchService], NO_EVENTS, on_ready=lambda: None, while_running=lambda: None)


if __name__ == "__main__":
    main()
