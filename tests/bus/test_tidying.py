"""What only grows is forgotten: answers to requests, and which events were handled."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from shared.bus import database as database_module
from shared.bus.database import Database
from shared.clock import SystemClock
from shared.settings import Settings
from shared.storage import Storage
from shared.storage.tables import idempotency, inbox
from tests.support.one_service import one_service
from tests.support.processes import wait_until
from tests.support.tables import empty_database

LONG_AGO = datetime.now(UTC) - timedelta(days=40)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    settings = Settings(data_dir=tmp_path)
    empty_database(settings, "triage")
    storage = Storage(settings, "triage", clock=SystemClock())
    with storage.transaction() as tx:
        for at, name in ((LONG_AGO, "old"), (tx.now, "new")):
            tx.connection.execute(insert(inbox).values(event_id=name, at=at))
            answer = {"actor": "a", "key": name, "fingerprint": "f", "body": None, "at": at}
            tx.connection.execute(insert(idempotency).values(answer))
    yield storage
    storage.close()


def left(storage: Storage) -> tuple[int, int]:
    with storage.read() as connection:
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in (idempotency, inbox)]
    return counts[0] or 0, counts[1] or 0


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, (1, 2)),
        ({"amqp_url": "amqp://nowhere"}, (1, 1)),
        ({"clock": "1999-02-01T06:30:00+02:00@2000@2026-11-24T08:00:00Z"}, (2, 2)),
    ],
    ids=["embedded keeps the inbox", "with a broker both", "a scaled clock keeps both"],
)
def test_a_running_service_forgets_what_is_old(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: tuple[int, int]
) -> None:
    monkeypatch.setattr(database_module, "TIDY_INTERVAL_S", 0.01)
    database = Database()
    database.settings = Settings(data_dir=storage.settings.data_dir, **variables)
    database.storage, database._stop = storage, threading.Event()
    thread = threading.Thread(target=database._tidy)
    thread.start()
    try:
        if variables.get("clock"):
            thread.join(10)
            assert not thread.is_alive()
        wait_until(lambda: left(storage) == expected, within_s=10, what="the old rows to be forgotten")
    finally:
        database._stop.set()
        thread.join(10)
    assert left(storage) == expected


def test_the_embedded_inbox_forgets_when_it_has_caught_up(storage: Storage, tmp_path: Path) -> None:
    with one_service("triage", tmp_path):
        wait_until(lambda: left(storage) == (2, 1), within_s=10, what="the old row to be forgotten")
