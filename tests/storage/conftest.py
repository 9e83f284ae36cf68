from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.clock import ManualClock
from shared.settings import Settings
from shared.storage import Storage
from tests.support.tables import empty_database

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time=NOON)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = request.getfixturevalue("database_url") if request.param == "postgresql" else ""
    return Settings(data_dir=tmp_path, database_url=url)


@pytest.fixture
def storage(settings: Settings, clock: ManualClock) -> Iterator[Storage]:
    empty_database(settings, "triage")
    storage = Storage(settings, "triage", clock=clock)
    yield storage
    storage.close()
