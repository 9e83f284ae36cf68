from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.clock import ManualClock
from shared.settings import Settings
from shared.storage import Storage
from shared.storage.migrate import upgrade
from tests.incidents.record import Record

MORNING = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # nine o'clock in Shanghai


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time=MORNING)


@pytest.fixture
def storage(tmp_path: Path, clock: ManualClock) -> Iterator[Storage]:
    settings = Settings(data_dir=tmp_path)
    upgrade(settings, "incidents")
    storage = Storage(settings, "incidents", clock=clock)
    yield storage
    storage.close()


@pytest.fixture
def record(storage: Storage, clock: ManualClock) -> Record:
    return Record(storage, clock)
