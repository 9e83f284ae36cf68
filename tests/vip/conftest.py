from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.clock import ManualClock
from shared.settings import Settings
from shared.storage import Storage
from tests.support.databases import empty_storage
from tests.vip.lobby import Lobby

MORNING = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # nine o'clock in Shanghai


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time=MORNING)


@pytest.fixture
def storage(settings: Settings, clock: ManualClock) -> Iterator[Storage]:
    with empty_storage(settings, "vip", clock) as storage:
        yield storage


@pytest.fixture
def lobby(storage: Storage, clock: ManualClock) -> Lobby:
    return Lobby(storage, clock)
