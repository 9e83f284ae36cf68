from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.clock import ManualClock
from shared.settings import Settings
from shared.storage import Storage
from tests.incidents.record import Record
from tests.support.databases import empty_storage

MORNING = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # nine o'clock in Shanghai


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time=MORNING)


@pytest.fixture
def storage(settings: Settings, clock: ManualClock) -> Iterator[Storage]:
    with empty_storage(settings, "incidents", clock) as storage:
        yield storage


@pytest.fixture
def record(storage: Storage, clock: ManualClock) -> Record:
    return Record(storage, clock)
