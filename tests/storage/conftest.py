from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.clock import ManualClock
from shared.settings import Settings
from shared.storage import Storage
from tests.support.databases import empty_storage

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time=NOON)


@pytest.fixture
def storage(settings: Settings, clock: ManualClock) -> Iterator[Storage]:
    with empty_storage(settings, "triage", clock) as storage:
        yield storage
