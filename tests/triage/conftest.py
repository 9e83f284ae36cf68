from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.clock import ManualClock
from shared.settings import Settings
from shared.storage import Storage
from tests.support.databases import empty_storage
from tests.triage.lobby import Lobby


@pytest.fixture
def service_name() -> str:
    return "triage"


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str:
    """Where a lobby's state is kept; a module's own fixture of this name wins."""
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def settings(request: pytest.FixtureRequest, place: str, tmp_path: Path) -> Settings:
    url = request.getfixturevalue("database_url") if place == "postgresql" else ""
    return Settings(data_dir=tmp_path, database_url=url)


@pytest.fixture
def storage(place: str, settings: Settings, clock: ManualClock) -> Iterator[Storage]:
    with empty_storage(settings, "triage", clock) as storage:
        yield storage


@pytest.fixture
def lobby(storage: Storage, clock: ManualClock) -> Lobby:
    return Lobby(storage, clock)
