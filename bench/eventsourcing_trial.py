"""``python -m bench.eventsourcing_trial``: our log beside the recorder of the package ``eventsourcing``.

Not a dependency: ``pip install 'eventsourcing[postgres]'`` in a throw-away environment that has the
project. Both write to one durable PostgreSQL, ours CloudEvents of about 415 bytes, theirs 300 bytes
and a row's ids, with one event a transaction and with 50, from one writer and from several.
"""

import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from uuid import uuid4

import psycopg

from shared.clock import SystemClock
from shared.contracts.events.triage import CounterClosed
from shared.settings import Settings
from shared.storage import Storage
from shared.storage.migrate import upgrade
from tests.support.postgres import Database
from tests.support.reaper import Reaper

SECONDS = 4.0
WRITERS = 4
BODY = b"x" * 300
Write = Callable[[int], None]


def rate(write: Write, size: int, writers: int) -> float:
    """Return events/s of so many writers that each commit ``size`` events at a time."""
    until = time.monotonic() + SECONDS
    counts = [0] * writers

    def run(number: int) -> None:
        while time.monotonic() < until:
            write(size)
            counts[number] += size

    threads = [threading.Thread(target=run, args=(number,)) for number in range(writers)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)


def ours(database: Database) -> Write:
    """Inbox, log and a state row in one transaction; each commit is another branch's."""
    settings = Settings(database_url=database.url())
    upgrade(settings, "bench")
    storage = Storage(settings, "bench", clock=SystemClock())
    with psycopg.connect(database.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE bench.state (subject varchar(128) PRIMARY KEY, events int NOT NULL)")

    def write(size: int) -> None:
        subject = str(uuid4())
        with storage.transaction(subject[:8]) as tx:
            tx.receive([f"{subject}-{number}" for number in range(size)])
            for number in range(size):
                data = CounterClosed(counter=str(number))
                tx.append(subject[:8], subject, data, correlation=subject, sequence=number + 1)
            insert = "INSERT INTO state VALUES (%(subject)s, %(events)s)"
            tx.connection.exec_driver_sql(insert, {"subject": subject, "events": size})

    return write


def theirs(database: Database) -> Write:
    """The process recorder's events and its tracking record: its own transaction, no state of ours in it."""
    from eventsourcing.persistence import StoredEvent, Tracking  # type: ignore[import-not-found]
    from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder  # type: ignore[import-not-found]

    store = PostgresDatastore("postgres", "127.0.0.1", database.port, "lobby", "", pool_size=WRITERS, max_overflow=4)
    recorder = PostgresProcessRecorder(store, events_table_name="es_events", tracking_table_name="es_tracking")
    recorder.create_table()
    lock, position = threading.Lock(), [0]

    def write(size: int) -> None:
        subject = uuid4()
        events = [StoredEvent(subject, number + 1, "topic", BODY) for number in range(size)]
        with lock:  # a notification may be tracked once only, in rising order
            position[0] += 1
            tracking = Tracking(f"upstream-{subject}", position[0])
        recorder.insert_events(events, tracking=tracking)

    return write


def main() -> None:
    """Measure both, one after the other, and print."""
    if find_spec("eventsourcing") is None:
        raise SystemExit("The trial needs a package that Lobby doesn't: pip install 'eventsourcing[postgres]'")
    reaper = Reaper()
    database = Database(reaper, durable=True)
    try:
        database.start()
        contenders = {
            "ours (inbox + log + state)": ours(database),
            "eventsourcing (tracking + events)": theirs(database),
        }
        print(f"{'':36}{'1 event':>12}{'50 events':>12}{'4 writers':>12}{'4 × 50':>12}   events/s")
        for name, write in contenders.items():
            figures = [rate(write, size, writers) for writers in (1, WRITERS) for size in (1, 50)]
            print(f"{name:36}" + "".join(f"{figure:>12,.0f}" for figure in figures))
    finally:
        database.close()
        reaper.close()


if __name__ == "__main__":
    main()
