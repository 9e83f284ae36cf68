import pytest

from shared.clock import ManualClock
from shared.storage import Storage
from tests.incidents.record import Record


@pytest.fixture
def service_name() -> str:
    return "incidents"


@pytest.fixture
def record(storage: Storage, clock: ManualClock) -> Record:
    return Record(storage, clock)
