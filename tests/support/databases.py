"""A service's storage on each database: the same test runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.clock import Clock, ManualClock

if TYPE_CHECKING:  # every session imports this module, and these take a while
    from shared.settings import Settings
    from shared.storage import Storage

MORNING = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # nine o'clock in Shanghai


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time=MORNING)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> "Settings":
    """Settings of one database after the other; a folder's own fixture of this name wins."""
    from shared.settings import Settings

    url = request.getfixturevalue("database_url") if request.param == "postgresql" else ""
    return Settings(data_dir=tmp_path, database_url=url)


@pytest.fixture
def storage(service_name: str, settings: "Settings", clock: ManualClock) -> "Iterator[Storage]":
    """An empty database of the service that a folder's fixture ``service_name`` names."""
    with empty_storage(settings, service_name, clock) as storage:
        yield storage


@contextmanager
def empty_storage(settings: "Settings", service: str, clock: Clock) -> "Iterator[Storage]":
    """Open a service's storage, migrated and empty."""
    from shared.storage.storage import declared_storage
    from tests.support.folds import FoldCheck
    from tests.support.tables import empty_database

    empty_database(settings, service)
    storage = declared_storage(settings, service, clock)
    check = FoldCheck(storage) if storage.keeps_states else None
    try:
        yield storage
        if check is not None:
            check.finish()
    finally:
        storage.close()
