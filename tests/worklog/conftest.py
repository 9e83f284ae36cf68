from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.clock import ManualClock
from shared.settings import Settings
from shared.storage import Storage
from tests.support.databases import empty_storage
from tests.worklog.office import Office

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)  # in Shanghai


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time=NOON)


@pytest.fixture
def storage(settings: Settings, clock: ManualClock) -> Iterator[Storage]:
    with empty_storage(settings, "worklog", clock) as storage:
        yield storage


@pytest.fixture
def office(storage: Storage, clock: ManualClock) -> Office:
    return Office(storage, clock)
