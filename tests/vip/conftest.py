import pytest

from shared.clock import ManualClock
from shared.storage import Storage
from tests.vip.lobby import Lobby


@pytest.fixture
def service_name() -> str:
    return "vip"


@pytest.fixture
def lobby(storage: Storage, clock: ManualClock) -> Lobby:
    return Lobby(storage, clock)
